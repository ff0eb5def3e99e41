/** Lines that begin with `From ` within a message: a mark put before them, and taken away again. */
import type { MboxFormat } from "./mbox-scanner.js";
import { isQuoted } from "./mbox-scanner.js";

const LF = 0x0a;
const GREATER = 0x3e;
const MARK = Buffer.from(">");
const FROM = Buffer.from("From ");
/** Marks before a `From ` that are still looked at. */
const MOST_MARKS = 512;

/** What is done with a line's marks: how many there are to how many there shall be. */
type Rule = (marks: number) => number;

/** mboxrd: one mark more before each line that could be taken for a From_ line, so that nothing is lost. */
export const quote: Rule = (marks) => marks + 1;

/** Undoes what a format does. */
export function unquote(format: MboxFormat): Rule {
  return (marks) => (isQuoted(format, marks) ? marks - 1 : marks);
}

/** Applies a rule to the lines of a message, which comes in pieces cut anywhere. */
export class FromLines {
  readonly #rule: Rule;
  #held: Buffer = Buffer.alloc(0);
  #before = LF;

  constructor(rule: Rule) {
    this.#rule = rule;
  }

  write(chunk: Uint8Array): Buffer {
    const all = Buffer.concat([this.#held, chunk]);
    const line = all.lastIndexOf(LF) + 1;
    const begun = line > 0 || this.#before === LF;
    return this.#apply(all, begun && mayBecomeFrom(all, line) ? line : all.length);
  }

  end(): Buffer {
    return this.#apply(this.#held, this.#held.length);
  }

  /** @param to where the line begins that waits for more */
  #apply(all: Buffer, to: number): Buffer {
    const pieces: Buffer[] = [];
    let done = 0;
    for (let at = all.indexOf(FROM); at >= 0 && at < to; at = all.indexOf(FROM, at + FROM.length)) {
      let line = at;
      while (line > 0 && all[line - 1] === GREATER) line -= 1;
      if ((line > 0 ? all[line - 1] : this.#before) !== LF) continue;
      const wanted = this.#rule(at - line);
      if (wanted > at - line) pieces.push(all.subarray(done, line), MARK);
      else pieces.push(all.subarray(done, line), all.subarray(line, line + wanted));
      done = wanted > at - line ? line : at;
    }
    pieces.push(all.subarray(done, to));
    this.#before = (to > 0 ? all[to - 1] : undefined) ?? this.#before;
    this.#held = Buffer.from(all.subarray(to));
    return pieces.length === 1 ? Buffer.from(pieces[0] ?? MARK) : Buffer.concat(pieces);
  }
}

/** True when what follows may make it a `From ` line, marked or not. */
function mayBecomeFrom(all: Buffer, line: number): boolean {
  if (all.length - line > MOST_MARKS) return false;
  let at = line;
  while (at < all.length && all[at] === GREATER) at += 1;
  const rest = all.subarray(at, at + FROM.length);
  return rest.length < FROM.length && FROM.subarray(0, rest.length).equals(rest);
}
