/**
 * A site in a folder: pages followed from link to link within the start, what they are not whole without, and the links
 * between them changed for reading offline. What was there before is only asked about.
 *
 * It knows no protocol: a session that can say where a document leads (`Session.hypertext`) can be mirrored so.
 */
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import type { Document, Hyperlink, Hypertext, JsonObject, RobotRules, Session, Target } from "../plugin.js";
import { repeatWhilePossible, sleep } from "../repeat.js";
import { pathInside } from "./cp-plan.js";
import { Door } from "./doors.js";
import { Failures } from "./failures.js";
import { Journal } from "./journal.js";
import type { MirrorEvent, MirrorRequest } from "./mirror-events.js";
import { type Selection, selectionOf } from "./mirror-side.js";
import { relativeAddress, SitePlaces } from "./site-places.js";
import { pathOn } from "./walk.js";

interface Stage {
  readonly source: Target;
  readonly target: Target;
  readonly tell: (event: MirrorEvent) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Links from the start that are followed when nothing else is said. */
const USUAL_DEPTH = 5;
/** Documents of one mirror: a calendar without end is not followed for ever. */
const MOST_DOCUMENTS = 50_000;
/** Octets of a page that is read whole for its links; a larger one is kept as it is. */
const LONGEST_TEXT = 8 * 1024 * 1024;
/** A site that wants more seconds between two requests gets no more. */
const LONGEST_DELAY = 30;
/** Links of one page that are remembered. */
const MOST_LINKS = 5000;
/** The key in the journal, which no URL can be, that says that the last run came to its end. */
const FINISHED = "(finished)";

interface Item {
  readonly url: string;
  readonly role: Hyperlink["role"];
  /** Links from the start. */
  readonly depth: number;
}

/** @throws PortholeError when the start cannot be had, and what ends the whole */
export async function mirrorSite(request: MirrorRequest, stage: Stage): Promise<void> {
  await using crawl = await Crawl.begin(request, stage);
  await crawl.run();
}

class Crawl implements AsyncDisposable {
  readonly #request: MirrorRequest;
  readonly #stage: Stage;
  readonly #places: SitePlaces;
  readonly #journal: Journal | undefined;
  readonly #known: ReadonlyMap<string, JsonObject>;
  readonly #taken: Selection;
  readonly #visited: Selection;
  readonly #failures: Failures<string>;
  readonly #seen = new Set<string>();
  /** The last run was broken off: what it kept is not asked for again. */
  readonly #resumes: boolean;
  readonly #folders = new Map<string, Promise<void>>();
  #robots: RobotRules | undefined;
  #next: Item[] = [];
  #free = 0;
  #copied = 0;
  #same = 0;
  #removed = 0;
  #octets = 0;

  private constructor(
    request: MirrorRequest,
    stage: Stage,
    journal: Journal | undefined,
    known: ReadonlyMap<string, JsonObject>,
  ) {
    this.#request = request;
    this.#stage = stage;
    this.#journal = journal;
    this.#known = known;
    this.#resumes = known.size > 0 && !known.has(FINISHED);
    const { include = [], exclude = [] } = request;
    this.#taken = selectionOf(include, exclude);
    this.#visited = selectionOf([], exclude);
    const places = [...known].flatMap(([url, { file }]) =>
      typeof file === "string" ? [[url, file] as const] : [],
    );
    this.#places = new SitePlaces(startOf(stage.source), places);
    this.#failures = new Failures((url, error) => stage.tell({ event: "failed", url, error }), stage.signal);
  }

  static async begin(request: MirrorRequest, stage: Stage): Promise<Crawl> {
    const { stateFolder, dryRun, depth = USUAL_DEPTH, include = [], exclude = [], robots = true } = request;
    if (stateFolder === undefined) return new Crawl(request, stage, undefined, new Map());
    // Where other links are followed, other links are changed in the pages.
    const what = JSON.stringify([depth, include, exclude, robots]);
    const job = ["site", stage.source.href(stage.source.path), stage.target.href(stage.target.path), what];
    if (dryRun === true) return new Crawl(request, stage, undefined, await Journal.look(stateFolder, job));
    const journal = await Journal.open(stateFolder, job);
    return new Crawl(request, stage, journal, new Map(journal.facts));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal?.close();
  }

  async run(): Promise<void> {
    const { source, target, signal, tell } = this.#stage;
    const { client, jobs = 1, dryRun = false, robots = true } = this.#request;
    await using door = new Door(client, source, signal);
    if (!dryRun) await this.#journal?.note(FINISHED, undefined);
    if (robots) this.#robots = await door.use(async (session) => session.robots?.());
    this.#add({ url: startOf(source), role: "page", depth: 0 });
    const workers = Array.from({ length: Math.max(1, jobs) }, (_, at) => ({
      from: at === 0 ? door : new Door(client, source, signal),
      to: new Door(client, target, signal),
    }));
    try {
      // Level by level, so that a page is reached by its shortest way.
      for (let level = this.#next; level.length > 0; level = this.#next) {
        this.#next = [];
        const waiting = level.values();
        const work = async (worker: Worker) => {
          // All workers take from the same iterator.
          for (const item of waiting) await this.#visit(worker, item);
        };
        const ended = await Promise.allSettled(workers.map(work));
        const failed = ended.find((one) => one.status === "rejected");
        if (failed !== undefined) throw failed.reason;
      }
      const [first] = workers;
      if (first !== undefined) await this.#removeRest(first.to);
      if (!dryRun) await this.#journal?.note(FINISHED, {});
    } finally {
      await Promise.all(workers.flatMap(({ from, to }) => [from.close(), to.close()]));
    }
    await tell({
      event: "done",
      dryRun,
      copied: this.#copied,
      same: this.#same,
      removed: this.#removed,
      failed: this.#failures.count,
      octets: this.#octets,
      extra: this.#request.delete === true ? 0 : this.#rest().length,
    });
  }

  // --- What is followed -------------------------------------------------------------------------------------

  #add(item: Item): void {
    if (this.#seen.has(item.url)) return;
    if (this.#seen.size >= MOST_DOCUMENTS) {
      throw new PortholeError("refused", `the site has more than ${MOST_DOCUMENTS} documents`, {
        hint: "--depth, --exclude or a deeper start mirror less of it",
      });
    }
    this.#seen.add(item.url);
    this.#next.push(item);
  }

  /** Whether a link is followed. */
  #follows({ url, role, depth }: Item): boolean {
    if (role === "other") return false;
    const { depth: most = USUAL_DEPTH } = this.#request;
    const isNear =
      role === "requisite" ? this.#places.isHere(url) : this.#places.isBelow(url) && depth <= most;
    const path = isNear ? pathOn(this.#stage.source, url) : undefined;
    return path !== undefined && this.#isAllowed(path) && this.#visited.takesFile(this.#namesOf(url, role));
  }

  #isAllowed(path: string): boolean {
    return this.#robots?.allows(path) ?? true;
  }

  #namesOf(url: string, role: Item["role"]): string[] {
    return this.#places
      .placeOf(url, role)
      .split("/")
      .map((name) => Buffer.from(name, "utf8").toString("latin1"));
  }

  #follow(links: readonly Hyperlink[], depth: number): void {
    for (const { url, role } of links) {
      const item = { url, role, depth: role === "requisite" ? depth : depth + 1 };
      if (this.#follows(item)) this.#add(item);
    }
  }

  // --- One document -----------------------------------------------------------------------------------------

  async #visit(worker: Worker, item: Item): Promise<void> {
    const { signal, source } = this.#stage;
    const path = pathOn(source, item.url);
    if (path === undefined) return;
    if (!this.#isAllowed(path)) {
      await this.#stage.tell({ event: "passed", from: item.url, why: "its robots.txt asks not to" });
      return;
    }
    try {
      await repeatWhilePossible(
        this.#request.retries ?? 0,
        signal,
        () => undefined,
        async () => {
          await this.#turn();
          await this.#fetch(worker, item, path);
        },
      );
      this.#failures.reached();
    } catch (thrown) {
      if (item.depth === 0 && item.role === "page") throw thrown;
      await this.#failures.addOrStop(item.url, thrown);
    }
  }

  /** Not before its time: what the user or the site wants between two requests. */
  async #turn(): Promise<void> {
    const { wait = 0 } = this.#request;
    const pause = Math.max(wait, Math.min(this.#robots?.delay ?? 0, LONGEST_DELAY)) * 1000;
    if (pause === 0) return;
    const now = performance.now();
    const mine = Math.max(now, this.#free);
    this.#free = mine + pause;
    if (mine > now) await sleep(mine - now, this.#stage.signal);
  }

  async #fetch({ from, to }: Worker, item: Item, path: string): Promise<void> {
    const known = await this.#knownCopy(to, item);
    await from.use(async (session) => {
      const validator = known?.validator;
      if (known !== undefined && validator === undefined) {
        this.#same += 1;
        this.#follow(known.links, item.depth);
        return;
      }
      const document = await session.read?.(path, validator === undefined ? {} : { known: validator });
      if (document === undefined) throw new PortholeError("usage", "there is nothing to read at the source");
      // Whoever iterates hears of a failure; nobody does before and after that.
      document.body.on("error", () => undefined);
      if (known !== undefined && document.unchanged === true) {
        await ended(document);
        this.#same += 1;
        this.#follow(known.links, item.depth);
        return;
      }
      if (!this.#places.isHere(document.entry.url)) {
        await ended(document);
        await this.#stage.tell({
          event: "passed",
          from: item.url,
          why: `it is at ${document.entry.url} now`,
        });
        return;
      }
      await this.#keep(session, to, item, document);
    });
  }

  async #keep(session: Session, to: Door, item: Item, document: Document): Promise<void> {
    const text = await textOf(document);
    const hypertext = text === undefined ? undefined : await session.hypertext?.(document, text);
    const links = hypertext?.links.slice(0, MOST_LINKS) ?? [];
    this.#follow(links, item.depth);
    if (!this.#taken.takesFile(this.#namesOf(item.url, item.role))) {
      await ended(document);
      return;
    }
    const file = this.#places.placeOf(item.url, item.role);
    const { dryRun } = this.#request;
    const name = file;
    const toUrl = this.#stage.target.href(this.#pathOf(file));
    if (dryRun === true) {
      await ended(document);
      const action = this.#known.has(item.url) ? "changed" : "new";
      await this.#stage.tell({ event: "plan", action, name, from: item.url, to: toUrl });
      return;
    }
    const octets = hypertext === undefined ? text : this.#localised(hypertext, item, file);
    const size = await this.#write(to, file, document, octets);
    this.#copied += 1;
    this.#octets += size;
    const { validator } = document;
    await this.#journal?.note(item.url, {
      file,
      size,
      ...(validator === undefined ? {} : { validator }),
      links: links.map(({ url, role }) => [url, role]),
    });
    await this.#stage.tell({ event: "copied", name, from: item.url, to: toUrl, size });
  }

  #localised(hypertext: Hypertext, { depth }: Item, file: string): Uint8Array {
    return hypertext.rewritten((url, role) => {
      const item = { url, role, depth: role === "requisite" ? depth : depth + 1 };
      const isKept = this.#seen.has(url) || this.#follows(item);
      if (!isKept || role === "other" || !this.#taken.takesFile(this.#namesOf(url, role))) return undefined;
      return relativeAddress(file, this.#places.placeOf(url, role));
    });
  }

  // --- The folder -------------------------------------------------------------------------------------------

  async #write(to: Door, file: string, document: Document, octets: Uint8Array | undefined): Promise<number> {
    await this.#makeFolders(to, file);
    const { total, entry, type } = document;
    let size = 0;
    const body = octets === undefined ? document.body : Readable.from([octets], { objectMode: false });
    const expected = octets?.length ?? total;
    async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array))
          throw new TypeError("a document's body holds something that is no octets");
        size += chunk.length;
        yield chunk;
      }
      if (expected !== undefined && size !== expected) {
        throw new PortholeError("protocol", `the transfer ended early: ${size} of ${expected} octets`);
      }
    }
    await to.use(async (session) =>
      session.write?.(this.#pathOf(file), {
        body: counted(),
        ...(expected === undefined ? {} : { size: expected }),
        type,
        ...(entry.modified === undefined ? {} : { modified: entry.modified }),
        replace: true,
      }),
    );
    return size;
  }

  #pathOf(file: string): string {
    const { path } = this.#stage.target;
    return names(file).reduce((place, name) => pathInside(place, name), path === "" ? "/" : path);
  }

  /** The folder and those above it, each once. */
  #makeFolders(to: Door, file: string): Promise<void> {
    const { path } = this.#stage.target;
    const top = (path === "" ? "/" : path).replace(/(?<=.)\/+$/, "");
    let place = top;
    let made = this.#makeFolder(to, top, Promise.resolve());
    for (const name of names(file).slice(0, -1)) {
      place = pathInside(place, name);
      made = this.#makeFolder(to, place, made);
    }
    return made;
  }

  #makeFolder(to: Door, path: string, above: Promise<void>): Promise<void> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const made = above.then(async () => {
      try {
        await to.use(async (session) => session.makeFolder?.(path));
      } catch (thrown) {
        // One that is there already is as good.
        const entry = await to.use(async (session) => session.stat?.(path)).catch(() => undefined);
        if (entry?.kind !== "directory") throw thrown;
      }
    });
    this.#folders.set(path, made);
    return made;
  }

  /** What an earlier run kept of it, when it is still there. */
  async #knownCopy(to: Door, { url }: Item) {
    const facts = this.#known.get(url);
    const { file, size, validator } = facts ?? {};
    if (typeof file !== "string") return undefined;
    const isTold = typeof validator === "string";
    // Where nothing tells whether it has changed (Gopher), a whole run asks for all of it.
    if (!isTold && !this.#resumes) return undefined;
    const entry = await to.use(async (session) => session.stat?.(this.#pathOf(file))).catch(() => undefined);
    if (entry?.size !== size) return undefined;
    return { validator: isTold ? validator : undefined, links: linksIn(facts) };
  }

  /** Kept by an earlier run, and not met in this one. */
  #rest(): [string, JsonObject][] {
    return [...this.#known].filter(([url]) => url !== FINISHED && !this.#seen.has(url));
  }

  async #removeRest(to: Door): Promise<void> {
    if (this.#request.delete !== true || this.#request.dryRun === true) return;
    const rest = this.#rest();
    if (rest.length === 0) return;
    if (this.#failures.count > 0) {
      await this.#stage.tell({
        event: "spared",
        why: "nothing is removed: the site was not read to its end",
      });
      return;
    }
    for (const [url, { file }] of rest) {
      if (typeof file !== "string") continue;
      try {
        await to.use(async (session) => session.remove?.(this.#pathOf(file)));
        await this.#stage.tell({
          event: "removed",
          name: file,
          to: this.#stage.target.href(this.#pathOf(file)),
        });
        this.#removed += 1;
      } catch (thrown) {
        if (!(thrown instanceof PortholeError) || thrown.code !== "missing")
          await this.#failures.addOrStop(url, thrown);
      }
      await this.#journal?.note(url, undefined);
    }
  }
}

interface Worker {
  readonly from: Door;
  readonly to: Door;
}

function startOf(source: Target): string {
  return new URL(source.href(source.path === "" ? "/" : source.path)).href.replace(/#.*$/s, "");
}

/** Of a place, as octets. */
function names(file: string): string[] {
  return file.split("/").map((name) => Buffer.from(name, "utf8").toString("latin1"));
}

function linksIn(facts: JsonObject | undefined): Hyperlink[] {
  const links = facts?.["links"];
  if (!Array.isArray(links)) return [];
  return links.flatMap((link: unknown) => {
    if (!Array.isArray(link)) return [];
    const [url, role]: unknown[] = link;
    return typeof url === "string" && (role === "page" || role === "menu" || role === "requisite")
      ? [{ url, role }]
      : [];
  });
}

/** All of a text; undefined for what is none, or too long to be looked through. */
async function textOf(document: Document): Promise<Uint8Array | undefined> {
  const { type, total, body } = document;
  if (!/^text\/|xhtml|menu$/.test(type) || (total ?? 0) > LONGEST_TEXT) return undefined;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    if (!(piece instanceof Uint8Array))
      throw new TypeError("a document's body holds something that is no octets");
    size += piece.length;
    if (size > LONGEST_TEXT) {
      throw new PortholeError("protocol", `a page of more than ${LONGEST_TEXT} octets`, {
        url: document.entry.url,
      });
    }
    pieces.push(piece);
  }
  if (total !== undefined && size !== total) {
    throw new PortholeError("protocol", `the transfer ended early: ${size} of ${total} octets`);
  }
  return Buffer.concat(pieces);
}

/** A session is free again when its body is closed. */
async function ended({ body }: Document): Promise<void> {
  if (body.closed) return;
  await new Promise<void>((resolve) => {
    body.once("close", () => resolve());
    body.destroy();
  });
}
