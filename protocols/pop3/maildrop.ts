/** What a maildrop holds, for one connection: numbers, sizes and unique identifiers stay as they are (RFC 1939, 5). */
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import { excerpt } from "../../src/wire/words.js";
import type { MailPath } from "./path.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

export interface Message {
  readonly number: number;
  /** Octets, as the server counts them; some send other numbers of octets than they announce. */
  readonly size?: number;
  /** One character for each octet. Absent where the server has no UIDL, and where two messages have the same. */
  readonly uid?: string;
}

/** Messages that a listing may have. */
const MOST_MESSAGES = 1_000_000;
/** RFC 1939, 7 allows 70 octets; longer ones are seen. */
const LONGEST_UID = 1000;

export class Maildrop {
  readonly peer: Peer;
  /** By number. */
  #messages: Map<number, Message> | undefined;
  /** The same, by their unique identifiers. */
  #named: ReadonlyMap<string, Message> = new Map();
  #uids: ReadonlyMap<number, string> = new Map();
  #uidReply: StatusReply | undefined;
  #doubled: ReadonlySet<string> = new Set();

  constructor(peer: Peer) {
    this.peer = peer;
  }

  /** STAT: messages, and octets of all. */
  async stat(): Promise<{ messages: number; octets: number }> {
    const reply = await this.peer.ask(["STAT"]);
    if (reply.status !== "ok")
      throw refusal(reply, "the server does not say what the mailbox holds", "refused");
    const [, messages, octets] = /^(\d{1,15})[ \t]+(\d{1,15})(?:\s|$)/.exec(reply.text) ?? [];
    if (messages === undefined || octets === undefined) {
      throw new PortholeError("protocol", "the answer to STAT cannot be read", { reply: reply.line });
    }
    return { messages: Number(messages), octets: Number(octets) };
  }

  /** All messages in order, asked for once. */
  async messages(): Promise<readonly Message[]> {
    return [...(await this.#listing()).values()];
  }

  async #listing(): Promise<ReadonlyMap<number, Message>> {
    if (this.#messages !== undefined) return this.#messages;
    // Both are asked before either is read, where the server takes them so.
    const listed = this.peer.say(["LIST"], { sequel: "lines" });
    const named = this.peer.say(["UIDL"], { sequel: "lines" });
    let sizes: ReadonlyMap<number, number>;
    try {
      const reply = await listed.reply();
      if (reply.status !== "ok") throw refusal(reply, "the server does not list the mailbox", "refused");
      sizes = await numbered(listed, parseSize);
    } catch (thrown) {
      passOver(named);
      throw thrown;
    }
    this.#uidReply = await named.reply();
    if (this.#uidReply.status === "ok") this.#keepUids(await numbered(named, parseUid));
    const messages = [...sizes].map(([number, size]) => this.#message(number, size));
    this.#messages = new Map(messages.map((message) => [message.number, message]));
    this.#named = new Map(messages.flatMap((one) => (one.uid === undefined ? [] : [[one.uid, one]])));
    return this.#messages;
  }

  /** Whether the server has unique identifiers. */
  async hasUids(): Promise<boolean> {
    const messages = await this.messages();
    return messages.length === 0 || this.#uids.size > 0;
  }

  /** A message was marked as removed: the server does not list it any more. */
  forget(number: number): void {
    this.#messages?.delete(number);
  }

  /** RSET: what was marked is there again. */
  forgetAll(): void {
    this.#messages = undefined;
  }

  /**
   * The message that a path names.
   * @throws PortholeError `missing` when there is none, `protocol` when a unique identifier names two
   */
  async find(path: Exclude<MailPath, { what: "maildrop" }>): Promise<Message> {
    return path.what === "number"
      ? this.#byNumber(path.number)
      : this.#byUid(path.uid, await this.#listing());
  }

  /** As `find`, for many: all is asked for once, and then known. @throws PortholeError as `find` */
  async known(): Promise<(path: Exclude<MailPath, { what: "maildrop" }>) => Message> {
    const messages = await this.#listing();
    return (path) => {
      if (path.what === "uid") return this.#byUid(path.uid, messages);
      const found = messages.get(path.number);
      if (found === undefined) throw new PortholeError("missing", `there is no message ${path.number}`);
      return found;
    };
  }

  async #byNumber(number: number): Promise<Message> {
    const known = this.#messages?.get(number);
    if (known !== undefined) return known;
    const answers = [this.peer.say(["LIST", number]), this.peer.say(["UIDL", number])] as const;
    const [listed, named] = [await answers[0].reply(), await answers[1].reply()];
    if (listed.status !== "ok") throw refusal(listed, `there is no message ${number}`, "missing");
    const size = parseSize(listed.text)?.value;
    const uid = named.status === "ok" ? parseUid(named.text)?.value : undefined;
    return { number, ...(size === undefined ? {} : { size }), ...(uid === undefined ? {} : { uid }) };
  }

  #byUid(uid: string, messages: ReadonlyMap<number, Message>): Message {
    const refused = this.#uidReply;
    if (refused?.status === "error" && messages.size > 0) {
      throw refusal(refused, "the server has no unique identifiers", "refused");
    }
    if (this.#doubled.has(uid)) {
      throw new PortholeError("protocol", `two messages have the unique identifier ${uid}`, {
        hint: "name the message by its number",
      });
    }
    const found = this.#named.get(uid);
    if (found !== undefined && messages.has(found.number)) return found;
    throw new PortholeError("missing", `there is no message with the unique identifier ${uid}`, {
      reply: `no UIDL ${uid}`,
      hint: "`ls` shows what there is",
    });
  }

  #message(number: number, size: number): Message {
    const uid = this.#uids.get(number);
    return uid === undefined || this.#doubled.has(uid) ? { number, size } : { number, size, uid };
  }

  #keepUids(uids: ReadonlyMap<number, string>): void {
    const seen = new Set<string>();
    const doubled = new Set<string>();
    for (const uid of uids.values()) (seen.has(uid) ? doubled : seen).add(uid);
    this.#uids = uids;
    this.#doubled = doubled;
  }
}

interface Numbered<T> {
  readonly number: number;
  /** Undefined for what is too long to be kept. */
  readonly value: T | undefined;
}

/** The lines of a listing by message number. */
async function numbered<T>(
  answer: Answer<StatusReply>,
  parse: (line: string) => Numbered<T> | undefined,
): Promise<ReadonlyMap<number, T>> {
  const found = new Map<number, T>();
  let lines = 0;
  const take = (line: Buffer) => {
    const entry = parse(line.toString("latin1"));
    if (entry === undefined) {
      throw new PortholeError("protocol", "a line of the listing cannot be read", { reply: excerpt(line) });
    }
    if (entry.value !== undefined) found.set(entry.number, entry.value);
    lines += 1;
    if (lines > MOST_MESSAGES) {
      throw new PortholeError(
        "protocol",
        `the mailbox holds more than the bound of ${MOST_MESSAGES} messages`,
      );
    }
  };
  for await (const batch of answer.batches()) for (const line of batch) take(line);
  return found;
}

/** Lets an answer pass that nobody wants any more. */
function passOver(answer: Answer<StatusReply>): void {
  const pass = async () => {
    if ((await answer.reply()).status !== "ok") return;
    for await (const _ of answer.lines()) break;
  };
  // What ends the dialogue is told by the call that it stops.
  pass().catch(() => {});
}

/** `3 1520`; what may follow is the server's own (RFC 1939, 5). */
function parseSize(line: string): Numbered<number> | undefined {
  const [, number, size] = /^\s*(\d{1,9})[ \t]+(\d{1,15})(?:\s|$)/.exec(line) ?? [];
  return number === undefined ? undefined : { number: Number(number), value: Number(size) };
}

/** `3 QhdPYR:00WBw1Ph7x7`. */
function parseUid(line: string): Numbered<string> | undefined {
  const [, number, uid = ""] = /^\s*(\d{1,9})[ \t]+(\S+)\s*$/.exec(line) ?? [];
  if (number === undefined) return undefined;
  return { number: Number(number), value: uid.length > LONGEST_UID ? undefined : uid };
}
