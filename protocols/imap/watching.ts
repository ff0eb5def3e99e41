/** What comes, changes and goes in a mailbox, told by the server as it happens (IDLE, RFC 2177) or asked for. */
import type { WatchEvent } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { type Message, messageEntry } from "./entry.js";
import { byUid, messageOf } from "./messages.js";
import type { MailPath } from "./path.js";
import type { Peer, Selected } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Data } from "./response.js";
import { searchUids } from "./searching.js";
import { intervalOf, pauseFor, SILENCE_MS, type Watched, watchOn } from "./watch-loop.js";

/** Events by the way that are kept until they are looked at. */
const MOST_CHANGES = 10_000;

export async function* watchMailbox(
  account: Account,
  path: MailPath,
  closed: AbortSignal,
  begun?: () => void,
): AsyncGenerator<WatchEvent, void, undefined> {
  const signal = AbortSignal.any([account.context.signal, closed]);
  yield* watchOn(account, new Watching(account, path, intervalOf(account), signal), signal, begun);
}

class Watching implements Watched {
  readonly #account: Account;
  readonly #path: MailPath;
  readonly #interval: number;
  readonly #signal: AbortSignal;
  /** UIDs and flags of the last look, by the order of the mailbox: they outlive a connection. */
  #known: { uid: number; flags: string }[] | undefined;
  #uidValidity: number | undefined;

  constructor(account: Account, path: MailPath, interval: number, signal: AbortSignal) {
    this.#account = account;
    this.#path = path;
    this.#interval = interval;
    this.#signal = signal;
  }

  /** There was a look: the mailbox is right. */
  get begun(): boolean {
    return this.#known !== undefined;
  }

  /** Until something breaks. */
  async *events(begun?: () => void): AsyncGenerator<WatchEvent, void, undefined> {
    const { peer, selected } = await this.#account.select({ levels: this.#path.levels }, "read");
    const changes = new Changes();
    peer.onChange = (data) => changes.add(data);
    try {
      const before = this.#known;
      const renewed = this.#uidValidity !== selected.uidValidity;
      this.#uidValidity = selected.uidValidity;
      this.#known = await changes.during(() => look(peer));
      // What came while it was looked at is told with the next change.
      if (this.#known.length < selected.exists) this.#known = await changes.during(() => look(peer));
      begun?.();
      if (before !== undefined && !renewed)
        yield* this.#between(peer, selected, before, this.#known, changes);
      for (;;) {
        if (!changes.any) await this.#wait(peer, changes);
        yield* this.#told(peer, selected, changes);
      }
    } finally {
      peer.onChange = undefined;
    }
  }

  async #wait(peer: Peer, changes: Changes): Promise<void> {
    if (!peer.capabilities.has("IDLE")) {
      await pauseFor(this.#interval * 1000, this.#signal);
      mustBeOk(await peer.dialogue.ask("NOOP"), "the server does not say what is new");
      return;
    }
    const answer = peer.dialogue.say({ words: ["IDLE"], alone: true, converses: true });
    if ((await answer.continuation()) === undefined) {
      mustBeOk(await answer.status(), "the server does not tell what is new");
      return;
    }
    peer.dialogue.idle = true;
    const stop = new AbortController();
    let over = false;
    const ended = answer.status().then(() => {
      over = true;
    });
    try {
      const signal = AbortSignal.any([this.#signal, stop.signal]);
      const pause = pauseFor(SILENCE_MS, signal).catch((thrown: unknown) => {
        if (this.#signal.aborted) throw thrown;
      });
      await Promise.race([changes.next(), pause, ended]);
    } finally {
      stop.abort();
      peer.dialogue.idle = false;
    }
    // Some servers end it by themselves.
    if (!over) await peer.dialogue.line("DONE");
    mustBeOk(await answer.status(), "the server does not tell what is new");
  }

  async *#told(
    peer: Peer,
    selected: Selected,
    changes: Changes,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const known = this.#known ?? [];
    let grown = false;
    for (const data of changes.take()) {
      const at = (data.number ?? 0) - 1;
      if (data.name === "EXISTS") grown = true;
      else if (data.name === "EXPUNGE") {
        const [gone] = known.splice(at, 1);
        if (gone !== undefined) yield this.#event("gone", selected, bare(gone.uid));
      } else if (data.name === "FETCH") {
        const there = known[at];
        const message = await messageOf(data);
        const flags = message?.flags?.join(" ") ?? flagsOf(data);
        if (there === undefined || flags === undefined || there.flags === sorted(flags)) continue;
        there.flags = sorted(flags);
        yield* this.#tell("changed", peer, selected, [there.uid], changes);
      } else {
        // VANISHED, and whatever else there may be: another look tells.
        const now = await changes.during(() => look(peer));
        const before = this.#known ?? [];
        this.#known = now;
        yield* this.#between(peer, selected, before, now, changes);
        return;
      }
    }
    if (!grown) return;
    const last = known.at(-1)?.uid ?? 0;
    const fresh = (await searchUids(peer, ["UID", `${last + 1}:*`])).filter((uid) => uid > last);
    yield* this.#tell("new", peer, selected, fresh, changes);
  }

  async *#between(
    peer: Peer,
    selected: Selected,
    before: readonly { uid: number; flags: string }[],
    now: readonly { uid: number; flags: string }[],
    changes: Changes,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const there = new Map(now.map(({ uid, flags }) => [uid, flags]));
    const was = new Map(before.map(({ uid, flags }) => [uid, flags]));
    for (const { uid } of before) if (!there.has(uid)) yield this.#event("gone", selected, bare(uid));
    const changed = now.filter(({ uid, flags }) => was.has(uid) && was.get(uid) !== flags);
    const fresh = now.filter(({ uid }) => !was.has(uid));
    yield* this.#tell(
      "changed",
      peer,
      selected,
      changed.map(({ uid }) => uid),
      changes,
    );
    yield* this.#tell(
      "new",
      peer,
      selected,
      fresh.map(({ uid }) => uid),
      changes,
    );
  }

  /** In the order of the mailbox. */
  async *#tell(
    event: "new" | "changed",
    peer: Peer,
    selected: Selected,
    uids: readonly number[],
    changes: Changes,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    if (uids.length === 0) return;
    const messages: Message[] = [];
    await changes.during(async () => {
      for await (const message of byUid(peer, uids)) messages.push(message);
    });
    const known = this.#known ?? [];
    for (const message of messages.reverse()) {
      if (!known.some(({ uid }) => uid === message.uid)) {
        known.push({ uid: message.uid, flags: sorted(message.flags?.join(" ") ?? "") });
      }
      yield this.#event(event, selected, message);
    }
  }

  #event(event: WatchEvent["event"], { uidValidity }: Selected, message: Message): WatchEvent {
    const entry = messageEntry(this.#account.target, { levels: this.#path.levels, uidValidity }, message);
    return { event, entry, at: new Date() };
  }
}

/** What the server says while nobody asks. */
class Changes {
  #told: Data[] = [];
  #looking = false;
  #stir: (() => void) | undefined;

  get any(): boolean {
    return this.#told.length > 0;
  }

  add(data: Data): void {
    if (this.#looking && data.name === "FETCH") return;
    if (this.#told.length < MOST_CHANGES) this.#told.push(data);
    this.#stir?.();
  }

  /** What is asked for meanwhile is no change. */
  async during<T>(act: () => Promise<T>): Promise<T> {
    this.#looking = true;
    try {
      return await act();
    } finally {
      this.#looking = false;
    }
  }

  take(): Data[] {
    return this.#told.splice(0);
  }

  async next(): Promise<void> {
    if (this.any) return;
    await new Promise<void>((resolve) => {
      this.#stir = resolve;
    });
  }
}

/** UIDs and flags of all. */
async function look(peer: Peer): Promise<{ uid: number; flags: string }[]> {
  if ((peer.selected?.exists ?? 0) === 0) return [];
  const answer = peer.dialogue.say({
    words: ["FETCH", "1:*", "(UID FLAGS)"],
    takes: ({ name }) => name === "FETCH",
  });
  const found: { uid: number; flags: string }[] = [];
  for await (const data of answer.data()) {
    const message = await messageOf(data);
    if (message !== undefined)
      found.push({ uid: message.uid, flags: sorted(message.flags?.join(" ") ?? "") });
  }
  mustBeOk(await answer.status(), "the server does not tell what there is");
  return found.sort((one, other) => one.uid - other.uid);
}

function sorted(flags: string): string {
  return flags
    .split(" ")
    .filter((flag) => flag !== "" && flag.toLowerCase() !== "\\recent")
    .sort()
    .join(" ");
}

function flagsOf(data: Data): string | undefined {
  const [, flags] = /\bFLAGS \(([^)]*)\)/i.exec(data.line) ?? [];
  return flags;
}

/** Of a message that is gone there is no more to tell. */
function bare(uid: number): Message {
  return {
    uid,
    number: undefined,
    flags: undefined,
    size: undefined,
    received: undefined,
    modSeq: undefined,
    envelope: undefined,
    labels: undefined,
  };
}
