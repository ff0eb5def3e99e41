/**
 * Octets handed on from where they were read, without a stream in between: what makes a large transfer fast is one
 * buffer that is used again and again, and a reader that takes each piece before the next is read.
 */

/** Takes octets that may be overwritten as soon as the call, or the promise it returned, is done. */
export type Take = (octets: Buffer) => Promise<void> | void;

/** Octets of the buffer that a socket reads into: larger ones were not quicker, those of 64 KiB half as quick. */
const READ_BUFFER = 256 * 1024;

/** Buffers of connections that have been closed: the next ones take them. So many are kept. */
const MOST_SPARE = 8;
const spare: Buffer[] = [];

/** What `net.connect({ onread })` reads into. What comes before somebody listens waits. */
export class ReusedBuffer {
  #listener: ((octets: Buffer) => void) | undefined;
  readonly #early: Buffer[] = [];

  readonly onread = {
    buffer: spare.pop() ?? Buffer.allocUnsafeSlow(READ_BUFFER),
    callback: (octets: number, buffer: Uint8Array): boolean => {
      const read = Buffer.from(buffer.buffer, buffer.byteOffset, octets);
      if (this.#listener === undefined) {
        this.#early.push(Buffer.from(read));
        return false;
      }
      this.#listener(read);
      return true;
    },
  };

  /** From now on each piece that was read goes to `listener`, which must be done with it when it returns. */
  listen(listener: (octets: Buffer) => void): void {
    this.#listener = listener;
    for (const octets of this.#early.splice(0)) listener(octets);
  }

  /** The socket has been closed, and reads no more. */
  release(): void {
    if (spare.length < MOST_SPARE) spare.push(this.onread.buffer);
  }
}

/** One call of `Connection.pour`, under way. */
export class Pouring {
  readonly done: Promise<number>;
  /** What was handed over is still being taken. */
  busy = false;
  readonly #take: Take;
  #left: number;
  #poured: number;
  #ended = false;
  #resolve: (poured: number) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;

  /**
   * @param most octets in all
   * @param poured octets that were handed over before
   */
  constructor(take: Take, most: number, poured: number) {
    this.#take = take;
    this.#left = most - poured;
    this.#poured = poured;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get complete(): boolean {
    return this.#left === 0;
  }

  /**
   * Hands over as much of `octets` as belongs to it.
   * @param goOn called when that was taken, with what is beyond the end: at once, or after a while
   */
  feed(octets: Buffer, goOn: (beyond: Buffer | undefined) => void): void {
    const part = octets.length > this.#left ? octets.subarray(0, this.#left) : octets;
    // Copied: the buffer is read into again.
    const beyond = part.length < octets.length ? Buffer.from(octets.subarray(part.length)) : undefined;
    this.#left -= part.length;
    const taken = () => {
      this.#poured += part.length;
      this.busy = false;
      goOn(beyond);
      if (this.#ended) this.end();
    };
    try {
      const taking = this.#take(part);
      if (taking === undefined) taken();
      else {
        this.busy = true;
        taking.then(taken, this.#reject);
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    if (!this.busy) this.#resolve(this.#poured);
  }

  fail(reason: unknown): void {
    this.busy = false;
    this.#reject(reason);
  }
}
