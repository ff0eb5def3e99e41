/** What was begun with `&`: done in turn beside the person's own work, each on a connection of its own. */
import { messageOf } from "../../errors.js";
import { safeLine } from "../../text/safe.js";

export interface Job {
  readonly number: number;
  readonly line: string;
  state: "waiting" | "running" | "done" | "failed" | "ended";
  words: string;
}

interface Queued extends Job {
  readonly controller: AbortController;
  readonly over: Promise<void>;
}

export class Jobs {
  readonly #jobs: Queued[] = [];
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  readonly #tell: (job: Job) => void;

  /** @param tell is told when a job is over */
  constructor(atOnce: number, tell: (job: Job) => void) {
    this.#atOnce = Math.max(1, atOnce);
    this.#tell = tell;
  }

  get list(): readonly Job[] {
    return this.#jobs;
  }

  get running(): boolean {
    return this.#running > 0;
  }

  get failed(): boolean {
    return this.#jobs.some(({ state }) => state === "failed");
  }

  /** @param act does it, until its signal fires; its status is 0 or undefined when all is well */
  add(line: string, act: (signal: AbortSignal) => Promise<number | undefined>): Job {
    const controller = new AbortController();
    const { promise: over, resolve: finish } = deferred();
    const job: Queued = {
      number: this.#jobs.length + 1,
      line,
      state: "waiting",
      words: "",
      controller,
      over,
    };
    this.#jobs.push(job);
    void this.#work(job, act).finally(finish);
    return job;
  }

  /** @returns false when there is none of that number */
  end(number: number): boolean {
    const job = this.#jobs[number - 1];
    if (job === undefined) return false;
    if (job.state === "waiting") job.state = "ended";
    job.controller.abort();
    return true;
  }

  /** Until that job is over; all of them without a number. */
  async wait(number?: number): Promise<void> {
    const jobs = number === undefined ? this.#jobs : this.#jobs.filter((job) => job.number === number);
    await Promise.all(jobs.map(({ over }) => over));
  }

  async #work(job: Queued, act: (signal: AbortSignal) => Promise<number | undefined>): Promise<void> {
    if (this.#running >= this.#atOnce) {
      const { promise, resolve } = deferred();
      this.#waiting.push(resolve);
      await promise;
    }
    this.#running += 1;
    try {
      if (job.state === "ended") return;
      job.state = "running";
      const status = await act(job.controller.signal);
      job.state = (status ?? 0) === 0 ? "done" : "failed";
      if (job.state === "failed") job.words = `status ${status}`;
    } catch (thrown) {
      job.state = job.controller.signal.aborted ? "ended" : "failed";
      job.words = safeLine(messageOf(thrown));
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
      this.#tell(job);
    }
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
