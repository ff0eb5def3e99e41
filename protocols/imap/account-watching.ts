/**
 * What happens in all mailboxes of an account: told by the server where it offers NOTIFY (RFC 5465), else seen by asking
 * what each holds (STATUS), now and then.
 */
import type { WatchEvent } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { mailboxEntry, messageEntry } from "./entry.js";
import { type Counts, isSelectable, listMailboxes, type Mailbox, statusOf } from "./mailboxes.js";
import { byUid } from "./messages.js";
import { decodeMailboxName } from "./modified-utf7.js";
import type { Peer } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Data } from "./response.js";
import { searchUids } from "./searching.js";
import { textOf } from "./values.js";
import { intervalOf, pauseFor, SILENCE_MS, type Watched, watchOn } from "./watch-loop.js";

/** New messages that are told one by one; of more, the mailbox tells how many it has. */
const MOST_TOLD = 1000;
/** Mailboxes that a server may name before they are looked at; with more, all are. */
const MOST_NAMED = 1000;

export async function* watchAccount(
  account: Account,
  closed: AbortSignal,
  begun?: () => void,
): AsyncGenerator<WatchEvent, void, undefined> {
  const signal = AbortSignal.any([account.context.signal, closed]);
  yield* watchOn(account, new AccountWatching(account, intervalOf(account), signal), signal, begun);
}

class AccountWatching implements Watched {
  readonly #account: Account;
  readonly #interval: number;
  readonly #signal: AbortSignal;
  /** As of the last look, by the server's names. */
  #known: Map<string, Mailbox> | undefined;

  constructor(account: Account, interval: number, signal: AbortSignal) {
    this.#account = account;
    this.#interval = interval;
    this.#signal = signal;
  }

  get begun(): boolean {
    return this.#known !== undefined;
  }

  async *events(begun?: () => void): AsyncGenerator<WatchEvent, void, undefined> {
    const peer = await this.#account.peer();
    const news = new News();
    const lost = () => news.wake();
    peer.onMailbox = (data) => news.add(data);
    peer.connection.once("close", lost);
    try {
      // Before the first look, so that nothing falls between the two.
      let notified = await this.#subscribe(peer);
      yield* this.#lookAtAll(peer, news);
      begun?.();
      for (;;) {
        if (!notified) await pauseFor(this.#interval * 1000, this.#signal);
        else if (!(await news.within(SILENCE_MS, this.#signal))) await peer.dialogue.ask("NOOP");
        if (peer.dialogue.failure !== undefined) throw peer.dialogue.failure;
        const named = news.take();
        if (news.overflowed) notified = false;
        if (!notified || named === "all") yield* this.#lookAtAll(peer, news);
        else for (const raw of named) yield* this.#lookAt(peer, raw, news);
      }
    } finally {
      peer.onMailbox = undefined;
      peer.connection.off("close", lost);
    }
  }

  /** RFC 5465, 3.1: what comes, goes and changes anywhere. @returns whether the server will tell */
  async #subscribe(peer: Peer): Promise<boolean> {
    if (!peer.capabilities.has("NOTIFY")) return false;
    const events = "(MessageNew MessageExpunge FlagChange MailboxName)";
    const status = await peer.dialogue.ask("NOTIFY", `SET (personal ${events})`);
    if (status.condition !== "OK")
      this.#account.context.note(`the server does not tell of mailboxes by itself: ${status.text}`);
    return status.condition === "OK";
  }

  async *#lookAtAll(peer: Peer, news: News): AsyncGenerator<WatchEvent, void, undefined> {
    const before = this.#known;
    const listed = await news.during("all", () =>
      listMailboxes(this.#account, peer, { prefix: "", deep: true, counts: true }),
    );
    const now = new Map(listed.map((mailbox) => [mailbox.raw, mailbox]));
    this.#known = now;
    if (before === undefined) return;
    for (const [raw, mailbox] of before) if (!now.has(raw)) yield this.#event("gone", mailbox);
    for (const [raw, mailbox] of now) {
      const was = before.get(raw);
      if (was === undefined) yield this.#event("new", mailbox);
      yield* this.#between(peer, mailbox, was === undefined ? EMPTY : was.counts);
    }
  }

  async *#lookAt(peer: Peer, raw: string, news: News): AsyncGenerator<WatchEvent, void, undefined> {
    const mailbox = this.#known?.get(raw);
    if (mailbox === undefined) {
      yield* this.#lookAtAll(peer, news);
      return;
    }
    const counts = await news.during([raw], () => statusOf(peer, raw));
    const now = { ...mailbox, counts };
    this.#known?.set(raw, now);
    yield* this.#between(peer, now, mailbox.counts);
  }

  /** New messages one by one; whatever else has happened is told of the mailbox. */
  async *#between(
    peer: Peer,
    mailbox: Mailbox,
    before: Counts | undefined,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const { counts } = mailbox;
    if (counts === undefined || !isSelectable(mailbox) || isSame(before, counts)) return;
    const sameUids = before?.uidValidity === counts.uidValidity || before === EMPTY;
    const came =
      sameUids && before?.uidNext !== undefined && (counts.uidNext ?? 0) > before.uidNext
        ? await this.#since(peer, mailbox, before.uidNext)
        : [];
    yield* came;
    const gone = (before?.messages ?? 0) + came.length !== counts.messages;
    if (before !== EMPTY && (gone || came.length === 0)) yield this.#event("changed", mailbox);
  }

  async #since(peer: Peer, { levels, raw }: Mailbox, uid: number): Promise<WatchEvent[]> {
    const { selected } = await this.#account.select({ levels }, "read");
    const uids = (await searchUids(peer, ["UID", `${uid}:*`])).filter((one) => one >= uid);
    const place = { levels, uidValidity: selected.uidValidity };
    const found: WatchEvent[] = [];
    for await (const message of byUid(peer, uids.slice(-MOST_TOLD))) {
      const entry = messageEntry(this.#account.target, place, message);
      found.push({ event: "new", entry, at: new Date() });
    }
    // What is selected is told of in another way (RFC 5465, 5.2). Opened for reading, CLOSE removes nothing.
    const unselects = peer.capabilities.has("UNSELECT");
    const status = await peer.dialogue.ask(unselects ? "UNSELECT" : "CLOSE");
    mustBeOk(status, `the mailbox ${decodeMailboxName(raw)} cannot be left`);
    peer.selected = undefined;
    return found.reverse();
  }

  #event(event: WatchEvent["event"], mailbox: Mailbox): WatchEvent {
    return { event, entry: mailboxEntry(this.#account.target, mailbox, true), at: new Date() };
  }
}

/** Of a mailbox that was not there: all that is in it is new. */
const EMPTY: Counts = { messages: 0, unseen: 0, uidNext: 1 };

function isSame(before: Counts | undefined, now: Counts): boolean {
  const facts = (counts: Counts | undefined) =>
    JSON.stringify([
      counts?.messages,
      counts?.unseen,
      counts?.uidNext,
      counts?.uidValidity,
      counts?.highestModSeq,
    ]);
  return facts(before) === facts(now);
}

/** Mailboxes that the server has told of unasked. */
class News {
  readonly #named = new Set<string>();
  #all = false;
  /** What is being asked about: the first that is told of each is the answer. */
  #asked: { readonly all: boolean; readonly names: Set<string> } | undefined;
  #stir: (() => void) | undefined;
  /** The server will tell no more (RFC 5465, 5.8). */
  overflowed = false;

  /** @param data undefined: the server gives up telling */
  add(data: Data | undefined): void {
    if (data === undefined) {
      this.overflowed = true;
      this.#all = true;
    } else if (data.name === "STATUS") {
      const raw = textOf(data.values[0]) ?? "";
      const name = /^inbox$/i.test(raw) ? "INBOX" : raw;
      if (this.#isAnswer(name)) return;
      if (this.#named.size < MOST_NAMED) this.#named.add(name);
      else this.#all = true;
    } else if (this.#asked?.all === true) return;
    else this.#all = true;
    this.wake();
  }

  #isAnswer(name: string): boolean {
    if (this.#asked === undefined) return false;
    const { all, names } = this.#asked;
    if (!all) return names.delete(name);
    if (names.has(name)) return false;
    names.add(name);
    return true;
  }

  wake(): void {
    this.#stir?.();
  }

  async during<T>(names: readonly string[] | "all", act: () => Promise<T>): Promise<T> {
    this.#asked = { all: names === "all", names: new Set(names === "all" ? [] : names) };
    try {
      return await act();
    } finally {
      this.#asked = undefined;
    }
  }

  take(): readonly string[] | "all" {
    const named = this.#all ? "all" : [...this.#named];
    this.#named.clear();
    this.#all = false;
    return named;
  }

  /** @returns false when nothing was told for so long */
  async within(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    if (this.#all || this.#named.size > 0) return true;
    const stop = new AbortController();
    const told = new Promise<true>((resolve) => {
      this.#stir = () => resolve(true);
    });
    const pause = pauseFor(milliseconds, AbortSignal.any([signal, stop.signal])).then(
      () => false,
      (thrown: unknown) => {
        if (signal.aborted) throw thrown;
        return true;
      },
    );
    try {
      return await Promise.race([told, pause]);
    } finally {
      this.#stir = undefined;
      stop.abort();
    }
  }
}
