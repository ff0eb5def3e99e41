/** The way to a server: one connection, and another in its place when it is lost between two calls. */
import { PortholeError } from "../errors.js";

/** The server at the other end of one connection. */
export interface Partner {
  readonly dialogue: {
    /** Why nothing can be said any more. */
    readonly failure: PortholeError | undefined;
  };
}

export interface WayOptions<P extends Partner> {
  /** Another connection, greeted. */
  readonly meet: () => Promise<P>;
  /** Waits until what was not read to its end has passed: asks for something, and has the answer. */
  readonly pass: (partner: P) => Promise<unknown>;
  /** Says goodbye. */
  readonly leave: (partner: P) => Promise<void>;
  /** Before another takes its place. @throws what must be said of what is lost with it */
  readonly lost?: (partner: P) => Promise<void>;
  /** A line in the transcript. */
  readonly note: (text: string) => void;
}

export class Way<P extends Partner> {
  readonly #options: WayOptions<P>;
  #partner: P | undefined;
  #closed = false;
  #left = false;

  /** @param partner greeted already */
  constructor(partner: P, options: WayOptions<P>) {
    this.#partner = partner;
    this.#options = options;
  }

  /** The partner as it is, well or lost. */
  get partner(): P | undefined {
    return this.#partner;
  }

  /** The connection is there. */
  get holds(): boolean {
    return this.#partner !== undefined && this.#partner.dialogue.failure === undefined;
  }

  /** A message was not read to its end: what is left of it passes, or ends the connection. */
  leftEarly(): void {
    this.#left = true;
  }

  /** The server, met anew when the connection is gone: servers end it after some minutes of silence. */
  async reached(): Promise<P> {
    if (this.#closed) throw new PortholeError("aborted", "the session was closed");
    const old = this.#partner;
    const { meet, pass, lost, note } = this.#options;
    if (this.#left) {
      this.#left = false;
      // Answered once the rest has passed. Where that was too much, the connection is gone and another is made.
      if (old !== undefined) await pass(old).catch(() => undefined);
    }
    if (old !== undefined && old.dialogue.failure === undefined) return old;
    if (old !== undefined) {
      await lost?.(old);
      note("the connection is gone; connecting again");
    }
    this.#partner = await meet();
    return this.#partner;
  }

  /** Ends the connection in order; the next call makes another. */
  async rest(): Promise<void> {
    const partner = this.#partner;
    this.#partner = undefined;
    if (partner !== undefined) await this.#options.leave(partner);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.rest();
  }
}
