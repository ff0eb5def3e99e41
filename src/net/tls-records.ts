/** Where TLS's records end (RFC 8446, 5.1): what may follow the last of them, when TLS ends, is in clear. */

const HEADER = 5;
const ALERT = 21;
const APPLICATION_DATA = 23;
/** Of an alert under TLS 1.3, which looks like data: two octets, the type, and the tag of every suite in use. */
const HIDDEN_ALERT = 19;

export class TlsRecords {
  /** Octets of the present record that are still to come. */
  #left = 0;
  #header = Buffer.alloc(HEADER);
  #headed = 0;
  /** As far as it can be told from without: the one that says that TLS ends is one. */
  #afterAlert = false;

  /** @returns how many of these octets, which follow those before, belong to TLS; all, until an alert came */
  take(octets: Buffer): number {
    for (let at = 0; at < octets.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, octets.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      const octet = octets[at] ?? 0;
      if (this.#headed === 0 && this.#afterAlert && (octet < 20 || octet > APPLICATION_DATA)) return at;
      this.#header[this.#headed] = octet;
      this.#headed += 1;
      at += 1;
      if (this.#headed === HEADER) this.#begin();
    }
    return octets.length;
  }

  #begin(): void {
    const type = this.#header[0];
    this.#left = this.#header.readUInt16BE(3);
    this.#headed = 0;
    this.#afterAlert = type === ALERT || (type === APPLICATION_DATA && this.#left === HIDDEN_ALERT);
  }
}
