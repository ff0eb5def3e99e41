/**
 * Commands and answers over a connection: what drives a CommandPipeline (wire/), whatever the protocol.
 *
 *     const dialogue = new Dialogue(connection, { replies, unsolicited });
 *     const greeting = await dialogue.greeting();
 *     const [first, second] = [dialogue.say(a), dialogue.say(b)];    // in one packet, where both may be sent ahead
 *     await first.reply();
 */
import { setTimeout as sleep } from "node:timers/promises";
import { PortholeError } from "../errors.js";
import type { Exchange, PipelineEvent } from "../wire/exchange.js";
import { CommandPipeline, type PipelineOptions } from "../wire/pipeline.js";
import { Answer, type Listener } from "./answer.js";
import type { Connection } from "./connection.js";
import { connectionError } from "./failures.js";
import type { StartTls } from "./wiring.js";

export { Answer } from "./answer.js";

export interface DialogueOptions<R> extends PipelineOptions<R> {
  /**
   * The error that a reply is when nothing had asked for it: a notice before the server closes (421, 400), or an
   * answer ahead of its command, after which none could be trusted. `during` is the exchange whose data were
   * being handed over. The dialogue ends with it.
   */
  readonly unsolicited: (reply: R, during: Exchange<R> | undefined) => PortholeError;
  /** Octets of a block that are read and thrown away when it is left early; with more, the connection ends. Default 256 KiB. */
  readonly leaveWithin?: number;
}

const DEFAULT_LEAVE_WITHIN = 256 * 1024;
const NO_COMMAND = { command: new Uint8Array(0) };
/** Milliseconds that a farewell may take. */
const FAREWELL_MS = 1000;

export class Dialogue<R> {
  readonly connection: Connection;
  readonly #options: DialogueOptions<R>;
  readonly #pipeline: CommandPipeline<R, Answer<R>>;
  readonly #listener: Listener;
  readonly #greeting: Answer<R>;
  #failure: PortholeError | undefined;
  #hearing = false;
  #flushDue = false;
  /** Whoever takes the present block has no room: nothing is read until there is. */
  #blocked = false;
  /** A block is being taken. */
  #streaming = false;
  #waiting = 0;
  #drained: (() => void) | undefined;

  /** Takes the connection over; whoever made it must not read or write it any more. */
  constructor(connection: Connection, options: DialogueOptions<R>) {
    this.connection = connection;
    this.#options = options;
    this.#pipeline = new CommandPipeline<R, Answer<R>>(options);
    this.#listener = {
      awaited: (event) => this.#await(event),
      streaming: () => {
        this.#streaming = true;
        this.#setPatience();
      },
      goOn: () => {
        this.#blocked = false;
        this.#hear();
      },
    };
    this.#greeting = this.#answerTo(NO_COMMAND);
    connection.on("readable", () => this.#hear());
    connection.on("drain", () => this.#flush());
    connection.on("end", () => this.#fail(this.#lost()));
    connection.on("error", (error: Error) => this.#fail(this.#lost(error)));
    connection.on("close", () => this.#fail(new PortholeError("aborted", "the connection was closed")));
    if (connection.destroyed) this.#fail(this.#lost(connection.errored));
    this.#setPatience();
    // What came before there was a listener.
    this.#hear();
  }

  /** Why nothing can be said any more; undefined as long as it can. */
  get failure(): PortholeError | undefined {
    return this.#failure;
  }

  /** What the server says first. @throws PortholeError */
  greeting(): Promise<R> {
    return this.#greeting.reply();
  }

  /**
   * Puts a command behind all others. It is sent as soon as it may be; what is said without waiting in between
   * goes out together. Failures show where the answer is taken.
   */
  say(exchange: Exchange<R>): Answer<R> {
    const answer = this.#answerTo(exchange);
    if (this.#failure !== undefined) {
      answer.fail(this.#failure, "unsent");
      return answer;
    }
    this.#pipeline.submit(answer);
    if (!this.#flushDue) {
      this.#flushDue = true;
      queueMicrotask(() => {
        this.#flushDue = false;
        this.#flush();
      });
    }
    return answer;
  }

  /** Says something and waits for its first reply. @throws PortholeError */
  ask(exchange: Exchange<R>): Promise<R> {
    return this.say(exchange).reply();
  }

  /**
   * Hands data over that the server asked for, and waits while it takes them slowly.
   * @throws PortholeError `usage` when it asked for none; whatever ended the dialogue
   */
  async supply(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#pipeline.supply(bytes);
    await this.#written();
  }

  /** The last data; the next reply of the same answer is what the server says to them. */
  async supplyLast(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#pipeline.supplyLast(bytes);
    await this.#written();
  }

  /**
   * Starts TLS, after an exchange whose sequel was `switch`. Octets that came ahead of it end the connection.
   * @throws PortholeError `tls`
   */
  async startTls(request: Omit<StartTls, "unread"> = {}): Promise<void> {
    await this.connection.startTls({ ...request, unread: this.#pipeline.takeRest() });
    this.#flush();
  }

  /** Deflates both ways, after an exchange whose sequel was `switch`. */
  startDeflate(): void {
    this.connection.startDeflate(this.#pipeline.takeRest());
    this.#flush();
    this.#hear();
  }

  /** Says goodbye when there is an order for it, waits a second at most, and closes; may be called again. */
  async close(farewell?: Exchange<R>): Promise<void> {
    const inOrder = this.#failure === undefined && this.#pipeline.unanswered === 0;
    if (farewell !== undefined && inOrder) {
      const said = new AbortController();
      const answered = this.ask(farewell).then(
        () => said.abort(),
        () => said.abort(),
      );
      await Promise.race([answered, sleep(FAREWELL_MS, undefined, { signal: said.signal }).catch(() => {})]);
      said.abort();
    }
    this.connection.destroy();
  }

  // --- To the server ------------------------------------------------------------------------------------------

  #answerTo(exchange: Exchange<R>): Answer<R> {
    return new Answer(exchange, this.#listener, this.#options.leaveWithin ?? DEFAULT_LEAVE_WITHIN);
  }

  #flush(): void {
    while (this.#failure === undefined && !this.connection.writableNeedDrain) {
      const bytes = this.#pipeline.nextBytesToSend();
      if (bytes === undefined) break;
      this.connection.write(bytes);
    }
    if (!this.connection.writableNeedDrain) this.#drained?.();
  }

  async #written(): Promise<void> {
    this.#flush();
    while (this.#failure === undefined && this.connection.writableNeedDrain) {
      await this.#await(
        new Promise((resolve) => {
          this.#drained = resolve;
        }),
      );
      this.#drained = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  // --- From the server ----------------------------------------------------------------------------------------

  /** Reads as long as there is something, and room for it. */
  #hear(): void {
    if (this.#hearing) return;
    this.#hearing = true;
    try {
      while (this.#takeEvents()) {
        const chunk: unknown = this.connection.read();
        if (!Buffer.isBuffer(chunk)) break;
        this.#pipeline.feed(chunk);
      }
    } catch (thrown) {
      this.#fail(connectionError(thrown, this.connection.facts));
    } finally {
      this.#hearing = false;
    }
    this.#setPatience();
    this.#flush();
  }

  /** @returns false when there is no room for what comes next, or nobody to read it */
  #takeEvents(): boolean {
    while (!this.#blocked && this.#failure === undefined) {
      const event = this.#pipeline.nextEvent();
      if (event === undefined) return true;
      this.#pass(event);
    }
    return false;
  }

  #pass(event: PipelineEvent<R, Answer<R>>): void {
    switch (event.type) {
      case "greeting":
        this.#greeting.takeReply(event.reply, true);
        break;
      case "reply":
        event.exchange.takeReply(event.reply, event.last);
        break;
      case "continuation":
        event.exchange.takeReply(event.reply, false);
        break;
      case "switch":
        event.exchange.takeReply(event.reply, true);
        break;
      case "block":
        this.#blocked = !event.exchange.takeChunk(event.chunk);
        break;
      case "line":
        this.#blocked = !event.exchange.takeLine(event.line);
        break;
      case "block-end":
        this.#streaming = false;
        event.exchange.takeEnd();
        break;
      case "unsolicited":
        throw this.#options.unsolicited(event.reply, event.during);
    }
  }

  /** A connection that is lost within something that has an end is a breach of the protocol. */
  #lost(error?: Error | null): PortholeError {
    const { facts } = this.connection;
    const lost = error
      ? connectionError(error, facts)
      : new PortholeError("connect", "the server closed the connection");
    const [first] = this.#pipeline.end();
    const receiving = first?.standing === "half-answered" || this.#options.replies.partial;
    if (lost.code !== "connect" || !(receiving || first?.standing === "data-unsent")) return lost;
    const within = receiving ? "in the middle of an answer" : "in the middle of what it had asked for";
    return new PortholeError("protocol", `${lost.message}, ${within}`, { cause: error });
  }

  #fail(failure: PortholeError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    const unfinished = this.#pipeline.end();
    this.#greeting.fail(failure, "unanswered");
    for (const { exchange, standing } of unfinished) exchange.fail(failure, standing);
    this.#drained?.();
    this.connection.destroy();
  }

  // --- Patience -----------------------------------------------------------------------------------------------

  async #await(event: Promise<void>): Promise<void> {
    this.#waiting += 1;
    this.#setPatience();
    await event;
    this.#waiting -= 1;
    this.#setPatience();
  }

  /** The idle limit is for a server that owes something, not for our side's own pauses. */
  #setPatience(): void {
    this.connection.patient = this.#waiting === 0 && (!this.#streaming || this.#blocked);
  }
}
