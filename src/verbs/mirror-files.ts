/** Files made the same as others, by a plan. */
import { existsSync } from "node:fs";
import { PortholeError } from "../errors.js";
import type { Document, Entry, Progress, ReadQuery, Target } from "../plugin.js";
import { repeatWhilePossible } from "../repeat.js";
import { carryMany } from "./carry-many.js";
import { filePath } from "./cp-plan.js";
import { Door, type Doors, isNear, Pair, writersAt } from "./doors.js";
import type { Failures } from "./failures.js";
import type { Journal } from "./journal.js";
import { markOf } from "./marks.js";
import type { MirrorEvent } from "./mirror-events.js";
import type { Step } from "./mirror-plan.js";
import { segmentOf, shownName } from "./names.js";
import { boundOf, Oversize } from "./oversize.js";
import { partialPath } from "./partial-file.js";
import { saveDocument } from "./save.js";
import { type DeliveryRequest, deliver, type Transferred, transfer } from "./transfer.js";
import type { Found } from "./walk.js";

export interface FilesRequest {
  readonly client: Doors;
  /** The sessions that listed both sides. */
  readonly pair: Pair;
  /** More of them, perhaps open already; those that are taken are closed. */
  readonly others: Pair[];
  readonly journal: Journal | undefined;
  readonly jobs: number;
  readonly retries: number;
  /** Octets: the bound for what no listing has told the size of. */
  readonly maxSize: number | undefined;
  readonly tell: (event: MirrorEvent) => Promise<void>;
  readonly failures: Failures<string>;
  /** A key's path at the target. */
  readonly pathOf: (key: string) => string;
  readonly signal: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

/** Octets from which on a file is continued where it broke off. */
const WORTH_CONTINUING = 1024 * 1024;

type FileStep = Exclude<Step, { action: "gone" | "large" }>;

export class FileMirroring {
  copied = 0;
  linked = 0;
  removed = 0;
  octets = 0;
  /** Turned out larger than is wanted. */
  large = 0;
  readonly #request: FilesRequest;
  /** Where something stands in the way and stays: nothing is written through it. */
  readonly #blocked = new Set<string>();

  constructor(request: FilesRequest) {
    this.#request = request;
  }

  get #source(): Target {
    return this.#request.pair.from.target;
  }

  get #target(): Target {
    return this.#request.pair.to.target;
  }

  /** @param removes what is in the way, or gone at the source, may be removed */
  async apply(plan: readonly Step[], removes: boolean): Promise<void> {
    for (const step of plan) if (step.action === "in the way") await this.#clear(step, removes);
    const open = plan.filter(({ key }) => !this.#isBlocked(key));
    for (const step of open) {
      const isFolder = "from" in step && step.from.isContainer;
      if (step.action === "folder" || (step.action === "in the way" && isFolder && removes)) {
        await this.#makeFolder(step.key);
      }
    }
    const files = open.filter(
      (step): step is FileStep =>
        step.action !== "gone" &&
        step.action !== "large" &&
        !step.from.isContainer &&
        (step.action !== "in the way" || removes),
    );
    await this.#carryAll(files.filter(({ from }) => from.link === undefined));
    // Last, so that nothing of this run is written through one.
    for (const { key, action, from } of files) {
      if (from.link !== undefined) await this.#makeLink(key, from.link, action === "changed");
    }
    for (const step of plan) if (step.action === "gone") await this.#remove(step);
  }

  async #makeFolder(key: string): Promise<void> {
    const path = this.#request.pathOf(key);
    const to = this.#target.href(path);
    try {
      await this.#request.pair.to.use(async (session) => session.makeFolder?.(path));
      await this.#request.tell({ event: "made", name: shownName(key), to });
    } catch (thrown) {
      await this.#request.failures.addOrStop(to, thrown);
    }
  }

  /** @param says octets */
  async #makeLink(key: string, says: string, replace: boolean): Promise<void> {
    const path = this.#request.pathOf(key);
    const to = this.#target.href(path);
    try {
      const target = says.split("/").map(segmentOf).join("/");
      await this.#request.pair.to.use(async (session) => session.makeLink?.(path, target, { replace }));
      this.linked += 1;
      await this.#request.tell({ event: "linked", name: shownName(key), to, target: shownName(says) });
    } catch (thrown) {
      await this.#request.failures.addOrStop(to, thrown);
    }
  }

  #isBlocked(key: string): boolean {
    if (this.#blocked.size === 0) return false;
    for (let at = key.length; at > 0; at = key.lastIndexOf("/", at - 1)) {
      if (this.#blocked.has(key.slice(0, at))) return true;
    }
    return false;
  }

  /** A file where a folder is to be, or a folder where a file is to be. */
  async #clear(step: Extract<Step, { action: "in the way" }>, removes: boolean): Promise<void> {
    const to = this.#target.href(this.#request.pathOf(step.key));
    if (!removes) {
      this.#blocked.add(step.key);
      const [there, wanted] = [kindOf(step.there), kindOf(step.from)];
      const error = new PortholeError("local", `a ${there} stands where a ${wanted} should be`, {
        url: to,
        hint: "--delete removes it",
      });
      await this.#request.failures.add(to, error);
      return;
    }
    // What a link leads to is not what stands in the way.
    const gone = await this.#removeAt(step.there.path, step.key, step.there.link === undefined);
    if (!gone) this.#blocked.add(step.key);
  }

  async #remove(step: Extract<Step, { action: "gone" }>): Promise<void> {
    await this.#removeAt(step.there.path, step.key, false);
  }

  /** @returns whether nothing is there now */
  async #removeAt(path: string, key: string, recursive: boolean): Promise<boolean> {
    const to = this.#target.href(path);
    try {
      await this.#request.pair.to.use(async (session) => session.remove?.(path, { recursive }));
      await this.#request.journal?.note(key, undefined);
      this.removed += 1;
      await this.#request.tell({ event: "removed", name: shownName(key), to });
      return true;
    } catch (thrown) {
      if (thrown instanceof PortholeError && thrown.code === "missing") return true;
      await this.#request.failures.addOrStop(to, thrown);
      return false;
    }
  }

  async #carryAll(files: readonly FileStep[]): Promise<void> {
    const { client, jobs, others, signal } = this.#request;
    const [source, target] = [this.#source, this.#target];
    // They have listed. What is read ahead is written by other sessions, and a server may let few in.
    if (!isNear(client, source)) await Promise.all(others.map(({ to }) => to.close()));
    // The pair that listed works on; more are opened as they are wanted.
    let own: Pair | undefined = this.#request.pair;
    await carryMany<FileStep>({
      items: files,
      pathOf: ({ from }) => from.path,
      // What an earlier run left of a file is asked for in turn, from where it ends.
      ahead: (step) => !this.#isBegun(step),
      jobs: Math.min(jobs, Math.max(1, files.length)),
      open: () => {
        const pair = own ?? others.shift() ?? new Pair(client, source, target, signal);
        own = undefined;
        return pair;
      },
      writers: writersAt(client, target, jobs),
      openTarget: () => new Door(client, target, signal),
      one: (pair, step) => this.#carry(pair, step),
      write: async (to, step, document, held) => {
        await this.#forget(step.key);
        const path = held === undefined ? this.#fileOf(step) : undefined;
        if (path !== undefined) {
          const size = await this.#save(step, path, async () => document);
          await this.#carried(step, size, await this.#entryAt(to, step));
          return;
        }
        const request = { ...this.#delivery(step), ...(held === undefined ? {} : { held }) };
        const done = await to.use((session) => deliver(session, document, request));
        await this.#carried(step, done.size, await this.#standing(to, step, done));
      },
      failed: (step, error) => this.#failed(step, error),
      signal,
    });
  }

  async #carry(pair: Pair, step: FileStep): Promise<void> {
    const from = step.from.path;
    const url = this.#source.href(from);
    // What a first attempt left in part is ours to replace.
    let again = false;
    try {
      await this.#forget(step.key);
      const done = await repeatWhilePossible(
        this.#request.retries,
        this.#request.signal,
        (why) => void this.#request.tell({ event: "repeated", from: url, why }),
        async () => {
          try {
            const path = this.#fileOf(step);
            if (path !== undefined) {
              const size = await this.#save(step, path, (query) => readFrom(pair, from, query));
              return { size, there: await this.#entryAt(pair.to, step) };
            }
            const carried = await transfer(pair, { from, ...this.#delivery(step, again) });
            return { size: carried.size, there: await this.#standing(pair.to, step, carried) };
          } catch (thrown) {
            again = true;
            await pair.close();
            throw thrown;
          }
        },
      );
      await this.#carried(step, done.size, done.there);
    } catch (thrown) {
      await this.#failed(step, thrown);
    }
  }

  async #failed(step: FileStep, thrown: unknown): Promise<void> {
    const from = this.#source.href(step.from.path);
    if (!(thrown instanceof Oversize)) return this.#request.failures.addOrStop(from, thrown);
    this.#request.failures.reached();
    this.large += 1;
    await this.#request.tell({ event: "large", name: shownName(step.key), from });
    // A folder of this machine has nothing of it; a server may have its beginning under the name of the whole.
    if (!thrown.isBegun || isNear(this.#request.client, this.#target)) return;
    const path = this.#request.pathOf(step.key);
    try {
      await this.#request.pair.to.use(async (session) => session.remove?.(path));
    } catch (left) {
      if (left instanceof PortholeError && left.code === "missing") return;
      await this.#request.failures.addOrStop(this.#target.href(path), left);
    }
  }

  /** Where a large file goes, if that is a file of this machine: what came of it is kept when it breaks off. */
  #fileOf({ key, from }: FileStep): string | undefined {
    // The date of a link is not that of the document that it leads to.
    if (from.followed !== undefined || (from.entry.size ?? 0) < WORTH_CONTINUING) return undefined;
    return this.#target.url.scheme === "file" ? filePath(this.#request.pathOf(key)) : undefined;
  }

  #isBegun(step: FileStep): boolean {
    const path = this.#fileOf(step);
    return path !== undefined && existsSync(partialPath(path));
  }

  /** @returns octets of the whole */
  async #save(
    { key, action, from }: FileStep,
    path: string,
    read: (query: ReadQuery) => Promise<Document>,
  ): Promise<number> {
    const { progress, signal } = this.#request;
    const what = shownName(key);
    const { size } = await saveDocument({
      url: this.#source.href(from.path),
      path,
      // Where nothing tells whether the original is still the same, it is fetched anew: nobody asked for --resume.
      read: (query) => read(query.validator === undefined ? {} : query),
      replace: action === "changed",
      resume: true,
      ...boundOf(from.entry.size, this.#request.maxSize),
      signal,
      ...(progress === undefined ? {} : { progress: (report) => progress({ ...report, what }) }),
    });
    return size;
  }

  #entryAt(to: Door, { key }: FileStep): Promise<Entry | undefined> {
    return to.use(async (session) => session.stat?.(this.#request.pathOf(key)));
  }

  #delivery({ key, action, from }: FileStep, again = false): DeliveryRequest {
    const { progress } = this.#request;
    const { modified } = from.entry;
    return {
      to: this.#request.pathOf(key),
      name: shownName(key),
      replace: action === "changed" || again,
      signal: this.#request.signal,
      ...boundOf(from.entry.size, this.#request.maxSize),
      ...(from.followed === undefined || modified === undefined ? {} : { modified }),
      ...(progress === undefined ? {} : { progress }),
    };
  }

  /** Until it is whole again, what is remembered of it does not hold. */
  async #forget(key: string): Promise<void> {
    if (this.#request.journal?.facts.has(key) === true) await this.#request.journal.note(key, undefined);
  }

  /** What stands there now. Servers tell more of it when they are asked than when it was written. */
  async #standing(to: Door, step: FileStep, { entry, size }: Transferred): Promise<Entry | undefined> {
    if (isNear(this.#request.client, this.#target)) return entry;
    const there = await this.#entryAt(to, step);
    // Apache's answer to HEAD leaves out a Content-Length of 0, which its listing tells.
    return there !== undefined && there.size === undefined && size === 0 ? { ...there, size } : there;
  }

  async #carried({ from, key }: FileStep, size: number, there: Entry | undefined): Promise<void> {
    if (there !== undefined) {
      const coded = from.entry.size !== undefined && from.entry.size !== there.size;
      await this.#request.journal?.note(key, {
        from: markOf(from.entry),
        to: markOf(there),
        ...(coded && there.size === size ? { coded } : {}),
      });
    }
    this.copied += 1;
    this.octets += size;
    this.#request.failures.reached();
    const [source, target] = [this.#source, this.#target];
    const to = target.href(this.#request.pathOf(key));
    await this.#request.tell({
      event: "copied",
      name: shownName(key),
      from: source.href(from.path),
      to,
      size,
    });
  }
}

async function readFrom(pair: Pair, path: string, query: ReadQuery): Promise<Document> {
  const source = await pair.from.session();
  if (source.read === undefined) throw new PortholeError("usage", "there is nothing to read at the source");
  return source.read(path, query);
}

function kindOf({ link, isContainer }: Found): string {
  if (link !== undefined) return "link";
  return isContainer ? "folder" : "file";
}
