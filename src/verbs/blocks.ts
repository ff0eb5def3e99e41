/** Octets gathered for one write: fewer, larger writes are what makes a download fast. */
const BLOCK = 256 * 1024;
/** Octets from which on a piece is written as it came. */
export const LARGE = 64 * 1024;

/** Writes a block, which it must not keep, at a place in the file. */
export type Write = (block: Uint8Array, position: number) => Promise<void> | void;

/** Gathers small pieces to blocks of BLOCK octets; a piece that is large itself is written as it is. */
export class Blocks {
  #block: Buffer | undefined;
  readonly #capacity: number;
  #filled = 0;
  #position: number;
  readonly #write: Write;

  /** @param expected octets in all, when they are known: a small document needs no large block */
  constructor(from: number, write: Write, expected = BLOCK) {
    this.#position = from;
    this.#write = write;
    this.#capacity = Math.max(1, Math.min(BLOCK, expected));
  }

  /** Octets of the whole so far. */
  get end(): number {
    return this.#position + this.#filled;
  }

  add(chunk: Uint8Array): Promise<void> | void {
    if (this.#filled === 0 && chunk.length >= LARGE) return this.#put(chunk);
    this.#block ??= Buffer.allocUnsafe(this.#capacity);
    if (this.#filled + chunk.length > this.#capacity) return this.#addInParts(chunk, this.#block);
    this.#block.set(chunk, this.#filled);
    this.#filled += chunk.length;
    return undefined;
  }

  flush(): Promise<void> | void {
    const octets = this.#block?.subarray(0, this.#filled);
    this.#filled = 0;
    return octets === undefined || octets.length === 0 ? undefined : this.#put(octets);
  }

  async #addInParts(chunk: Uint8Array, block: Buffer): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      const room = this.#capacity - this.#filled;
      const part = chunk.subarray(taken, taken + room);
      block.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === this.#capacity) await this.flush();
    }
  }

  #put(octets: Uint8Array): Promise<void> | void {
    const at = this.#position;
    this.#position += octets.length;
    return this.#write(octets, at);
  }
}
