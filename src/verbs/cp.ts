/** Copying between any two places: files to files, messages to messages, straight through. */
import { PortholeError } from "../errors.js";
import type { Progress, Target } from "../plugin.js";
import { type CopyItem, copyItem } from "./cp-item.js";
import {
  isContainer,
  lastName,
  type Matter,
  nameFor,
  pathInside,
  refuseMisfit,
  refuseSelf,
  type Standing,
  standingAt,
} from "./cp-plan.js";
import { Door, type Doors, Pair, withPairs } from "./doors.js";
import { eventsOf } from "./event-queue.js";
import { Journal } from "./journal.js";
import { shownName } from "./names.js";
import { repeatWhilePossible } from "./repeat.js";
import { asError, type Found, walk } from "./walk.js";

export interface CpRequest {
  /** What opens the places: a Client. */
  readonly client: Doors;
  readonly from: readonly string[];
  /** A file, a folder that is there, or a URL that ends in a slash; with several sources always a folder. */
  readonly to: string;
  /** Folders too, with all that is in them. */
  readonly recursive?: boolean;
  /** Replace what is there. */
  readonly replace?: boolean;
  /** Continue what is there in part. */
  readonly resume?: boolean;
  /** Pairs of sessions at work at once; 1 when absent. */
  readonly jobs?: number;
  /** How often what fails for now is tried again. */
  readonly retries?: number;
  /** Where a journal is kept until the job is done, so that a second run does only the rest. Absent: none is kept. */
  readonly journalFolder?: string;
  readonly signal?: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

export type CpEvent =
  /** `resumedAt`: the octet from which on this run carried. */
  | {
      readonly event: "copied";
      readonly from: string;
      readonly to: string;
      readonly size: number;
      readonly resumedAt: number;
    }
  /** An earlier run of this job has done it. */
  | { readonly event: "kept"; readonly from: string; readonly to: string }
  | { readonly event: "made"; readonly to: string }
  /** Nothing that could be copied. */
  | { readonly event: "passed"; readonly from: string; readonly why: string }
  /** The target cannot hold the name, and has it in percent form. */
  | { readonly event: "renamed"; readonly from: string; readonly name: string }
  | { readonly event: "repeated"; readonly from: string; readonly why: string }
  | { readonly event: "failed"; readonly from: string; readonly to?: string; readonly error: PortholeError }
  | {
      readonly event: "done";
      readonly copied: number;
      readonly kept: number;
      readonly failed: number;
      readonly octets: number;
    };

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

/** Goes through the sources and gives out what is to be copied; makes folders on its way. */
class Lister implements AsyncDisposable {
  readonly failed: PortholeError[] = [];
  readonly #request: CpRequest;
  readonly #target: Target;
  readonly #journal: Journal | undefined;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  readonly #there: Door;

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
    this.#there = new Door(request.client, target, signal);
  }

  async *items(sources: readonly Target[]): AsyncGenerator<CopyItem, void, undefined> {
    const path = this.#target.path === "" ? "/" : this.#target.path;
    const goal = await standingAt(this.#there, path, false);
    // A second run must not take the folder that the first one made for one to copy into.
    const noted = this.#journal?.facts.get("into")?.["into"];
    const into =
      typeof noted === "boolean"
        ? noted
        : sources.length > 1 || path.endsWith("/") || (isContainer(goal) && goal.entry !== undefined);
    if (noted === undefined) await this.#journal?.note("into", { into });
    for (const source of sources) {
      await using here = new Door(this.#request.client, source, this.#signal);
      try {
        yield* this.#itemsOf(here, goal, { path, into });
      } catch (thrown) {
        if (sources.length === 1 || this.#signal.aborted) throw thrown;
        await this.fail(source.href(source.path), asError(thrown));
      }
    }
    await this.#there.close();
  }

  async fail(from: string, error: PortholeError): Promise<void> {
    this.failed.push(error);
    await this.#tell({ event: "failed", from, error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#there.close();
  }

  async *#itemsOf(
    here: Door,
    goal: Standing,
    { path, into }: { readonly path: string; readonly into: boolean },
  ): AsyncGenerator<CopyItem, void, undefined> {
    const { client, recursive } = this.#request;
    const source = here.target;
    const standing = await standingAt(here, source.path === "" ? "/" : source.path, true);
    const url = source.href(source.path);
    const tree = isContainer(standing);
    if (tree && recursive !== true) {
      throw new PortholeError("usage", `${url} is a ${standing.kind ?? "folder"}`, {
        hint: "-r copies it with all that is in it",
      });
    }
    const matter = refuseMisfit(standing, goal, url);
    const ownName = lastName(source, standing.entry);
    const named = into && !(matter === "messages" && (tree ? goal.entry === undefined : true));
    const to = named ? pathInside(path, nameFor(client, source, this.#target, ownName)) : path;
    await refuseSelf(client, source, { target: this.#target, path: to }, tree);
    if (!tree) {
      const size = standing.entry?.size;
      yield { source, matter, from: source.path, to, name: shownName(ownName), ...sized(size) };
      return;
    }
    if (into && sourcesFolder(matter)) await this.#makeFolder(path);
    await this.#makeFolder(to);
    yield* this.#tree(here, to, matter);
  }

  async *#tree(here: Door, to: string, matter: Matter): AsyncGenerator<CopyItem, void, undefined> {
    const source = here.target;
    const top = source.path === "" ? "/" : source.path;
    for await (const walked of walk(here, top, { signal: this.#signal })) {
      if (walked.kind === "passed") {
        await this.#tell({ event: "passed", from: walked.entry.url, why: walked.why });
      } else if (walked.kind === "unlisted") {
        await this.fail(source.href(walked.path), walked.error);
      } else {
        const { found } = walked;
        const place = await this.#placeOf(found, source, to);
        if (place === undefined) continue;
        if (found.isContainer) await this.#makeFolder(place);
        else {
          const folder = place.replace(/\/[^/]*$/, "");
          const name = shownName(found.names.join("/"));
          const goal = matter === "messages" ? folder : place;
          yield { source, matter, from: found.path, to: goal, name, ...sized(found.entry.size) };
        }
      }
    }
  }

  async #placeOf(found: Found, source: Target, to: string): Promise<string | undefined> {
    try {
      let place = to;
      for (const name of found.names) {
        const carried = nameFor(this.#request.client, source, this.#target, name);
        if (carried !== name && name === found.names.at(-1)) {
          await this.#tell({ event: "renamed", from: found.entry.url, name: shownName(carried) });
        }
        place = pathInside(place, carried);
      }
      return place;
    } catch (thrown) {
      await this.fail(found.entry.url, asError(thrown));
      return undefined;
    }
  }

  /** One that is there already is as good; servers without folders need none. */
  async #makeFolder(path: string): Promise<void> {
    const noted = this.#journal?.facts.get("into");
    if (noted !== undefined && noted["made"] !== true) {
      await this.#journal?.note("into", { ...noted, made: true });
    }
    try {
      const made = await this.#there.use(async (session) =>
        session.makeFolder?.(path.replace(/(?<=.)\/+$/, "")),
      );
      if (made !== undefined) await this.#tell({ event: "made", to: made.url });
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === "local" && (await this.#isFolder(path))) return;
      throw error;
    }
  }

  async #isFolder(path: string): Promise<boolean> {
    return isContainer(await standingAt(this.#there, path, false));
  }
}

function sourcesFolder(matter: Matter): boolean {
  return matter === "files";
}

function sized(size: number | undefined): { readonly size?: number } {
  return size === undefined ? {} : { size };
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
