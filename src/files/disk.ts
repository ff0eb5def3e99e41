/** What was written, put on disk, so that it survives a power cut. */
import { closeSync, fsync, openSync } from "node:fs";
import { promisify } from "node:util";
import { systemCode } from "../errors.js";

/** Octets where a name may not be UTF-8. */
export type FilePath = string | Buffer;

/** What a system says that lets no folder be synced. */
const NOT_HERE: ReadonlySet<string> = new Set(["EISDIR", "EINVAL", "EPERM", "EACCES", "EBADF", "ENOTSUP"]);

const synced = promisify(fsync);

/** Folders that will be synced in a moment, by path: names given until then go with them. */
const due = new Map<string, Promise<void>>();
/** Folders that are being synced now. */
const syncing = new Map<string, Promise<void>>();

/** A file that waits to be synced. */
interface Waiting {
  readonly descriptor: number;
  /** Others follow: it goes when there are enough of them, or no more come. */
  readonly mayWait: boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** So many that may wait go together, or as many as there are after this time without another (milliseconds). */
const ENOUGH = 64;
const QUIET_MS = 10;

const waiting: Waiting[] = [];
let isSyncing = false;
let quiet: NodeJS.Timeout | undefined;

/**
 * All that was written to the file is on disk. Files that come to it while others are being synced go together, as many
 * at once as there are threads: the file system writes its journal for all that wait. While it is written, files cannot be
 * made; so it is better written seldom.
 * @param mayWait others follow soon, and nobody is held up by this one
 * @throws the system's error
 */
export function syncFile(descriptor: number, mayWait = false): Promise<void> {
  return new Promise((resolve, reject) => {
    waiting.push({ descriptor, mayWait, resolve, reject });
    considerSync();
  });
}

/** What has been written so far is on its way, and nobody waits for it. */
export async function syncAhead(descriptor: number): Promise<void> {
  await synced(descriptor).catch(() => undefined);
}

function considerSync(): void {
  if (isSyncing || waiting.length === 0) return;
  clearTimeout(quiet);
  if (waiting.length < ENOUGH && waiting.every(({ mayWait }) => mayWait)) {
    quiet = setTimeout(() => void syncWaiting(), QUIET_MS);
  } else void syncWaiting();
}

async function syncWaiting(): Promise<void> {
  if (isSyncing) return;
  isSyncing = true;
  // Who asks in the same turn goes along.
  await new Promise<void>((resolve) => setImmediate(resolve));
  await Promise.all(waiting.splice(0).map(syncOne));
  isSyncing = false;
  considerSync();
}

function syncOne({ descriptor, resolve, reject }: Waiting): Promise<void> {
  return new Promise((done) => {
    fsync(descriptor, (error) => {
      if (error) reject(error);
      else resolve();
      done();
    });
  });
}

/**
 * All names that the folder has when this is called are on disk when it is done; who asks in the same turn, or while the
 * folder is being synced, shares the next sync. @throws the system's error
 */
export function syncFolder(path: FilePath): Promise<void> {
  const key = typeof path === "string" ? path : path.toString("latin1");
  const next = due.get(key);
  if (next !== undefined) return next;
  // Its failure is told to those who waited for it.
  const before =
    syncing.get(key)?.catch(() => undefined) ?? new Promise<void>((resolve) => setImmediate(resolve));
  const sync = before.then(() => {
    due.delete(key);
    const now = syncNow(path).finally(() => {
      if (syncing.get(key) === now) syncing.delete(key);
    });
    syncing.set(key, now);
    return now;
  });
  due.set(key, sync);
  return sync;
}

async function syncNow(path: FilePath): Promise<void> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    await synced(descriptor);
  } catch (thrown) {
    if (!NOT_HERE.has(systemCode(thrown) ?? "")) throw thrown;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
