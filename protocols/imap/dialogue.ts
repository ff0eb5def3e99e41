/**
 * Commands and answers over a connection (RFC 9051, 2.2): tagged, sent ahead, with literals both ways.
 *
 * Written by hand on net/ and wire/ rather than on imapflow: that sends one command at a time (a round-trip a message,
 * where a backup over a slow line needs them sent ahead), holds a message whole or asks for it chunk by chunk, and has
 * neither SCRAM nor CRAM-MD5 nor a way to append what is not in memory. It stays as a peer that the sandbox's server is
 * tested with.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { connectionError } from "../../src/net/failures.js";
import { Fifo } from "../../src/wire/fifo.js";
import { Answer, type Request } from "./answer.js";
import { refusal } from "./refusal.js";
import type { Data, Response, Status } from "./response.js";
import { type ReaderEvent, ResponseReader } from "./response-reader.js";
import { plainWord, type Stream, type Word } from "./words.js";

/** Is told what the server says by itself. */
export interface Bystander {
  data(data: Data): void;
  status(status: Status): void;
}

/** Milliseconds that a farewell may take. */
const FAREWELL_MS = 1000;
/** Octets of commands that are put together before they are sent. */
const SEND_AT_ONCE = 64 * 1024;
const CRLF = "\r\n";
/** Octets of contents that are kept when they come ahead of their turn. */
const MOST_HELD = 64 * 1024 * 1024;

export class Dialogue {
  readonly connection: Connection;
  /** Octets that may be sent as a literal without waiting; -1 for none. */
  literalAhead = -1;
  readonly #bystander: Bystander;
  readonly #reader = new ResponseReader();
  readonly #waiting = new Fifo<{ readonly tag: string; readonly answer: Answer }>();
  /** Sent, in order. */
  #unanswered: { readonly tag: string; readonly answer: Answer }[] = [];
  #tags = 0;
  #greeting: Status | undefined;
  #bye: Status | undefined;
  #failure: PortholeError | undefined;
  #hearing = false;
  #sending = false;
  /** Whoever takes what comes has no room: nothing is read until there is. */
  #blocked = false;
  /** Who gets the contents that are coming; undefined for nobody. */
  #contentsFor: Answer | undefined;
  /** Nothing is read before the stream is another one. */
  #switching = false;
  /** Whose message the response under way is about. */
  #owner: Answer | undefined;
  /** Octets of contents that came ahead of their turn. */
  #held = 0;
  /** A literal waits for the server's word. */
  #goAhead: ((granted: boolean) => void) | undefined;
  #idle = false;
  readonly #stirs = new Set<() => void>();

  /** Takes the connection over; whoever made it must not read or write it any more. */
  constructor(connection: Connection, bystander: Bystander) {
    this.connection = connection;
    this.#bystander = bystander;
    connection.on("readable", () => this.#hear());
    connection.on("end", () => this.#onEnd());
    connection.on("error", (error: Error) => this.#fail(this.#lost(error)));
    connection.on("close", () => this.#fail(new PortholeError("aborted", "the connection was closed")));
    if (connection.destroyed) this.#fail(this.#lost(connection.errored ?? undefined));
    this.#setPatience();
    // What came before there was a listener.
    this.#hear();
  }

  /** Why nothing can be said any more; undefined as long as it can. */
  get failure(): PortholeError | undefined {
    return this.#failure;
  }

  /** The server may be silent for as long as it likes (IDLE). */
  set idle(idle: boolean) {
    this.#idle = idle;
    this.#setPatience();
  }

  /** What the server says first. @throws PortholeError */
  async greeting(): Promise<Status> {
    for (;;) {
      if (this.#greeting !== undefined) return this.#greeting;
      if (this.#failure !== undefined) throw this.#failure;
      await this.#stirred();
    }
  }

  /**
   * Puts a command behind all others; what is said without waiting in between goes out together. Failures show where
   * the answer is taken.
   * @throws PortholeError `usage` for words that are never sent
   */
  say(request: Request): Answer {
    for (const word of request.words) if (typeof word === "string") plainWord(word);
    const answer = new Answer(request, { goOn: () => this.#goOn() });
    if (this.#failure !== undefined) {
      answer.fail(this.#failure);
      return answer;
    }
    this.#tags += 1;
    this.#waiting.push({ tag: `A${this.#tags}`, answer });
    this.#startSending();
    return answer;
  }

  /** Says something and waits for its end. @throws PortholeError */
  ask(...words: readonly Word[]): Promise<Status> {
    return this.say({ words }).status();
  }

  /** A line outside of any command: the answer to a request to go on. */
  async line(text: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#write(Buffer.from(`${plainWord(text)}${CRLF}`));
  }

  /**
   * Starts TLS, after the server agreed to it. Octets that came ahead of it end the connection.
   * @throws PortholeError `tls`
   */
  async startTls(): Promise<void> {
    await this.connection.startTls({ unread: this.#reader.rest() });
    this.#switching = false;
    this.#hear();
  }

  /** RFC 4978: from now on both sides deflate, after the server agreed to it. What came behind its OK is deflated already. */
  startDeflate(): void {
    this.connection.startDeflate(this.#reader.rest());
    this.#switching = false;
    this.#hear();
  }

  /** Says goodbye, waits a second at most, and closes; may be called again. */
  async close(): Promise<void> {
    if (this.#failure === undefined && this.#unanswered.length === 0) {
      const said = new AbortController();
      const answered = this.ask("LOGOUT").then(
        () => said.abort(),
        () => said.abort(),
      );
      await Promise.race([answered, sleep(FAREWELL_MS, undefined, { signal: said.signal }).catch(() => {})]);
      said.abort();
    }
    this.connection.destroy();
  }

  // --- To the server ------------------------------------------------------------------------------------------

  #startSending(): void {
    if (this.#sending) return;
    this.#sending = true;
    queueMicrotask(() => {
      this.#send()
        .catch((thrown: unknown) => this.#fail(connectionError(thrown, this.connection.facts)))
        .finally(() => {
          this.#sending = false;
          // What was said while the last of it went out.
          if (this.#waiting.length > 0 && this.#failure === undefined) this.#startSending();
        });
    });
  }

  async #send(): Promise<void> {
    let batch = "";
    const flush = async () => {
      if (batch === "") return;
      const octets = Buffer.from(batch, "latin1");
      batch = "";
      await this.#write(octets);
    };
    for (;;) {
      const next = this.#waiting.first();
      if (next === undefined || this.#failure !== undefined) break;
      const mustWait =
        next.answer.request.alone === true || this.#unanswered[0]?.answer.request.alone === true;
      if (mustWait && this.#unanswered.length > 0) {
        await flush();
        while (this.#unanswered.length > 0 && this.#failure === undefined) await this.#stirred();
        continue;
      }
      this.#waiting.take();
      this.#unanswered.push(next);
      this.#setPatience();
      batch += next.tag;
      let refused = false;
      for (const word of next.answer.request.words) {
        if (typeof word === "string") {
          batch += ` ${Buffer.from(word, "utf8").toString("latin1")}`;
          continue;
        }
        const size = "octets" in word ? word.octets.length : word.size;
        const ahead = size <= this.literalAhead;
        batch += ` ${"binary" in word && word.binary ? "~" : ""}{${size}${ahead ? "+" : ""}}${CRLF}`;
        if (!ahead && !(await this.#mayGoOn(flush))) {
          refused = true;
          break;
        }
        if ("octets" in word) batch += word.octets.toString("latin1");
        else {
          await flush();
          await this.#pour(word);
        }
      }
      // What is refused before its literal has ended there.
      if (!refused) batch += CRLF;
      if (batch.length > SEND_AT_ONCE || this.#waiting.length === 0) await flush();
    }
    await flush();
  }

  /** @returns false when the server refuses the command before its literal */
  async #mayGoOn(flush: () => Promise<void>): Promise<boolean> {
    const granted = new Promise<boolean>((resolve) => {
      this.#goAhead = resolve;
    });
    await flush();
    if (this.#failure !== undefined) return false;
    return granted;
  }

  async #pour({ pieces, size }: Stream): Promise<void> {
    let sent = 0;
    for await (const piece of pieces) {
      sent += piece.length;
      if (sent > size || this.#failure !== undefined) break;
      await this.#write(piece);
    }
    // What a literal announced must come: the connection cannot be used for anything else.
    if (sent !== size) this.#fail(new PortholeError("local", "the message is not as long as it was"));
  }

  async #write(octets: Buffer): Promise<void> {
    if (this.#failure !== undefined) return;
    if (this.connection.write(octets)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.connection.off("drain", done);
        this.connection.off("close", done);
        resolve();
      };
      this.connection.on("drain", done);
      this.connection.on("close", done);
    });
  }

  // --- From the server ----------------------------------------------------------------------------------------

  #goOn(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#hear();
  }

  /** Reads as long as there is something, and room for it. */
  #hear(): void {
    if (this.#hearing) return;
    this.#hearing = true;
    try {
      while (this.#takeEvents()) {
        const chunk: unknown = this.connection.read();
        if (!Buffer.isBuffer(chunk)) break;
        this.#reader.feed(chunk);
      }
    } catch (thrown) {
      this.#fail(connectionError(thrown, this.connection.facts));
    } finally {
      this.#hearing = false;
    }
    this.#setPatience();
  }

  /** @returns false when there is no room for what comes next, or nobody to read it */
  #takeEvents(): boolean {
    while (!this.#blocked && !this.#switching && this.#failure === undefined) {
      const event = this.#reader.next();
      if (event === undefined) return true;
      this.#pass(event);
    }
    return false;
  }

  #pass(event: ReaderEvent): void {
    switch (event.type) {
      case "response":
        this.#passResponse(event.response);
        return;
      case "contents":
        this.#contentsFor = this.#awaiting(event.head);
        this.#contentsFor.takeContents(event.head, event.size);
        this.#held = 0;
        return;
      case "octets":
        if (this.#contentsFor?.takeOctets(event.chunk) !== false) return;
        this.#blocked = this.#isNext(this.#contentsFor);
        if (!this.#blocked) this.#hold(event.chunk.length);
        return;
      case "contents-end":
        this.#contentsFor?.takeContentsEnd();
        this.#owner = this.#contentsFor;
        this.#contentsFor = undefined;
        return;
    }
  }

  /**
   * Whose contents they are. Servers may work at several commands at once (RFC 9051, 5.5), so a command's OK can come
   * after the next one's message: it is the UID that tells.
   */
  #awaiting(head: string): Answer {
    const [first] = this.#unanswered;
    if (first?.answer.request.contentsOf === "any") return first.answer;
    const waiting = this.#unanswered
      .map(({ answer }) => answer)
      .filter(({ request, hadContents }) => request.contentsOf !== undefined && !hadContents);
    const told = /\bUID (\d+)/i.exec(head)?.[1];
    const found =
      told === undefined ? waiting[0] : waiting.find(({ request }) => request.contentsOf === Number(told));
    if (found !== undefined) return found;
    throw new PortholeError("protocol", "the server sent a message that nobody had asked for", {
      reply: head.slice(0, 200),
    });
  }

  /** Nobody waits for anything else that must come before. */
  #isNext(taker: Answer): boolean {
    for (const { answer } of this.#unanswered) {
      if (answer === taker) return true;
      if (!answer.hadContents && answer.awaited) return false;
    }
    return true;
  }

  /** What comes ahead of its turn is kept, for what is waited for comes behind it. */
  #hold(octets: number): void {
    this.#held += octets;
    if (this.#held > MOST_HELD) {
      throw new PortholeError(
        "protocol",
        "the server sends large messages in another order than they were asked for",
      );
    }
  }

  #passResponse(response: Response): void {
    if (this.#greeting === undefined) {
      if (response.kind !== "status" || /^(?:NO|BAD)$/.test(response.status.condition)) {
        const line =
          response.kind === "data" ? response.data.line : "status" in response ? response.status.line : "+";
        throw new PortholeError("protocol", "the server's greeting is none of IMAP", {
          reply: line.slice(0, 200),
          // Dovecot takes a socket for inetd's when it runs as root.
          ...(/inetd/.test(line)
            ? { hint: "end the --tunnel's command in `| cat`: as root it wants a pipe" }
            : {}),
        });
      }
      this.#greeting = response.status;
      this.#stirAll();
      return;
    }
    switch (response.kind) {
      case "data": {
        const { data } = response;
        this.#bystander.data(data);
        if (this.#owner !== undefined) {
          // What is told around contents says whose they are.
          this.#owner.takeData(data);
          this.#owner = undefined;
          return;
        }
        const taker = this.#unanswered.find(({ answer }) => answer.request.takes?.(data) === true);
        if (taker?.answer.takeData(data) === false) this.#blocked = true;
        return;
      }
      case "status":
        if (response.status.condition === "BYE") this.#bye = response.status;
        this.#bystander.status(response.status);
        this.#unanswered[0]?.answer.takeNote(response.status);
        return;
      case "continue": {
        if (this.#goAhead !== undefined) {
          this.#goAhead(true);
          this.#goAhead = undefined;
          return;
        }
        const talker = this.#unanswered.find(({ answer }) => answer.request.converses === true);
        if (talker === undefined) {
          throw new PortholeError("protocol", "the server asks to go on, and nothing is under way");
        }
        talker.answer.takeContinuation(response.text);
        return;
      }
      case "tagged":
        this.#settle(response.tag, response.status);
    }
  }

  #settle(tag: string, status: Status): void {
    const at = this.#unanswered.findIndex((sent) => sent.tag === tag);
    const settled = this.#unanswered[at];
    if (settled === undefined) {
      throw new PortholeError("protocol", "the server answered what nobody had asked", {
        reply: status.line,
      });
    }
    this.#unanswered.splice(at, 1);
    this.#switching = settled.answer.request.switches === true && status.condition === "OK";
    this.#bystander.status(status);
    settled.answer.takeStatus(status);
    // A literal that waits belongs to the command sent last.
    if (this.#goAhead !== undefined && at === this.#unanswered.length) {
      this.#goAhead(false);
      this.#goAhead = undefined;
    }
    this.#stirAll();
  }

  #onEnd(): void {
    // What was read ahead is still taken.
    this.#hear();
    this.#fail(this.#lost());
  }

  /** A connection that is lost within something that has an end is a breach of the protocol. */
  #lost(error?: Error): PortholeError {
    const { facts } = this.connection;
    if (this.#bye !== undefined && (error === undefined || !(error instanceof PortholeError))) {
      const said = refusal(this.#bye, "the server ends the session", "connect");
      return said.code === "busy"
        ? said
        : new PortholeError("connect", said.message, { reply: said.reply, hint: said.hint });
    }
    const lost =
      error === undefined
        ? new PortholeError("connect", "the server closed the connection")
        : connectionError(error, facts);
    if (lost.code !== "connect" || !this.#reader.partial) return lost;
    return new PortholeError("protocol", `${lost.message}, in the middle of an answer`, { cause: error });
  }

  #fail(failure: PortholeError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    for (const { answer } of [...this.#unanswered.splice(0), ...this.#waiting.takeAll()])
      answer.fail(failure);
    this.#goAhead?.(false);
    this.#stirAll();
    this.connection.destroy();
  }

  // --- Patience -----------------------------------------------------------------------------------------------

  async #stirred(): Promise<void> {
    await new Promise<void>((resolve) => this.#stirs.add(resolve));
  }

  #stirAll(): void {
    const stirs = [...this.#stirs];
    this.#stirs.clear();
    for (const stir of stirs) stir();
  }

  /** The idle limit is for a server that owes something, not for our side's own pauses. */
  #setPatience(): void {
    const owes = this.#greeting === undefined || this.#unanswered.length > 0;
    this.connection.patient = this.#idle || this.#blocked || !owes;
  }
}
