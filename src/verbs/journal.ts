/**
 * What a job has done, kept on disk as it goes: a second run of the same job does only the rest.
 *
 * One line of JSON for each thing noted, appended; of several lines for one key the last holds. A line that a break
 * cut short is passed over, and what it told is done again.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localError, PortholeError, systemCode } from "../errors.js";
import { makeFolders } from "../files/make-folders.js";
import type { JsonObject } from "../plugin.js";
import { JobLock } from "./job-lock.js";

const VERSION = 1;
/** Lines that hold nothing any more, past which the file is written anew. */
const MOST_STALE = 1000;
/** What waits so long is written together. */
const SOON_MS = 20;

export class Journal {
  readonly path: string;
  readonly #facts: Map<string, JsonObject>;
  readonly #descriptor: number;
  #isOpen = true;
  /** What is noted and not written. */
  #lines = "";
  #soon: NodeJS.Timeout | undefined;

  readonly #lock: JobLock | undefined;

  private constructor(path: string, facts: Map<string, JsonObject>, descriptor: number, lock?: JobLock) {
    this.path = path;
    this.#facts = facts;
    this.#descriptor = descriptor;
    this.#lock = lock;
  }

  /**
   * Opens the journal of a job, or begins one.
   * @param folder is made when it is not there, for its owner alone: names of files tell things too
   * @param job the verb and the URLs without passwords; the same words, the same journal
   * @throws PortholeError `local`
   */
  static async open(folder: string, job: readonly string[]): Promise<Journal> {
    const path = journalPath(folder, job);
    try {
      makeFolders(folder, 0o700);
      const { facts, descriptor } = await opened(path, job);
      return new Journal(path, facts, descriptor);
    } catch (thrown) {
      throw localError(thrown, path);
    }
  }

  /**
   * The same, for a job that must not be done by two at once: until it is closed, nobody else opens it so.
   * @param what as the error calls the job: `this mailing`
   * @param again what an earlier run has noted is forgotten
   * @throws PortholeError `local`, also when another run has it open
   */
  static async openAlone(
    folder: string,
    job: readonly string[],
    what: string,
    again = false,
  ): Promise<Journal> {
    const path = journalPath(folder, job);
    const lock = await JobLock.take(`${path}.lock`, what);
    try {
      if (again) await rm(path, { force: true });
      const { facts, descriptor } = await opened(path, job);
      return new Journal(path, facts, descriptor, lock);
    } catch (thrown) {
      await lock.release();
      throw localError(thrown, path);
    }
  }

  /** What is noted, without opening it for more; empty when there is no journal. */
  static async look(folder: string, job: readonly string[]): Promise<ReadonlyMap<string, JsonObject>> {
    const path = journalPath(folder, job);
    try {
      return (await factsIn(path, job)).facts ?? new Map();
    } catch (thrown) {
      throw localError(thrown, path);
    }
  }

  get facts(): ReadonlyMap<string, JsonObject> {
    return this.#facts;
  }

  /** Notes what holds for a key from now on; undefined: nothing. On its way to the disk when the promise settles. */
  async note(key: string, facts: JsonObject | undefined): Promise<void> {
    if (facts === undefined) this.#facts.delete(key);
    else this.#facts.set(key, facts);
    this.#lines += `${JSON.stringify(facts === undefined ? { key } : { key, facts })}\n`;
    this.#write();
  }

  /** The same for what may be lost when the process is killed now: written with what comes next, or in a moment. */
  noteSoon(key: string, facts: JsonObject): void {
    this.#facts.set(key, facts);
    this.#lines += `${JSON.stringify({ key, facts })}\n`;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      // What could not be written stays, and is written, or told of, with what comes next.
      if (this.#isOpen) tried(() => this.#write());
    }, SOON_MS);
  }

  /** To hand a line to another thread takes longer than the system does to keep it. @throws PortholeError `local` */
  #write(): void {
    const octets = Buffer.from(this.#lines);
    let written = 0;
    try {
      while (written < octets.length) written += writeSync(this.#descriptor, octets, written);
    } catch (thrown) {
      // What was cut short ends here, and all is written again.
      if (written > 0) this.#lines = `\n${this.#lines}`;
      throw localError(thrown, this.path);
    }
    this.#lines = "";
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#lock?.release();
  }

  /** The job is done: nothing is left to remember. */
  async discard(): Promise<void> {
    await this.#end();
    await rm(this.path, { force: true });
    await this.#lock?.release();
  }

  async #end(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#soon);
    tried(() => this.#write());
    closeSync(this.#descriptor);
  }
}

function tried(act: () => void): void {
  try {
    act();
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
  }
}

async function opened(
  path: string,
  job: readonly string[],
): Promise<{ facts: Map<string, JsonObject>; descriptor: number }> {
  const { facts: found, lines, whole } = await factsIn(path, job);
  const facts = found ?? new Map<string, JsonObject>();
  if (found === undefined || !whole || lines - facts.size > MOST_STALE) await rewrite(path, job, facts);
  return { facts, descriptor: openSync(path, "a", 0o600) };
}

function journalPath(folder: string, job: readonly string[]): string {
  const digest = createHash("sha256").update(JSON.stringify(job)).digest("hex").slice(0, 32);
  return join(folder, `${job[0] ?? "job"}-${digest}.jsonl`);
}

function headOf(job: readonly string[]): string {
  return JSON.stringify({ porthole: "journal", version: VERSION, job });
}

async function rewrite(
  path: string,
  job: readonly string[],
  facts: ReadonlyMap<string, JsonObject>,
): Promise<void> {
  const lines = [headOf(job), ...[...facts].map(([key, value]) => JSON.stringify({ key, facts: value }))];
  await writeFile(`${path}.new`, `${lines.join("\n")}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

interface Found {
  /** Undefined when there is no journal, or one of another job or version. */
  readonly facts: Map<string, JsonObject> | undefined;
  readonly lines: number;
  /** The last line is ended: the next may follow it. */
  readonly whole: boolean;
}

async function factsIn(path: string, job: readonly string[]): Promise<Found> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return { facts: undefined, lines: 0, whole: true };
    throw thrown;
  }
  const [head, ...lines] = text.split("\n");
  if (head !== headOf(job)) return { facts: undefined, lines: 0, whole: true };
  const facts = new Map<string, JsonObject>();
  for (const line of lines) {
    const noted = notedIn(line);
    if (noted?.facts !== undefined) facts.set(noted.key, noted.facts);
    else if (noted !== undefined) facts.delete(noted.key);
  }
  return { facts, lines: lines.length, whole: text.endsWith("\n") };
}

function notedIn(line: string): { readonly key: string; readonly facts?: JsonObject } | undefined {
  try {
    const noted: unknown = JSON.parse(line);
    if (typeof noted !== "object" || noted === null || !("key" in noted)) return undefined;
    const { key } = noted;
    if (typeof key !== "string") return undefined;
    const facts = "facts" in noted && isFacts(noted.facts) ? noted.facts : undefined;
    return facts === undefined ? { key } : { key, facts };
  } catch {
    return undefined;
  }
}

function isFacts(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
