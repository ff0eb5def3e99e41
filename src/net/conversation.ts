/**
 * A conversation by program: send something, wait until an expected text appears. It goes over any Duplex: a
 * Telnet session's or a socket's `interact()`, or a Connection itself.
 *
 *     const talk = new Conversation(await session.interact());
 *     await talk.expect("login:");
 *     await talk.sendLine("guest");
 *     const { output } = await talk.runCommand("uptime", /\$ $/);
 */
import type { Duplex } from "node:stream";
import { PortholeError } from "../errors.js";
import { findPattern, type Match, type Pattern, shownPattern } from "./pattern.js";

/** Characters, newest last, in which a pattern is looked for. */
const WINDOW = 16 * 1024;
/** Characters that may stand before a match; older ones are dropped. */
const MOST_TEXT = 16 * 1024 * 1024;
const DEFAULT_WAIT = 60_000;

export interface ConversationOptions {
  /** From octets, in pieces, to text; UTF-8 when absent. */
  readonly decode?: (octets: Uint8Array) => string;
  readonly encode?: (text: string) => Uint8Array;
  /** What `sendLine` ends a line with, now; LF when absent, which a Telnet session's stream makes CR LF. */
  readonly lineEnd?: () => string;
  /** Milliseconds that a wait takes at most (60,000), where the call does not say. */
  readonly timeout?: number;
  /** Gets all that comes, before it is looked at; what it returns is waited for. */
  readonly onOctets?: (octets: Uint8Array) => Promise<void>;
}

export interface Expected extends Match {
  /** Which of the patterns was found, from 0: the one that begins first. */
  readonly index: number;
  /** What came before it. */
  readonly before: string;
}

export interface Waiting {
  /** Milliseconds. */
  readonly timeout?: number;
}

export class Conversation {
  readonly stream: Duplex;
  readonly #options: ConversationOptions;
  readonly #decode: (octets: Uint8Array) => string;
  readonly #encode: (text: string) => Uint8Array;
  /** What came and can no longer be the beginning of a match. */
  #passed: string[] = [];
  #passedLength = 0;
  /** What may be. */
  #tail = "";
  /** The line on which the last match stood, up to its end: often a prompt. */
  #found = "";
  #failure: Error | undefined;

  constructor(stream: Duplex, options: ConversationOptions = {}) {
    this.stream = stream;
    this.#options = options;
    const decoder = new TextDecoder();
    this.#decode = options.decode ?? ((octets) => decoder.decode(octets, { stream: true }));
    this.#encode = options.encode ?? ((text) => Buffer.from(text, "utf8"));
    stream.on("error", this.#onError);
  }

  /** The far side will send no more, and all that came has been taken. */
  get ended(): boolean {
    return this.stream.readableEnded || this.stream.destroyed;
  }

  /** Sends a text as it stands. @throws PortholeError `connect` when the connection is gone */
  async send(text: string | Uint8Array): Promise<void> {
    const octets = typeof text === "string" ? this.#encode(text) : text;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.stream.writableEnded || this.stream.destroyed) throw closed("it could be sent");
    await new Promise<void>((resolve, reject) => {
      this.stream.write(octets, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Sends a text and a line end. */
  async sendLine(text: string): Promise<void> {
    await this.send(`${text}${this.#options.lineEnd?.() ?? "\n"}`);
  }

  /**
   * Waits for one of some patterns. What stands before it, and itself, is taken.
   * @throws PortholeError `timeout` when none came in time, `connect` when the far side closed before; in both the
   * text that did come stays, and its last line is the error's `reply`
   */
  async expect(patterns: Pattern | readonly Pattern[], waiting: Waiting = {}): Promise<Expected> {
    const list = typeof patterns === "string" || patterns instanceof RegExp ? [patterns] : patterns;
    const timeout = waiting.timeout ?? this.#options.timeout ?? DEFAULT_WAIT;
    const deadline = performance.now() + timeout;
    for (;;) {
      const found = this.#find(list);
      if (found !== undefined) {
        this.#found = lastLineOf(found.before + found.text);
        return found;
      }
      this.#age();
      const names = list.map(shownPattern).join(" or ");
      switch (await this.#more(deadline)) {
        case "ended":
          throw closed(`${names} came`, this.#lastLine());
        case "late":
          throw new PortholeError("timeout", `${names} did not come within ${timeout / 1000} s`, {
            reply: this.#lastLine(),
            hint: "--timeout sets how long to wait",
          });
      }
    }
  }

  /** All text up to and with the pattern. @throws as `expect` */
  async readUntil(pattern: Pattern, waiting: Waiting = {}): Promise<string> {
    const { before, text } = await this.expect(pattern, waiting);
    return before + text;
  }

  /** All text until the far side closes. @throws PortholeError `timeout` */
  async readAll(waiting: Waiting = {}): Promise<string> {
    const deadline = performance.now() + (waiting.timeout ?? Number.POSITIVE_INFINITY);
    for (;;) {
      const came = await this.#more(deadline);
      if (came === "ended") return this.take();
      if (came === "late") throw new PortholeError("timeout", "the far side did not close in time");
    }
  }

  /** At least one character, or nothing when the far side has closed. @throws PortholeError `timeout` */
  async readSome(waiting: Waiting = {}): Promise<string> {
    const deadline = performance.now() + (waiting.timeout ?? this.#options.timeout ?? DEFAULT_WAIT);
    while (this.#tail === "" && this.#passedLength === 0) {
      const came = await this.#more(deadline);
      if (came === "ended") break;
      if (came === "late") throw new PortholeError("timeout", "nothing came in time");
    }
    return this.take();
  }

  /** What is there by now, without waiting for more. */
  async readAvailable(): Promise<string> {
    while ((await this.#more(performance.now())) === "text");
    return this.take();
  }

  /**
   * Waits until nothing has come for `quiet` milliseconds, at most `timeout` in all, or the far side has closed.
   * The text stays. @returns whether the far side has closed
   */
  async settle(quiet: number, timeout: number): Promise<boolean> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const came = await this.#more(Math.min(deadline, performance.now() + quiet));
      if (came !== "text") return came === "ended";
      this.#age();
    }
  }

  /** Waits for the first text, at most `timeout` milliseconds. @returns whether there is any */
  async waitForText(timeout: number): Promise<boolean> {
    return (await this.#more(performance.now() + timeout)) === "text";
  }

  /**
   * Sends a line and waits for the prompt. `output` is what came between the two, without the echo of the line.
   * @throws as `expect`
   */
  async runCommand(
    command: string,
    prompt: Pattern,
    waiting: Waiting = {},
  ): Promise<{ output: string; prompt: string }> {
    // A prompt that stands there already is not the one that follows the command.
    const last = lastLineOf(this.#found + (await this.readAvailable()));
    await this.sendLine(command);
    const { before, text } = await this.expect(prompt, waiting);
    const lines = before.replace(/^\r?\n?/, "");
    const echoed = lines.startsWith(command) ? lines.slice(command.length).replace(/^[\r\0]*\n/, "") : lines;
    // Of the prompt `harbour$ ` the caller may name the `$ ` alone; the rest of it is no output either.
    const lead = last.endsWith(text) ? last.slice(0, last.length - text.length) : "";
    const output = lead !== "" && echoed.endsWith(lead) ? echoed.slice(0, -lead.length) : echoed;
    return { output, prompt: text };
  }

  /** All text that has come and was not taken. */
  take(): string {
    const all = this.#passed.join("") + this.#tail;
    this.#passed = [];
    this.#passedLength = 0;
    this.#tail = "";
    return all;
  }

  /** Text that was taken and is to be looked at again, before all else. */
  putBack(text: string): void {
    const rest = this.take();
    this.#tail = text + rest;
  }

  #find(patterns: readonly Pattern[]): Expected | undefined {
    let best: { index: number; match: Match } | undefined;
    for (const [index, pattern] of patterns.entries()) {
      const match = findPattern(pattern, this.#tail);
      if (match !== undefined && (best === undefined || match.at < best.match.at)) best = { index, match };
    }
    if (best === undefined) return undefined;
    const { index, match } = best;
    const rest = this.#tail.slice(match.at + match.text.length);
    this.#tail = this.#tail.slice(0, match.at);
    const before = this.take();
    this.#tail = rest;
    return { ...match, index, before };
  }

  /** What is too old to be part of a match moves out of the window. */
  #age(): void {
    if (this.#tail.length <= 2 * WINDOW) return;
    const old = this.#tail.slice(0, -WINDOW);
    this.#tail = this.#tail.slice(-WINDOW);
    this.#passed.push(old);
    this.#passedLength += old.length;
    while (this.#passedLength > MOST_TEXT) this.#passedLength -= this.#passed.shift()?.length ?? 0;
  }

  /** Takes what comes next, or has come. @throws the stream's error */
  async #more(deadline: number): Promise<"text" | "ended" | "late"> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk: unknown = this.stream.read();
      if (chunk instanceof Uint8Array) {
        await this.#options.onOctets?.(chunk);
        const text = this.#decode(chunk);
        if (text === "") continue;
        this.#tail += text;
        return "text";
      }
      if (this.ended) return "ended";
      const left = deadline - performance.now();
      if (left <= 0) return "late";
      await this.#stirred(left);
    }
  }

  #stirred(milliseconds: number): Promise<void> {
    const { stream } = this;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        for (const event of EVENTS) stream.off(event, done);
        resolve();
      };
      // A timer takes 32 bits; whoever waits longer asks again.
      const timer = setTimeout(done, Math.min(milliseconds, 2 ** 31 - 1));
      for (const event of EVENTS) stream.on(event, done);
    });
  }

  #lastLine(): string | undefined {
    const line = this.#tail
      // To a terminal a NUL is nothing (RFC 854, "NULL ... No Operation"), and a flood of them would hide what was said.
      .replaceAll("\0", "")
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1)
      ?.slice(-200);
    return line === "" ? undefined : line;
  }

  readonly #onError = (error: Error): void => {
    this.#failure = error;
  };
}

function lastLineOf(text: string): string {
  return text.slice(Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1);
}

const EVENTS = ["readable", "end", "close", "error"] as const;

function closed(before: string, reply?: string): PortholeError {
  return new PortholeError("connect", `the far side closed the connection before ${before}`, { reply });
}
