/** The server at the other end: the dialogue with it, and what is known of it. */

import { setTimeout as sleep } from "node:timers/promises";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Answer, Dialogue } from "../../src/net/dialogue.js";
import { commandLine } from "../../src/wire/command.js";
import type { Exchange } from "../../src/wire/exchange.js";
import { type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import { Extensions } from "./extensions.js";
import { isFarewell, refusal } from "./refusal.js";

/** A verb and its arguments. */
export type CommandWords = readonly [string, ...(string | Uint8Array)[]];

/** How a command may travel and be answered, beside its words. */
export type Manner = Pick<Exchange<Reply>, "sendAhead" | "sequel">;

const MOST_UNANSWERED = 100;
/** Milliseconds that the answer to QUIT may take. */
const FAREWELL_MS = 1000;

export class Peer {
  readonly dialogue: Dialogue<Reply>;
  /** LMTP (RFC 2033): LHLO for EHLO, and one answer to a message for each recipient. */
  readonly lmtp: boolean;
  extensions = new Extensions();
  loggedIn = false;
  /** In words: `as ann, by PLAIN`. */
  loggedInAs = "";
  /** The greeting, and how long it took. */
  met: { readonly greeting: Reply; readonly ms: number } | undefined;
  /** What was offered in clear, when TLS was started since. */
  beforeTls: Extensions | undefined;
  /** A PROXY header has gone ahead of all. */
  readonly announced: boolean;
  /** Milliseconds that the last EHLO took, and that of HELO after it where there was one. */
  helloMs = 0;
  /** Milliseconds. */
  loginMs = 0;
  /** A transaction was begun and not ended; RSET must come before the next. */
  midway = false;
  #farewell: Answer<Reply> | undefined;

  /**
   * @param maxUnanswered commands that may be under way at once
   * @param announced see `announced`
   */
  constructor(connection: Connection, lmtp: boolean, maxUnanswered = MOST_UNANSWERED, announced = false) {
    this.lmtp = lmtp;
    this.announced = announced;
    this.dialogue = new Dialogue<Reply>(connection, {
      maxUnanswered,
      replies: new ThreeDigitReplyReader({ multiline: "prefixed" }),
      unsolicited: (reply, during) =>
        announced && during === undefined && reply.code >= 500
          ? takenForCommand(reply)
          : unsolicited(reply, during),
    });
  }

  get connection(): Connection {
    return this.dialogue.connection;
  }

  /** Puts a command behind all others; with PIPELINING it does not wait for their answers (RFC 2920). */
  say(words: CommandWords, manner: Manner = {}): Answer<Reply> {
    const [verb, ...rest] = words;
    return this.dialogue.say({ command: commandLine(verb, ...rest), ...manner });
  }

  /** A command on its own, and its reply. @throws PortholeError `busy` for 421, and when the connection is lost */
  async ask(words: CommandWords, manner: Manner = {}): Promise<Reply> {
    return heard(this.say(words, { sendAhead: "alone", ...manner }));
  }

  /** QUIT was said: no other command may follow. */
  get leaving(): boolean {
    return this.#farewell !== undefined;
  }

  /**
   * QUIT behind what was said last, in the same flight: it may end a group of commands (RFC 2920, 3.1), and a goodbye of its
   * own would take another round trip. Not said where the server may yet ask for a login, after which all begins again.
   */
  quitBehind(): void {
    const settled = this.loggedIn || this.extensions.mechanisms.length === 0;
    if (settled && this.extensions.has("PIPELINING"))
      this.#farewell ??= this.say(["QUIT"], { sendAhead: "last" });
  }

  /** QUIT (RFC 5321, 4.1.1.10), without waiting long for its answer. */
  async leave(): Promise<void> {
    if (this.#farewell === undefined) {
      await this.dialogue.close({ command: commandLine("QUIT"), sendAhead: "last" });
      return;
    }
    const said = new AbortController();
    const answered = this.#farewell.reply().catch(() => undefined);
    await Promise.race([answered, sleep(FAREWELL_MS, undefined, { signal: said.signal }).catch(() => {})]);
    said.abort();
    await this.dialogue.close();
  }
}

/** The next reply of an answer. @throws PortholeError `busy` when it is a farewell */
export async function heard(answer: Answer<Reply>): Promise<Reply> {
  const reply = await answer.reply();
  if (isFarewell(reply)) throw refusal(reply, "the server closes the session");
  return reply;
}

export const NO_HEADER = "leave out --proxy-header, or have the server expect one from here";

/** A server that expects no PROXY header has read a line that it does not know. */
function takenForCommand(reply: Reply): PortholeError {
  return new PortholeError("refused", "the server took the PROXY header for a command", {
    reply: `${reply.code} ${reply.text}`,
    hint: NO_HEADER,
  });
}

/** A server that answers ahead of a command may be one that somebody else speaks for (RFC 5321, 4.3.1). */
function unsolicited(reply: Reply, during: Exchange<Reply> | undefined): PortholeError {
  if (reply.code >= 400) {
    const words = during === undefined ? "the server ends the session" : "the server broke off the message";
    return refusal(reply, words);
  }
  return new PortholeError("protocol", "the server answered what nobody had asked", {
    reply: `${reply.code} ${reply.text}`,
  });
}
