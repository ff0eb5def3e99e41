/** How long what a session hands out may go on: until its signal fires, or the session is closed. */
import { Readable } from "node:stream";
import { abortReason, PortholeError } from "../../src/errors.js";

export class Life {
  readonly signal: AbortSignal;
  #body: Readable | undefined;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** @throws PortholeError the signal's reason */
  check(): void {
    if (this.signal.aborted) throw abortReason(this.signal);
  }

  /**
   * A document's body, ended by the signal and by the session's end.
   * @param release is called once, also when nothing was ever read
   */
  body(octets: AsyncIterable<Uint8Array> | Readable, release: () => Promise<void>): Readable {
    const body =
      octets instanceof Readable
        ? octets
        : Readable.from(octets, { objectMode: false, highWaterMark: 256 * 1024 });
    const stop = () => {
      body.destroy(abortReason(this.signal));
    };
    this.signal.addEventListener("abort", stop, { once: true });
    body.once("close", () => {
      this.signal.removeEventListener("abort", stop);
      if (this.#body === body) this.#body = undefined;
      // Nothing was written to what is released here, so there is nothing that it could fail to keep.
      release().catch(() => undefined);
    });
    if (this.signal.aborted) stop();
    this.#body = body;
    return body;
  }

  end(): void {
    const body = this.#body;
    if (body === undefined || body.destroyed) return;
    body.destroy(new PortholeError("aborted", "the session was closed before the end"));
  }
}
