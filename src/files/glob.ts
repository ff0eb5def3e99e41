/** Patterns for names: `*` and `?` within a name, `[a-z]`, `{a,b}`, and `**` over folders. Takes time in proportion, whatever the pattern. */
import { PortholeError } from "../errors.js";

type Step =
  | { readonly kind: "one"; readonly takes: (character: string) => boolean }
  | { readonly kind: "many"; readonly folders: boolean }
  /** So many steps after it may be left out. */
  | { readonly kind: "maybe"; readonly steps: number };

/** More than anybody writes; `{a,b}{a,b}...` doubles with each. */
const MOST_ALTERNATIVES = 1000;

/**
 * A test for names. A pattern with a slash is for the whole path, one without for its last name.
 * Letters match in their own case.
 * @throws PortholeError `usage` for a pattern that has too many alternatives
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const whole = pattern.includes("/");
  const plain = pattern.replace(/^\.?\//, "");
  const alternatives = expandBraces(plain).map(stepsOf);
  return (path) => {
    const subject = whole ? path.replace(/^\.?\//, "") : (path.split("/").at(-1) ?? "");
    const characters = Array.from(subject);
    return alternatives.some((steps) => matches(steps, characters));
  };
}

/** A test for names as a search has it: by pattern where the words are one, else by what a name holds, in any case. */
export function nameMatcher(words: string): (path: string) => boolean {
  return /[*?[{]/.test(words) ? globMatcher(words) : holding(words);
}

/** A test for texts that hold all of the words, in any case. */
export function holding(words: string): (text: string) => boolean {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return (text) => {
    const subject = text.toLowerCase();
    return wanted.every((word) => subject.includes(word));
  };
}

/** All states at once: no pattern makes it try again and again. */
function matches(steps: readonly Step[], characters: readonly string[]): boolean {
  let states = closure(new Set([0]), steps);
  for (const character of characters) {
    const next = new Set<number>();
    for (const state of states) {
      const step = steps[state];
      if (step === undefined || step.kind === "maybe") continue;
      if (step.kind === "many") {
        if (step.folders || character !== "/") next.add(state);
      } else if (step.takes(character)) next.add(state + 1);
    }
    if (next.size === 0) return false;
    states = closure(next, steps);
  }
  return states.has(steps.length);
}

function closure(states: Set<number>, steps: readonly Step[]): Set<number> {
  // A set grows while it is walked through, and the new ones come in their turn.
  for (const state of states) {
    const step = steps[state];
    if (step !== undefined && step.kind !== "one") states.add(state + 1);
    if (step?.kind === "maybe") states.add(state + 1 + step.steps);
  }
  return states;
}

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = [];
  for (const [token] of pattern.matchAll(/\*\*\/?|\*|\?|\[[!^]?\]?[^\]]*\]|\\.|./gsu)) {
    if (token === "**/") {
      // Any number of folders, none as well.
      steps.push({ kind: "maybe", steps: 2 }, { kind: "many", folders: true });
      steps.push({ kind: "one", takes: (character) => character === "/" });
    } else if (token.startsWith("*")) steps.push({ kind: "many", folders: token === "**" });
    else if (token === "?") steps.push({ kind: "one", takes: (character) => character !== "/" });
    else if (token.length > 1 && token.startsWith("[")) steps.push({ kind: "one", takes: classOf(token) });
    else {
      const wanted = token.length > 1 && token.startsWith("\\") ? token.slice(1) : token;
      steps.push({ kind: "one", takes: (character) => character === wanted });
    }
  }
  return steps;
}

function classOf(token: string): (character: string) => boolean {
  const inner = token.slice(1, -1);
  const negated = /^[!^]/.test(inner);
  const members = Array.from(negated ? inner.slice(1) : inner);
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at++) {
    const first = members[at] ?? "";
    const last = members[at + 2];
    if (members[at + 1] === "-" && last !== undefined) {
      ranges.push([first, last]);
      at += 2;
    } else ranges.push([first, first]);
  }
  return (character) =>
    character !== "/" && ranges.some(([from, to]) => from <= character && character <= to) !== negated;
}

function expandBraces(pattern: string): string[] {
  let open = [pattern];
  for (;;) {
    const next = open.flatMap((text) => {
      const [all, inner] = /\{([^{}]*,[^{}]*)\}/.exec(text) ?? [];
      if (all === undefined || inner === undefined) return [text];
      const at = text.indexOf(all);
      return inner.split(",").map((one) => text.slice(0, at) + one + text.slice(at + all.length));
    });
    if (next.length > MOST_ALTERNATIVES) {
      throw new PortholeError("usage", `the pattern '${pattern}' has too many alternatives`);
    }
    if (next.length === open.length && next.every((text, at) => text === open[at])) return open;
    open = next;
  }
}
