/** Line ends as menus have them: CRLF (RFC 1436, 2), and in the world LF and CR alone. */
import { PortholeError } from "../../src/errors.js";
import { CR, LF } from "../../src/wire/octets.js";

const NOTHING = Buffer.alloc(0);
/** Octets of a line that are waited for, to go on behind it. */
const LONGEST_PASSED = 4 * 1024 * 1024;

const CR_ALONE = Buffer.of(CR);
const LF_ALONE = Buffer.of(LF);

/**
 * Makes a LF of each CR that stands alone, so that a LineReader finds every line. A CR before a LF stays, and so
 * does one before another CR: a server that adds CRLF to lines that had it sends CR CR LF, which is one end.
 */
export class LoneCrs {
  /** The last chunk ended with a CR; what it is depends on what follows. */
  #held = false;

  /** The chunk with its ends made readable; a new buffer where one had to be changed. */
  feed(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    let octets = this.#held ? Buffer.concat([CR_ALONE, chunk]) : chunk;
    this.#held = octets[octets.length - 1] === CR;
    if (this.#held) octets = octets.subarray(0, -1);
    let changed: Buffer | undefined;
    for (let at = octets.indexOf(CR); at >= 0; at = octets.indexOf(CR, at + 1)) {
      const next = at + 1 < octets.length ? octets[at + 1] : CR;
      if (next === LF || next === CR) continue;
      changed ??= Buffer.from(octets);
      changed[at] = LF;
    }
    return changed ?? octets;
  }

  /** What was kept back of the last chunk, when no more comes. */
  end(): Buffer {
    return this.#held ? LF_ALONE : NOTHING;
  }
}

/**
 * Lets lines pass as they come; of one that is longer than a bound only the bound's octets and one more, by which whoever
 * reads them knows it. What is held of a menu has so an end, and the menu goes on behind such a line.
 */
export class LongLines {
  readonly #most: number;
  /** Octets of the line that has begun. */
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws PortholeError `protocol` for a line that has no end at all */
  feed(chunk: Buffer): Buffer {
    if (!this.#isWithin(chunk)) return this.#cut(chunk);
    const lf = chunk.lastIndexOf(LF);
    this.#length = lf < 0 ? this.#length + chunk.length : chunk.length - lf - 1;
    return chunk;
  }

  /** In steps of the bound: what is short is not looked through. */
  #isWithin(chunk: Buffer): boolean {
    let start = -this.#length;
    while (chunk.length - start > this.#most) {
      const last = start + this.#most;
      const lf = last < 0 ? -1 : chunk.lastIndexOf(LF, last);
      if (lf < 0 || lf < start) return false;
      start = lf + 1;
    }
    return true;
  }

  #cut(chunk: Buffer): Buffer {
    const kept: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      const lf = chunk.indexOf(LF, at);
      const end = lf < 0 ? chunk.length : lf;
      const room = Math.max(0, this.#most + 1 - this.#length);
      kept.push(chunk.subarray(at, Math.min(end, at + room)));
      this.#length = lf < 0 ? this.#length + end - at : 0;
      if (this.#length > LONGEST_PASSED) {
        throw new PortholeError("protocol", `a line of the menu has no end within ${LONGEST_PASSED} octets`);
      }
      if (lf >= 0) kept.push(LF_ALONE);
      at = end + 1;
    }
    return Buffer.concat(kept);
  }
}
