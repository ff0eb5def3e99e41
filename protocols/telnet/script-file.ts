/**
 * A conversation written down as YAML, with branches:
 *
 *     - expect: "login:"
 *       send: keeper
 *     - expect:
 *         "Password:":
 *           - send: light
 *         /denied/i:
 *           - fail: the login was refused
 *     - send: show log
 *       expect:
 *         "--More--":
 *           - keys: " "
 *             again: true
 *         "harbour$":
 *       as: log
 *
 * A step does what its keys say in the order in which they stand.
 */
import { isLocalFailure, localError, messageOf, PortholeError } from "../../src/errors.js";
import type { Conversation } from "../../src/net/conversation.js";
import { type Pattern, parsePattern, shownPattern } from "../../src/net/pattern.js";
import type { JsonObject } from "../../src/plugin.js";

/** One of what may come, and what is done then. */
interface Branch {
  readonly pattern: Pattern;
  readonly steps: readonly ScriptStep[];
}

/** What a step does, in the order in which its keys stand. */
type Action =
  /** With a line end. */
  | { readonly kind: "send"; readonly text: string }
  /** As it stands. */
  | { readonly kind: "keys"; readonly text: string }
  | { readonly kind: "expect"; readonly branches: readonly Branch[] }
  | { readonly kind: "fail"; readonly text: string };

export interface ScriptStep {
  readonly actions: readonly Action[];
  /** Under this name the text before what was expected is given back. */
  readonly as?: string;
  /** Milliseconds for `expect`. */
  readonly timeout?: number;
  /** Waits once more for what the step expects that this one is a branch of. */
  readonly again: boolean;
}

const FACTS: ReadonlySet<string> = new Set(["as", "timeout", "again"]);
/** Octets. */
const LONGEST_SCRIPT = 1024 * 1024;
/** Steps within branches within branches. */
const DEEPEST = 20;
/** How often `again` waits for the same. */
const MOST_ROUNDS = 100_000;
/** Characters that one name keeps. */
const MOST_KEPT = 16 * 1024 * 1024;

/** The text of a script. @throws PortholeError `usage` for one that is too long, `local` for a file that cannot be read */
export async function readScript(body: AsyncIterable<Uint8Array | string>, file: string): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of body) {
      size += piece.length;
      if (size > LONGEST_SCRIPT) {
        throw new PortholeError("usage", `${file}: a script holds ${LONGEST_SCRIPT} octets at most`);
      }
      pieces.push(Buffer.from(piece));
    }
  } catch (thrown) {
    throw isLocalFailure(thrown) ? localError(thrown, file) : thrown;
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** @throws PortholeError `usage` that names the place: `step 2` */
export async function parseScript(text: string, file: string): Promise<readonly ScriptStep[]> {
  // Bundled, the package has a default alone: it is CommonJS.
  const { default: yaml } = await import("yaml");
  let read: unknown;
  try {
    // Merge keys and aliases are not for scripts: a few lines of them can stand for millions.
    read = yaml.parse(text, { maxAliasCount: 0 });
  } catch (thrown) {
    // What follows the first line draws the place.
    const [why = ""] = messageOf(thrown).split("\n");
    throw new PortholeError("usage", `${file} is no YAML: ${why.replace(/:$/, "")}`, { cause: thrown });
  }
  return stepsIn(read, file, "", 0);
}

function stepsIn(read: unknown, file: string, within: string, depth: number): ScriptStep[] {
  if (depth > DEEPEST) throw wrong(file, within, `branches lie more than ${DEEPEST} deep`);
  if (read === null || read === undefined) return [];
  if (!Array.isArray(read)) throw wrong(file, within, "a list of steps is wanted, each behind a dash");
  const steps: readonly unknown[] = read;
  return steps.map((step, index) => stepIn(step, file, `${within}step ${index + 1}`, depth));
}

function stepIn(step: unknown, file: string, place: string, depth: number): ScriptStep {
  if (!isMap(step)) throw wrong(file, place, "a step has keys: send, keys, expect, as, timeout, fail, again");
  const { timeout, again, as } = step;
  if (timeout !== undefined && !(typeof timeout === "number" && timeout > 0)) {
    throw wrong(file, place, "timeout is a number of seconds");
  }
  if (as !== undefined && typeof as !== "string") throw wrong(file, place, "as is a name");
  return {
    actions: Object.entries(step).flatMap(([key, value]) => {
      if (FACTS.has(key)) return [];
      return [actionIn(key, value, file, place, depth)];
    }),
    ...(as === undefined ? {} : { as }),
    ...(timeout === undefined ? {} : { timeout: timeout * 1000 }),
    again: again === true,
  };
}

function actionIn(key: string, value: unknown, file: string, place: string, depth: number): Action {
  if (key === "expect") return { kind: "expect", branches: branchesIn(value, file, place, depth) };
  if (key !== "send" && key !== "keys" && key !== "fail") throw wrong(file, place, `a step has no '${key}'`);
  if (typeof value !== "string" && typeof value !== "number") throw wrong(file, place, `${key} is a text`);
  return { kind: key, text: String(value) };
}

function branchesIn(expect: unknown, file: string, place: string, depth: number): Branch[] {
  const patterns: readonly unknown[] = Array.isArray(expect) ? expect : [expect];
  if (isMap(expect)) {
    return Object.entries(expect).map(([pattern, steps]) => ({
      pattern: parsePattern(pattern),
      steps: stepsIn(steps, file, `${place}, at '${pattern}', `, depth + 1),
    }));
  }
  return patterns.map((pattern) => {
    if (typeof pattern === "string") return { pattern: parsePattern(pattern), steps: [] };
    throw wrong(file, place, "expect is a text, a list of them, or a map from texts to steps");
  });
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(file: string, place: string, what: string): PortholeError {
  return new PortholeError("usage", `${file}${place === "" ? "" : `, ${place}`}: ${what}`, {
    hint: "docs/telnet-scripts.md shows what a script may hold",
  });
}

/**
 * Does the steps.
 * @param timeout milliseconds for an `expect` that names none
 * @returns what was kept under a name
 * @throws PortholeError that names the step: `timeout`, `connect`, `refused` for `fail`
 */
export async function runScript(
  talk: Conversation,
  steps: readonly ScriptStep[],
  timeout: number,
): Promise<JsonObject> {
  const kept = new Map<string, string>();
  await new ScriptRun(talk, timeout, kept).all(steps, "");
  return Object.fromEntries(kept);
}

class ScriptRun {
  readonly #talk: Conversation;
  readonly #timeout: number;
  readonly #kept: Map<string, string>;

  constructor(talk: Conversation, timeout: number, kept: Map<string, string>) {
    this.#talk = talk;
    this.#timeout = timeout;
    this.#kept = kept;
  }

  /** @returns whether the step that these are a branch of is to be waited for again */
  async all(steps: readonly ScriptStep[], within: string): Promise<boolean> {
    let again = false;
    for (const [index, step] of steps.entries()) {
      const place = `${within}step ${index + 1}`;
      try {
        await this.#one(step, place);
      } catch (thrown) {
        throw named(thrown, place);
      }
      again ||= step.again;
    }
    return again;
  }

  async #one({ actions, as, timeout = this.#timeout }: ScriptStep, place: string): Promise<void> {
    for (const action of actions) {
      switch (action.kind) {
        case "send":
          await this.#talk.sendLine(action.text);
          break;
        case "keys":
          await this.#talk.send(action.text);
          break;
        case "fail":
          throw new PortholeError("refused", action.text);
        case "expect": {
          const text = await this.#expect(action.branches, timeout, place);
          if (as !== undefined) this.#kept.set(as, text);
        }
      }
    }
  }

  /** @returns what came before the last of what was expected */
  async #expect(branches: readonly Branch[], timeout: number, place: string): Promise<string> {
    const patterns = branches.map(({ pattern }) => pattern);
    let text = "";
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const found = await this.#talk.expect(patterns, { timeout });
      text = `${text}${found.before}`.slice(-MOST_KEPT);
      const branch = branches[found.index];
      if (branch === undefined) throw new TypeError("a pattern was found that nobody waited for");
      const within = `${place}, at ${shownPattern(branch.pattern)}, `;
      if (!(await this.all(branch.steps, within))) return text;
    }
    throw new PortholeError("protocol", `the same came ${MOST_ROUNDS} times`);
  }
}

/** The innermost step is named. */
function named(thrown: unknown, place: string): unknown {
  if (!(thrown instanceof PortholeError) || thrown.code === "usage" || /^step \d/.test(thrown.message))
    return thrown;
  return new PortholeError(thrown.code, `${place}: ${thrown.message}`, {
    reply: thrown.reply,
    hint: thrown.hint,
    cause: thrown,
  });
}
