/** What was written, put on disk, so that it survives a power cut. */
import { closeSync, fsync, openSync } from "node:fs";
import { promisify } from "node:util";
import { systemCode } from "../errors.js";

/** Octets where a name may not be UTF-8. */
export type FilePath = string | Buffer;

/** What a system says that lets no folder be synced. */
const NOT_HERE: ReadonlySet<string> = new Set(["EISDIR", "EINVAL", "EPERM", "EACCES", "EBADF", "ENOTSUP"]);

const synced = promisify(fsync);

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

interface WaitingFile extends Waiting {
  readonly descriptor: number;
}

interface WaitingFolder {
  readonly path: FilePath;
  readonly who: Waiting[];
}

/** So many that may wait go together, or as many as there are after this time without another (milliseconds). */
const ENOUGH = 64;
const QUIET_MS = 10;

let files: WaitingFile[] = [];
/** By path. */
let folders = new Map<string, WaitingFolder>();
/** None of those who wait is held up by it. */
let allMayWait = true;
/** The disk is being written. */
let writing: Promise<void> | undefined;
let quiet: NodeJS.Timeout | undefined;
/** So many have said that they go on making files. */
let following = 0;

/**
 * All that was written to the file is on disk. What comes to it while the disk is being written goes together after that, as
 * many at once as there are threads: the file system writes its journal for all that wait.
 * @param mayWait others follow soon, and nobody is held up by this one
 * @throws the system's error
 */
export function syncFile(descriptor: number, mayWait = false): Promise<void> {
  return new Promise((resolve, reject) => {
    files.push({ descriptor, resolve, reject });
    consider(mayWait);
  });
}

/**
 * All names that the folder has when this is called are on disk when it is done.
 * @param mayWait as in syncFile
 * @throws the system's error
 */
export function syncFolder(path: FilePath, mayWait = false): Promise<void> {
  return new Promise((resolve, reject) => {
    const key = typeof path === "string" ? path : path.toString("latin1");
    const folder = folders.get(key) ?? { path, who: [] };
    folder.who.push({ resolve, reject });
    folders.set(key, folder);
    consider(mayWait);
  });
}

/**
 * From now on files follow each other, and those that may wait do so. Until what it returns is called: then what waits has
 * nothing more to wait for.
 */
export function filesFollow(): () => void {
  following += 1;
  return () => {
    following -= 1;
    if (following === 0 && files.length + folders.size > 0) consider(false);
  };
}

/** What has been written so far is on its way, and nobody waits for it. */
export async function syncAhead(descriptor: number): Promise<void> {
  await synced(descriptor).catch(() => undefined);
}

/**
 * When files can be made without waiting for the journal: while it is written the system lets none be made, and whoever tries
 * stands still, and all of the program with them. Undefined: now.
 */
export function roomForFiles(): Promise<void> | undefined {
  return writing;
}

function consider(mayWait: boolean): void {
  allMayWait &&= mayWait && following > 0;
  if (writing !== undefined) return;
  if (!allMayWait || files.length + folders.size >= ENOUGH) write();
  else if (quiet === undefined) quiet = setTimeout(write, QUIET_MS);
  else quiet.refresh();
}

function write(): void {
  clearTimeout(quiet);
  quiet = undefined;
  // Who asks in the same turn goes along.
  writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(writeAll).then(() => {
    writing = undefined;
    if (files.length + folders.size > 0) consider(allMayWait);
  });
}

async function writeAll(): Promise<void> {
  const [together, named] = [files, folders];
  files = [];
  folders = new Map();
  allMayWait = true;
  await Promise.all([...together.map(writeFile), ...[...named.values()].map(writeFolder)]);
}

function writeFile({ descriptor, resolve, reject }: WaitingFile): Promise<void> {
  return new Promise((done) => {
    fsync(descriptor, (error) => {
      if (error) reject(error);
      else resolve();
      done();
    });
  });
}

async function writeFolder({ path, who }: WaitingFolder): Promise<void> {
  try {
    await folderSynced(path);
    for (const { resolve } of who) resolve();
  } catch (thrown) {
    for (const { reject } of who) reject(thrown);
  }
}

async function folderSynced(path: FilePath): Promise<void> {
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
