/** What a maildrop holds, for one connection: numbers, sizes and unique identifiers stay as they are (RFC 1939, 5). */
import { PortholeError } from "../../src/errors.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import { excerpt } from "../../src/wire/words.js";
import type { MailPath } from "./path.js";
import type { CommandWords, Peer } from "./peer.js";
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
  #messages: readonly Message[] | undefined;
  #uids: ReadonlyMap<number, string> | undefined;
  #doubled: ReadonlySet<string> = new Set();

  constructor(peer: Peer) {
    this.peer = peer;
  }

  /** STAT: messages, and octets of all. */
  async stat(): Promise<{ messages: number; octets: number }> {
    const reply = await this.peer.ask(["STAT"]);
    if (reply.status !== "ok") throw refusal(reply, "the server does not say what the mailbox holds", "refused");
    const [, messages, octets] = /^(\d{1,15})[ \t]+(\d{1,15})(?:\s|$)/.exec(reply.text) ?? [];
    if (messages === undefined || octets === undefined) {
      throw new PortholeError("protocol", "the answer to STAT cannot be read", { reply: reply.line });
    }
    return { messages: Number(messages), octets: Number(octets) };
  }

  /** All messages in order, asked for once. */
  async messages(): Promise<readonly Message[]> {
    if (this.#messages !== undefined) return this.#messages;
    const sizes = this.#listing(["LIST"], parseSize);
    const uids = this.#uids === undefined ? this.#listing(["UIDL"], parseUid) : undefined;
    // One after the other, for so the answers come; both are asked before either is read.
    const sized = await taken(sizes, "the server does not list the mailbox");
    if (uids !== undefined) this.#keepUids(await taken(uids, undefined));
    this.#messages = [...(sized ?? [])].map(([number, size]) => this.#message(number, size));
    return this.#messages;
  }

  /** Whether the server has unique identifiers. */
  async hasUids(): Promise<boolean> {
    return (await this.messages()).length === 0 || (this.#uids?.size ?? 0) > 0;
  }

  /**
   * The message that a path names.
   * @throws PortholeError `missing` when there is none, `protocol` when a unique identifier names two
   */
  async find(path: Exclude<MailPath, { what: "maildrop" }>): Promise<Message> {
    return path.what === "number" ? this.#byNumber(path.number) : this.#byUid(path.uid);
  }

  async #byNumber(number: number): Promise<Message> {
    const known = this.#messages?.find((message) => message.number === number);
    if (known !== undefined) return known;
    const answers = [this.peer.say(["LIST", number]), this.peer.say(["UIDL", number])] as const;
    const [listed, named] = [await answers[0].reply(), await answers[1].reply()];
    if (listed.status !== "ok") throw refusal(listed, `there is no message ${number}`, "missing");
    const size = parseSize(listed.text)?.value;
    const uid = named.status === "ok" ? parseUid(named.text)?.value : undefined;
    return { number, ...(size === undefined ? {} : { size }), ...(uid === undefined ? {} : { uid }) };
  }

  async #byUid(uid: string): Promise<Message> {
    let reply: StatusReply | undefined;
    if (this.#uids === undefined) {
      const listing = this.#listing(["UIDL"], parseUid);
      reply = await listing.answer.reply();
      if (reply.status !== "ok") {
        throw refusal(reply, "the server has no unique identifiers", "refused");
      }
      this.#keepUids(await taken(listing, undefined, reply));
    }
    if (this.#doubled.has(uid)) {
      throw new PortholeError("protocol", `two messages have the unique identifier ${uid}`, {
        hint: "name the message by its number",
      });
    }
    for (const [number, known] of this.#uids ?? []) {
      if (known !== uid) continue;
      const listed = this.#messages?.find((message) => message.number === number);
      return listed ?? this.#byKnownUid(number, uid);
    }
    throw new PortholeError("missing", `there is no message with the unique identifier ${uid}`, {
      reply: reply?.line ?? "+OK (UIDL)",
    });
  }

  async #byKnownUid(number: number, uid: string): Promise<Message> {
    const listed = await this.peer.ask(["LIST", number]);
    if (listed.status !== "ok") throw refusal(listed, `there is no message ${number} any more`, "missing");
    const size = parseSize(listed.text)?.value;
    return { number, uid, ...(size === undefined ? {} : { size }) };
  }

  #message(number: number, size: number): Message {
    const uid = this.#uids?.get(number);
    return uid === undefined || this.#doubled.has(uid) ? { number, size } : { number, size, uid };
  }

  #keepUids(uids: ReadonlyMap<number, string> | undefined): void {
    const seen = new Set<string>();
    const doubled = new Set<string>();
    for (const uid of uids?.values() ?? []) (seen.has(uid) ? doubled : seen).add(uid);
    this.#uids = uids ?? new Map();
    this.#doubled = doubled;
  }

  #listing<T>(words: CommandWords, parse: (line: string) => Numbered<T> | undefined): Listing<T> {
    return { answer: this.peer.say(words, { then: "lines" }), parse };
  }
}

interface Numbered<T> {
  readonly number: number;
  readonly value: T;
}

interface Listing<T> {
  readonly answer: ReturnType<Peer["say"]>;
  readonly parse: (line: string) => Numbered<T> | undefined;
}

/**
 * The lines of a listing by message number.
 * @param needed what was not done, when the server must answer; else a refusal gives undefined
 * @param reply the reply, when it has been taken
 */
async function taken<T>(
  { answer, parse }: Listing<T>,
  needed: string | undefined,
  reply?: StatusReply,
): Promise<ReadonlyMap<number, T> | undefined> {
  const first = reply ?? (await answer.reply());
  if (first.status !== "ok") {
    if (needed === undefined && first.status === "error") return undefined;
    throw refusal(first, needed ?? "the server does not list the mailbox", "refused");
  }
  const found = new Map<number, T>();
  for await (const line of answer.lines()) {
    const entry = parse(line.toString("latin1"));
    if (entry === undefined) {
      throw new PortholeError("protocol", "a line of the listing cannot be read", { reply: excerpt(line) });
    }
    found.set(entry.number, entry.value);
    if (found.size > MOST_MESSAGES) {
      throw new PortholeError("protocol", `the mailbox holds more than the bound of ${MOST_MESSAGES} messages`);
    }
  }
  return found;
}

/** `3 1520`; what may follow is the server's own (RFC 1939, 5). */
function parseSize(line: string): Numbered<number> | undefined {
  const [, number, size] = /^\s*(\d{1,9})[ \t]+(\d{1,15})(?:\s|$)/.exec(line) ?? [];
  return number === undefined ? undefined : { number: Number(number), value: Number(size) };
}

/** `3 QhdPYR:00WBw1Ph7x7`. */
function parseUid(line: string): Numbered<string> | undefined {
  const [, number, uid = ""] = /^\s*(\d{1,9})[ \t]+(\S+)\s*$/.exec(line) ?? [];
  return number === undefined || uid.length > LONGEST_UID ? undefined : { number: Number(number), value: uid };
}
