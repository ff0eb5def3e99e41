/** Where lines begin in a stream that comes in chunks: what dot-stuffing and its undoing look for. */
import type { BareLf } from "./lines.js";
import { CR, DOT, LF } from "./octets.js";

const LF_DOT = Buffer.from([LF, DOT]);

export class LineStarts {
  /** Whether the next octet is the first of a line. True at the beginning of the stream. */
  atStart = true;
  /** Whether the octet before the next is a CR; never so at the beginning of a line. */
  #afterCr = false;
  readonly #bareLf: BareLf;

  constructor(bareLf: BareLf) {
    this.#bareLf = bareLf;
  }

  /**
   * Passes over octets, from `from` to the next line that begins with a dot, or to the chunk's end, and gives
   * the place reached. The search is Buffer's own, so that text without such lines costs next to nothing.
   */
  passToDot(chunk: Buffer, from: number): number {
    let search = from;
    for (;;) {
      const lf = chunk.indexOf(LF_DOT, search);
      if (lf < 0) break;
      if (this.#endsLine(chunk, from, lf)) {
        this.atStart = true;
        this.#afterCr = false;
        return lf + 1;
      }
      search = lf + 1;
    }
    if (from === chunk.length) return from;
    const last = chunk.length - 1;
    this.atStart = chunk[last] === LF && this.#endsLine(chunk, from, last);
    this.#afterCr = chunk[last] === CR;
    return chunk.length;
  }

  /** A dot stands at the beginning of a line and is not the end: text follows. */
  passDot(): void {
    this.atStart = false;
  }

  #endsLine(chunk: Buffer, from: number, lf: number): boolean {
    if (this.#bareLf === "accept") return true;
    return lf > from ? chunk[lf - 1] === CR : this.#afterCr;
  }
}
