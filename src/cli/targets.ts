/** What follows a verb: URLs, checked all of them before the first is opened, then done. */
import { statSync } from "node:fs";
import { EXIT_STATUS, PortholeError } from "../errors.js";
import type { Target, Verb } from "../plugin.js";
import type { Desk } from "./command.js";
import { OutputClosed, type Terminal } from "./terminal.js";

/** @throws PortholeError `usage` when there is none */
export function someUrls(desk: Desk): readonly string[] {
  if (desk.words.length === 0) {
    throw new PortholeError("usage", `${desk.word.name} wants a URL`, {
      hint: `porthole ${desk.word.name} ${desk.word.usage}`,
    });
  }
  return desk.words;
}

/** @throws PortholeError `usage` unless there is exactly one */
export function oneUrl(desk: Desk): string {
  const [url, ...more] = someUrls(desk);
  if (url === undefined || more.length > 0) {
    throw new PortholeError("usage", `${desk.word.name} wants one URL`, {
      hint: `porthole ${desk.word.name} ${desk.word.usage}`,
    });
  }
  return url;
}

/**
 * A single word where something is to be put is a folder's name that lacks its `./`: nobody writes to the front page of
 * a host without a dot in its name. @throws PortholeError `usage`
 */
export function refuseBareWord(to: string): void {
  if (!/^[\w-]+\/?$/.test(to) || /^localhost\/?$/.test(to)) return;
  throw new PortholeError("usage", `'${to}' may be a folder or a host`, {
    hint: `write ./${to} for the folder, https://${to} for the host`,
  });
}

/**
 * A file of this folder that is named without its `./` would be looked for in the name service.
 * @throws PortholeError `usage`
 */
export function refuseFileName(from: string): void {
  if (/^(?:[./~@:]|[a-z][a-z0-9+.-]*:)/i.test(from)) return;
  if (statSync(from, { throwIfNoEntry: false })?.isFile() !== true) return;
  throw new PortholeError("usage", `'${from}' would be taken for a host, and is a file here`, {
    hint: `write ./${from}`,
  });
}

/** Work that is left with one URL, and that no connection is needed for. */
export class Unfinished {
  readonly told: Promise<string | undefined>;

  constructor(told: Promise<string | undefined>) {
    this.told = told;
    // Whoever waits for it comes to it later.
    told.catch(() => undefined);
  }
}

/** What is done with one URL. @returns what standard output is told of it, when it was not written to at once */
export type Act = (target: Target) => Promise<string | undefined | Unfinished>;

/** Things that wait for the disk while others are fetched. */
const MOST_UNFINISHED = 100;

/**
 * Works through the URLs, up to `jobs` at once; what they return goes to standard output in the order of the URLs.
 * With one URL, its failure is the command's; with several, each failure is reported as it happens and the rest is
 * done all the same (exit 13, or the failures' own status when all failed alike).
 */
export async function workThrough(
  desk: Desk,
  urls: readonly string[],
  needs: readonly Verb[],
  act: Act,
  jobs = 1,
): Promise<number | undefined> {
  const targets = urls.map((url) => {
    const target = desk.client.target(url);
    desk.client.require(target, desk.word.name, needs);
    return target;
  });
  const failures: number[] = [];
  const output = new InOrder(desk.terminal);
  const waiting = targets.entries();
  /** @throws what ends the whole */
  const fail = async (index: number, target: Target, thrown: unknown) => {
    if (targets.length === 1 || desk.signal.aborted || thrown instanceof OutputClosed) throw thrown;
    failures.push(await report(desk, thrown, target.href(target.path)));
    await output.settle(index, undefined);
  };
  const unfinished = new Set<Promise<void>>();
  /** What ended the whole while something else was fetched. */
  const ends: unknown[] = [];
  /** Who waits until one of them is done. A race of all would leave something with each of them, every time. */
  let waitingForRoom: (() => void)[] = [];
  const settle = async (index: number, target: Target, told: Unfinished["told"]) => {
    try {
      try {
        await output.settle(index, await told);
      } catch (thrown) {
        await fail(index, target, thrown);
      }
    } catch (thrown) {
      ends.push(thrown);
    }
  };
  const leave = (index: number, target: Target, { told }: Unfinished) => {
    const settling = settle(index, target, told).then(() => {
      unfinished.delete(settling);
      const waiting = waitingForRoom;
      waitingForRoom = [];
      for (const wake of waiting) wake();
    });
    unfinished.add(settling);
  };
  const work = async () => {
    // All workers take from the same iterator.
    for (const [index, target] of waiting) {
      if (ends.length > 0) return;
      try {
        const done = await act(target);
        if (done instanceof Unfinished) leave(index, target, done);
        else await output.settle(index, done);
      } catch (thrown) {
        await fail(index, target, thrown);
      }
      while (unfinished.size >= MOST_UNFINISHED) {
        await new Promise<void>((resolve) => waitingForRoom.push(resolve));
      }
    }
  };
  const nothingFollows = targets.length > 1 ? (await import("../files/disk.js")).filesFollow() : undefined;
  const workers = Array.from({ length: Math.min(jobs, targets.length) }, work);
  const ended = (await Promise.allSettled(workers)).find((worker) => worker.status === "rejected");
  nothingFollows?.();
  await Promise.all(unfinished);
  if (ended !== undefined) throw ended.reason;
  if (ends.length > 0) throw ends[0];
  if (failures.length === 0) return undefined;
  const [first] = failures;
  return failures.length === targets.length && failures.every((status) => status === first)
    ? first
    : EXIT_STATUS.partial;
}

async function report(desk: Desk, thrown: unknown, subject: string): Promise<number> {
  const { reportError } = await import("./errors.js");
  return reportError(thrown, desk.terminal, { ...desk.voice, subject });
}

/** Holds back what comes before its turn. */
class InOrder {
  readonly #terminal: Terminal;
  readonly #early = new Map<number, string>();
  #next = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async settle(index: number, text = ""): Promise<void> {
    this.#early.set(index, text);
    let due = "";
    for (let next = this.#early.get(this.#next); next !== undefined; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      due += next;
    }
    if (due !== "") await this.#terminal.write(due);
  }
}
