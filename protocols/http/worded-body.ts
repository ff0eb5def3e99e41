/** A body whose failures are said in Porthole's words. */
import { Readable } from "node:stream";
import type { PortholeError } from "../../src/errors.js";

/**
 * What `source` gives, chunk by chunk, with back-pressure. Destroying it destroys the source. A failure waits until
 * somebody reads, who is then there to hear of it; an abort does not.
 *
 * A stream of its own and not a generator: at a gibibyte, a promise for each chunk is a tenth of the time.
 */
export class WordedBody extends Readable {
  /** Octets so far. */
  octets = 0;
  readonly #source: Readable;
  #wanted = false;
  #failure: PortholeError | undefined;

  /** @param word says what a failure of the source, or its end before time, means */
  constructor(source: Readable, word: (thrown: unknown) => PortholeError) {
    super();
    this.#source = source;
    // Before there is a listener: what comes waits until it is asked for.
    source.pause();
    source.on("data", (chunk: Buffer) => {
      this.octets += chunk.length;
      if (this.push(chunk)) return;
      this.#wanted = false;
      source.pause();
    });
    source.once("end", () => this.push(null));
    source.on("error", (error) => this.#fail(word(error)));
    source.once("close", () => {
      if (!source.readableEnded) this.#fail(word(new Error("aborted")));
    });
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#failure === undefined) this.#source.resume();
    else this.destroy(this.#failure);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.destroy();
    done(error);
  }

  #fail(failure: PortholeError): void {
    this.#failure ??= failure;
    // What came before a failure is still given; who stops everything wants nothing more of it.
    if (this.#wanted || failure.code === "aborted") this.destroy(this.#failure);
  }
}
