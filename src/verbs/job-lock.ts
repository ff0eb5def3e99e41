/**
 * One run at a time of a job that must not be done twice.
 *
 * Each run puts a file of its own beside the journal and then looks for others'. Of two, the one whose file came later
 * sees the other's, so never both go on. A file that its process left behind when it was killed is nobody's. Its name
 * says whose it is, and it holds nothing: a process may be killed between making a file and writing to it.
 */
import { randomBytes } from "node:crypto";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { localError, PortholeError, systemCode } from "../errors.js";
import { makeFolders } from "../files/make-folders.js";

/** Where no system tells which processes there are, a run shows that it lives by touching its file. */
const TOUCHED_EVERY_MS = 10_000;
const GONE_AFTER_MS = 40_000;
/** Two that begin at the same moment see each other: both step back, and try again at different times. */
const ATTEMPTS = 5;
const LONGEST_PAUSE_MS = 100;

export class JobLock {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(path: string) {
    this.#path = path;
    this.#timer = setInterval(() => void touch(path), TOUCHED_EVERY_MS);
    this.#timer.unref();
  }

  /**
   * @param path of the files, but for their endings
   * @param what as the error calls the job: `this mailing`
   * @throws PortholeError `local` when another run is at it
   */
  static async take(path: string, what: string): Promise<JobLock> {
    const self = await processAt("self");
    const own = [path, ...(self === undefined ? [] : [self]), randomBytes(8).toString("hex")].join(".");
    try {
      makeFolders(dirname(path), 0o700);
      for (let attempt = 1; ; attempt++) {
        await writeFile(own, "", { mode: 0o600, flag: "wx" });
        const other = await otherThan(own, path);
        if (other === undefined) return new JobLock(own);
        await rm(own, { force: true });
        if (attempt === ATTEMPTS) throw underWay(what, other);
        await wait(Math.random() * LONGEST_PAUSE_MS);
      }
    } catch (thrown) {
      await rm(own, { force: true });
      throw localError(thrown, path);
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await rm(this.#path, { force: true });
  }
}

interface OtherRun {
  /** Number of its process, where the system tells. */
  readonly pid?: string | undefined;
}

/** Another run that lives; the files of those that do not are taken away. */
async function otherThan(own: string, path: string): Promise<OtherRun | undefined> {
  const folder = dirname(path);
  const start = `${basename(path)}.`;
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (file === own || !name.startsWith(start)) continue;
    const holder = /^(\d+)-\d+\./.exec(name.slice(start.length));
    if (await isHeld(file, holder === null ? undefined : holder[0].slice(0, -1))) return { pid: holder?.[1] };
    await rm(file, { force: true });
  }
  return undefined;
}

/** @param holder as `processAt` tells it */
async function isHeld(file: string, holder: string | undefined): Promise<boolean> {
  // Numbers of processes come again; with the time at which it began it is the same one.
  if (holder !== undefined && (await processAt("self")) !== undefined) {
    return (await processAt(holder.slice(0, holder.indexOf("-")))) === holder;
  }
  try {
    return Date.now() - (await stat(file)).mtimeMs < GONE_AFTER_MS;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

/**
 * `PID-BEGINNING` of a process, as Linux tells them (proc(5)); undefined when there is none, or no such system. One that has
 * ended and that nobody asks after (a container without an init) is none.
 */
async function processAt(name: string): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${name}/stat`, "latin1");
    const [pid = ""] = text.split(" ", 1);
    // Its name stands in parentheses and may hold anything.
    const facts = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (/^[ZX]$/.test(facts[0] ?? "")) return undefined;
    const began = facts[19] ?? "";
    return `${pid}-${began}`;
  } catch {
    return undefined;
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

function underWay(what: string, { pid }: OtherRun): PortholeError {
  const who = pid === undefined ? "another run" : `another run (process ${pid})`;
  return new PortholeError("local", `${what} is under way in ${who}`, {
    hint: "wait until it is done, or end it",
  });
}
