/** What one command is answered with, as it comes: replies, a block of octets, a listing. */
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import type { Exchange, SendAhead, Sequel, Standing } from "../wire/exchange.js";

/** What an answer needs of the dialogue that it is part of. */
export interface Listener {
  /** Waits for something that the server must do: the idle limit holds meanwhile. */
  awaited(event: Promise<void>): Promise<void>;
  /** A block is being taken from now on. */
  streaming(): void;
  /** There is room for more of a block. */
  goOn(): void;
}

/** Lines of a listing that may wait for whoever takes them. */
const MAX_WAITING_LINES = 1024;

/** An exchange that has been handed to a Dialogue. Take its replies with `reply()`, then its block, if it has one. */
export class Answer<R> implements Exchange<R> {
  readonly command: Uint8Array;
  readonly payload?: Uint8Array;
  readonly sendAhead: SendAhead;
  readonly #sequel: ((reply: R) => Sequel) | undefined;
  readonly #listener: Listener;
  readonly #leaveWithin: number;
  readonly #replies: R[] = [];
  /** Chunks that came before anybody wanted them: the dialogue stops at the first. */
  readonly #early: Buffer[] = [];
  #lines: Buffer[] = [];
  #body: Readable | undefined;
  #left: number | undefined;
  /** Octets that may still be gathered before anybody reads: see `whole`. */
  #room: number | undefined;
  #whole = false;
  #failure: PortholeError | undefined;
  #standing: Standing | undefined;
  #stir: (() => void) | undefined;

  /** @param leaveWithin octets of a block that are read and thrown away when it is left early */
  constructor(exchange: Exchange<R>, listener: Listener, leaveWithin: number) {
    this.command = exchange.command;
    if (exchange.payload !== undefined) this.payload = exchange.payload;
    this.sendAhead = exchange.sendAhead ?? "free";
    this.#sequel = exchange.sequel?.bind(exchange);
    this.#listener = listener;
    this.#leaveWithin = leaveWithin;
  }

  sequel(reply: R): Sequel {
    return this.#sequel?.(reply) ?? "nothing";
  }

  /** How far it had come when the dialogue ended; undefined as long as it goes on, and when it was answered. */
  get standing(): Standing | undefined {
    return this.#standing;
  }

  /**
   * The next reply, in the order in which they come: also one that asks for data, or that a block follows.
   * @throws PortholeError when the dialogue ends before it; `usage` when there is none to come
   */
  async reply(): Promise<R> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#whole) throw new PortholeError("usage", "a reply was awaited after the last one");
      await this.#stirred();
    }
  }

  /**
   * The block that follows the reply, as octets, dots undone. Destroying it early leaves the dialogue usable when
   * the rest is small, and ends the connection otherwise.
   */
  block(): Readable {
    const body = new Readable({
      read: () => this.#listener.goOn(),
      destroy: (error, done) => {
        this.#leave();
        done(error);
      },
    });
    this.#body = body;
    // Who reads it hears of a failure; until then nobody does, which must not end the process.
    body.on("error", () => undefined);
    this.#listener.streaming();
    for (const chunk of this.#early.splice(0)) body.push(chunk);
    if (this.#whole) body.push(null);
    else if (this.#failure !== undefined) body.destroy(this.#failure);
    return body;
  }

  /**
   * The block in one piece, without a stream; undefined when it has more than `most` octets, and then `block` gives all of
   * it. @throws PortholeError when the dialogue ends before it
   */
  async whole(most: number): Promise<Buffer | undefined> {
    this.#room = most;
    this.#listener.streaming();
    for (const chunk of this.#early) this.#room -= chunk.length;
    if (this.#room >= 0) this.#listener.goOn();
    while (this.#room >= 0) {
      if (this.#whole) return Buffer.concat(this.#early.splice(0));
      if (this.#failure !== undefined) throw this.#failure;
      await this.#stirred();
    }
    this.#room = undefined;
    return undefined;
  }

  /** Nobody wants what has not come yet: as when a block is destroyed early. */
  leave(): void {
    this.#early.length = 0;
    this.#leave();
  }

  /** The block that follows the reply, line by line; leaving the loop early is as with `block`. */
  async *lines(): AsyncGenerator<Buffer, void, undefined> {
    for await (const batch of this.batches()) for (const line of batch) yield line;
  }

  /** The same, as many lines at once as have come. */
  async *batches(): AsyncGenerator<readonly Buffer[], void, undefined> {
    this.#listener.streaming();
    try {
      for (;;) {
        const batch = this.#lines;
        this.#lines = [];
        if (batch.length > 0) {
          this.#listener.goOn();
          yield batch;
        } else if (this.#whole) return;
        else if (this.#failure !== undefined) throw this.#failure;
        else await this.#stirred();
      }
    } finally {
      this.#leave();
    }
  }

  // --- For the dialogue ---------------------------------------------------------------------------------------

  takeReply(reply: R, last: boolean): void {
    this.#replies.push(reply);
    this.#whole = last;
    this.#stir?.();
  }

  /** @returns whether there is room for more */
  takeChunk(chunk: Buffer): boolean {
    if (this.#left !== undefined) return this.#throwAway(chunk);
    if (this.#body !== undefined) return this.#body.push(chunk);
    this.#early.push(chunk);
    if (this.#room === undefined) return false;
    this.#room -= chunk.length;
    if (this.#room >= 0) return true;
    this.#stir?.();
    return false;
  }

  /** @returns whether there is room for more */
  takeLine(line: Buffer): boolean {
    if (this.#left !== undefined) return this.#throwAway(line);
    this.#lines.push(line);
    this.#stir?.();
    return this.#lines.length < MAX_WAITING_LINES;
  }

  takeEnd(): void {
    this.#whole = true;
    this.#body?.push(null);
    this.#stir?.();
  }

  fail(failure: PortholeError, standing: Standing): void {
    this.#failure = failure;
    this.#standing = standing;
    this.#body?.destroy(failure);
    this.#stir?.();
  }

  #leave(): void {
    if (this.#whole || this.#failure !== undefined || this.#left !== undefined) return;
    this.#left = 0;
    this.#listener.goOn();
  }

  #throwAway(octets: Buffer): boolean {
    this.#left = (this.#left ?? 0) + octets.length;
    if (this.#left <= this.#leaveWithin) return true;
    throw new PortholeError("aborted", "an answer was left early, and the connection with it");
  }

  async #stirred(): Promise<void> {
    const event = new Promise<void>((resolve) => {
      this.#stir = resolve;
    });
    await this.#listener.awaited(event);
    this.#stir = undefined;
  }
}
