/** Octets that have come and have not been read: what every reader of wire/ stands on. */

const NOTHING = Buffer.alloc(0);

/**
 * A queue of octets, read through `chunk` and `at`. Fed chunks are kept as they are, not copied, so their
 * owner must leave them alone until they are read; a chunk that is read to its end is let go.
 */
export class Unread {
  /** What is being read now. */
  chunk: Buffer = NOTHING;
  /** The first octet of `chunk` that has not been read. The reader moves it. */
  at = 0;
  #later: Buffer[] = [];

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const chunk = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.at < this.chunk.length || this.#later.length > 0) {
      this.#later.push(chunk);
      return;
    }
    this.chunk = chunk;
    this.at = 0;
  }

  /** Whether there is an octet at `at`; moves on to the next chunk when the present one is used up. */
  more(): boolean {
    if (this.at < this.chunk.length) return true;
    this.chunk = this.#later.length === 0 ? NOTHING : join(this.#later);
    this.at = 0;
    this.#later = [];
    return this.chunk.length > 0;
  }

  /** How many octets are waiting. */
  get size(): number {
    return this.#later.reduce((sum, chunk) => sum + chunk.length, this.chunk.length - this.at);
  }

  /** Everything that is waiting, which is then forgotten here. */
  take(): Buffer {
    const all = join([this.chunk.subarray(this.at), ...this.#later]);
    this.chunk = NOTHING;
    this.at = 0;
    this.#later = [];
    return all;
  }
}

/** Chunks as one; a single one is not copied. */
export function join(chunks: readonly Buffer[]): Buffer {
  const full = chunks.filter((chunk) => chunk.length > 0);
  return full.length === 1 && full[0] !== undefined ? full[0] : Buffer.concat(full);
}
