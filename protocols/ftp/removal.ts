/** Removing: a file, a folder, and a folder with all that is in it. */
import { PortholeError } from "../../src/errors.js";
import type { Control } from "./control.js";
import type { FolderReader } from "./folder.js";
import type { Listed } from "./listing.js";
import { type FtpPath, placeBelow, shownPath } from "./path.js";
import { Refusal, refusal } from "./refusal.js";
import { findAt } from "./standing.js";

/** Commands whose answers are not waited for: few enough that neither side's buffers fill. */
const AHEAD = 32;
/** Names that are held at a time. */
const BATCH = 1000;

/**
 * DELE comes first, whatever a listing says: it takes a link away and leaves what the link leads to, which
 * entering it and removing all that is in there would not.
 * @throws PortholeError `missing`, `refused`
 */
export async function removeAt(
  control: Control,
  folders: FolderReader,
  path: FtpPath,
  recursive: boolean,
): Promise<void> {
  if (path.octets === "") {
    throw new PortholeError("usage", `${shownPath(path)} itself is never removed`, {
      hint: "name a folder in it",
    });
  }
  const pathname = await control.pathname(path);
  const deleted = await control.ask(`DELE ${pathname}`);
  if (deleted.code < 300) return;
  if (deleted.code < 500) throw refusal(deleted);
  const found = await findAt(control, path);
  if (found === undefined) throw refusal(deleted, "missing");
  if (found.kind !== "directory") throw refusal(deleted);
  if (recursive) await empty(control, folders, path);
  // Some servers do not remove the folder that the session is in.
  await control.ask(`CWD ${pathname.replace(/\/[^/]*$/, "") || "/"}`);
  const removed = await control.ask(`RMD ${pathname}`);
  if (removed.code < 300) return;
  if (recursive) throw refusal(removed);
  throw new Refusal(removed, "refused", "a folder that is not empty goes with -r");
}

async function empty(control: Control, folders: FolderReader, folder: FtpPath): Promise<void> {
  let before = new Set<string>();
  for (;;) {
    const batch = await take(folders, folder);
    const again = batch.find(({ name }) => before.has(name));
    if (again !== undefined) {
      throw new PortholeError("protocol", "the server says that a file is removed, and lists it again");
    }
    for (const { name, kind } of await leftAfterDeleting(control, folder, batch)) {
      await removeAt(control, folders, placeBelow(folder, name, kind === "directory"), true);
    }
    if (batch.length < BATCH) return;
    before = new Set(batch.map(({ name }) => name));
  }
}

/**
 * DELE for all that are no folders, sent ahead.
 * @returns folders, and what was not deleted: asked for again one by one, it is told why not
 */
async function leftAfterDeleting(
  control: Control,
  folder: FtpPath,
  batch: readonly Listed[],
): Promise<Listed[]> {
  const left = batch.filter(({ kind }) => kind === "directory");
  const files = batch.filter(({ kind }) => kind !== "directory");
  for (let at = 0; at < files.length; at += AHEAD) {
    const some = files.slice(at, at + AHEAD);
    const names = await Promise.all(
      some.map(({ name }) => control.pathname(placeBelow(folder, name, false))),
    );
    const replies = await control.askTogether(names.map((name) => `DELE ${name}`));
    left.push(...some.filter((_, index) => (replies[index]?.code ?? 500) >= 300));
  }
  return left;
}

async function take(folders: FolderReader, folder: FtpPath): Promise<Listed[]> {
  const batch: Listed[] = [];
  for await (const listed of folders.entries(folder)) {
    batch.push(...listed.slice(0, BATCH - batch.length));
    if (batch.length === BATCH) break;
  }
  return batch;
}
