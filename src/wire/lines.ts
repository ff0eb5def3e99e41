/** Lines out of octets: the ground that replies, blocks and listings stand on. */
import { PortholeError } from "../errors.js";
import { CR, LF } from "./octets.js";
import { join, Unread } from "./unread.js";
import { excerpt } from "./words.js";

/**
 * What a LF without a CR before it means. `accept`: it ends the line as CRLF does. `keep`: it is part of the
 * line, as RFC 5321, 2.3.8 and RFC 3977, 3.1 want it, where CRLF alone ends a line.
 */
export type BareLf = "accept" | "keep";

/** How a line ended. */
export type LineEnd = "crlf" | "lf";

export interface LineReaderOptions {
  /** Octets that a line may have, its end not counted. Default 1 MiB. */
  readonly maxLength?: number;
  /**
   * Default `accept`: small servers end replies with LF alone, and within a reply a LF has no other meaning.
   * What carries foreign text (a mail, an article) is read by DotReader, where the default is `keep`.
   */
  readonly bareLf?: BareLf;
}

/** Octets that a line may have when nothing else is said: 1 MiB. */
export const DEFAULT_MAX_LINE = 1024 * 1024;
const SMALLEST_STORE = 256;

/**
 * Octets in by `feed()`, lines out by `next()` until there is none.
 *
 * A line that lies within one fed chunk is a view of that chunk and costs no copy; a line cut over chunks is
 * copied once, into storage that doubles, however many pieces it comes in. A caller that reads into one
 * buffer again and again may do so, if it takes all lines, and is done with them, before it reads again.
 */
export class LineReader {
  readonly #maxLength: number;
  readonly #bareLf: BareLf;
  readonly #unread = new Unread();
  /** The beginning of a line whose end has not come; own storage, of which `#partLength` octets are used. */
  #part: Buffer = Buffer.alloc(0);
  #partLength = 0;
  #lastEnd: LineEnd = "crlf";
  #failure: PortholeError | undefined;

  constructor(options: LineReaderOptions = {}) {
    this.#maxLength = options.maxLength ?? DEFAULT_MAX_LINE;
    this.#bareLf = options.bareLf ?? "accept";
  }

  feed(bytes: Uint8Array): void {
    this.#unread.add(bytes);
  }

  /**
   * The next line without its end, or undefined until more is fed.
   * @throws PortholeError `protocol` when the line is longer than the bound, now and at every later call
   */
  next(): Buffer | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const unread = this.#unread;
    while (unread.more()) {
      const { chunk, at } = unread;
      const lf = this.#findEnd(chunk, at);
      if (lf < 0) {
        this.#hold(chunk, at, chunk.length);
        unread.at = chunk.length;
        continue;
      }
      unread.at = lf + 1;
      if (this.#partLength === 0) return this.#finish(chunk, at, lf);
      this.#hold(chunk, at, lf);
      const whole = this.#part;
      const length = this.#partLength;
      this.#forgetPart();
      return this.#finish(whole, 0, length);
    }
    return undefined;
  }

  /** How the line that `next()` gave last had ended. */
  get lastEnd(): LineEnd {
    return this.#lastEnd;
  }

  /** Octets that have been fed and are not part of a line given out. */
  get buffered(): number {
    return this.#partLength + this.#unread.size;
  }

  /**
   * Everything after the last line given out; the reader is then empty. For data that follows in another
   * form, and to see whether a server sent something ahead of a TLS handshake (RFC 3207, 6).
   */
  rest(): Buffer {
    const part = this.#part.subarray(0, this.#partLength);
    this.#forgetPart();
    return join([part, this.#unread.take()]);
  }

  /** The peer has closed. Gives the last line if it had no end, once all others have been taken. */
  end(): Buffer | undefined {
    const last = this.rest();
    return last.length === 0 ? undefined : last;
  }

  /** Where the LF is that ends the line which begins, or goes on, at `from`. */
  #findEnd(chunk: Buffer, from: number): number {
    let lf = chunk.indexOf(LF, from);
    if (this.#bareLf === "accept") return lf;
    while (lf >= 0 && !this.#crBefore(chunk, from, lf)) lf = chunk.indexOf(LF, lf + 1);
    return lf;
  }

  #crBefore(chunk: Buffer, from: number, lf: number): boolean {
    if (lf > from) return chunk[lf - 1] === CR;
    return this.#partLength > 0 && this.#part[this.#partLength - 1] === CR;
  }

  /** Keeps the beginning of a line until its end comes. */
  #hold(chunk: Buffer, from: number, to: number): void {
    const length = this.#partLength + (to - from);
    if (length > this.#part.length) {
      const capacity = Math.max(length, Math.min(this.#part.length * 2, this.#maxLength + 1), SMALLEST_STORE);
      const larger = Buffer.allocUnsafeSlow(capacity);
      this.#part.copy(larger, 0, 0, this.#partLength);
      this.#part = larger;
    }
    chunk.copy(this.#part, this.#partLength, from, to);
    this.#partLength = length;
    // One octet more is no fault yet when it is the CR of the line's end.
    const allowed = this.#part[length - 1] === CR ? this.#maxLength + 1 : this.#maxLength;
    if (length > allowed) this.#fail(this.#part.subarray(0, length));
  }

  #forgetPart(): void {
    this.#part = Buffer.alloc(0);
    this.#partLength = 0;
  }

  #finish(store: Buffer, from: number, lf: number): Buffer {
    const crlf = lf > from && store[lf - 1] === CR;
    const line = store.subarray(from, crlf ? lf - 1 : lf);
    if (line.length > this.#maxLength) this.#fail(line);
    this.#lastEnd = crlf ? "crlf" : "lf";
    return line;
  }

  #fail(line: Buffer): never {
    this.#failure = new PortholeError(
      "protocol",
      `a line is longer than the bound of ${this.#maxLength} octets`,
      {
        reply: excerpt(line.subarray(0, this.#maxLength)),
      },
    );
    throw this.#failure;
  }
}
