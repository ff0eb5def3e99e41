/** Contents of a message, as they come: as a stream, or in one piece. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";

/** What an answer, and contents in it, need of the dialogue that they are part of. */
export interface Listener {
  /** There is room for more. */
  goOn(): void;
}

/** Octets that are read and thrown away when contents are left early; with more, the connection ends. */
const LEAVE_WITHIN = 256 * 1024;
/** Octets that wait for whoever reads them. */
const READ_AHEAD = 64 * 1024;

/** To be read, taken whole or left before anything else of the answer comes. */
export class Contents {
  /** What the response said ahead of them: `* 7 FETCH (UID 12 BODY[] `. */
  readonly head: string;
  /** Octets. */
  readonly size: number;
  readonly #listener: Listener;
  /** What came before anybody wanted it. */
  readonly #early: Buffer[] = [];
  #waiting = 0;
  #body: Readable | undefined;
  #isGathered = false;
  #ended = false;
  #failure: PortholeError | undefined;
  /** Octets that came since they were left. */
  #thrown: number | undefined;
  #stir: (() => void) | undefined;

  constructor(head: string, size: number, listener: Listener) {
    this.head = head;
    this.size = size;
    this.#listener = listener;
  }

  /** Made when it is first asked for. */
  get body(): Readable {
    this.#body ??= this.#stream();
    return this.#body;
  }

  /** All of them, in place of `body`. @throws PortholeError when the dialogue ends before */
  async whole(): Promise<Buffer> {
    this.#isGathered = true;
    if (!this.#ended) this.#listener.goOn();
    for (;;) {
      if (this.#ended) return Buffer.concat(this.#early.splice(0));
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#stir = resolve;
      });
    }
  }

  /** Nobody wants them, or what is left of them. */
  leave(): void {
    if (this.#body !== undefined) this.#body.destroy();
    else this.#throwAway();
  }

  #stream(): Readable {
    const body = new Readable({
      highWaterMark: READ_AHEAD,
      read: () => this.#listener.goOn(),
      destroy: (error, done) => {
        this.#throwAway();
        done(error);
      },
    });
    // Who takes it hears of a failure; until then nobody does.
    body.on("error", () => undefined);
    for (const chunk of this.#early.splice(0)) body.push(chunk);
    if (this.#ended) body.push(null);
    else if (this.#failure !== undefined) body.destroy(this.#failure);
    else if (this.#thrown !== undefined) body.destroy();
    return body;
  }

  #throwAway(): void {
    if (this.#ended || this.#thrown !== undefined) return;
    this.#thrown = 0;
    this.#early.length = 0;
    this.#listener.goOn();
  }

  // --- For the answer -----------------------------------------------------------------------------------------

  /** @returns whether there is room for more */
  take(chunk: Buffer): boolean {
    if (this.#thrown !== undefined) {
      this.#thrown += chunk.length;
      if (this.#thrown <= LEAVE_WITHIN) return true;
      throw new PortholeError("aborted", "a message was left early, and the connection with it");
    }
    if (this.#body !== undefined) return this.#body.push(chunk);
    this.#early.push(chunk);
    this.#waiting += chunk.length;
    return this.#isGathered || this.#waiting < READ_AHEAD;
  }

  end(): void {
    this.#ended = true;
    if (this.#thrown === undefined) this.#body?.push(null);
    this.#stir?.();
  }

  fail(failure: PortholeError): void {
    this.#failure = failure;
    this.#body?.destroy(failure);
    this.#stir?.();
  }
}
