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

/** All that was written to the file is on disk. @throws the system's error */
export function syncFile(descriptor: number): Promise<void> {
  return synced(descriptor);
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
