/** What is waited for in a conversation: a text, or a regular expression that cannot run away. */
import { createContext, Script } from "node:vm";
import { PortholeError } from "../errors.js";

export type Pattern = string | RegExp;

export interface Match {
  /** Where it begins. */
  readonly at: number;
  /** What was found; for a regular expression all of its match. */
  readonly text: string;
  /** A regular expression's groups, from 1. */
  readonly groups: readonly (string | undefined)[];
}

/** Milliseconds for one regular expression over one window: some patterns take years on some texts. */
const LONGEST_MATCHING = 1000;

/** Texts as people write them on a command line: `/login:|user:/i` is a regular expression, all else a text. */
export function parsePattern(written: string): Pattern {
  const [, body, flags = ""] = /^\/(.+)\/([a-z]*)$/s.exec(written) ?? [];
  if (body === undefined) {
    if (written === "") throw new PortholeError("usage", "an empty text is always there: wait for something");
    return written;
  }
  try {
    return new RegExp(body, flags.replace(/[gy]/g, ""));
  } catch (thrown) {
    throw new PortholeError("usage", `${written} is no regular expression`, {
      hint: "a text between slashes is one; without them it is looked for as it stands",
      cause: thrown,
    });
  }
}

/** As messages name it. */
export function shownPattern(pattern: Pattern): string {
  return typeof pattern === "string" ? `'${pattern}'` : String(pattern);
}

/** @throws PortholeError `usage` when a regular expression takes too long */
export function findPattern(pattern: Pattern, text: string): Match | undefined {
  if (typeof pattern === "string") {
    const at = text.indexOf(pattern);
    return at < 0 ? undefined : { at, text: pattern, groups: [] };
  }
  const found = execute(pattern, text);
  return found === null ? undefined : { at: found.index, text: found[0], groups: found.slice(1) };
}

let room: { readonly script: Script; readonly context: { pattern: RegExp; text: string } } | undefined;

/** Only a script can be stopped while it matches; so the matching is one. */
function execute(pattern: RegExp, text: string): RegExpExecArray | null {
  room ??= { script: new Script("pattern.exec(text)"), context: { pattern, text } };
  const { script, context } = room;
  context.pattern = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  context.text = text;
  try {
    const found: RegExpExecArray | null = script.runInContext(createContext(context), {
      timeout: LONGEST_MATCHING,
    });
    return found;
  } catch (thrown) {
    throw new PortholeError("usage", `${String(pattern)} takes too long`, {
      hint: "repetitions within repetitions, as in (a+)+, try every way to share the text among them",
      cause: thrown,
    });
  } finally {
    context.text = "";
  }
}
