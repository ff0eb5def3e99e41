/** Text in the network's form, CRLF after each line (RFC 959, 3.1.1.1), and in this machine's: LF. */

const CR = 0x0d;
const LF = 0x0a;

/** CRLF becomes LF; a CR by itself stays. */
export class FromNetworkLines {
  /** A CR whose next octet has not come. */
  #held = false;

  write(octets: Buffer): Buffer {
    if (octets.length === 0) return octets;
    const ends = octets[octets.length - 1] === CR;
    if (!this.#held && !ends && !octets.includes("\r\n")) return octets;
    const out = Buffer.allocUnsafe(octets.length + 1);
    let length = 0;
    if (this.#held && octets[0] !== LF) out[length++] = CR;
    const last = ends ? octets.length - 1 : octets.length;
    for (let at = 0; at < last; at++) {
      const octet = octets[at] ?? 0;
      if (octet === CR && octets[at + 1] === LF) continue;
      out[length++] = octet;
    }
    this.#held = ends;
    return out.subarray(0, length);
  }

  end(): Buffer {
    const rest = this.#held ? Buffer.from([CR]) : Buffer.alloc(0);
    this.#held = false;
    return rest;
  }
}

/** LF becomes CRLF; a CRLF that is there already stays. */
export class ToNetworkLines {
  #afterCr = false;

  write(octets: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(octets.length * 2);
    let length = 0;
    for (const octet of octets) {
      if (octet === LF && !this.#afterCr) out[length++] = CR;
      out[length++] = octet;
      this.#afterCr = octet === CR;
    }
    return out.subarray(0, length);
  }
}
