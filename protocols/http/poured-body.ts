/** A body that is poured from its connection: read as a stream, or handed over without one in between. */
import { Readable } from "node:stream";
import type { PortholeError } from "../../src/errors.js";
import type { Take } from "../../src/plugin.js";

export interface BodySource {
  /** Hands all of the body to `take`. @throws what goes wrong with the connection, and what `take` throws */
  run(take: Take): Promise<void>;
  /** The body was left before its end: nobody wants the connection any more. */
  leave(): void;
  /** What a failure means. */
  word(thrown: unknown): PortholeError;
}

/**
 * Nothing is taken from the connection before somebody reads. What came before a failure is still given; a failure
 * waits until somebody reads, who is then there to hear of it, but for an abort, after which nobody wants anything.
 */
export class PouredBody extends Readable {
  /** Octets so far, as they came. */
  octets = 0;
  readonly #source: BodySource;
  #begun = false;
  #done = false;
  /** A reader asked and got nothing. */
  #awaited = false;
  #failure: PortholeError | undefined;
  #makeRoom: (() => void) | undefined;

  constructor(source: BodySource) {
    super({ highWaterMark: 256 * 1024 });
    this.#source = source;
  }

  /** In place of reading: see Document.pour. */
  async pour(take: Take): Promise<void> {
    if (this.#begun) throw new TypeError("a body that is being read cannot be poured");
    this.#begun = true;
    let refusal: unknown;
    const counted: Take = (octets) => {
      this.octets += octets.length;
      try {
        const taking = take(octets);
        if (taking === undefined) return undefined;
        return taking.catch((thrown: unknown) => {
          refusal = thrown;
          throw thrown;
        });
      } catch (thrown) {
        refusal = thrown;
        throw thrown;
      }
    };
    try {
      await this.#source.run(counted);
    } catch (thrown) {
      const failure = refusal ?? this.errored ?? this.#source.word(thrown);
      this.destroy();
      throw failure;
    }
    this.#done = true;
    // Nobody reads it, and its end need not be told: to be closed takes one turn where flowing to the end takes several.
    this.destroy();
    if (!this.closed) await new Promise((resolve) => this.once("close", resolve));
  }

  override read(size?: number): Buffer | null {
    const got: Buffer | null = super.read(size);
    // read(0) is the stream's own way to fill its buffer.
    if (size === 0) return got;
    this.#awaited = got === null;
    if (got === null && this.#failure !== undefined) this.destroy(this.#failure);
    return got;
  }

  override _read(): void {
    const makeRoom = this.#makeRoom;
    this.#makeRoom = undefined;
    makeRoom?.();
    if (this.#begun) return;
    this.#begun = true;
    this.#source
      .run((octets) => this.#keep(octets))
      .then(
        () => {
          this.#done = true;
          this.push(null);
        },
        (thrown: unknown) => this.#fail(this.#source.word(thrown)),
      );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#done) this.#source.leave();
    this.#makeRoom?.();
    done(error);
  }

  /** Copied: the buffer is read into again. */
  #keep(octets: Buffer): Promise<void> | undefined {
    this.octets += octets.length;
    if (this.push(Buffer.from(octets))) return undefined;
    return new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
  }

  #fail(failure: PortholeError): void {
    if (this.destroyed) return;
    this.#failure = failure;
    if (failure.code === "aborted" || (this.#awaited && this.readableLength === 0)) this.destroy(failure);
  }
}
