/** Files of many articles: fetched over several sessions, on each with many commands under way. */
import { PortholeError } from "../../../src/errors.js";
import { fetchAll } from "../articles.js";
import type { NewsSession } from "../session.js";
import { type Assembled, Assembly, finished } from "./assembly.js";
import type { BinaryFile, Segment } from "./nzb.js";

export interface DownloadOptions {
  readonly folder: string;
  /** Replace files that are there already. */
  readonly replace: boolean;
  /** Sessions at most. */
  readonly jobs: number;
  /** Opens a session more. */
  open(): Promise<NewsSession>;
  /** Octets decoded so far, and file by file. */
  progress(name: string, octets: number): void;
  warn(text: string): void;
}

/** A body holds some 700 KB: with many under way the answer is always there when it is wanted. */
const DEPTH = 20;

/** Segments of a file that are worth a session more. */
const WORTH_HELP = 2 * DEPTH;

const SPARABLE: ReadonlySet<string> = new Set(["busy", "connect", "timeout", "protocol"]);

/** A file that is being fetched, by one session or several. */
class FileJob {
  readonly file: BinaryFile;
  readonly assembly: Assembly;
  readonly #left: Segment[];
  #fetching = 0;

  private constructor(file: BinaryFile, assembly: Assembly) {
    this.file = file;
    this.assembly = assembly;
    this.#left = [...assembly.left];
  }

  static async begin(file: BinaryFile, folder: string): Promise<FileJob> {
    return new FileJob(file, await Assembly.begin(file, folder));
  }

  /** Another session can shorten it: only where parts tell their places may they come out of order. */
  get wantsHelp(): boolean {
    return this.assembly.placed && this.#left.length >= WORTH_HELP;
  }

  /** @returns whether this was the last session at work on it, and all is fetched */
  async fetch(session: NewsSession, progress: (octets: number) => void): Promise<boolean> {
    this.#fetching += 1;
    const asked: Segment[] = [];
    const ids = function* (left: Segment[]) {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        asked.push(next);
        yield next.id;
      }
    };
    try {
      const peer = await session.line.peer();
      for await (const { body } of fetchAll(peer, undefined, ids(this.#left), "BODY", DEPTH)) {
        const segment = asked.shift();
        if (segment === undefined) throw new TypeError("a part came that nobody asked for");
        progress(await this.assembly.take(segment.number, body));
      }
    } catch (thrown) {
      // Others that are at work on it may fetch these.
      this.#left.unshift(...asked);
      throw thrown;
    } finally {
      this.#fetching -= 1;
    }
    return this.#fetching === 0 && this.#left.length === 0;
  }

  /** Somebody is still at work on it. */
  get busy(): boolean {
    return this.#fetching > 0;
  }
}

/** What became of each file, as each is done. A file that is there already is passed over. */
export async function* download(
  files: readonly BinaryFile[],
  first: NewsSession,
  options: DownloadOptions,
): AsyncGenerator<Assembled, void, undefined> {
  yield* new Download(files, options).results(first);
}

class Download {
  readonly #options: DownloadOptions;
  readonly #waiting: BinaryFile[];
  readonly #jobs = new Set<FileJob>();
  readonly #done: Assembled[] = [];
  #stir: () => void = () => {};
  #working = 0;
  #left = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor(files: readonly BinaryFile[], options: DownloadOptions) {
    this.#waiting = [...files];
    this.#options = options;
  }

  async *results(first: NewsSession): AsyncGenerator<Assembled, void, undefined> {
    const segments = this.#waiting.reduce(
      (sum, file) => sum + Math.ceil(file.segments.length / WORTH_HELP),
      0,
    );
    this.#start(Promise.resolve(first), true);
    for (let count = 1; count < Math.min(this.#options.jobs, segments); count++) {
      this.#start(this.#options.open(), false);
    }
    try {
      for (;;) {
        for (let one = this.#done.shift(); one !== undefined; one = this.#done.shift()) yield one;
        if (this.#working === 0) break;
        await this.#stirred();
      }
    } finally {
      this.#left = true;
      this.#wake();
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #start(session: Promise<NewsSession>, needed: boolean): void {
    this.#working += 1;
    session
      .then((opened) => this.#work(opened))
      .catch((thrown: unknown) => {
        // A server that has no room for another session, or ends one, has room for those there are.
        const goesOn = thrown instanceof PortholeError && SPARABLE.has(thrown.code) && this.#working > 1;
        if (!needed && goesOn) this.#options.warn(`${thrown.message}; going on with fewer connections`);
        else this.#failure ??= { reason: thrown };
      })
      .finally(() => {
        this.#working -= 1;
        this.#wake();
      });
  }

  async #work(session: NewsSession): Promise<void> {
    while (this.#failure === undefined && !this.#left) {
      const file = this.#waiting.shift();
      if (file !== undefined) await this.#begin(file, session);
      else {
        const job = [...this.#jobs].find(({ wantsHelp }) => wantsHelp);
        if (job !== undefined) await this.#fetch(job, session);
        // One that has begun a moment ago does not yet know whether it can be helped.
        else if ([...this.#jobs].some(({ busy, assembly }) => busy && !assembly.placed))
          await this.#stirred();
        else return;
      }
    }
  }

  async #begin(file: BinaryFile, session: NewsSession): Promise<void> {
    const { replace, folder } = this.#options;
    const there = replace ? undefined : await finished(file, folder);
    if (there !== undefined) {
      this.#options.warn(`${there} is there already`);
      return;
    }
    const job = await FileJob.begin(file, folder);
    this.#jobs.add(job);
    await this.#fetch(job, session);
  }

  async #fetch(job: FileJob, session: NewsSession): Promise<void> {
    const progress = (octets: number) => {
      this.#options.progress(job.file.subject, octets);
      this.#wake();
    };
    try {
      // What a session that was lost had asked for is left to the others, also when they had come to the end.
      while (!(await job.fetch(session, progress))) if (job.busy) return;
      this.#jobs.delete(job);
      this.#done.push(await job.assembly.finish(this.#options.replace));
      this.#wake();
    } catch (thrown) {
      if (!job.busy && this.#jobs.delete(job)) await job.assembly.leave();
      throw thrown;
    }
  }

  /** All who wait look again. */
  #wake(): void {
    this.#stir();
  }

  async #stirred(): Promise<void> {
    await new Promise<void>((resolve) => {
      const others = this.#stir;
      this.#stir = () => {
        this.#stir = () => {};
        others();
        resolve();
      };
    });
  }
}
