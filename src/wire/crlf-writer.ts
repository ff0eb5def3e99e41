/** Line ends made CRLF, in a stream that comes in chunks. */
import { CR, LF } from "./octets.js";
import { join } from "./unread.js";

const CRLF = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);

/** CRLF, a CR alone and a LF alone all go out as CRLF: RFC 5321, 2.3.8 forbids to send either alone. */
export class CrlfWriter {
  /** The last chunk ended with a CR, sent as CRLF; a LF that comes first is its second half. */
  #lfIsSent = false;
  #atStart = true;

  /** The chunk as it is to be sent; the chunk itself where nothing had to be changed. */
  write(chunk: Buffer): Buffer {
    const octets = this.#withCrlf(chunk);
    if (octets.length > 0) this.#atStart = octets[octets.length - 1] === LF;
    return octets;
  }

  /** What ends the last line, if nothing did. */
  end(): Buffer {
    return this.#atStart ? NOTHING : CRLF;
  }

  #withCrlf(chunk: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let from = this.#lfIsSent && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#lfIsSent = false;
    let cr = place(chunk, CR, from);
    let lf = place(chunk, LF, from);
    while (cr < chunk.length || lf < chunk.length) {
      if (lf === cr + 1 && lf < chunk.length) {
        cr = place(chunk, CR, lf + 1);
        lf = place(chunk, LF, lf + 1);
        continue;
      }
      const bare = Math.min(cr, lf);
      pieces.push(chunk.subarray(from, bare), CRLF);
      from = bare + 1;
      if (bare === lf) {
        lf = place(chunk, LF, from);
      } else {
        this.#lfIsSent = from === chunk.length;
        cr = place(chunk, CR, from);
      }
    }
    pieces.push(chunk.subarray(from));
    return join(pieces);
  }
}

/** Where the octet stands next, or the chunk's length. */
function place(chunk: Buffer, octet: number, from: number): number {
  const found = chunk.indexOf(octet, from);
  return found < 0 ? chunk.length : found;
}
