/** How large a message is on the wire, and whether it needs eight bits. */

const CR = 0x0d;
const LF = 0x0a;

/** Counts what DotWriter will send, without the dots that it doubles: each CR, LF and CRLF as two octets (RFC 1870, 3). */
export class Measure {
  #size = 0;
  #eightBit = false;
  #last = LF;

  add(chunk: Uint8Array): void {
    let last = this.#last;
    let size = chunk.length;
    let high = 0;
    for (const octet of chunk) {
      if (octet === LF) {
        if (last !== CR) size += 1;
      } else if (last === CR) size += 1;
      high |= octet;
      last = octet;
    }
    this.#size += size;
    this.#eightBit ||= high > 127;
    this.#last = last;
  }

  /** A last line without an end gets one. */
  get size(): number {
    if (this.#last === CR) return this.#size + 1;
    return this.#last === LF ? this.#size : this.#size + 2;
  }

  get eightBit(): boolean {
    return this.#eightBit;
  }
}
