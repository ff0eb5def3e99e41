/** A body in chunks (RFC 9112, 7.1), undone as it comes. */
import { type Field, fieldOf, improper } from "./http-head.js";
import { CR, LF } from "./octets.js";

/** Octets of a chunk's size and its extensions. */
const LONGEST_SIZE = 4 * 1024;
/** Octets of all trailers. */
const MOST_TRAILERS = 64 * 1024;

type State = "size" | "data" | "after data" | "trailers" | "ended";

/**
 * Octets in by `pieces()`, the content's octets out of it, as views of what was given and without a copy. Whoever reads into
 * one buffer again and again takes all pieces before the next.
 */
export class ChunkReader {
  #state: State = "size";
  /** Octets of the chunk that have not come. */
  #left = 0;
  /** A line that is not whole yet. */
  #line: number[] = [];
  #trailerOctets = 0;
  readonly #trailers: Field[] = [];

  /** The last chunk and the trailers have come. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** What came after the last chunk. */
  get trailers(): readonly Field[] {
    return this.#trailers;
  }

  /**
   * @returns (of the generator) how many of the octets belonged to the body: all, unless it ended
   * @throws PortholeError `protocol`
   */
  *pieces(octets: Buffer): Generator<Buffer, number, undefined> {
    let at = 0;
    while (at < octets.length && this.#state !== "ended") {
      if (this.#state === "data") {
        const piece = octets.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#state = "after data";
        yield piece;
        continue;
      }
      const lf = octets.indexOf(LF, at);
      const end = lf < 0 ? octets.length : lf + 1;
      this.#take(octets.subarray(at, end), lf >= 0);
      at = end;
    }
    return at;
  }

  /** A part of a line, the last one of it when `whole`. */
  #take(part: Buffer, whole: boolean): void {
    const bound = this.#state === "trailers" ? MOST_TRAILERS - this.#trailerOctets : LONGEST_SIZE;
    if (this.#line.length + part.length > bound) {
      throw improper(this.#state === "trailers" ? "trailers without end" : "a chunk's size without end");
    }
    for (const octet of part) this.#line.push(octet);
    if (this.#state === "after data" && this.#line.length > 2) throw afterChunk(this.#line);
    if (!whole) return;
    const line = Buffer.from(this.#line);
    this.#line = [];
    if (line.at(-2) !== CR) {
      throw this.#state === "after data"
        ? afterChunk([...line])
        : improper("a chunk's line ends by LF alone", line);
    }
    this.#heed(line.subarray(0, -2));
  }

  #heed(line: Buffer): void {
    if (this.#state === "after data") {
      this.#state = "size";
    } else if (this.#state === "size") {
      this.#left = sizeOf(line);
      this.#state = this.#left === 0 ? "trailers" : "data";
    } else if (line.length === 0) {
      this.#state = "ended";
    } else {
      this.#trailerOctets += line.length + 2;
      this.#trailers.push(fieldOf(line));
    }
  }
}

/** RFC 9112, 7.1 and 7.1.1: hexadecimal digits, and extensions that mean nothing here. */
function sizeOf(line: Buffer): number {
  const text = line.toString("latin1");
  const [, digits] = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*|[ \t]*)$/.exec(text) ?? [];
  if (digits === undefined) throw improper("a chunk's size that is no number", line);
  return Number.parseInt(digits, 16);
}

function afterChunk(octets: readonly number[]): Error {
  return improper("a chunk is longer than its size", Buffer.from(octets));
}
