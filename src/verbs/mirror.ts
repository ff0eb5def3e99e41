/** Making one place the same as another: list both, plan, show the plan or do it, remember what was done. */
import { PortholeError } from "../errors.js";
import { CONTAINERS, type JsonObject, type Target } from "../plugin.js";
import { sameContent } from "./content.js";
import { type Matter, nameFor, pathInside, refuseMisfit, refuseOverlap, standingAt } from "./cp-plan.js";
import { Door, type Doors, isNear, Pair, writersAt } from "./doors.js";
import { eventsOf } from "./event-queue.js";
import { Failures } from "./failures.js";
import { makeFolders } from "./folders.js";
import { type Moving, rehomed, STAYING } from "./homes.js";
import { Journal } from "./journal.js";
import { followRule, type LinkRule } from "./links.js";
import type { MirrorAction, MirrorEvent, MirrorReport, MirrorRequest } from "./mirror-events.js";
import { FileMirroring } from "./mirror-files.js";
import { mirrorMessages } from "./mirror-messages.js";
import { planOf, type Step } from "./mirror-plan.js";
import { type Listed, type ListOptions, listSide, type Selection, selectionOf } from "./mirror-side.js";
import { movingBetween } from "./moving.js";
import { shownName } from "./names.js";
import { lastingFacts } from "./passing-names.js";
import { wantMarks } from "./strangers.js";
import { asError, type Found } from "./walk.js";

export type { MirrorAction, MirrorEvent, MirrorReport, MirrorRequest } from "./mirror-events.js";

type Tell = (event: MirrorEvent) => Promise<void>;

const SPARED = {
  event: "spared",
  why: "nothing is removed: the source was not listed to its end",
} as const satisfies MirrorEvent;
const SINGLE: ReadonlySet<string> = new Set(["file", "message", "article", "note", "search", "session"]);

/**
 * Tells the plan, then each thing as it is done; what fails is told and the rest goes on. The last event is `done`.
 * Nothing is removed without `delete`, nor when the source could not be listed to its end.
 * @throws PortholeError `usage`; the failure when one side cannot be listed at all, or is gone; the signal's reason
 */
export function mirror(request: MirrorRequest): AsyncGenerator<MirrorEvent, void, undefined> {
  return eventsOf<MirrorEvent>(request.signal, async (tell, signal) => {
    const { client } = request;
    const [source, target] = [client.target(request.from), client.target(request.to)];
    client.require(source, "mirror", ["ls"]);
    client.require(source, "mirror", ["get"]);
    client.require(target, "mirror", ["ls"]);
    client.require(target, "mirror", ["put"]);
    if (request.delete === true) client.require(target, "mirror --delete", ["rm"]);
    if (request.deleteAfter !== undefined) {
      client.require(source, "mirror --delete-after", ["rm"]);
      if (!(request.deleteAfter >= 0))
        throw new PortholeError("usage", "--delete-after wants a number of days");
      if (request.stateFolder === undefined) {
        throw new PortholeError("usage", "what is to be removed later must be remembered", {
          hint: "name a stateFolder",
        });
      }
    }
    await refuseOverlap(client, source, target);
    await using pair = new Pair(client, source, target, signal);
    if (await isSite(client, pair)) {
      await pair.close();
      const { mirrorSite } = await import("./mirror-site.js");
      await mirrorSite(request, { source, target, tell, signal });
      return;
    }
    await using mirroring = new Mirroring(request, { source, target, tell, signal }, pair);
    await mirroring.run();
  });
}

/** A page that leads to others, into a folder of this machine: links are followed, where a folder would be listed. */
async function isSite(client: Doors, { from, to }: Pair): Promise<boolean> {
  const source = from.target;
  if (!isNear(client, to.target) || isNear(client, source)) return false;
  if ((await from.session()).hypertext === undefined) return false;
  const { kind } = await standingAt(from, source.path === "" ? "/" : source.path, true);
  return kind === "page" || kind === "menu";
}

interface Stage {
  readonly source: Target;
  readonly target: Target;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** How the source is listed. */
type Asking = Omit<ListOptions, "selection" | "signal" | "mayBeMissing" | "brief">;

class Mirroring implements AsyncDisposable {
  readonly #request: MirrorRequest;
  readonly #stage: Stage;
  readonly #selection: Selection;
  readonly #pair: Pair;
  /** The job's other sessions, opened as they are wanted: they list, and then carry. */
  readonly #others: Pair[];
  #journal: Journal | undefined;
  #opening: Promise<void> | undefined;
  readonly #failures: Failures<string>;
  #moving: Moving = STAYING;
  #linksFollowed = 0;
  #leftOut = 0;

  constructor(request: MirrorRequest, stage: Stage, pair: Pair) {
    this.#request = request;
    this.#stage = stage;
    this.#selection = selectionOf(request.include ?? [], request.exclude ?? []);
    this.#pair = pair;
    const { client, jobs = 1 } = request;
    const open = () => new Pair(client, stage.source, stage.target, stage.signal);
    this.#others = Array.from({ length: jobs - 1 }, open);
    this.#failures = new Failures((url, error) => stage.tell({ event: "failed", url, error }), stage.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A side that could not be listed may have ended all before it was open.
    await this.#opening?.catch(() => undefined);
    await Promise.all([this.#journal?.close(), ...this.#others.map((pair) => pair.close())]);
  }

  async run(): Promise<void> {
    const dryRun = this.#request.dryRun === true;
    const matter = await this.#matter();
    const [[source, target], remembered] = await Promise.all([this.#listBoth(matter), this.#remembered()]);
    const known = lastingFacts(remembered, source.things);
    if (matter !== "messages" && this.#request.deleteAfter !== undefined) {
      throw new PortholeError("usage", "--delete-after is for messages", {
        hint: "files: mv, or rm afterwards",
      });
    }
    if (matter === "messages") {
      const wanted =
        wantMarks(source.things, target.things, known) || wantSizes(source.things, this.#request.maxSize);
      const [from, to] = wanted ? await this.#listAgain() : [source, target];
      await this.#stage.tell(await this.#mirrorMessages(from, to, known));
      return;
    }
    const { compareContent = false, onlyNewer = false, maxSize } = this.#request;
    const planned = planOf(source.things, target.things, {
      known,
      onlyNewer,
      doubtAll: compareContent,
      maxSize,
      covers: (key) => {
        const there = target.things.get(key);
        if (isAtOrBelow(source.passed, key)) return false;
        if (there?.link !== undefined) return this.#selection.takesFile(there.names);
        return there?.isContainer === false || !this.#isPicky;
      },
      emptyFolders: !this.#isPicky,
    });
    const steps = compareContent ? await this.#lookedInto(planned) : planned;
    const removes = await this.#removes(steps, source);
    const plan = steps.filter((step) => step.action !== "same" && (step.action !== "gone" || removes));
    for (const step of plan) await this.#tellStep(step, removes);
    const larges = dryRun ? [] : plan.filter(({ action }) => action === "large");
    for (const step of larges) await this.#tellLarge(step);
    const { client, jobs = 1, retries = 0, progress } = this.#request;
    const { tell, signal } = this.#stage;
    const files = new FileMirroring({
      client,
      pair: this.#pair,
      others: this.#others,
      journal: this.#journal,
      jobs,
      retries,
      maxSize,
      tell,
      failures: this.#failures,
      pathOf: (key) => this.#pathOf(key),
      signal,
      ...(progress === undefined ? {} : { progress }),
    });
    if (!dryRun && !target.exists) await this.#makeTop();
    if (!dryRun) await files.apply(plan, removes);
    const large = files.large + plan.filter(({ action }) => action === "large").length;
    await this.#stage.tell({
      event: "done",
      dryRun,
      copied: files.copied,
      same: steps.filter(({ action }) => action === "same").length,
      removed: files.removed,
      failed: this.#failures.count,
      octets: files.octets,
      extra: removes ? 0 : steps.filter(({ action }) => action === "gone").length,
      ...(files.linked === 0 ? {} : { linksKept: files.linked }),
      ...(this.#linksFollowed === 0 ? {} : { linksFollowed: this.#linksFollowed }),
      ...(this.#leftOut === 0 ? {} : { leftOut: this.#leftOut }),
      ...(large === 0 ? {} : { large }),
    });
  }

  /** Files that are planned as changed and hold the same octets stay as they are. */
  async #lookedInto(planned: readonly Step[]): Promise<Step[]> {
    const steps: Step[] = [];
    for (const step of planned) steps.push((await this.#isSameInside(step)) ? asSame(step) : step);
    return steps;
  }

  async #isSameInside(step: Step): Promise<boolean> {
    if (step.action !== "changed" || step.there === undefined) return false;
    const { from, there } = step;
    if (from.link !== undefined) return false;
    const sizes = [from.entry.size, there.entry.size];
    if (sizes[0] !== sizes[1] && !sizes.includes(undefined)) return false;
    try {
      return await sameContent(this.#pair, from.path, there.path, this.#stage.signal);
    } catch (thrown) {
      // It will be carried, and what is wrong with it told then.
      if (this.#stage.signal.aborted) throw thrown;
      return false;
    }
  }

  async #mirrorMessages(
    source: Listed,
    target: Listed,
    known: ReadonlyMap<string, JsonObject>,
  ): Promise<MirrorReport> {
    const { client, dryRun, jobs = 1, progress, deleteAfter, maxSize } = this.#request;
    const { source: from, target: to, tell, signal } = this.#stage;
    const top = to.path === "" ? "/" : to.path;
    if (!target.exists && dryRun !== true) await this.#makeTop();
    const wanted = this.#request.delete === true;
    const removes = wanted && source.complete && this.#failures.count === 0;
    if (wanted && !removes) await tell(SPARED);
    return mirrorMessages({
      source: this.#isPicky ? withoutEmptyMailboxes(source.things) : source.things,
      target: target.things,
      top,
      known: new Map(known),
      journal: this.#journal,
      dryRun: dryRun === true,
      removes,
      deleteAfter,
      maxSize,
      jobs,
      pair: this.#pair,
      open: () => new Pair(client, from, to, signal),
      writers: writersAt(client, to, jobs),
      openTarget: () => new Door(client, to, signal),
      tell,
      failures: this.#failures,
      signal,
      ...(progress === undefined ? {} : { progress }),
    });
  }

  /** Only some files are wanted: folders are there for them. */
  get #isPicky(): boolean {
    return (this.#request.include ?? []).length > 0;
  }

  /** Messages first without their headers: what is remembered is known by its name. */
  async #listBoth(matter: Matter): Promise<[Listed, Listed]> {
    const { source, target } = this.#stage;
    const links = await this.#linkRule();
    if (matter === "messages")
      this.#moving = await movingBetween(this.#pair, this.#request.keepNames === true);
    const linkName = (name: string) => nameFor(this.#request.client, source, target, name);
    return this.#listSides(matter, matter === "messages", {
      keyOf: (found) => this.#keyFor(found, true),
      onFailure: (url, error) => this.#failures.add(url, error),
      onPassed: async (from, why) => {
        this.#leftOut += 1;
        await this.#stage.tell({ event: "passed", from, why: this.#whyPassed(why) });
      },
      links,
      ...(links?.treatment === "keep" ? { linkName } : {}),
      onFollowed: () => {
        this.#linksFollowed += 1;
      },
    });
  }

  /** Messages with their headers. What there was to tell of has been told. */
  #listAgain(): Promise<[Listed, Listed]> {
    const nothing = async () => undefined;
    return this.#listSides("messages", false, {
      keyOf: (found) => this.#keyFor(found, false),
      onFailure: nothing,
      onPassed: nothing,
    });
  }

  /** Both at once, and when one fails the other is not left running. */
  async #listSides(matter: Matter, brief: boolean, source: Asking): Promise<[Listed, Listed]> {
    const { signal } = this.#stage;
    const shared = { selection: this.#selection, signal, brief, onFailure: source.onFailure };
    const helpers = matter === "files" ? this.#others : [];
    const far = ({ target }: Door) => !isNear(this.#request.client, target);
    const settled = await Promise.allSettled([
      listSide(this.#pair.from, {
        ...shared,
        ...source,
        mayBeMissing: false,
        helpers: helpers.map(({ from }) => from).filter(far),
      }),
      listSide(this.#pair.to, {
        ...shared,
        helpers: helpers.map(({ to }) => to).filter(far),
        keyOf: ({ names }) => names.join("/"),
        onPassed: async () => undefined,
        mayBeMissing: true,
        // Nothing is written through a link that is there.
        links: matter === "files" ? { treatment: "keep" } : undefined,
      }),
    ]);
    const failed = settled.find((side) => side.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const [listed, there] = settled;
    if (listed.status === "rejected" || there.status === "rejected") throw new Error("no side has failed");
    return [listed.value, there.value];
  }

  async #linkRule(): Promise<LinkRule | undefined> {
    const { client, links, outsideLinks = false } = this.#request;
    const { source, target } = this.#stage;
    if (links === "follow") {
      const never = isNear(client, target) ? target.path : undefined;
      return followRule(source, { isNear: isNear(client, source), never }, outsideLinks);
    }
    if (links === "keep" && (await this.#pair.to.session()).makeLink !== undefined)
      return { treatment: "keep" };
    return undefined;
  }

  #whyPassed(why: string): string {
    if (why !== "a link") return why;
    return this.#request.links === "keep"
      ? "a link, and no link can be made at the target"
      : "a link (--follow-links carries what it leads to, --keep-links the link)";
  }

  /**
   * Messages are mirrored into mailboxes, files into folders.
   * @throws PortholeError `usage`; a file is its own listing, and would be taken for a folder without anything in it
   */
  async #matter(): Promise<Matter> {
    const { source, target } = this.#stage;
    const path = source.path === "" ? "/" : source.path;
    const [from, to] = await Promise.all([
      standingAt(this.#pair.from, path, true),
      standingAt(this.#pair.to, target.path === "" ? "/" : target.path, false),
    ]);
    if (from.kind !== undefined && SINGLE.has(from.kind)) {
      throw new PortholeError("usage", `${source.href(path)} is a ${from.kind}`, {
        hint: "mirror wants a folder; cp copies single files",
      });
    }
    return refuseMisfit(from, to, source.href(path));
  }

  /** @param isFirst what there is to tell of it has not been told yet */
  #keyFor(
    { names, entry: { url, kind } }: Pick<Found, "names" | "entry">,
    isFirst: boolean,
  ): Promise<string | undefined> | string | undefined {
    const isContainer = CONTAINERS.has(kind);
    const { source, target } = this.#stage;
    try {
      const placed = rehomed(names, isContainer, this.#moving);
      const carried = placed.map((name) => nameFor(this.#request.client, source, target, name));
      const isElsewhere =
        isContainer && this.#moving.renamings.some(({ from: those }) => isSame(names, those));
      const key = carried.join("/");
      if (!isFirst || (carried.at(-1) === names.at(-1) && !isElsewhere)) return key;
      return this.#stage.tell({ event: "renamed", from: url, name: shownName(key) }).then(() => key);
    } catch (thrown) {
      return isFirst ? this.#failures.add(url, asError(thrown)).then(() => undefined) : undefined;
    }
  }

  async #remembered(): Promise<ReadonlyMap<string, JsonObject>> {
    const { stateFolder, dryRun } = this.#request;
    if (stateFolder === undefined) return new Map();
    const { source, target } = this.#stage;
    const job = ["mirror", source.href(source.path), target.href(target.path)];
    if (dryRun === true) return Journal.look(stateFolder, job);
    this.#opening = Journal.openAlone(stateFolder, job, "this mirror").then((journal) => {
      this.#journal = journal;
    });
    await this.#opening;
    return this.#journal?.facts ?? new Map();
  }

  async #removes(steps: readonly Step[], source: Listed): Promise<boolean> {
    if (this.#request.delete !== true) return false;
    if (source.complete && this.#failures.count === 0) return true;
    if (steps.some(({ action }) => action === "gone" || action === "in the way")) {
      await this.#stage.tell(SPARED);
    }
    return false;
  }

  /** With the folders that it lies in, where they are missing too. Another mirror may have made it meanwhile. */
  async #makeTop(): Promise<void> {
    await this.#pair.to.use((session) => makeFolders(session, this.#stage.target.path, true));
  }

  async #tellStep(step: Step, removes: boolean): Promise<void> {
    if (step.action === "same" || (step.action === "in the way" && !removes)) return;
    const { source, target } = this.#stage;
    const from = "from" in step ? step.from : undefined;
    const size = from?.entry.size;
    await this.#stage.tell({
      event: "plan",
      action: actionOf(step, from),
      name: shownName(step.key),
      ...(from === undefined ? {} : { from: source.href(from.path) }),
      to: target.href(this.#pathOf(step.key)),
      ...(size === undefined ? {} : { size }),
    });
  }

  async #tellLarge(step: Step): Promise<void> {
    if (step.action !== "large") return;
    const { url, size } = step.from.entry;
    const sized = size === undefined ? {} : { size };
    await this.#stage.tell({ event: "large", name: shownName(step.key), from: url, ...sized });
  }

  /** @param key names in octets, parted by slashes */
  #pathOf(key: string): string {
    const { path } = this.#stage.target;
    return key.split("/").reduce((place, name) => pathInside(place, name), path === "" ? "/" : path);
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => name === other[at]);
}

function actionOf({ action }: Exclude<Step, { action: "same" }>, from: Found | undefined): MirrorAction {
  if (action === "in the way") return "replaced";
  return from?.link === undefined ? action : "link";
}

/** Whether a key, or one that it lies beneath, is among `keys`. */
function isAtOrBelow(keys: ReadonlySet<string>, key: string): boolean {
  for (let at = key.length; at > 0; at = key.lastIndexOf("/", at - 1)) {
    if (keys.has(key.slice(0, at))) return true;
  }
  return false;
}

/** Mailboxes are there for the messages that are wanted. */
function withoutEmptyMailboxes(things: ReadonlyMap<string, Found>): ReadonlyMap<string, Found> {
  const wanted = new Set<string>();
  for (const [key, { isContainer }] of things) {
    if (isContainer) continue;
    for (let at = key.lastIndexOf("/"); at > 0; at = key.lastIndexOf("/", at - 1))
      wanted.add(key.slice(0, at));
  }
  return new Map([...things].filter(([key, { isContainer }]) => !isContainer || wanted.has(key)));
}

/** Messages that are too large are to be known before they are read. */
function wantSizes(things: ReadonlyMap<string, Found>, maxSize: number | undefined): boolean {
  if (maxSize === undefined) return false;
  return [...things.values()].some(({ isContainer, entry }) => !isContainer && entry.size === undefined);
}

function asSame(step: Step): Step {
  if (step.action !== "changed" || step.there === undefined) return step;
  return { action: "same", key: step.key, from: step.from, there: step.there };
}
