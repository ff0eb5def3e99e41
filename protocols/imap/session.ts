/** IMAP4 as a Session. */
import { PortholeError } from "../../src/errors.js";
import { atDepth } from "../../src/message/in-threads.js";
import type {
  CheckStep,
  Document,
  Entry,
  EntryKind,
  ListQuery,
  ManyRead,
  NamedMailbox,
  ReadQuery,
  Session,
  Source,
  WatchEvent,
  WatchQuery,
} from "../../src/plugin.js";
import type { Account } from "./account.js";
import { watchAccount } from "./account-watching.js";
import { append, settable } from "./appending.js";
import * as changing from "./changing.js";
import { checkSteps } from "./check.js";
import { accountEntry, type Message, mailboxEntry, messageEntry, partEntry } from "./entry.js";
import {
  findMailbox,
  isSelectable,
  listMailboxes,
  type Mailbox,
  namedMailboxes,
  noMailbox,
  personalLevels,
  statusOf,
} from "./mailboxes.js";
import { byUid, newest, oneByUid } from "./messages.js";
import { type MailPath, mailboxPath, messagePath, parsePath } from "./path.js";
import type { Peer } from "./peer.js";
import { isMessagePath, readMessage, structureOf } from "./reading.js";
import { readMany } from "./reading-many.js";
import { openToRelist, relisted } from "./relisting.js";
import { parseDay, parseSearch, type Search } from "./search-words.js";
import { searchUids, withSearch } from "./searching.js";
import { threads } from "./threads.js";
import { watchMailbox } from "./watching.js";
import { searchDate } from "./words.js";

const NO_LIMIT = Number.POSITIVE_INFINITY;

export class ImapSession implements Session {
  readonly #account: Account;
  readonly #closing = new AbortController();

  constructor(account: Account) {
    this.#account = account;
  }

  kindOf(path: string): EntryKind {
    const { uid, section } = parsePath(path);
    if (section !== undefined) return "file";
    return uid === undefined ? "mailbox" : "message";
  }

  /**
   * What an account holds: its mailboxes. What a mailbox holds: messages, the newest first, then mailboxes. What a
   * message holds: its parts.
   */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const asked = parsePath(path);
    let left = query.limit ?? NO_LIMIT;
    if (left <= 0) return;
    const entries = isMessagePath(asked) ? this.#parts(asked) : this.#inside(asked, query);
    for await (const entry of entries) {
      yield entry;
      left -= 1;
      if (left <= 0) return;
    }
  }

  async stat(path: string): Promise<Entry> {
    const asked = parsePath(path);
    const account = this.#account;
    if (isMessagePath(asked)) {
      const { peer, selected } = await account.select(asked, "read");
      if (asked.section !== undefined) {
        const parts = await structureOf(peer, asked.uid);
        const part = parts.find(({ section }) => section === asked.section);
        if (part === undefined) {
          throw new PortholeError("missing", `the message has no part ${asked.section}`, {
            hint: "ls of the message shows its parts",
          });
        }
        return partEntry(account.target, messagePath(asked.levels, selected.uidValidity, asked.uid), part);
      }
      return messageEntry(account.target, placeOf(asked, selected), await oneByUid(peer, asked.uid));
    }
    if (asked.levels.length === 0) {
      await account.peer();
      return accountEntry(account.target);
    }
    return this.#statMailbox(asked);
  }

  read(path: string, query: ReadQuery = {}): Promise<Document> {
    const asked = parsePath(path);
    if (isMessagePath(asked)) return readMessage(this.#account, asked, query);
    throw new PortholeError("usage", "a mailbox cannot be read as a whole", {
      hint: "`ls` shows the messages in it, each with its URL; `mirror` copies all",
    });
  }

  readMany(paths: AsyncIterable<string>): AsyncIterable<ManyRead> {
    return readMany(this.#account, paths);
  }

  /** Into a mailbox: a new message. A message never changes, so none is written over. */
  async write(path: string, source: Source): Promise<Entry> {
    const asked = parsePath(path);
    changing.refuseAccount(asked, "written to");
    if (asked.uid !== undefined) {
      throw new PortholeError("usage", "a message is put into a mailbox, and never changes", {
        hint: "leave out ;UID=",
      });
    }
    return append(this.#account, asked, source);
  }

  /** A message at once and for good; a mailbox with `recursive`, and all beneath it. */
  async remove(path: string, query: { readonly recursive?: boolean } = {}): Promise<void> {
    const asked = parsePath(path);
    changing.refuseAccount(asked, "removed");
    if (isMessagePath(asked)) {
      refuseSection(asked, "removed");
      const { peer } = await this.#account.select(asked, "write");
      await changing.mustBeThere(peer, asked.uid);
      await changing.expunge(peer, [asked.uid]);
      return;
    }
    if (query.recursive !== true) {
      const entry = await this.#statMailbox(asked);
      throw new PortholeError("usage", `${entry.name} is a mailbox`, {
        hint: "rm -r removes it with all messages and mailboxes in it",
      });
    }
    await changing.removeMailbox(this.#account, asked);
  }

  async mailboxes(): Promise<readonly NamedMailbox[]> {
    return namedMailboxes(this.#account, await this.#account.peer());
  }

  async isInbox(path: string): Promise<boolean> {
    const { levels } = parsePath(path);
    return levels.length === 1 && /^inbox$/i.test(levels[0] ?? "");
  }

  async separator(): Promise<string | undefined> {
    return (await this.#account.delimiter(await this.#account.peer())) ?? undefined;
  }

  async home(): Promise<readonly string[]> {
    return personalLevels(this.#account, await this.#account.peer());
  }

  /** A message into another mailbox, or a mailbox to another name. */
  async move(from: string, to: string): Promise<Entry> {
    const [source, goal] = [parsePath(from), parsePath(to)];
    const account = this.#account;
    for (const one of [source, goal]) changing.refuseAccount(one, "moved");
    if (goal.uid !== undefined) {
      throw new PortholeError("usage", "a message is moved into a mailbox", { hint: "leave out ;UID=" });
    }
    if (!isMessagePath(source)) {
      await changing.rename(account, source, goal);
      return this.#statMailbox(goal);
    }
    refuseSection(source, "moved");
    const { peer } = await account.select(source, "write");
    const message = await oneByUid(peer, source.uid);
    const moved = await changing.move(peer, [source.uid], await account.rawName(peer, goal.levels));
    const uid = moved.uids.get(source.uid);
    if (uid === undefined) return this.#statMailbox(goal);
    const place = { levels: goal.levels, uidValidity: moved.uidValidity };
    return messageEntry(account.target, place, { ...message, uid, number: undefined, modSeq: undefined });
  }

  /** Flags that the mailbox does not keep are left out (RFC 9051, 7.1: PERMANENTFLAGS). */
  async mark(path: string, flags: readonly string[]): Promise<Entry> {
    const asked = parsePath(path);
    if (!isMessagePath(asked)) throw new PortholeError("usage", "only messages have flags");
    refuseSection(asked, "marked");
    const account = this.#account;
    const { peer, selected } = await account.select(asked, "write");
    const { permanentFlags } = selected;
    const keeps = (flag: string) =>
      permanentFlags === undefined ||
      permanentFlags.some((kept) => kept.toLowerCase() === flag.toLowerCase()) ||
      (!flag.startsWith("\\") && permanentFlags.includes("\\*"));
    await changing.store(peer, [asked.uid], "FLAGS", settable(flags).filter(keeps));
    return messageEntry(account.target, placeOf(asked, selected), await oneByUid(peer, asked.uid));
  }

  async makeFolder(path: string): Promise<Entry> {
    const asked = parsePath(path);
    changing.refuseAccount(asked, "made");
    if (asked.uid !== undefined) {
      throw new PortholeError("usage", "a mailbox is made in a mailbox, not in a message");
    }
    const raw = await changing.create(this.#account, asked);
    const mailbox: Mailbox = {
      raw,
      levels: asked.levels,
      attributes: [],
      specialUse: undefined,
      subscribed: true,
      counts: undefined,
    };
    return mailboxEntry(this.#account.target, mailbox, false);
  }

  /** In a mailbox, or in all of the account. */
  async *search(path: string, words: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const asked = parsePath(path);
    const search = parseSearch(words);
    let left = query.limit ?? NO_LIMIT;
    if (left <= 0) return;
    for await (const place of this.#searched(asked)) {
      for await (const entry of this.#found(place, search, left)) {
        yield entry;
        left -= 1;
        if (left <= 0) return;
      }
    }
  }

  readonly hears = true;

  async *watch(path: string, query: WatchQuery = {}): AsyncGenerator<WatchEvent, void, undefined> {
    const asked = parsePath(path);
    if (asked.uid !== undefined) {
      throw new PortholeError("usage", "a message never changes; watch its mailbox");
    }
    const { signal } = this.#closing;
    if (asked.levels.length === 0) yield* watchAccount(this.#account, signal, query.begun);
    else yield* watchMailbox(this.#account, asked, signal, query.begun);
  }

  check(): AsyncIterable<CheckStep> {
    return checkSteps(this.#account);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new PortholeError("aborted", "the session was closed"));
    await this.#account.close();
  }

  // --- Listing ------------------------------------------------------------------------------------------------

  async *#inside(asked: MailPath, query: ListQuery): AsyncGenerator<Entry, void, undefined> {
    if (asked.levels.length === 0) {
      yield* this.#mailboxes(asked, query.recursive === true);
      return;
    }
    let absent: PortholeError | undefined;
    try {
      yield* this.#all(asked, query);
    } catch (thrown) {
      // What cannot be selected may hold others all the same.
      if (!(thrown instanceof PortholeError) || !["missing", "refused"].includes(thrown.code)) throw thrown;
      if (asked.uidValidity !== undefined) throw thrown;
      absent = thrown;
    }
    if (this.#filter() !== undefined || asked.query !== undefined) {
      if (absent !== undefined) throw absent;
      return;
    }
    let any = false;
    for await (const entry of this.#mailboxes(asked, query.recursive === true)) {
      any = true;
      yield entry;
    }
    if (!any && absent !== undefined) throw absent;
  }

  async *#mailboxes(asked: MailPath, deep: boolean): AsyncGenerator<Entry, void, undefined> {
    const account = this.#account;
    const peer = await account.peer();
    let prefix = "";
    if (asked.levels.length > 0) {
      const delimiter = await account.delimiter(peer);
      if (delimiter === null) return;
      prefix = (await account.rawName(peer, asked.levels)) + delimiter;
    }
    const mailboxes = await listMailboxes(account, peer, { prefix, deep, counts: true });
    for (const mailbox of inOrder(mailboxes)) {
      // `%` and `*` in a name of its own match others too.
      if (mailbox.levels.length <= asked.levels.length || !isWithin(mailbox, asked)) continue;
      yield mailboxEntry(account.target, mailbox, deep);
    }
  }

  async *#parts(asked: MailPath & { readonly uid: number }): AsyncGenerator<Entry, void, undefined> {
    refuseSection(asked, "listed");
    const { peer, selected } = await this.#account.select(asked, "read");
    const message = messagePath(asked.levels, selected.uidValidity, asked.uid);
    for (const part of await structureOf(peer, asked.uid))
      yield partEntry(this.#account.target, message, part);
  }

  /** Messages of a mailbox, as far as the options do not leave some out. */
  async *#all(
    asked: MailPath,
    { again, limit, brief = false }: ListQuery,
  ): AsyncGenerator<Entry, void, undefined> {
    if (this.#account.context.options["thread"] === true && !brief) {
      yield* this.#threads(asked, limit ?? NO_LIMIT);
      return;
    }
    const whole = limit === undefined && asked.query === undefined && this.#filter() === undefined;
    if (again !== true || !whole) {
      yield* this.#found(asked, undefined, limit ?? NO_LIMIT, brief);
      return;
    }
    const opened = await openToRelist(this.#account, asked);
    const place = placeOf(asked, opened.selected);
    for await (const message of relisted(this.#account, asked, opened, brief)) {
      this.#account.listed.add(place, message);
      yield messageEntry(this.#account.target, place, message);
    }
  }

  /** Answers behind what they answer. */
  async *#threads(asked: MailPath, limit: number): AsyncGenerator<Entry, void, undefined> {
    const { peer, selected } = await this.#account.select(asked, "read");
    const search = joined(this.#filter(), asked.query);
    const place = placeOf(asked, selected);
    for await (const members of threads(peer, selected, { search, limit })) {
      for (const { message, depth } of members) {
        yield atDepth(messageEntry(this.#account.target, place, message), depth);
      }
    }
  }

  /** Messages of a mailbox: those that match, or all. */
  async *#found(
    asked: MailPath,
    search: Search | undefined,
    limit: number,
    brief = false,
  ): AsyncGenerator<Entry, void, undefined> {
    const { peer, selected } = await this.#account.select(asked, "read");
    const filter = joined(joined(search, this.#filter()), asked.query);
    let messages: AsyncIterable<Message>;
    if (filter === undefined) messages = newest(peer, selected, Math.min(limit, selected.exists), brief);
    else {
      const uids = await searchUids(peer, filter.words, filter);
      messages = byUid(peer, Number.isFinite(limit) ? uids.slice(-limit) : uids, brief);
    }
    const place = placeOf(asked, selected);
    for await (const message of messages) yield messageEntry(this.#account.target, place, message);
  }

  async *#searched(asked: MailPath): AsyncGenerator<MailPath, void, undefined> {
    if (asked.levels.length > 0) {
      yield asked;
      return;
    }
    const account = this.#account;
    const peer = await account.peer();
    const all = await listMailboxes(account, peer, { prefix: "", deep: true, counts: false });
    for (const mailbox of inOrder(all)) if (isSelectable(mailbox)) yield { levels: mailbox.levels };
  }

  /** What --since and --unseen leave out. */
  #filter(): Search | undefined {
    const { options } = this.#account.context;
    const words: string[] = [];
    if (options["unseen"] === true) words.push("UNSEEN");
    if (options["flagged"] === true) words.push("FLAGGED");
    if (typeof options["since"] === "string") words.push("SINCE", searchDate(parseDay(options["since"])));
    return words.length === 0 ? undefined : { words, needsCharset: false };
  }

  /** There for those within it alone (RFC 9051, 7.3.1: \NonExistent), at a server that tells of it by `%` and not by its name. */
  async #hollow(asked: MailPath, peer: Peer, raw: string): Promise<Mailbox | undefined> {
    const delimiter = await this.#account.delimiter(peer);
    if (delimiter === null || delimiter === "") return undefined;
    const request = { prefix: raw + delimiter, deep: false, counts: false };
    const within = await listMailboxes(this.#account, peer, request);
    if (!within.some((one) => isWithin(one, asked))) return undefined;
    const unknown = { specialUse: undefined, subscribed: undefined, counts: undefined };
    return { raw, levels: asked.levels, attributes: ["\\NonExistent"], ...unknown };
  }

  async #statMailbox(asked: MailPath): Promise<Entry> {
    const account = this.#account;
    const peer: Peer = await account.peer();
    const raw = await account.rawName(peer, asked.levels);
    const mailbox = (await findMailbox(account, peer, raw)) ?? (await this.#hollow(asked, peer, raw));
    if (mailbox === undefined) throw noMailbox(asked.levels);
    const counts = isSelectable(mailbox) ? await statusOf(peer, raw) : undefined;
    if (asked.uidValidity !== undefined && counts?.uidValidity !== asked.uidValidity) {
      throw new PortholeError("missing", "the mailbox was made anew", { hint: "`ls` shows what there is" });
    }
    return mailboxEntry(account.target, { ...mailbox, levels: asked.levels, counts }, false);
  }
}

function joined(one: Search | undefined, other: Search | string | undefined): Search | undefined {
  const second = typeof other === "string" ? parseSearch(other) : other;
  if (one === undefined || second === undefined) return one ?? second;
  return { ...withSearch(second, ...one.words), needsCharset: one.needsCharset || second.needsCharset };
}

function placeOf(
  asked: MailPath,
  selected: { readonly uidValidity: number | undefined },
): { levels: readonly string[]; uidValidity: number | undefined } {
  return { levels: asked.levels, uidValidity: selected.uidValidity };
}

/** INBOX first, then what has a use of its own, then by name. */
export function inOrder(mailboxes: readonly Mailbox[]): Mailbox[] {
  const key = ({ levels }: Mailbox) => `${levels[0] === "INBOX" ? 0 : 1}${levels.join("\u0001")}`;
  return [...mailboxes].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

function isWithin(mailbox: Mailbox, { levels }: MailPath): boolean {
  return mailboxPath(mailbox.levels)
    .toLowerCase()
    .startsWith(levels.length === 0 ? "/" : `${mailboxPath(levels).toLowerCase()}/`);
}

function refuseSection(path: MailPath, what: string): void {
  if (path.section === undefined) return;
  throw new PortholeError("usage", `a part of a message cannot be ${what}`);
}
