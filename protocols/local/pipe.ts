/**
 * The octets of a pipe or a device, waited for without a thread that stands in the system's read: such a thread could not
 * be ended, and the program, which waits for its threads, would neither.
 */
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { systemCode } from "../../src/errors.js";

const BLOCK = 64 * 1024;
/** Milliseconds between two looks, from the first to those of a pipe that is silent. */
const SOONEST = 1;
const LATEST = 50;

export class PipeBody extends Readable {
  readonly #handle: FileHandle;
  readonly #shown: (thrown: unknown) => Error;
  #hasWriter: boolean;
  #wait = SOONEST;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param handle opened with O_NONBLOCK
   * @param waits for somebody to write, as with a pipe that has a name; otherwise nothing to read is the end
   * @param failure what a failure of the system's is told as
   */
  constructor(handle: FileHandle, waits: boolean, failure: (thrown: unknown) => Error) {
    super();
    this.#handle = handle;
    this.#hasWriter = !waits;
    this.#shown = failure;
  }

  override _read(): void {
    this.#look().catch((thrown: unknown) => this.destroy(this.#shown(thrown)));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }

  async #look(): Promise<void> {
    const octets = await nextOf(this.#handle);
    if (this.destroyed) return;
    if (octets !== undefined && octets.length > 0) {
      this.#hasWriter = true;
      this.#wait = SOONEST;
      this.push(octets);
    } else if (octets !== undefined && this.#hasWriter) this.push(null);
    else {
      // Nobody has come to write yet, or who has is silent.
      if (octets === undefined) this.#hasWriter = true;
      this.#timer = setTimeout(() => this._read(), this.#wait);
      this.#wait = Math.min(LATEST, this.#wait * 2);
    }
  }
}

/** @returns undefined while there is somebody who may write more */
async function nextOf(handle: FileHandle): Promise<Buffer | undefined> {
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(BLOCK), 0, BLOCK, null);
    return buffer.subarray(0, bytesRead);
  } catch (thrown) {
    if (systemCode(thrown) === "EAGAIN") return undefined;
    throw thrown;
  }
}
