/** Commands sent ahead, answers matched to them in order (RFC 2920, RFC 2449 6.6, RFC 3977 3.5). */
import { PortholeError } from "../errors.js";
import { DotLines, DotReader } from "./dots.js";
import type { Exchange, PipelineEvent, Standing, Unfinished } from "./exchange.js";
import { Fifo } from "./fifo.js";
import { type BareLf, DEFAULT_MAX_LINE } from "./lines.js";
import type { ReplyReader } from "./replies.js";
import { join } from "./unread.js";

export interface PipelineOptions<R> {
  /** How replies look: a ThreeDigitReplyReader or a StatusReplyReader. */
  readonly replies: ReplyReader<R>;
  /** Whether the server speaks first; nothing is sent before its greeting. Default true. */
  readonly greeting?: boolean;
  /** How many exchanges may be sent and not answered. Default 100. */
  readonly maxUnanswered?: number;
  /**
   * Whether LF alone ends a line within blocks. Default `as-replies`: when it ended the reply before the block.
   * What speaks for each stands at DotReader.
   */
  readonly bareLf?: BareLf | "as-replies";
  /** Octets that a line of a listing may have. Default 1 MiB. */
  readonly maxLineLength?: number;
}

/** An exchange that has been sent and is not answered. */
interface Sent<E> {
  readonly exchange: E;
  standing: Exclude<Standing, "unsent">;
  /** All data it asked for were handed over: what is `last` holds nothing back any more. */
  dataDone: boolean;
}

/** What the next octets of the server are part of. */
type Reading<E> =
  | { readonly form: "reply" }
  | { readonly form: "block"; readonly dots: DotReader; readonly exchange: E }
  | { readonly form: "lines"; readonly dots: DotLines; readonly exchange: E }
  /** Nobody knows: the stream is about to change. */
  | { readonly form: "switch" };

const REPLY = { form: "reply" } as const;
const SWITCH = { form: "switch" } as const;
/** Commands are put together up to about this size, so that they travel in few packets. */
const SEND_AT_ONCE = 64 * 1024;

/**
 * The order of things on one connection, without the connection. `submit()` what is wanted, send what
 * `nextBytesToSend()` gives, `feed()` what comes, and after each of these take events until there is none.
 */
export class CommandPipeline<R, E extends Exchange<R> = Exchange<R>> {
  /** How many exchanges may be sent and not answered; may be changed when the server's capabilities are known. */
  maxUnanswered: number;
  readonly #replies: ReplyReader<R>;
  readonly #bareLf: BareLf | "as-replies";
  readonly #maxLineLength: number;
  readonly #queued = new Fifo<E>();
  readonly #sent = new Fifo<Sent<E>>();
  readonly #data = new Fifo<Buffer>();
  #greetingDue: boolean;
  #reading: Reading<E> = REPLY;
  #failure: PortholeError | undefined;

  constructor(options: PipelineOptions<R>) {
    this.#replies = options.replies;
    this.#greetingDue = options.greeting ?? true;
    this.maxUnanswered = options.maxUnanswered ?? 100;
    this.#bareLf = options.bareLf ?? "as-replies";
    this.#maxLineLength = options.maxLineLength ?? DEFAULT_MAX_LINE;
  }

  // --- To the server ------------------------------------------------------------------------------------------

  /** Puts an exchange behind all others. */
  submit(exchange: E): void {
    this.#queued.push(exchange);
  }

  /** Takes back what has not been sent, oldest first: to leave early, or to put a login before it. */
  withdraw(): E[] {
    return this.#queued.takeAll();
  }

  /** How many exchanges have not been sent. */
  get unsent(): number {
    return this.#queued.length;
  }

  /** How many exchanges have been sent and are not answered. */
  get unanswered(): number {
    return this.#sent.length;
  }

  /** The exchange that the server waits for data of. */
  get awaitingData(): E | undefined {
    const first = this.#sent.first();
    return first?.standing === "data-unsent" ? first.exchange : undefined;
  }

  /**
   * Hands over data after a `continuation`. They go out as they are: DotWriter is for what needs dots.
   * @throws PortholeError `usage` when no exchange waits for data
   */
  supply(bytes: Uint8Array): void {
    this.#supplying();
    if (bytes.length > 0) this.#data.push(asBuffer(bytes));
  }

  /** Hands over the last data; the server's next reply is the answer to them. Empty where nothing is left. */
  supplyLast(bytes: Uint8Array): void {
    this.supply(bytes);
    const sent = this.#supplying();
    sent.standing = "data-unanswered";
    sent.dataDone = true;
  }

  /** What is to be sent now, commands put together; undefined while there is nothing, or while an answer must come first. */
  nextBytesToSend(): Buffer | undefined {
    const parts: Buffer[] = [];
    let size = 0;
    while (size < SEND_AT_ONCE) {
      const next = this.#nextParts();
      if (next.length === 0) break;
      for (const part of next) size += part.length;
      parts.push(...next);
    }
    return parts.length === 0 ? undefined : join(parts);
  }

  #nextParts(): Buffer[] {
    const data = this.#data.take();
    if (data !== undefined) return [data];
    const exchange = this.#queued.first();
    if (exchange === undefined || !this.#maySend(exchange)) return [];
    this.#queued.take();
    this.#sent.push({ exchange, standing: "unanswered", dataDone: false });
    const command = asBuffer(exchange.command);
    return exchange.payload === undefined ? [command] : [command, asBuffer(exchange.payload)];
  }

  #maySend(next: E): boolean {
    if (this.#greetingDue || this.#reading.form === "switch") return false;
    if (this.#sent.length >= this.maxUnanswered) return false;
    const before = this.#sent.last();
    if (before === undefined) return true;
    if (next.sendAhead === "alone" || before.standing === "data-unsent") return false;
    const barrier = before.exchange.sendAhead ?? "free";
    return barrier === "free" || (barrier === "last" && before.dataDone);
  }

  #supplying(): Sent<E> {
    const first = this.#sent.first();
    if (first?.standing === "data-unsent") return first;
    throw new PortholeError("usage", "data were handed over which the server has not asked for");
  }

  // --- From the server ----------------------------------------------------------------------------------------

  /** Octets as they came. The rules of LineReader for reused buffers hold: take all events before the next read. */
  feed(bytes: Uint8Array): void {
    const reading = this.#reading;
    if (reading.form === "block" || reading.form === "lines") reading.dots.feed(bytes);
    else this.#replies.feed(bytes);
  }

  /**
   * The next event, or undefined until more is fed.
   * @throws PortholeError `protocol` when what came is no reply, passes a bound, or asks for data behind which
   *   commands are under way already; now and at every later call
   */
  nextEvent(): PipelineEvent<R, E> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const reading = this.#reading;
    switch (reading.form) {
      case "reply":
        return this.#nextReply();
      case "block":
        return this.#nextOfBlock(reading.dots, reading.exchange);
      case "lines":
        return this.#nextLine(reading.dots, reading.exchange);
      case "switch":
        return undefined;
    }
  }

  /**
   * What has come and not been read, and clears it. After a `switch` this lets reading and sending go on: octets
   * that came ahead of a TLS handshake are an injection and the connection must be dropped (RFC 3207, 6); those of a
   * deflated stream (RFC 8054) are its beginning.
   */
  takeRest(): Buffer {
    const reading = this.#reading;
    if (reading.form === "block" || reading.form === "lines") return reading.dots.rest();
    this.#reading = REPLY;
    return this.#replies.rest();
  }

  /**
   * The connection has ended. Says what was left undone, in the order of submission; whatever is not named
   * was answered. Take all events first.
   */
  end(): Unfinished<E>[] {
    const cut = this.#reading.form === "reply" && this.#replies.partial ? this.#sent.first() : undefined;
    if (cut?.standing === "unanswered") cut.standing = "half-answered";
    const supplied = this.#data.length > 0 ? this.#sent.first() : undefined;
    if (supplied?.standing === "data-unanswered") supplied.standing = "data-unsent";
    return [
      ...this.#sent.all().map(({ exchange, standing }) => ({ exchange, standing })),
      ...this.#queued.all().map((exchange) => ({ exchange, standing: "unsent" as const })),
    ];
  }

  #nextReply(): PipelineEvent<R, E> | undefined {
    const reply = this.#replies.next();
    if (reply === undefined) return undefined;
    if (this.#greetingDue) {
      this.#greetingDue = false;
      return { type: "greeting", reply };
    }
    const sent = this.#sent.first();
    if (sent === undefined || sent.standing === "data-unsent") {
      return { type: "unsolicited", reply, during: sent?.exchange };
    }
    return this.#answer(sent, reply);
  }

  #answer(sent: Sent<E>, reply: R): PipelineEvent<R, E> {
    const { exchange } = sent;
    const sequel = exchange.sequel?.(reply) ?? "nothing";
    switch (sequel) {
      case "nothing":
        this.#sent.take();
        return { type: "reply", exchange, reply, last: true };
      case "switch":
        this.#sent.take();
        this.#reading = SWITCH;
        return { type: "switch", exchange, reply };
      case "data":
        this.#refuseDataBehindCommands();
        sent.standing = "data-unsent";
        return { type: "continuation", exchange, reply };
      case "reply":
        sent.standing = "half-answered";
        return { type: "reply", exchange, reply, last: false };
      case "block":
      case "lines":
        sent.standing = "half-answered";
        this.#beginBlock(sequel, exchange);
        return { type: "reply", exchange, reply, last: false };
    }
  }

  /** Commands that went out behind would be taken for the data. */
  #refuseDataBehindCommands(): void {
    if (this.#sent.length === 1) return;
    this.#failure = new PortholeError(
      "protocol",
      "the server asks for data behind a command that others were sent after",
    );
    throw this.#failure;
  }

  #beginBlock(form: "block" | "lines", exchange: E): void {
    const asReplies = this.#replies.lineEnd === "lf" ? "accept" : "keep";
    const bareLf = this.#bareLf === "as-replies" ? asReplies : this.#bareLf;
    this.#reading =
      form === "block"
        ? { form, dots: new DotReader({ bareLf }), exchange }
        : { form, dots: new DotLines({ bareLf, maxLength: this.#maxLineLength }), exchange };
    this.#reading.dots.feed(this.#replies.rest());
  }

  #nextOfBlock(dots: DotReader, exchange: E): PipelineEvent<R, E> | undefined {
    const event = dots.next();
    if (event === undefined) return undefined;
    if (event.type === "chunk") return { type: "block", exchange, chunk: event.bytes };
    return this.#endBlock(dots.rest(), exchange);
  }

  #nextLine(dots: DotLines, exchange: E): PipelineEvent<R, E> | undefined {
    const event = dots.next();
    if (event === undefined) return undefined;
    if (event.type === "line") return { type: "line", exchange, line: event.line };
    return this.#endBlock(dots.rest(), exchange);
  }

  #endBlock(rest: Buffer, exchange: E): PipelineEvent<R, E> {
    this.#sent.take();
    this.#reading = REPLY;
    this.#replies.feed(rest);
    return { type: "block-end", exchange };
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
