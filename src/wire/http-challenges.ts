/** What a 401 or a 407 offers to log in by (RFC 9110, 11.6.1 and 11.7.1): schemes, each with its parameters. */
import type { Field } from "./http-head.js";

export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case; of two with one name the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** More than these are not read. */
const MOST_CHALLENGES = 20;

/**
 * The challenges of all headers of that name, in order. What is malformed is passed over.
 * @param name in lower case; a proxy's is `proxy-authenticate`
 */
export function challengesOf(fields: readonly Field[], name = "www-authenticate"): Challenge[] {
  return fields
    .filter(([known]) => known.toLowerCase() === name)
    .flatMap(([, value]) => parseChallenges(value))
    .slice(0, MOST_CHALLENGES);
}

// A parameter, or a scheme's name with the token68 that may follow it; a comma may stand before either.
const PARAMETER = /^[\s,]*([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))(?=[\s,]|$)/;
const SCHEME = /^[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:[ \t]+[\w.~+/-]+=*(?=[ \t]*(?:,|$)))?(?=[\s,]|$)/;

function parseChallenges(value: string): Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = value;
  while (rest.trim() !== "") {
    const parameter = PARAMETER.exec(rest);
    const current = found.at(-1);
    if (parameter !== null && current !== undefined) {
      const [all, name = "", quoted, bare = ""] = parameter;
      const key = name.toLowerCase();
      if (!current.parameters.has(key)) {
        current.parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? bare);
      }
      rest = rest.slice(all.length);
      continue;
    }
    const scheme = SCHEME.exec(rest);
    if (scheme === null) break;
    found.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: new Map() });
    rest = rest.slice(scheme[0].length);
  }
  return found;
}

/** `name=value, name="value"` without a scheme: Authentication-Info. */
export function parametersOf(value: string): ReadonlyMap<string, string> {
  return parseChallenges(`x ${value}`)[0]?.parameters ?? new Map();
}
