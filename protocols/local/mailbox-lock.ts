/**
 * The lock of an mbox file: `FILE.lock`, made so that only one program can. Node has no fcntl locks, so what other
 * programs must heed is this file, as procmail, mutt and Dovecot do.
 */
import { access, open, readFile, readlink, rm, stat, truncate, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { abortReason, PortholeError, systemCode } from "../../src/errors.js";
import { failure } from "./failures.js";
import type { LocalPath } from "./path.js";

/** Milliseconds after which a lock that nobody touches was left by a program that is no more. */
const STALE_MS = 5 * 60_000;
const TOUCH_MS = 30_000;
const PATIENCE_MS = 30_000;
const RETRY_MS = 100;

/** Held until it is released. */
export class MailboxLock {
  readonly #path: Buffer;
  readonly #touch: NodeJS.Timeout;

  private constructor(path: Buffer) {
    this.#path = path;
    this.#touch = setInterval(() => {
      const now = new Date();
      // One that cannot be touched is at worst taken for stale.
      utimes(path, now, now).catch(() => undefined);
    }, TOUCH_MS);
    this.#touch.unref();
  }

  /**
   * Waits for it up to half a minute. What a killed run of our own left half-written is cut off first.
   * @throws PortholeError `busy` when another program keeps it, `local` when none can be made
   */
  static async take(place: LocalPath, signal: AbortSignal): Promise<MailboxLock> {
    const path = Buffer.concat([place.octets, Buffer.from(".lock")]);
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      if (signal.aborted) throw abortReason(signal);
      if (await made(path, place)) return new MailboxLock(path);
      if (await takeAway(path, place)) continue;
      if (Date.now() > until) {
        throw new PortholeError("busy", `${place.shown} is locked by another program`, {
          hint: `${place.shown}.lock goes away when that program is done with it`,
        });
      }
      await pause(RETRY_MS);
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#touch);
    await rm(this.#path, { force: true });
  }
}

interface Holder {
  readonly host: string;
  readonly pid: string;
  /** Octets that the file had before the holder wrote. */
  readonly size: number;
}

async function made(path: Buffer, place: LocalPath): Promise<boolean> {
  try {
    await using file = await open(path, "wx");
    const pid = await ownPid();
    // Only now nobody else writes.
    const size = await stat(place.octets).then(
      (facts) => facts.size,
      () => 0,
    );
    await file.writeFile(`porthole ${hostname()} ${pid} ${size}\n`);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "EEXIST") return false;
    throw failure(thrown, `${place.shown}.lock`);
  }
}

/** Empty where the system does not tell: then only the lock's age counts. */
async function ownPid(): Promise<string> {
  return readlink("/proc/self").catch(() => "");
}

/** Removes a lock whose holder is no more. @returns true when there may be none now */
async function takeAway(path: Buffer, place: LocalPath): Promise<boolean> {
  try {
    const [facts, text] = await Promise.all([stat(path), readFile(path, "utf8")]);
    const holder = holderIn(text);
    const dead = holder !== undefined && holder.host === hostname() && (await isDead(holder.pid));
    if (!dead && Date.now() - facts.mtimeMs < STALE_MS) return false;
    if (dead) await truncate(place.octets, Math.min(holder.size, (await stat(place.octets)).size));
    await rm(path, { force: true });
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return true;
    throw failure(thrown, `${place.shown}.lock`);
  }
}

function holderIn(text: string): Holder | undefined {
  const [, host, pid, size] = /^porthole (\S+) (\d+) (\d{1,15})\n$/.exec(text) ?? [];
  return host === undefined || pid === undefined ? undefined : { host, pid, size: Number(size) };
}

function isDead(pid: string): Promise<boolean> {
  return access(`/proc/${pid}`).then(
    () => false,
    (thrown: unknown) => systemCode(thrown) === "ENOENT",
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
