/**
 * A mail with its attachments put in where marks stand. The package would run them through four streams; so a large one
 * costs no more than its encoding, and its octets are read when their turn comes.
 */
import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { base64Lines, base64Size } from "./base64-lines.js";

/** Octets of a mark: one line of base64, that nothing else in a mail can be. */
const MARK = 54;

const LINE_END = Buffer.from("\r\n");

interface Hole {
  readonly from: number;
  readonly to: number;
  readonly open: () => Readable;
}

/** What stands for an attachment while the mail is made. */
export function mark(): Buffer {
  return randomBytes(MARK);
}

export class Splice {
  readonly #shape: Buffer;
  readonly #holes: readonly Hole[];

  /**
   * @param shape the mail with marks in it, in base64
   * @param parts what is to stand in the place of each mark
   */
  constructor(shape: Buffer, parts: readonly { readonly mark: Buffer; readonly open: () => Readable }[]) {
    this.#shape = shape;
    this.#holes = parts
      .map((part): Hole => {
        const line = part.mark.toString("base64");
        const from = shape.indexOf(`\r\n\r\n${line}\r\n`, 0, "latin1") + 4;
        if (from < 4) throw new Error("an attachment has no place in its mail");
        return { from, to: from + line.length, open: part.open };
      })
      .sort((one, other) => one.from - other.from);
  }

  /** @param sizes of the parts, in octets; undefined when one is not known @returns octets of the mail */
  sizeWith(sizes: readonly (number | undefined)[]): number | undefined {
    let sum = this.#holes.reduce((rest, { from, to }) => rest - (to - from), this.#shape.length);
    for (const size of sizes) {
      if (size === undefined) return undefined;
      sum += base64Size(size);
    }
    return this.#isBare && sizes.every((size) => size === 0) ? sum - LINE_END.length : sum;
  }

  /** The mail is one file and nothing else. Without an octet it ends with its header: no line is left that wants an end. */
  get #isBare(): boolean {
    const [hole, ...more] = this.#holes;
    return more.length === 0 && hole !== undefined && this.#shape.subarray(hole.to).equals(LINE_END);
  }

  async *octets(): AsyncGenerator<Buffer, void, undefined> {
    let at = 0;
    let isEmpty = false;
    for (const { from, to, open } of this.#holes) {
      yield this.#shape.subarray(at, from);
      isEmpty = true;
      for await (const lines of base64Lines(open())) {
        isEmpty = false;
        yield lines;
      }
      at = to;
    }
    if (!isEmpty || !this.#isBare) yield this.#shape.subarray(at);
  }
}
