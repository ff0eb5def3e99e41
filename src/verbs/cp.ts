/** Copying between any two places: files to files, messages to messages, straight through. */
import { PortholeError } from "../errors.js";
import type { Target } from "../plugin.js";
import { repeatWhilePossible } from "../repeat.js";
import { carryMany } from "./carry-many.js";
import type { CpEvent, CpRequest } from "./cp-events.js";
import {
  type CopyItem,
  type CopyOptions,
  copyItem,
  copyRead,
  forget,
  type ItemResult,
  isDone,
  isFresh,
} from "./cp-item.js";
import { Lister } from "./cp-list.js";
import { Door, Pair, writersAt } from "./doors.js";
import { eventsOf } from "./event-queue.js";
import { Failures } from "./failures.js";
import { Journal } from "./journal.js";
import { isOver, Oversize } from "./oversize.js";

export type { CpEvent, CpRequest } from "./cp-events.js";

type Tell = (event: CpEvent) => Promise<void>;

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
  return Journal.openAlone(
    journalFolder,
    ["cp", ...(recursive === true ? ["-r"] : []), ...urls],
    "this copy",
  );
}

function hasBegun(journal: Journal | undefined): boolean {
  return journal !== undefined && (journal.facts.size > 1 || journal.facts.get("into")?.["made"] === true);
}

class Copying {
  readonly #request: CpRequest;
  readonly #target: Target;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  #copied = 0;
  #kept = 0;
  #octets = 0;
  #large = 0;
  readonly #failures: Failures<CopyItem>;
  readonly #options: CopyOptions;

  constructor(
    request: CpRequest,
    target: Target,
    journal: Journal | undefined,
    tell: Tell,
    signal: AbortSignal,
  ) {
    this.#request = request;
    this.#target = target;
    this.#tell = tell;
    this.#signal = signal;
    this.#failures = new Failures((item, error) => {
      const to = target.href(item.to);
      return tell({ event: "failed", from: item.source.href(item.from), to, error });
    }, signal);
    const { client, replace, resume, maxSize, progress } = request;
    this.#options = {
      doors: client,
      target,
      journal,
      replace: replace === true,
      resume: resume === true,
      maxSize,
      signal,
      ...(progress === undefined ? {} : { progress }),
    };
  }

  /** @returns whether all is done */
  async run(lister: Lister, sources: readonly Target[]): Promise<boolean> {
    const { client, jobs = 1, recursive } = this.#request;
    const alone = sources.length === 1 && recursive !== true;
    // A pair of sessions for each source in turn: workers keep theirs as long as the source's server is the same.
    const [first] = sources;
    if (first === undefined) return true;
    const source = first;
    await carryMany<CopyItem>({
      items: this.#wanted(lister.items(sources)),
      pathOf: ({ from }) => from,
      ahead: (item) => !alone && samePlace(item.source, source) && isFresh(item, this.#options),
      jobs: alone ? 1 : jobs,
      open: () => new Pair(client, source, this.#target, this.#signal),
      writers: alone ? 1 : writersAt(client, this.#target, jobs),
      openTarget: () => new Door(client, this.#target, this.#signal),
      one: (pair, item) => this.#one(pair, item, alone),
      write: async (target, item, document, held) =>
        this.#told(item, await copyRead(target, item, { document, held }, this.#options)),
      failed: (item, error) => this.#failed(item, error),
      signal: this.#signal,
    });
    const failed = this.#failures.count + lister.failed.length;
    await this.#tell({
      event: "done",
      copied: this.#copied,
      kept: this.#kept,
      failed,
      octets: this.#octets,
      ...(this.#large === 0 ? {} : { large: this.#large }),
    });
    return failed === 0 && this.#large === 0;
  }

  /** Without those that are larger than is wanted, unless an earlier run has carried them. */
  async *#wanted(items: AsyncIterable<CopyItem>): AsyncGenerator<CopyItem, void, undefined> {
    for await (const item of items) {
      if (isOver(item.size, this.#options.maxSize) && !isDone(item, this.#options))
        await this.#passOver(item);
      else yield item;
    }
  }

  async #passOver({ source, from, size }: CopyItem): Promise<void> {
    this.#large += 1;
    const told = size === undefined ? {} : { size };
    await this.#tell({ event: "large", from: source.href(from), ...told });
  }

  /** @throws what ends the whole */
  async #failed(item: CopyItem, thrown: unknown): Promise<void> {
    if (!(thrown instanceof Oversize)) return this.#failures.addOrStop(item, thrown);
    await forget(item, thrown, this.#options);
    this.#failures.reached();
    await this.#passOver(item);
  }

  async #one(pair: Pair, item: CopyItem, alone: boolean): Promise<void> {
    const { client, retries = 0 } = this.#request;
    const from = item.source.href(item.from);
    const isOwn = samePlace(item.source, pair.from.target);
    const used = isOwn ? pair : new Pair(client, item.source, this.#target, this.#signal);
    try {
      const result = await repeatWhilePossible(
        retries,
        this.#signal,
        (why) => void this.#tell({ event: "repeated", from, why }),
        () => this.#attempt(used, item),
      );
      await this.#told(item, result);
    } catch (thrown) {
      if (alone && !(thrown instanceof Oversize)) throw thrown;
      await this.#failed(item, thrown);
    } finally {
      if (!isOwn) await used.close();
    }
  }

  async #told(item: CopyItem, result: ItemResult): Promise<void> {
    const from = item.source.href(item.from);
    const to = this.#target.href(item.to);
    this.#failures.reached();
    if (result.kept) {
      this.#kept += 1;
      await this.#tell({ event: "kept", from, to });
    } else {
      this.#copied += 1;
      this.#octets += result.size - result.from;
      const { size, from: resumedAt } = result;
      await this.#tell({ event: "copied", from, to: result.url ?? to, size, resumedAt });
    }
  }

  async #attempt(pair: Pair, item: CopyItem): Promise<ItemResult> {
    try {
      return await copyItem(pair, item, this.#options);
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
