/** Copying between any two places: files to files, messages to messages, straight through. */
import { PortholeError } from "../errors.js";
import type { Target } from "../plugin.js";
import type { CpEvent, CpRequest } from "./cp-events.js";
import { type CopyItem, copyItem } from "./cp-item.js";
import { Lister } from "./cp-list.js";
import { Pair, withPairs } from "./doors.js";
import { eventsOf } from "./event-queue.js";
import { Journal } from "./journal.js";
import { repeatWhilePossible } from "./repeat.js";
import { asError } from "./walk.js";

export type { CpEvent, CpRequest } from "./cp-events.js";

type Tell = (event: CpEvent) => Promise<void>;

/** So many in a row mean that a side is gone; the rest is not tried. */
const MOST_UNREACHED = 5;
const UNREACHED: ReadonlySet<string> = new Set(["resolve", "connect", "tls", "timeout", "auth"]);

/**
 * Copies, and tells each thing as it is done; what fails is told and the rest goes on. The last event is `done`.
 *
 *     for await (const event of cp({ client, from: ["ftp://a/pub/x"], to: "./x" })) console.log(event);
 *
 * Leaving the loop, and the signal, end it. A journal stays as long as something is left to do.
 * @throws PortholeError `usage` for what cannot be copied where it should go, before anything is written; the
 *   failure itself when there is one source and it is one file; the signal's reason
 */
export function cp(request: CpRequest): AsyncGenerator<CpEvent, void, undefined> {
  return eventsOf<CpEvent>(request.signal, async (tell, signal) => {
    const { client, from, to } = request;
    if (from.length === 0) throw new PortholeError("usage", "there is nothing to copy");
    const sources = from.map((url) => client.target(url));
    const target = client.target(to);
    for (const source of sources) client.require(source, "cp", ["get"]);
    client.require(target, "cp", ["put"]);
    const journal = await openJournal(request, sources, target);
    let whole = false;
    try {
      await using lister = new Lister(request, target, journal, tell, signal);
      whole = await new Copying(request, target, journal, tell, signal).run(lister, sources);
    } finally {
      // With nothing begun there is nothing to go on with.
      await (whole || !hasBegun(journal) ? journal?.discard() : journal?.close());
    }
  });
}

async function openJournal(
  { journalFolder, recursive }: CpRequest,
  sources: readonly Target[],
  target: Target,
): Promise<Journal | undefined> {
  if (journalFolder === undefined) return undefined;
  const urls = [...sources, target].map((place) => place.href(place.path));
  return Journal.open(journalFolder, ["cp", ...(recursive === true ? ["-r"] : []), ...urls]);
}

function hasBegun(journal: Journal | undefined): boolean {
  return journal !== undefined && (journal.facts.size > 1 || journal.facts.get("into")?.["made"] === true);
}

class Copying {
  readonly #request: CpRequest;
  readonly #target: Target;
  readonly #journal: Journal | undefined;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  #copied = 0;
  #kept = 0;
  #failed = 0;
  #octets = 0;
  #unreached = 0;

  constructor(
    request: CpRequest,
    target: Target,
    journal: Journal | undefined,
    tell: Tell,
    signal: AbortSignal,
  ) {
    this.#request = request;
    this.#target = target;
    this.#journal = journal;
    this.#tell = tell;
    this.#signal = signal;
  }

  /** @returns whether all is done */
  async run(lister: Lister, sources: readonly Target[]): Promise<boolean> {
    const { client, jobs = 1, recursive } = this.#request;
    const alone = sources.length === 1 && recursive !== true;
    // A pair of sessions for each source in turn: workers keep theirs as long as the source's server is the same.
    const [first] = sources;
    if (first === undefined) return true;
    await withPairs(
      alone ? 1 : jobs,
      lister.items(sources),
      () => new Pair(client, first, this.#target, this.#signal),
      async (pair, item) => this.#one(pair, item, alone),
    );
    const failed = this.#failed + lister.failed.length;
    await this.#tell({
      event: "done",
      copied: this.#copied,
      kept: this.#kept,
      failed,
      octets: this.#octets,
    });
    return failed === 0;
  }

  async #one(pair: Pair, item: CopyItem, alone: boolean): Promise<void> {
    const { client, retries = 0 } = this.#request;
    const from = item.source.href(item.from);
    const to = this.#target.href(item.to);
    const isOwn = samePlace(item.source, pair.from.target);
    const used = isOwn ? pair : new Pair(client, item.source, this.#target, this.#signal);
    try {
      const result = await repeatWhilePossible(
        retries,
        this.#signal,
        (why) => void this.#tell({ event: "repeated", from, why }),
        () => this.#attempt(used, item),
      );
      this.#unreached = 0;
      if (result.kept) {
        this.#kept += 1;
        await this.#tell({ event: "kept", from, to });
      } else {
        this.#copied += 1;
        this.#octets += result.size - result.from;
        const { size, from: resumedAt } = result;
        await this.#tell({ event: "copied", from, to: result.url ?? to, size, resumedAt });
      }
    } catch (thrown) {
      if (alone || this.#signal.aborted) throw thrown;
      const error = asError(thrown);
      this.#failed += 1;
      await this.#tell({ event: "failed", from, to, error });
      this.#unreached = UNREACHED.has(error.code) ? this.#unreached + 1 : 0;
      if (this.#unreached >= MOST_UNREACHED) throw error;
    } finally {
      if (!isOwn) await used.close();
    }
  }

  async #attempt(pair: Pair, item: CopyItem) {
    const { client, replace, resume, progress } = this.#request;
    try {
      return await copyItem(pair, item, {
        doors: client,
        target: this.#target,
        journal: this.#journal,
        replace: replace === true,
        resume: resume === true,
        signal: this.#signal,
        ...(progress === undefined ? {} : { progress }),
      });
    } catch (thrown) {
      // A session in the middle of something cannot be trusted with the next.
      await pair.close();
      throw thrown;
    }
  }
}

function samePlace(one: Target, other: Target): boolean {
  return one.href("/") === other.href("/");
}
