/** POP3 as a Session. */
import { PortholeError } from "../../src/errors.js";
import { inThreads } from "../../src/message/in-threads.js";
import type {
  CheckStep,
  Document,
  Entry,
  EntryKind,
  ListQuery,
  ManyRead,
  Session,
  WatchEvent,
} from "../../src/plugin.js";
import { checkSteps } from "./check.js";
import { maildropEntry, messageEntry } from "./entry.js";
import type { Line } from "./line.js";
import type { Maildrop, Message } from "./maildrop.js";
import { parsePath } from "./path.js";
import { DEPTH } from "./peer.js";
import { refusal } from "./refusal.js";
import { retrieve, retrieved, retrieveMany } from "./retrieving.js";
import { summaries } from "./summaries.js";
import { watchMaildrop } from "./watching.js";

export class Pop3Session implements Session {
  readonly #line: Line;
  readonly #closing = new AbortController();

  constructor(line: Line) {
    this.#line = line;
  }

  kindOf(path: string): EntryKind {
    return parsePath(path).what === "maildrop" ? "mailbox" : "message";
  }

  /** Messages, the newest first: with a limit, what came last. A message's path lists that one. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const asked = parsePath(path);
    const limit = query.limit ?? Number.POSITIVE_INFINITY;
    if (limit <= 0) return;
    const maildrop = await this.#line.maildrop();
    const messages =
      asked.what === "maildrop" ? [...(await maildrop.messages())].reverse() : [await maildrop.find(asked)];
    if (query.brief === true) {
      for (const message of messages.slice(0, limit))
        yield messageEntry(this.#line.target, message, undefined);
      return;
    }
    const { context, target } = this.#line;
    const threaded = context.options["thread"] === true;
    const held: Entry[] = [];
    for await (const { message, summary } of summaries(maildrop.peer, messages.slice(0, limit))) {
      const entry = messageEntry(target, message, summary);
      if (threaded) held.push(entry);
      else yield entry;
    }
    yield* inThreads(held.reverse());
  }

  async isInbox(path: string): Promise<boolean> {
    return parsePath(path).what === "maildrop";
  }

  async stat(path: string): Promise<Entry> {
    const asked = parsePath(path);
    const maildrop = await this.#line.maildrop();
    if (asked.what === "maildrop") return maildropEntry(this.#line.target, await maildrop.stat());
    const message = await maildrop.find(asked);
    let entry = messageEntry(this.#line.target, message, undefined);
    for await (const { summary } of summaries(maildrop.peer, [message])) {
      entry = messageEntry(this.#line.target, message, summary);
    }
    return entry;
  }

  /** A message, octet for octet. */
  async read(path: string): Promise<Document> {
    const asked = parsePath(path);
    if (asked.what === "maildrop") {
      throw new PortholeError("usage", "a mailbox cannot be read as a whole", {
        hint: "`ls` shows the messages in it, each with its URL",
      });
    }
    const maildrop = await this.#line.maildrop();
    const message = await maildrop.find(asked);
    return retrieved(this.#line, message, retrieve(maildrop.peer, message));
  }

  readMany(paths: AsyncIterable<string>): AsyncIterable<ManyRead> {
    return retrieveMany(this.#line, paths);
  }

  /**
   * Marks a message, or with `recursive` all of them, to be removed. The server removes them when the session is
   * closed in order: they are gone only if closing it threw nothing (RFC 1939, 6).
   */
  async remove(path: string, query: { readonly recursive?: boolean } = {}): Promise<void> {
    const asked = parsePath(path);
    if (asked.what === "maildrop" && query.recursive !== true) {
      throw new PortholeError("usage", "a mailbox cannot be removed", {
        hint: "rm -r removes all messages in it",
      });
    }
    const maildrop = await this.#line.maildrop();
    const messages = asked.what === "maildrop" ? await maildrop.messages() : [await maildrop.find(asked)];
    await mark(maildrop, messages);
  }

  /** Messages that come and go from now on. The connection is closed between two looks. */
  async *watch(path: string): AsyncGenerator<WatchEvent, void, undefined> {
    if (parsePath(path).what !== "maildrop") {
      throw new PortholeError("usage", "a message never changes; watch the mailbox");
    }
    yield* watchMaildrop(this.#line, this.#closing.signal);
  }

  check(): AsyncIterable<CheckStep> {
    return checkSteps(this.#line);
  }

  /** @throws PortholeError when messages were to be removed and it is not known that they are */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new PortholeError("aborted", "the session was closed"));
    await this.#line.close();
  }
}

/** DELE, many ahead where the server takes them so. */
async function mark(maildrop: Maildrop, messages: readonly Message[]): Promise<void> {
  const { peer } = maildrop;
  let marked = 0;
  let refused: PortholeError | undefined;
  for (let at = 0; at < messages.length; at += DEPTH) {
    const batch = messages.slice(at, at + DEPTH);
    const answers = batch.map(({ number }) => ({ number, answer: peer.say(["DELE", number]) }));
    for (const { number, answer } of answers) {
      const reply = await answer.reply();
      if (reply.status === "ok") {
        marked += 1;
        peer.marked += 1;
        maildrop.forget(number);
      } else refused ??= refusal(reply, `message ${number} cannot be removed`, "missing");
    }
  }
  if (refused === undefined) return;
  if (marked === 0) throw refused;
  throw new PortholeError(
    "partial",
    `${messages.length - marked} of ${messages.length} messages cannot be removed: ${refused.message}`,
    { reply: refused.reply },
  );
}
