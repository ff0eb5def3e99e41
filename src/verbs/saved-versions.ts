/**
 * Which version of its original a saved file is: the server's own word for it (an ETag), by which it can be asked for
 * something newer. Kept in the state folder, one small file for each, and believed only as long as the saved file is
 * what it was.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolders } from "../files/make-folders.js";

/** Past so many the oldest are forgotten: all that is lost is one conditional request each. */
const MOST_KEPT = 5000;
const FORGOTTEN_AT_ONCE = 500;

/** What the file was like when its version was written down. */
interface SavedFile {
  readonly path: string;
  readonly size: number;
  readonly modified: Date;
}

/** The version that this file is of that URL, or undefined when nobody knows, or the file is another one by now. */
export async function versionOfSaved(
  stateFolder: string,
  url: string,
  file: SavedFile,
): Promise<string | undefined> {
  try {
    const kept: unknown = JSON.parse(await readFile(placeOf(stateFolder, file.path), "utf8"));
    if (typeof kept !== "object" || kept === null || !("version" in kept)) return undefined;
    const same =
      "url" in kept &&
      kept.url === url &&
      "size" in kept &&
      kept.size === file.size &&
      "modified" in kept &&
      kept.modified === file.modified.getTime();
    return same && typeof kept.version === "string" ? kept.version : undefined;
  } catch {
    // Not there, or damaged: the file's date has to do.
    return undefined;
  }
}

/** Never fails: the document is saved, and to have to fetch it once more is no harm. */
export async function rememberVersion(
  stateFolder: string,
  url: string,
  path: string,
  version: string,
): Promise<void> {
  const place = placeOf(stateFolder, path);
  try {
    const { size, mtime } = await stat(path);
    const folder = folderOf(stateFolder);
    // For their owner alone: names of files tell things too.
    makeFolders(folder, 0o700);
    const facts = { path, url, version, size, modified: mtime.getTime() };
    await writeFile(`${place}.new`, JSON.stringify(facts), { mode: 0o600 });
    await rename(`${place}.new`, place);
    await forgetOldest(folder);
  } catch {
    await rm(`${place}.new`, { force: true }).catch(() => undefined);
  }
}

async function forgetOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= MOST_KEPT) return;
  const aged = await Promise.all(
    names.map(async (name) => {
      const facts = await stat(join(folder, name)).catch(() => undefined);
      return { name, at: facts?.mtimeMs ?? 0 };
    }),
  );
  const oldest = aged.sort((a, b) => a.at - b.at).slice(0, FORGOTTEN_AT_ONCE);
  for (const { name } of oldest) await rm(join(folder, basename(name)), { force: true });
}

function folderOf(stateFolder: string): string {
  return join(stateFolder, "saved");
}

function placeOf(stateFolder: string, path: string): string {
  return join(folderOf(stateFolder), `${createHash("sha256").update(path).digest("hex").slice(0, 32)}.json`);
}
