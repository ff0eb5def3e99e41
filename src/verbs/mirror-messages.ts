/**
 * Mailboxes and groups made the same as others. A message never changes, and has another name in each mailbox: which
 * is which is remembered, and where that is lost it is told by the Message-ID.
 */
import type { JsonObject, Progress } from "../plugin.js";
import { asTheyCame } from "./arrival.js";
import { carryMany } from "./carry-many.js";
import { pathInside } from "./cp-plan.js";
import type { Door, Pair } from "./doors.js";
import type { Failures } from "./failures.js";
import { makeFolders } from "./folders.js";
import type { Journal } from "./journal.js";
import { flagMark, flagsOf } from "./marks.js";
import type { MirrorEvent, MirrorReport } from "./mirror-events.js";
import { shownName } from "./names.js";
import { boundOf, isOver, Oversize } from "./oversize.js";
import { mailboxIn, Recognition } from "./recognition.js";
import { type DeliveryRequest, deliver, type Transferred, transfer } from "./transfer.js";
import type { Found } from "./walk.js";

export interface MessagesRequest {
  readonly source: ReadonlyMap<string, Found>;
  readonly target: ReadonlyMap<string, Found>;
  /** The mailbox at the target's top; its path. */
  readonly top: string;
  readonly known: ReadonlyMap<string, JsonObject>;
  readonly journal: Journal | undefined;
  readonly dryRun: boolean;
  readonly removes: boolean;
  /** Days after which what was carried is removed from the source. */
  readonly deleteAfter: number | undefined;
  /** Octets: what is larger is not carried. */
  readonly maxSize: number | undefined;
  readonly jobs: number;
  readonly pair: Pair;
  readonly open: () => Pair;
  /** Sessions at the target that may write at once. */
  readonly writers: number;
  readonly openTarget: () => Door;
  readonly tell: (event: MirrorEvent) => Promise<void>;
  readonly failures: Failures<string>;
  readonly signal: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

/** A message that is there with other flags. */
interface Marking {
  readonly key: string;
  readonly from: Found;
  /** At the target. */
  readonly url: string;
  readonly flags: readonly string[];
}

/** A message to be carried, and into which mailbox. */
interface Carrying {
  readonly key: string;
  readonly from: Found;
  readonly mailbox: string;
}

const KEPT = {
  event: "spared",
  why: "messages that the source gives no lasting name are not removed from it",
} as const satisfies MirrorEvent;
const DAY_MS = 24 * 60 * 60 * 1000;

export async function mirrorMessages(request: MessagesRequest): Promise<MirrorReport> {
  return new MessageMirroring(request).run();
}

class MessageMirroring {
  readonly #request: MessagesRequest;
  /** Messages at the target, by their URLs. */
  readonly #there: ReadonlyMap<string, Found>;
  /** What this run has put at the target, synced. */
  readonly #carried = new Map<string, { readonly url: string; readonly at: string }>();
  #same = 0;
  #copied = 0;
  #marked = 0;
  #removed = 0;
  #octets = 0;
  #large = 0;

  constructor(request: MessagesRequest) {
    this.#request = request;
    const messages = [...request.target.values()].filter(({ isContainer }) => !isContainer);
    this.#there = new Map(messages.map((found) => [found.entry.url, found]));
  }

  async run(): Promise<MirrorReport> {
    const { source, target, dryRun, removes, known } = this.#request;
    const carrying: Carrying[] = [];
    const marking: Marking[] = [];
    const large: (readonly [string, Found])[] = [];
    const messages = [...source].filter(([, { isContainer }]) => !isContainer);
    const recognition = new Recognition(this.#request, this.#there);
    const there = await recognition.urlsOf(messages);
    for (const [key, from] of messages) {
      const url = there.get(key);
      if (url === undefined && isOver(from.entry.size, this.#request.maxSize)) large.push([key, from]);
      else if (url === undefined) carrying.push({ key, from, mailbox: this.#mailboxOf(key) });
      else {
        this.#same += 1;
        const flags = this.#newFlags(key, from, url);
        if (flags !== undefined) marking.push({ key, from, url, flags });
      }
    }
    // What is there for those within it alone is made when something is put into it.
    const filled = new Set(carrying.map(({ key }) => mailboxIn(key)));
    const missing = [...source].filter(([key, { isContainer }]) => {
      const there = target.get(key);
      return isContainer && (there === undefined || (there.entry.hollow === true && filled.has(key)));
    });
    const gone = [...known].flatMap(([key, { url }]) =>
      typeof url === "string" && !source.has(key) && this.#there.has(url) && !recognition.adopted.has(url)
        ? [{ key, url }]
        : [],
    );
    await this.#tellPlan(missing, carrying, marking, removes ? gone : []);
    for (const [key, from] of large) await this.#tellLarge(key, from);
    await this.#tellCleared(carrying);
    if (!dryRun) {
      for (const [key] of missing) await this.#makeMailbox(key);
      await this.#carryAll(inOrder(carrying));
      for (const one of marking) await this.#mark(one);
      if (removes) for (const one of gone) await this.#remove(one);
      await this.#clearSource();
    }
    return {
      event: "done",
      dryRun,
      copied: this.#copied,
      same: this.#same,
      marked: this.#marked,
      removed: this.#removed,
      failed: this.#request.failures.count,
      octets: this.#octets,
      extra: removes ? 0 : gone.length,
      ...(this.#large === 0 ? {} : { large: this.#large }),
    };
  }

  /** What was remembered of the source's flags holds no more; without memory, what the target tells. */
  #newFlags(key: string, from: Found, url: string): string[] | undefined {
    const flags = flagsOf(from.entry);
    const there = this.#there.get(url);
    if (flags === undefined || there === undefined) return undefined;
    const noted = this.#request.known.get(key)?.["flags"];
    const known = typeof noted === "string" ? noted : flagMark(flagsOf(there.entry) ?? []);
    return flagMark(flags) === known ? undefined : flags;
  }

  /** Flags, where the target can keep them. */
  async #mark({ key, from, url, flags }: Marking): Promise<void> {
    const { pair, tell, failures, journal } = this.#request;
    const there = this.#there.get(url);
    if (there === undefined) return;
    try {
      const marked = await pair.to.use(async (session) => session.mark?.(there.path, flags));
      const { at } = this.#request.known.get(key) ?? {};
      const noted = { url: marked?.url ?? url, flags: flagMark(flags) };
      await journal?.note(key, at === undefined ? noted : { ...noted, at });
      if (marked === undefined) return;
      this.#marked += 1;
      await tell({ event: "marked", name: shownName(key), from: from.entry.url, to: marked.url });
    } catch (thrown) {
      await failures.addOrStop(url, thrown);
    }
  }

  async #tellPlan(
    missing: readonly (readonly [string, Found])[],
    carrying: readonly Carrying[],
    marking: readonly Marking[],
    gone: readonly { readonly key: string; readonly url: string }[],
  ): Promise<void> {
    const { tell, pair } = this.#request;
    for (const [key] of missing) {
      const to = pair.to.target.href(this.#placeOf(key));
      await tell({ event: "plan", action: "folder", name: shownName(key), to });
    }
    for (const { key, from, mailbox } of carrying) {
      const { size, url } = from.entry;
      const to = pair.to.target.href(mailbox);
      const name = shownName(key);
      await tell({
        event: "plan",
        action: "new",
        name,
        from: url,
        to,
        ...(size === undefined ? {} : { size }),
      });
    }
    for (const { key, from, url } of marking)
      await tell({ event: "plan", action: "marked", name: shownName(key), from: from.entry.url, to: url });
    for (const { key, url } of gone)
      await tell({ event: "plan", action: "gone", name: shownName(key), to: url });
  }

  /** One that a listing tells to be too large. */
  async #tellLarge(key: string, { entry }: Found): Promise<void> {
    const { tell, dryRun, pair } = this.#request;
    const told = {
      name: shownName(key),
      from: entry.url,
      ...(entry.size === undefined ? {} : { size: entry.size }),
    };
    const to = pair.to.target.href(this.#mailboxOf(key));
    await tell({ event: "plan", action: "large", ...told, to });
    this.#large += 1;
    if (!dryRun) await tell({ event: "large", ...told });
  }

  /** What goes from the source when it has been at the target for long enough. */
  async #tellCleared(carrying: readonly Carrying[]): Promise<void> {
    const { source, deleteAfter, tell } = this.#request;
    if (deleteAfter === undefined) return;
    if ([...source.values()].some(({ entry }) => entry.passing === true)) await tell(KEPT);
    const carried = new Set(deleteAfter === 0 ? carrying.map(({ key }) => key) : []);
    for (const [key, { isContainer, entry }] of source) {
      if (isContainer || entry.passing === true || !(carried.has(key) || this.#mayGo(key))) continue;
      await tell({ event: "plan", action: "cleared", name: shownName(key), to: entry.url });
    }
  }

  /** The message has been at the target for long enough, and is there now. */
  #mayGo(key: string): boolean {
    const { known, deleteAfter = Number.POSITIVE_INFINITY } = this.#request;
    const { url, at } = this.#carried.get(key) ?? known.get(key) ?? {};
    const isThere = this.#carried.has(key) || (typeof url === "string" && this.#there.has(url));
    // What an older version noted tells no time, and stays.
    return isThere && typeof at === "string" && Date.parse(at) <= Date.now() - deleteAfter * DAY_MS;
  }

  async #makeMailbox(key: string): Promise<void> {
    const { pair, tell, failures } = this.#request;
    const path = this.#placeOf(key);
    const to = pair.to.target.href(path);
    try {
      // Another mirror may have made it meanwhile.
      const made = await pair.to.use((session) => makeFolders(session, path, true));
      if (made !== undefined) await tell({ event: "made", name: shownName(key), to });
    } catch (thrown) {
      await failures.addOrStop(to, thrown);
    }
  }

  async #carryAll(carrying: readonly Carrying[]): Promise<void> {
    const { pair, open, jobs, signal, writers, openTarget } = this.#request;
    let own: Pair | undefined = pair;
    await carryMany<Carrying>({
      items: carrying,
      pathOf: ({ from }) => from.path,
      ahead: () => true,
      jobs: Math.min(jobs, Math.max(1, carrying.length)),
      open: () => {
        const opened = own ?? open();
        own = undefined;
        return opened;
      },
      writers,
      openTarget,
      one: async (used, one) => {
        try {
          await this.#carry(used, one);
        } catch (thrown) {
          await used.close();
          await this.#failed(one, thrown);
        }
      },
      write: (target, one, document, held) =>
        target.use(async (session) => {
          const request = { ...this.#delivery(one), ...(held === undefined ? {} : { held }) };
          await this.#told(one, await deliver(session, document, request));
        }),
      failed: (one, error) => this.#failed(one, error),
      signal,
    });
  }

  async #failed({ key, from }: Carrying, thrown: unknown): Promise<void> {
    const { failures, tell } = this.#request;
    if (!(thrown instanceof Oversize)) return failures.addOrStop(from.entry.url, thrown);
    failures.reached();
    this.#large += 1;
    await tell({ event: "large", name: shownName(key), from: from.entry.url });
  }

  async #carry(pair: Pair, one: Carrying): Promise<void> {
    await this.#told(one, await transfer(pair, { from: one.from.path, ...this.#delivery(one) }));
  }

  #delivery({ key, from, mailbox }: Carrying): DeliveryRequest {
    const { signal, progress } = this.#request;
    const flags = flagsOf(from.entry);
    const name = shownName(key);
    return {
      to: mailbox,
      name,
      replace: false,
      ...boundOf(from.entry.size, this.#request.maxSize),
      signal,
      ...(flags === undefined ? {} : { flags }),
      ...(progress === undefined ? {} : { progress }),
    };
  }

  async #told({ key, from }: Carrying, done: Transferred): Promise<void> {
    const { tell, journal } = this.#request;
    const flags = flagsOf(from.entry);
    const at = new Date().toISOString();
    const noted = { url: done.url, at, ...(flags === undefined ? {} : { flags: flagMark(flags) }) };
    await journal?.note(key, noted);
    this.#carried.set(key, noted);
    this.#request.failures.reached();
    this.#copied += 1;
    this.#octets += done.size;
    const name = shownName(key);
    await tell({ event: "copied", name, from: from.entry.url, to: done.url, size: done.size });
  }

  async #remove({ key, url }: { readonly key: string; readonly url: string }): Promise<void> {
    const { pair, tell, failures, journal } = this.#request;
    const found = this.#there.get(url);
    if (found === undefined) return;
    try {
      await pair.to.use(async (session) => session.remove?.(found.path));
      await journal?.note(key, undefined);
      this.#removed += 1;
      await tell({ event: "removed", name: shownName(key), to: url });
    } catch (thrown) {
      await failures.addOrStop(url, thrown);
    }
  }

  /** Removes from the source what has been at the target for long enough, and is there now. */
  async #clearSource(): Promise<void> {
    const { source, deleteAfter, pair, tell, failures } = this.#request;
    if (deleteAfter === undefined) return;
    for (const [key, { isContainer, path, entry }] of source) {
      // A connection that breaks and is made anew would have the name mean another one.
      if (isContainer || entry.passing === true || !this.#mayGo(key)) continue;
      try {
        await pair.from.use(async (session) => session.remove?.(path));
        this.#removed += 1;
        await tell({ event: "removed", name: shownName(key), to: entry.url });
      } catch (thrown) {
        await failures.addOrStop(entry.url, thrown);
      }
    }
  }

  #placeOf(key: string): string {
    return key.split("/").reduce((place, name) => pathInside(place, name), this.#request.top);
  }

  #mailboxOf(key: string): string {
    const mailbox = mailboxIn(key);
    return mailbox === "" ? this.#request.top : this.#placeOf(mailbox);
  }
}

/** One mailbox after the other, each in the order that its messages came in. */
function inOrder(carrying: readonly Carrying[]): Carrying[] {
  const byMailbox = new Map<string, Carrying[]>();
  for (const one of carrying) {
    const there = byMailbox.get(one.mailbox);
    if (there === undefined) byMailbox.set(one.mailbox, [one]);
    else there.push(one);
  }
  return [...byMailbox.values()].flatMap((messages) => asTheyCame(messages, ({ from }) => from.entry));
}
