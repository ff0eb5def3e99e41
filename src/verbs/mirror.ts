/** Making one place the same as another: list both, plan, show the plan or do it, remember what was done. */
import { PortholeError } from "../errors.js";
import type { JsonObject, Target } from "../plugin.js";
import { type Matter, nameFor, pathInside, refuseMisfit, refuseOverlap, standingAt } from "./cp-plan.js";
import { Pair, withPairs } from "./doors.js";
import { eventsOf } from "./event-queue.js";
import { Journal } from "./journal.js";
import { markOf } from "./marks.js";
import type { MirrorEvent, MirrorReport, MirrorRequest } from "./mirror-events.js";
import { mirrorMessages } from "./mirror-messages.js";
import { planOf, type Step } from "./mirror-plan.js";
import { type Listed, listSide, type Selection, selectionOf } from "./mirror-side.js";
import { shownName } from "./names.js";
import { repeatWhilePossible } from "./repeat.js";
import { transfer } from "./transfer.js";
import { asError } from "./walk.js";

export type { MirrorAction, MirrorEvent, MirrorReport, MirrorRequest } from "./mirror-events.js";

type Tell = (event: MirrorEvent) => Promise<void>;

/** So many in a row mean that a side is gone; the rest is not tried. */
const MOST_UNREACHED = 5;
const UNREACHED: ReadonlySet<string> = new Set(["resolve", "connect", "tls", "timeout", "auth"]);

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
    await refuseOverlap(client, source, target);
    await using mirroring = new Mirroring(request, { source, target, tell, signal });
    await mirroring.run();
  });
}

interface Stage {
  readonly source: Target;
  readonly target: Target;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

class Mirroring implements AsyncDisposable {
  readonly #request: MirrorRequest;
  readonly #stage: Stage;
  readonly #selection: Selection;
  readonly #pair: Pair;
  #journal: Journal | undefined;
  #copied = 0;
  #removed = 0;
  #failed = 0;
  #octets = 0;
  #unreached = 0;

  constructor(request: MirrorRequest, stage: Stage) {
    this.#request = request;
    this.#stage = stage;
    this.#selection = selectionOf(request.include ?? [], request.exclude ?? []);
    this.#pair = new Pair(request.client, stage.source, stage.target, stage.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pair.close();
    await this.#journal?.close();
  }

  async run(): Promise<void> {
    const dryRun = this.#request.dryRun === true;
    const matter = await this.#matter();
    const [[source, target], known] = await Promise.all([this.#listBoth(), this.#remembered()]);
    if (matter === "messages") {
      await this.#stage.tell(await this.#mirrorMessages(source, target, known));
      return;
    }
    const steps = planOf(source.things, target.things, {
      known,
      covers: (key) => {
        const there = target.things.get(key);
        return there?.isContainer === false || !this.#isPicky;
      },
      emptyFolders: !this.#isPicky,
    });
    const removes = await this.#removes(steps, source);
    const plan = steps.filter((step) => step.action !== "same" && (step.action !== "gone" || removes));
    for (const step of plan) await this.#tellStep(step, removes);
    if (!dryRun) await this.#apply(plan, target, removes);
    await this.#stage.tell({
      event: "done",
      dryRun,
      copied: this.#copied,
      same: steps.filter(({ action }) => action === "same").length,
      removed: this.#removed,
      failed: this.#failed,
      octets: this.#octets,
      extra: removes ? 0 : steps.filter(({ action }) => action === "gone").length,
    });
  }

  async #mirrorMessages(
    source: Listed,
    target: Listed,
    known: ReadonlyMap<string, JsonObject>,
  ): Promise<MirrorReport> {
    const { client, dryRun, jobs = 1, progress } = this.#request;
    const { source: from, target: to, tell, signal } = this.#stage;
    const top = to.path === "" ? "/" : to.path;
    if (!target.exists && dryRun !== true) await this.#makeTop();
    const wanted = this.#request.delete === true;
    const removes = wanted && source.complete && this.#failed === 0;
    if (wanted && !removes) await tell(SPARED);
    return mirrorMessages({
      source: source.things,
      target: target.things,
      top,
      known: new Map(known),
      journal: this.#journal,
      dryRun: dryRun === true,
      removes,
      jobs,
      pair: this.#pair,
      open: () => new Pair(client, from, to, signal),
      tell,
      onFailure: (url, thrown) => this.#failOrStop(url, thrown),
      failures: () => this.#failed,
      signal,
      ...(progress === undefined ? {} : { progress }),
    });
  }

  /** Only some files are wanted: folders are there for them. */
  get #isPicky(): boolean {
    return (this.#request.include ?? []).length > 0;
  }

  /** Both at once, and when one fails the other is not left running. */
  async #listBoth(): Promise<[Listed, Listed]> {
    const { signal } = this.#stage;
    const shared = { selection: this.#selection, signal };
    const settled = await Promise.allSettled([
      listSide(this.#pair.from, {
        ...shared,
        keyOf: async ({ names, entry }) => this.#carried(names, entry.url),
        onFailure: (url, error) => this.#fail(url, error),
        onPassed: (from, why) => this.#stage.tell({ event: "passed", from, why }),
        mayBeMissing: false,
      }),
      listSide(this.#pair.to, {
        ...shared,
        keyOf: async ({ names }) => names.join("/"),
        onFailure: (url, error) => this.#fail(url, error),
        onPassed: async () => undefined,
        mayBeMissing: true,
      }),
    ]);
    const failed = settled.find((side) => side.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const [listed, there] = settled;
    if (listed.status === "rejected" || there.status === "rejected") throw new Error("no side has failed");
    return [listed.value, there.value];
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

  async #carried(names: readonly string[], url: string): Promise<string | undefined> {
    const { source, target } = this.#stage;
    try {
      const carried = names.map((name) => nameFor(this.#request.client, source, target, name));
      if (carried.at(-1) !== names.at(-1)) {
        await this.#stage.tell({ event: "renamed", from: url, name: shownName(carried.join("/")) });
      }
      return carried.join("/");
    } catch (thrown) {
      await this.#fail(url, asError(thrown));
      return undefined;
    }
  }

  async #remembered(): Promise<ReadonlyMap<string, JsonObject>> {
    const { stateFolder, dryRun } = this.#request;
    if (stateFolder === undefined) return new Map();
    const { source, target } = this.#stage;
    const job = ["mirror", source.href(source.path), target.href(target.path)];
    if (dryRun === true) return Journal.look(stateFolder, job);
    this.#journal = await Journal.open(stateFolder, job);
    return this.#journal.facts;
  }

  async #removes(steps: readonly Step[], source: Listed): Promise<boolean> {
    if (this.#request.delete !== true) return false;
    if (source.complete && this.#failed === 0) return true;
    if (steps.some(({ action }) => action === "gone" || action === "in the way")) {
      await this.#stage.tell(SPARED);
    }
    return false;
  }

  async #tellStep(step: Step, removes: boolean): Promise<void> {
    if (step.action === "same" || (step.action === "in the way" && !removes)) return;
    const { source, target } = this.#stage;
    const from = "from" in step ? step.from : undefined;
    const size = from?.entry.size;
    await this.#stage.tell({
      event: "plan",
      action: step.action === "in the way" ? "replaced" : step.action,
      name: shownName(step.key),
      ...(from === undefined ? {} : { from: source.href(from.path) }),
      to: target.href(this.#pathOf(step.key)),
      ...(size === undefined ? {} : { size }),
    });
  }

  async #apply(plan: readonly Step[], target: Listed, removes: boolean): Promise<void> {
    const { client, jobs = 1 } = this.#request;
    if (!target.exists) await this.#makeTop();
    for (const step of plan) if (step.action === "in the way") await this.#clear(step, removes);
    for (const step of plan) {
      const isFolder = "from" in step && step.from.isContainer;
      if (step.action === "folder" || (step.action === "in the way" && isFolder && removes)) {
        await this.#makeFolder(step.key);
      }
    }
    const files = plan.filter(
      (step): step is Exclude<Step, { action: "gone" }> =>
        step.action !== "gone" && !step.from.isContainer && (step.action !== "in the way" || removes),
    );
    // The pair that listed works on; more are opened as they are wanted.
    let own: Pair | undefined = this.#pair;
    const { source, target: to, signal } = this.#stage;
    const open = () => {
      const pair = own ?? new Pair(client, source, to, signal);
      own = undefined;
      return pair;
    };
    await withPairs(Math.min(jobs, Math.max(1, files.length)), inTurn(files), open, (pair, step) =>
      this.#carry(pair, step),
    );
    for (const step of plan) if (step.action === "gone") await this.#remove(step);
  }

  /** With the folders that it lies in, where they are missing too. */
  async #makeTop(path = this.#stage.target.path.replace(/(?<=.)\/+$/, "")): Promise<void> {
    const make = () => this.#pair.to.use(async (session) => session.makeFolder?.(path));
    try {
      await make();
    } catch (thrown) {
      const above = path.replace(/\/[^/]*$/, "");
      const isMissing = thrown instanceof PortholeError && ["missing", "refused"].includes(thrown.code);
      if (!isMissing || above === path || /^\.{0,2}$/.test(above)) throw thrown;
      const standing = await standingAt(this.#pair.to, above, false);
      if (standing.entry !== undefined) throw thrown;
      await this.#makeTop(above);
      await make();
    }
  }

  async #makeFolder(key: string): Promise<void> {
    const path = this.#pathOf(key);
    const to = this.#stage.target.href(path);
    try {
      await this.#pair.to.use(async (session) => session.makeFolder?.(path));
      await this.#stage.tell({ event: "made", name: shownName(key), to });
    } catch (thrown) {
      await this.#failOrStop(to, thrown);
    }
  }

  /** A file where a folder is to be, or a folder where a file is to be. */
  async #clear(step: Extract<Step, { action: "in the way" }>, removes: boolean): Promise<void> {
    const to = this.#stage.target.href(this.#pathOf(step.key));
    if (!removes) {
      const [there, wanted] = step.from.isContainer ? ["file", "folder"] : ["folder", "file"];
      const error = new PortholeError("local", `a ${there} stands where a ${wanted} should be`, {
        url: to,
        hint: "--delete removes it",
      });
      await this.#fail(to, error);
      return;
    }
    await this.#removeAt(step.there.path, step.key, true);
  }

  async #remove(step: Extract<Step, { action: "gone" }>): Promise<void> {
    await this.#removeAt(step.there.path, step.key, false);
  }

  async #removeAt(path: string, key: string, recursive: boolean): Promise<void> {
    const to = this.#stage.target.href(path);
    try {
      await this.#pair.to.use(async (session) => session.remove?.(path, { recursive }));
      await this.#journal?.note(key, undefined);
      this.#removed += 1;
      await this.#stage.tell({ event: "removed", name: shownName(key), to });
    } catch (thrown) {
      if (thrown instanceof PortholeError && thrown.code === "missing") return;
      await this.#failOrStop(to, thrown);
    }
  }

  async #carry(pair: Pair, step: Exclude<Step, { action: "gone" }>): Promise<void> {
    const { from, key } = step;
    const url = this.#stage.source.href(from.path);
    try {
      const size = await repeatWhilePossible(
        this.#request.retries ?? 0,
        this.#stage.signal,
        (why) => void this.#stage.tell({ event: "repeated", from: url, why }),
        () => this.#carryOnce(pair, step),
      );
      this.#copied += 1;
      this.#octets += size;
      this.#unreached = 0;
      const to = this.#stage.target.href(this.#pathOf(key));
      await this.#stage.tell({ event: "copied", name: shownName(key), from: url, to, size });
    } catch (thrown) {
      await this.#failOrStop(url, thrown);
    }
  }

  async #carryOnce(pair: Pair, { from, key, action }: Exclude<Step, { action: "gone" }>): Promise<number> {
    const to = this.#pathOf(key);
    const { progress } = this.#request;
    try {
      // Until it is whole again, what is remembered of it does not hold.
      if (this.#journal?.facts.has(key) === true) await this.#journal.note(key, undefined);
      const done = await transfer(pair, {
        from: from.path,
        to,
        name: shownName(key),
        replace: action === "changed",
        signal: this.#stage.signal,
        ...(progress === undefined ? {} : { progress }),
      });
      const there = await pair.to.use(async (session) => session.stat?.(to));
      if (there !== undefined) {
        const coded = from.entry.size !== undefined && from.entry.size !== there.size;
        await this.#journal?.note(key, {
          from: markOf(from.entry),
          to: markOf(there),
          ...(coded && there.size === done.size ? { coded } : {}),
        });
      }
      return done.size;
    } catch (thrown) {
      await pair.close();
      throw thrown;
    }
  }

  /** @param key names in octets, parted by slashes */
  #pathOf(key: string): string {
    const { path } = this.#stage.target;
    return key.split("/").reduce((place, name) => pathInside(place, name), path === "" ? "/" : path);
  }

  async #failOrStop(url: string, thrown: unknown): Promise<void> {
    if (this.#stage.signal.aborted) throw thrown;
    const error = asError(thrown);
    await this.#fail(url, error);
    this.#unreached = UNREACHED.has(error.code) ? this.#unreached + 1 : 0;
    if (this.#unreached >= MOST_UNREACHED) throw error;
  }

  async #fail(url: string, error: PortholeError): Promise<void> {
    this.#failed += 1;
    await this.#stage.tell({ event: "failed", url, error });
  }
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items;
}
