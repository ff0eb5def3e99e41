/** Blocks that end with a lone dot, as they are written: RFC 3977, 3.1.1 and RFC 5321, 4.5.2. */
import { CrlfWriter } from "./crlf-writer.js";
import { LineStarts } from "./line-starts.js";
import type { BareLf } from "./lines.js";
import { DOT } from "./octets.js";
import { join } from "./unread.js";

export interface DotWriterOptions {
  /**
   * `crlf` (the default): CRLF, a CR alone and a LF alone all go out as CRLF. A receiver that takes a bare LF
   * or CR for a line end would otherwise see an end where the sender saw text, and commands after it
   * (SMTP smuggling); RFC 5321, 2.3.8 forbids to send either. `as-is`: octets stay what they are.
   */
  readonly lineEnds?: "as-is" | "crlf";
  /** With `as-is`: whether a dot after a bare LF begins a line and is doubled. Default `keep`: it does not. */
  readonly bareLf?: BareLf;
}

const STUFFING = Buffer.from(".");
const CRLF = Buffer.from("\r\n");
const TERMINATOR = Buffer.from(".\r\n");

/** A stream into a block: `write()` each chunk, then `end()`, and send what they give. */
export class DotWriter {
  readonly #crlf: CrlfWriter | undefined;
  readonly #starts: LineStarts;

  constructor(options: DotWriterOptions = {}) {
    this.#crlf = options.lineEnds === "as-is" ? undefined : new CrlfWriter();
    this.#starts = new LineStarts(options.bareLf ?? "keep");
  }

  /** The chunk as it is to be sent; the chunk itself where nothing had to be changed. */
  write(bytes: Uint8Array): Buffer {
    const chunk = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (chunk.length === 0) return chunk;
    return this.#stuff(this.#crlf?.write(chunk) ?? chunk);
  }

  /** What ends the block: CRLF if the text had none at its end, and the lone dot. */
  end(): Buffer {
    return this.#starts.atStart ? TERMINATOR : Buffer.concat([CRLF, TERMINATOR]);
  }

  #stuff(chunk: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#starts.atStart && chunk[at] === DOT) pieces.push(STUFFING);
      const from = at;
      at = this.#starts.passToDot(chunk, from);
      pieces.push(chunk.subarray(from, at));
    }
    return join(pieces);
  }
}
