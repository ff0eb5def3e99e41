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
const folders = new Map<string, Promise<void>>();

/** All that was written to the file is on disk. @throws the system's error */
export function syncFile(descriptor: number): Promise<void> {
  return synced(descriptor);
}

/**
 * All names that the folder has when this is called are on disk when it is done; who asks in the same turn shares one
 * sync. @throws the system's error
 */
export function syncFolder(path: FilePath): Promise<void> {
  const key = typeof path === "string" ? path : path.toString("latin1");
  const due = folders.get(key);
  if (due !== undefined) return due;
  const sync = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    folders.delete(key);
    return syncNow(path);
  });
  folders.set(key, sync);
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
