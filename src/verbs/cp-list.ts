/** The sources of a copy, gone through: what is to be copied, and where to. Makes folders on its way. */
import { PortholeError } from "../errors.js";
import type { Target } from "../plugin.js";
import { asTheyCame } from "./arrival.js";
import type { CpEvent, CpRequest } from "./cp-events.js";
import type { CopyItem } from "./cp-item.js";
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
import { Door } from "./doors.js";
import type { Journal } from "./journal.js";
import { shownName } from "./names.js";
import { asError, type Found, type Walked, walk } from "./walk.js";

type Tell = (event: CpEvent) => Promise<void>;

/** Goes through the sources and gives out what is to be copied; makes folders on its way. */
export class Lister implements AsyncDisposable {
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
    await this.#forgetLost(goal);
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

  /** What an earlier run made and somebody has taken away since is copied again. */
  async #forgetLost(goal: Standing): Promise<void> {
    const journal = this.#journal;
    if (journal?.facts.get("into")?.["made"] !== true || goal.entry !== undefined) return;
    if ((await this.#there.session()).stat === undefined) return;
    for (const key of [...journal.facts.keys()]) await journal.note(key, undefined);
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
    // A message gets its name there; a mailbox keeps its own within another, but for groups, which hold no others.
    const flat = matter === "messages" && (!tree || goal.entry === undefined || goal.kind === "group");
    const named = into && !flat;
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
    for await (const walked of messagesInOrder(walk(here, top, { signal: this.#signal }))) {
      if (walked.kind === "passed") {
        const { entry } = walked;
        // A link of a file system's says where it leads; mirror knows what to do with those.
        const isLink = entry.kind === "link" && typeof entry.meta["target"] === "string";
        const why = isLink ? `${walked.why} (mirror has --follow-links and --keep-links)` : walked.why;
        await this.#tell({ event: "passed", from: entry.url, why });
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
          const { passing } = found.entry;
          yield {
            source,
            matter,
            from: found.path,
            to: goal,
            name,
            ...sized(found.entry.size),
            ...(passing === true ? { passing } : {}),
          };
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

/** More of a mailbox's messages are not held to be put into order: so many, and then those after them. */
const MOST_HELD = 20_000;

/** The messages of a mailbox in the order they came in, all else as it is found. */
async function* messagesInOrder(all: AsyncIterable<Walked>): AsyncGenerator<Walked, void, undefined> {
  let held: Found[] = [];
  const release = function* (): Generator<Walked, void, undefined> {
    for (const found of asTheyCame(held, ({ entry }) => entry)) yield { kind: "found", found };
    held = [];
  };
  for await (const walked of all) {
    const message =
      walked.kind === "found" && walked.found.entry.kind === "message" ? walked.found : undefined;
    const before = held[0];
    const isElsewhere = message === undefined || mailboxOf(message) !== (before && mailboxOf(before));
    if (before !== undefined && (isElsewhere || held.length === MOST_HELD)) yield* release();
    if (message === undefined) yield walked;
    else held.push(message);
  }
  yield* release();
}

function mailboxOf({ names }: Found): string {
  return names.slice(0, -1).join("/");
}

function sourcesFolder(matter: Matter): boolean {
  return matter === "files";
}

function sized(size: number | undefined): { readonly size?: number } {
  return size === undefined ? {} : { size };
}
