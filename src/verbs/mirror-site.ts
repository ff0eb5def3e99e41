/**
 * A site in a folder: pages followed from link to link within the start, what they are not whole without, and the links
 * between them changed for reading offline. What was there before is only asked about, and what was broken off goes on.
 *
 * It knows no protocol: a session that can say where a document leads (`Session.hypertext`) can be mirrored so. What is
 * fetched is site-frontier.ts, what is rewritten site-pages.ts, where it goes site-folder.ts.
 */
import { PortholeError } from "../errors.js";
import type { Document, Hyperlink, JsonObject, Progress, ReadQuery, Session, Target } from "../plugin.js";
import { repeatWhilePossible, sleep } from "../repeat.js";
import { Door } from "./doors.js";
import { Failures } from "./failures.js";
import { Journal } from "./journal.js";
import type { MirrorEvent, MirrorRequest } from "./mirror-events.js";
import { Oversize, refuseOversize } from "./oversize.js";
import { SiteFolder } from "./site-folder.js";
import { type Item, linksIn, SiteFrontier, USUAL_DEPTH } from "./site-frontier.js";
import { isReadWhole, localised, wholeOf } from "./site-pages.js";
import { SitePlaces } from "./site-places.js";
import { pathOn } from "./walk.js";

interface Stage {
  readonly source: Target;
  readonly target: Target;
  readonly tell: (event: MirrorEvent) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A site that wants more seconds between two requests gets no more. */
const LONGEST_DELAY = 30;
/** Keys in the journal, which no URL can be: the last run came to its end; which of the runs this one is. */
const FINISHED = "(finished)";
const RUN = "(run)";
/** Failures that another try will not mend. */
const FINAL: ReadonlySet<string> = new Set(["missing", "refused", "usage", "local"]);

/** @throws PortholeError when the start cannot be had, and what ends the whole */
export async function mirrorSite(request: MirrorRequest, stage: Stage): Promise<void> {
  await using crawl = await Crawl.begin(request, stage);
  await crawl.run();
}

class Crawl implements AsyncDisposable {
  readonly #request: MirrorRequest;
  readonly #stage: Stage;
  readonly #places: SitePlaces;
  readonly #frontier: SiteFrontier;
  readonly #folder: SiteFolder;
  readonly #journal: Journal | undefined;
  readonly #known: ReadonlyMap<string, JsonObject>;
  readonly #failures: Failures<string>;
  /** A run that was broken off, and what goes on with it, are one: what it kept is not asked for again. */
  readonly #run: number;
  /** Something may be had by another try. */
  #wantsMore = false;
  #free = 0;
  #copied = 0;
  #same = 0;
  #again = 0;
  #removed = 0;
  #octets = 0;
  #large = 0;
  /** A page was passed over: not all that the site has was met. */
  #isCut = false;

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
    const last = numberIn(known.get(RUN));
    this.#run = known.has(FINISHED) ? last + 1 : last;
    const places = [...known].flatMap(([url, { file }]) =>
      typeof file === "string" ? [[url, file] as const] : [],
    );
    this.#places = new SitePlaces(startOf(stage.source), places);
    this.#frontier = new SiteFrontier(request, stage.source, this.#places);
    this.#folder = new SiteFolder(stage.target);
    this.#failures = new Failures((url, error) => stage.tell({ event: "failed", url, error }), stage.signal);
  }

  static async begin(request: MirrorRequest, stage: Stage): Promise<Crawl> {
    const { stateFolder, dryRun, depth = USUAL_DEPTH, include = [], exclude = [], robots = true } = request;
    if (stateFolder === undefined) return new Crawl(request, stage, undefined, new Map());
    // Where other links are followed, other links are changed in the pages.
    const what = JSON.stringify([depth, include, exclude, robots]);
    const job = ["site", stage.source.href(stage.source.path), stage.target.href(stage.target.path), what];
    if (dryRun === true) return new Crawl(request, stage, undefined, await Journal.look(stateFolder, job));
    const journal = await Journal.openAlone(stateFolder, job, "this mirror");
    return new Crawl(request, stage, journal, new Map(journal.facts));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal?.close();
  }

  async run(): Promise<void> {
    const { source, target, signal, tell } = this.#stage;
    const { client, jobs = 1, dryRun = false, robots = true } = this.#request;
    await using door = new Door(client, source, signal);
    if (!dryRun) {
      await this.#journal?.note(RUN, { number: this.#run });
      await this.#journal?.note(FINISHED, undefined);
    }
    if (robots) this.#frontier.robots = await door.use(async (session) => session.robots?.());
    this.#frontier.add({ url: startOf(source), role: "page", depth: 0 });
    const workers = Array.from({ length: Math.max(1, jobs) }, (_, at) => ({
      from: at === 0 ? door : new Door(client, source, signal),
      to: new Door(client, target, signal),
    }));
    try {
      for (let level = this.#frontier.takeLevel(); level.length > 0; level = this.#frontier.takeLevel()) {
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
      if (!dryRun && !this.#wantsMore) await this.#journal?.note(FINISHED, {});
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
      ...(this.#again === 0 ? {} : { again: this.#again }),
      extra: this.#request.delete === true ? 0 : this.#rest().length,
      ...(this.#large === 0 ? {} : { large: this.#large }),
    });
  }

  // --- One document -----------------------------------------------------------------------------------------

  async #visit(worker: Worker, item: Item): Promise<void> {
    const { signal, source } = this.#stage;
    const path = pathOn(source, item.url);
    if (path === undefined) return;
    if (!this.#frontier.isAllowed(path)) {
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
      if (thrown instanceof Oversize) {
        await this.#passOver(item);
        return;
      }
      if (item.depth === 0 && item.role === "page") throw thrown;
      this.#wantsMore ||= !(thrown instanceof PortholeError) || !FINAL.has(thrown.code);
      await this.#failures.addOrStop(item.url, thrown);
    }
  }

  /** A page, too, and then what it leads to is not known. What an earlier run kept of it stays. */
  async #passOver({ url, role }: Item): Promise<void> {
    const { tell } = this.#stage;
    const name = this.#places.placeOf(url, role);
    this.#large += 1;
    this.#failures.reached();
    if (this.#request.dryRun !== true) await tell({ event: "large", name, from: url });
    else await tell({ event: "plan", action: "large", name, from: url, to: this.#folder.urlOf(name) });
  }

  /** Not before its time: what the user or the site wants between two requests. */
  async #turn(): Promise<void> {
    const { wait = 0 } = this.#request;
    const pause = Math.max(wait, Math.min(this.#frontier.robots?.delay ?? 0, LONGEST_DELAY)) * 1000;
    if (pause === 0) return;
    const now = performance.now();
    const mine = Math.max(now, this.#free);
    this.#free = mine + pause;
    if (mine > now) await sleep(mine - now, this.#stage.signal);
  }

  async #fetch({ from, to }: Worker, item: Item, path: string): Promise<void> {
    const rest = await this.#restOf(item);
    const known = rest === undefined ? await this.#knownCopy(to, item) : undefined;
    const validator = known?.validator;
    if (known !== undefined && validator === undefined) {
      this.#same += 1;
      this.#frontier.follow(known.links, item);
      return;
    }
    await from.use(async (session) => {
      const asked = rest ?? (validator === undefined ? {} : { known: validator });
      let document = await read(session, path, asked);
      if (known !== undefined && document.unchanged === true) {
        await ended(document);
        this.#same += 1;
        this.#frontier.follow(known.links, item);
        return;
      }
      if (document.offset > 0 && isReadWhole(document)) {
        // What was broken off was something else: links are looked for in the whole.
        await ended(document);
        document = await read(session, path, {});
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
    const text = await this.#textOf(document);
    const hypertext =
      text === undefined ? undefined : await session.hypertext?.(document, text, this.#stage.source.path);
    const links = this.#frontier.follow(hypertext?.links ?? [], item);
    if (item.depth === 0 && item.role === "page") await this.#tellOtherName(item.url, hypertext?.links ?? []);
    if (!this.#frontier.takes(item)) {
      await ended(document);
      return;
    }
    const file = this.#places.placeOf(item.url, item.role);
    const toUrl = this.#folder.urlOf(file);
    if (this.#request.dryRun === true) {
      await ended(document);
      const action = this.#known.has(item.url) ? "changed" : "new";
      await this.#stage.tell({ event: "plan", action, name: file, from: item.url, to: toUrl });
      return;
    }
    const { frontier, places } = { frontier: this.#frontier, places: this.#places };
    const octets = hypertext === undefined ? text : localised(hypertext, item, file, { frontier, places });
    const size = await this.#write(to, item, file, document, octets);
    this.#copied += 1;
    const validator = document.version ?? document.validator;
    if (validator === undefined && typeof this.#known.get(item.url)?.["file"] === "string") this.#again += 1;
    await this.#journal?.note(item.url, {
      file,
      size,
      run: this.#run,
      ...(validator === undefined ? {} : { validator }),
      links: links.map(({ url, role }) => [url, role]),
    });
    await this.#stage.tell({ event: "copied", name: file, from: item.url, to: toUrl, size });
  }

  /** Of what may lead to others. @throws Oversize */
  async #textOf(document: Document): Promise<Uint8Array | undefined> {
    const { maxSize } = this.#request;
    const isText = isReadWhole(document);
    try {
      refuseOversize(document.total ?? 0, maxSize, document);
      return isText ? await wholeOf(document, maxSize) : undefined;
    } catch (thrown) {
      if (isText && thrown instanceof Oversize) this.#isCut = true;
      throw thrown;
    }
  }

  /** A site that calls itself by another name than the start has is one page long, and nobody would know why. */
  async #tellOtherName(from: string, links: readonly Hyperlink[]): Promise<void> {
    const { scheme } = this.#stage.source.url;
    const others = links.filter(({ url }) => url.startsWith(`${scheme}://`));
    if (others.length === 0 || others.some(({ url }) => this.#places.isHere(url))) return;
    const names = new Set(others.map(({ url }) => url.slice(scheme.length + 3).replace(/[/?#].*$/s, "")));
    const [name = ""] = names;
    const why =
      names.size > 1
        ? "all that it leads to is at other hosts"
        : `all that it leads to is at ${name} - mirror ${scheme}://${name}/ if that is its name`;
    await this.#stage.tell({ event: "passed", from, why });
  }

  /** @returns octets of the file */
  async #write(
    to: Door,
    { url }: Item,
    file: string,
    document: Document,
    octets: Uint8Array | undefined,
  ): Promise<number> {
    if (octets !== undefined) {
      const size = await this.#folder.writePage(to, file, document, octets);
      this.#octets += size;
      return size;
    }
    const { progress } = this.#request;
    const { size, came } = await this.#folder.write(to, document, {
      url,
      file,
      maxSize: this.#request.maxSize,
      signal: this.#stage.signal,
      ...(progress === undefined
        ? {}
        : { progress: (report: Progress) => progress({ ...report, what: file }) }),
    });
    this.#octets += came;
    return size;
  }

  // --- What an earlier run left -----------------------------------------------------------------------------

  async #restOf({ url, role }: Item): Promise<ReadQuery | undefined> {
    if (this.#request.dryRun === true) return undefined;
    return this.#folder.restOf(url, this.#places.placeOf(url, role));
  }

  /** A copy that is kept, when it is still there. */
  async #knownCopy(to: Door, { url }: Item) {
    const facts = this.#known.get(url);
    const { file, size, validator } = facts ?? {};
    if (typeof file !== "string") return undefined;
    const isTold = typeof validator === "string";
    // Where nothing tells whether it has changed (Gopher), each run asks for all of it once.
    if (!isTold && numberIn(facts, "run") !== this.#run) return undefined;
    if ((await this.#folder.sizeOf(to, file)) !== size) return undefined;
    return { validator: isTold ? validator : undefined, links: linksIn(facts) };
  }

  /** Kept by an earlier run, and not met in this one. */
  #rest(): [string, JsonObject][] {
    return [...this.#known].filter(([url]) => url !== FINISHED && url !== RUN && !this.#frontier.hasMet(url));
  }

  async #removeRest(to: Door): Promise<void> {
    if (this.#request.delete !== true || this.#request.dryRun === true) return;
    const rest = this.#rest();
    if (rest.length === 0) return;
    if (this.#failures.count > 0 || this.#isCut) {
      await this.#stage.tell({
        event: "spared",
        why: "nothing is removed: the site was not read to its end",
      });
      return;
    }
    for (const [url, { file }] of rest) {
      if (typeof file !== "string") continue;
      try {
        await this.#folder.remove(to, file);
        await this.#stage.tell({ event: "removed", name: file, to: this.#folder.urlOf(file) });
        this.#removed += 1;
      } catch (thrown) {
        if (!(thrown instanceof PortholeError) || thrown.code !== "missing")
          await this.#failures.addOrStop(url, thrown);
      }
      await this.#journal?.note(url, undefined);
    }
  }
}

function numberIn(facts: JsonObject | undefined, key = "number"): number {
  const value = facts?.[key];
  return typeof value === "number" ? value : 0;
}

interface Worker {
  readonly from: Door;
  readonly to: Door;
}

function startOf(source: Target): string {
  return new URL(source.href(source.path === "" ? "/" : source.path)).href.replace(/#.*$/s, "");
}

async function read(session: Session, path: string, query: ReadQuery): Promise<Document> {
  const document = await session.read?.(path, query);
  if (document === undefined) throw new PortholeError("usage", "there is nothing to read at the source");
  return document;
}

/** A session is free again when its body is closed. */
async function ended({ body }: Document): Promise<void> {
  if (body.closed) return;
  await new Promise<void>((resolve) => {
    body.once("close", () => resolve());
    body.destroy();
  });
}
