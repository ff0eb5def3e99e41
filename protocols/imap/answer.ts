/** What one command is answered with, as it comes: data, contents of messages, requests to go on, and OK, NO or BAD. */
import type { PortholeError } from "../../src/errors.js";
import { Contents, type Listener } from "./contents.js";
import type { Data, Status } from "./response.js";
import type { Word } from "./words.js";

/** A command, and what of the server's words is its answer. */
export interface Request {
  /** The command's name first; they are parted by blanks. */
  readonly words: readonly Word[];
  /** Neither sent between others, nor others between it and its answer. */
  readonly alone?: boolean;
  /** Which data are part of the answer; none when absent. */
  readonly takes?: (data: Data) => boolean;
  /** The answer holds the contents of this message: its UID. `any`: whatever comes until it has ended; with `alone`. */
  readonly contentsOf?: number | "any";
  /** After its OK the stream is another one: a TLS handshake, a deflated stream. */
  readonly switches?: boolean;
  /** The server asks to go on, which is part of the answer (AUTHENTICATE, IDLE). */
  readonly converses?: boolean;
}

type Item =
  | { readonly kind: "data"; readonly data: Data }
  | { readonly kind: "contents"; readonly contents: Contents }
  | { readonly kind: "continue"; readonly text: string };

/** What may wait for whoever takes it. */
const MOST_WAITING = 1024;
const MOST_NOTES = 100;

export class Answer {
  readonly request: Request;
  /** What the server said by the way before the answer: `* OK [UIDVALIDITY 3]`. */
  readonly notes: Status[] = [];
  /** Contents have begun. */
  hadContents = false;
  readonly #listener: Listener;
  #items: Item[] = [];
  #status: Status | undefined;
  #failure: PortholeError | undefined;
  /** Nobody takes what comes. */
  #ignored = false;
  /** Those that come now. */
  #contents: Contents | undefined;
  #stir: (() => void) | undefined;

  constructor(request: Request, listener: Listener) {
    this.request = request;
    this.#listener = listener;
  }

  /** Somebody waits for what comes. */
  get awaited(): boolean {
    return !this.#ignored;
  }

  /** OK, NO or BAD; data that nobody took are passed over. @throws PortholeError when the dialogue ends before it */
  async status(): Promise<Status> {
    this.#ignore();
    for (;;) {
      if (this.#status !== undefined) return this.#status;
      if (this.#failure !== undefined) throw this.#failure;
      await this.#stirred();
    }
  }

  /** The data of the answer; then the status is there. Leaving the loop passes over the rest. */
  async *data(): AsyncGenerator<Data, void, undefined> {
    try {
      for (let item = await this.#next(); item !== undefined; item = await this.#next()) {
        if (item.kind === "data") yield item.data;
        else if (item.kind === "contents") item.contents.leave();
      }
    } finally {
      this.#ignore();
    }
  }

  /** The next data or contents, in their order; undefined when the status is there. */
  async next(): Promise<Data | Contents | undefined> {
    for (;;) {
      const item = await this.#next();
      if (item === undefined) return undefined;
      if (item.kind === "data") return item.data;
      if (item.kind === "contents") return item.contents;
    }
  }

  /** What the server says when it asks to go on; undefined when it answers instead. */
  async continuation(): Promise<string | undefined> {
    for (;;) {
      const item = await this.#next();
      if (item === undefined) return undefined;
      if (item.kind === "continue") return item.text;
    }
  }

  async #next(): Promise<Item | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        if (this.#items.length < MOST_WAITING) this.#listener.goOn();
        return item;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#status !== undefined) return undefined;
      await this.#stirred();
    }
  }

  // --- For the dialogue ---------------------------------------------------------------------------------------

  /** @returns whether there is room for more */
  takeData(data: Data): boolean {
    return this.#take({ kind: "data", data });
  }

  takeContinuation(text: string): boolean {
    return this.#take({ kind: "continue", text });
  }

  takeNote(status: Status): void {
    if (this.notes.length < MOST_NOTES) this.notes.push(status);
  }

  /** @returns whether there is room for their octets */
  takeContents(head: string, size: number): boolean {
    this.hadContents = true;
    const contents = new Contents(head, size, this.#listener);
    this.#contents = contents;
    if (this.#ignored) contents.leave();
    else this.#take({ kind: "contents", contents });
    return true;
  }

  /** @returns whether there is room for more */
  takeOctets(chunk: Buffer): boolean {
    return this.#contents?.take(chunk) ?? true;
  }

  takeContentsEnd(): void {
    this.#contents?.end();
    this.#contents = undefined;
  }

  takeStatus(status: Status): void {
    this.#status = status;
    this.#stir?.();
  }

  fail(failure: PortholeError): void {
    if (this.#status !== undefined) return;
    this.#failure = failure;
    this.#contents?.fail(failure);
    // What had come whole is still to be had; contents that are cut are not.
    this.#stir?.();
  }

  #take(item: Item): boolean {
    if (this.#ignored) return true;
    this.#items.push(item);
    this.#stir?.();
    return this.#items.length < MOST_WAITING;
  }

  #ignore(): void {
    this.#ignored = true;
    for (const item of this.#items.splice(0)) if (item.kind === "contents") item.contents.leave();
    this.#listener.goOn();
  }

  async #stirred(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#stir = resolve;
    });
    this.#stir = undefined;
  }
}

export function isContents(item: Data | Contents): item is Contents {
  return item instanceof Contents;
}
