/**
 * One run at a time of a job that must not be done twice.
 *
 * Each run puts a file of its own beside the journal and then looks for others'. Of two, the one whose file came later
 * sees the other's, so never both go on. A file that its process left behind when it was killed is nobody's.
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
    const own = `${path}.${randomBytes(8).toString("hex")}`;
    try {
      makeFolders(dirname(path), 0o700);
      const self = (await processAt("self")) ?? "";
      for (let attempt = 1; ; attempt++) {
        await writeFile(own, self, { mode: 0o600, flag: "wx" });
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

/** What another run that lives has in its file; the files of those that do not are taken away. */
async function otherThan(own: string, path: string): Promise<string | undefined> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (file === own || !name.startsWith(`${basename(path)}.`)) continue;
    const words = await wordsOfLiving(file);
    if (words !== undefined) return words;
    await rm(file, { force: true });
  }
  return undefined;
}

async function wordsOfLiving(file: string): Promise<string | undefined> {
  try {
    const words = await readFile(file, "utf8");
    const [pid = ""] = words.split(" ", 1);
    // Numbers of processes come again; with the time at which it began it is the same one.
    if (pid !== "" && (await processAt("self")) !== undefined) {
      return (await processAt(pid)) === words ? words : undefined;
    }
    return Date.now() - (await stat(file)).mtimeMs < GONE_AFTER_MS ? words : undefined;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Number and beginning of a process, as Linux tells them (proc(5)); undefined when there is none, or no such system. */
async function processAt(name: string): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${name}/stat`, "latin1");
    const [pid = ""] = text.split(" ", 1);
    // Its name stands in parentheses and may hold anything.
    const began = text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    return `${pid} ${began}`;
  } catch {
    return undefined;
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

function underWay(what: string, words: string): PortholeError {
  const [pid = ""] = words.split(" ", 1);
  const who = pid === "" ? "another run" : `another run (process ${pid})`;
  return new PortholeError("local", `${what} is under way in ${who}`, {
    hint: "wait until it is done, or end it",
  });
}
