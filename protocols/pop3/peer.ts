/** The server at the other end of one connection: the dialogue with it, and what is known of it. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Answer, Dialogue } from "../../src/net/dialogue.js";
import { commandLine } from "../../src/wire/command.js";
import type { Sequel } from "../../src/wire/exchange.js";
import { type StatusReply, StatusReplyReader } from "../../src/wire/status-replies.js";
import { decodeWords } from "../../src/wire/words.js";
import { Capabilities } from "./capabilities.js";
import { refusal } from "./refusal.js";

/** A command's name in upper case, and its arguments. */
export type CommandWords = readonly [string, ...(string | number | Uint8Array)[]];

/** What follows `+OK`, or a `+ `. */
export interface Manner {
  /** After `+OK`. Default: nothing. */
  readonly sequel?: Sequel;
  /** A `+ ` asks for data (RFC 5034, 4); elsewhere it is no answer. */
  readonly asks?: boolean;
  /** Not between other commands, whatever the server offers. */
  readonly alone?: boolean;
}

/** Commands under way at once, at a server that takes them so. */
export const DEPTH = 100;
/** Lines of CAPA that are kept; a server has some fifteen. */
const MOST_CAPABILITIES = 1000;

export class Peer {
  readonly dialogue: Dialogue<StatusReply>;
  /** Undefined for a server that does not know CAPA. */
  capabilities: Capabilities | undefined;
  greeting: StatusReply | undefined;
  /** Milliseconds from the connection to the greeting, and of the login. */
  greetingMs = 0;
  loginMs = 0;
  /** What was offered before TLS was started in place. */
  beforeTls: Capabilities | undefined;
  /** What was offered before the login, after which servers say nothing of TLS and logins any more. */
  beforeLogin: Capabilities | undefined;
  loggedIn = false;
  /** As whom, and by what: `as ann, by PLAIN`. */
  loggedInAs = "";
  /** What its words are in since it was asked for (RFC 6856, 3). */
  language: string | undefined;
  /** UTF8 mode is on (RFC 6856). */
  utf8 = false;
  /** Messages marked by DELE: they go when QUIT is answered, and only then (RFC 1939, 6). */
  marked = 0;

  constructor(connection: Connection) {
    this.dialogue = new Dialogue<StatusReply>(connection, {
      replies: new StatusReplyReader(),
      unsolicited,
      maxUnanswered: DEPTH,
    });
  }

  get connection(): Connection {
    return this.dialogue.connection;
  }

  /** Commands may go ahead of answers (RFC 2449, 6.6). Without the word of the server, one goes at a time. */
  get pipelines(): boolean {
    return this.capabilities?.has("PIPELINING") === true;
  }

  /** Commands that may be under way at once. */
  get depth(): number {
    return this.pipelines ? DEPTH : 1;
  }

  /** Puts a command behind all others; it does not wait for their answers where the server takes it so. */
  say(words: CommandWords, manner: Manner = {}): Answer<StatusReply> {
    const [verb, ...rest] = words;
    const { sequel = "nothing", asks = false, alone = false } = manner;
    return this.dialogue.say({
      command: commandLine(verb, ...rest),
      sendAhead: alone || !this.pipelines ? "alone" : "free",
      sequel: ({ status }) => {
        if (status === "ok") return sequel;
        return status === "continue" && asks ? "data" : "nothing";
      },
    });
  }

  /** A command that is answered by one line, whatever it says. */
  ask(words: CommandWords): Promise<StatusReply> {
    return this.say(words).reply();
  }

  /** RFC 2449, 5. A server that does not know the command is spoken to as of old. */
  async askCapabilities(): Promise<void> {
    const answer = this.say(["CAPA"], { sequel: "lines", alone: true });
    const reply = await answer.reply();
    if (reply.status === "ok") {
      const lines: string[] = [];
      for await (const line of answer.lines()) {
        if (lines.length < MOST_CAPABILITIES) lines.push(decodeWords(line));
      }
      this.capabilities = new Capabilities(lines);
      return;
    }
    if (reply.responseCode !== undefined || reply.status === "continue") {
      throw refusal(reply, "the server does not say what it can do", "refused");
    }
    this.capabilities = undefined;
  }

  /**
   * QUIT. Messages that were marked are removed by its answer, so that is waited for.
   * @throws PortholeError when there are such and it is not known that they are gone
   */
  async leave(): Promise<void> {
    const { marked, dialogue } = this;
    this.marked = 0;
    if (marked === 0) return dialogue.close({ command: commandLine("QUIT"), sendAhead: "last" });
    const which =
      marked === 1 ? "the message that was to be removed" : `the ${marked} messages to be removed`;
    if (dialogue.failure !== undefined) {
      throw new PortholeError(
        dialogue.failure.code,
        `${which} stayed on the server: the connection ended before QUIT`,
        { cause: dialogue.failure },
      );
    }
    try {
      const reply = await this.say(["QUIT"]).reply();
      // RFC 1939, 6: some or none may be gone.
      if (reply.status !== "ok") throw refusal(reply, `${which} may still be there, all or some`, "refused");
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.reply !== undefined) throw thrown;
      throw new PortholeError(
        thrown.code,
        `it is not known whether ${which} went: QUIT was not answered (${thrown.message})`,
        { hint: "list them again", cause: thrown },
      );
    } finally {
      await dialogue.close();
    }
  }
}

/** A server that answers ahead of a command may be one that somebody else speaks for. */
function unsolicited(reply: StatusReply): PortholeError {
  if (reply.status === "error") return refusal(reply, "the server ends the session", "connect");
  return new PortholeError("protocol", "the server answered what nobody had asked", { reply: reply.line });
}
