/**
 * A file written by another thread while more comes. A file system that writes its journal lets nobody write meanwhile, and
 * the thread that reads from the network would stand still with it.
 */
import { write } from "node:fs";

/** Octets of a buffer: to hand one to another thread takes some microseconds. */
const BUFFER = 1024 * 1024;
/** One is filled, one is written, one waits. */
const BUFFERS = 3;

interface Piece {
  readonly buffer: Buffer;
  readonly size: number;
  /** Where in the file it belongs. */
  readonly position: number;
}

export class WriteBehind {
  readonly #descriptor: number;
  readonly #free: Buffer[] = [];
  #made = 0;
  #filling: Buffer | undefined;
  #filled = 0;
  #position = 0;
  /** In order, one at a time: what is in the file has no hole, whenever it ends. */
  readonly #queue: Piece[] = [];
  #isWriting = false;
  #failure: { readonly reason: unknown } | undefined;
  /** Who waits for a buffer, or for all to be written. */
  #waiting: (() => void)[] = [];

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Takes all of `octets`, which follow those before and may be overwritten as soon as the call, or the promise it returned,
   * is done. @throws the system's error for what was taken before
   */
  add(octets: Uint8Array, position: number): Promise<void> | void {
    if (this.#failure !== undefined) throw this.#failure.reason;
    for (let taken = 0; taken < octets.length; ) {
      const buffer = this.#buffer();
      if (buffer === undefined) return this.#addLater(octets.subarray(taken), position + taken);
      if (this.#filled === 0) this.#position = position + taken;
      const part = octets.subarray(taken, taken + BUFFER - this.#filled);
      buffer.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === BUFFER) this.#send();
    }
    return undefined;
  }

  /** Until all that was taken is written. @throws the system's error */
  async flush(): Promise<void> {
    this.#send();
    while (this.#isWriting) await this.#change();
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  async #addLater(octets: Uint8Array, position: number): Promise<void> {
    await this.#change();
    await this.add(octets, position);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #buffer(): Buffer | undefined {
    if (this.#filling !== undefined) return this.#filling;
    this.#filling = this.#free.pop();
    if (this.#filling === undefined && this.#made < BUFFERS) {
      this.#made += 1;
      this.#filling = Buffer.allocUnsafeSlow(BUFFER);
    }
    return this.#filling;
  }

  #send(): void {
    if (this.#filling === undefined || this.#filled === 0) return;
    this.#queue.push({ buffer: this.#filling, size: this.#filled, position: this.#position });
    this.#filling = undefined;
    this.#filled = 0;
    if (!this.#isWriting) this.#next();
  }

  #next(): void {
    const piece = this.#failure === undefined ? this.#queue.shift() : undefined;
    this.#isWriting = piece !== undefined;
    if (piece !== undefined) this.#write(piece, 0);
  }

  #write(piece: Piece, done: number): void {
    const { buffer, size, position } = piece;
    write(this.#descriptor, buffer, done, size - done, position + done, (error, written) => {
      if (error === null && done + written < size) {
        this.#write(piece, done + written);
        return;
      }
      if (error !== null) this.#failure = { reason: error };
      this.#free.push(buffer);
      this.#next();
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const wake of waiting) wake();
    });
  }
}
