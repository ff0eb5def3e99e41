/** Line ends as menus have them: CRLF (RFC 1436, 2), and in the world LF and CR alone. */
import { CR, LF } from "../../src/wire/octets.js";

const NOTHING = Buffer.alloc(0);
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
