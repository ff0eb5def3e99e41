/** Folders: what is in them, in an order that holds, and what becomes of them. */
import { lstat, readdir, rename, rm, rmdir, symlink, unlink } from "node:fs/promises";
import { PortholeError, systemCode } from "../../src/errors.js";
import { existsAlready, isThere } from "../../src/files/atomic-file.js";
import type { Entry, Target } from "../../src/plugin.js";
import { failure, isGone, orFail } from "./failures.js";
import { entryAt } from "./file-entry.js";
import type { Life } from "./life.js";
import { type LocalPath, placeBelow, textOf } from "./path.js";
import { partOf } from "./place-file.js";

/** Entries that are looked at together: the file system answers several as soon as one. */
const AT_ONCE = 64;

/** The names in a folder, as octets, sorted. @throws MissingFile */
export async function namesIn(place: LocalPath): Promise<Buffer[]> {
  const names = await orFail(place.shown, () => readdir(place.octets, "buffer"));
  return names.sort((one, other) => one.compare(other));
}

/** What `look` gives for each, in order; what it gives nothing for is left out. */
export async function* lookedAt<T, R>(
  items: readonly T[],
  life: Life,
  look: (item: T) => Promise<R | undefined>,
): AsyncGenerator<R, void, undefined> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    life.check();
    const found = await Promise.all(items.slice(at, at + AT_ONCE).map(look));
    for (const one of found) if (one !== undefined) yield one;
  }
}

/** A folder's entries; what goes away meanwhile is left out. */
export function entriesIn(
  target: Target,
  folder: LocalPath,
  life: Life,
  names: readonly Buffer[],
  prefix = "",
): AsyncGenerator<{ place: LocalPath; entry: Entry }, void, undefined> {
  return lookedAt(names, life, async (name) => {
    const place = placeBelow(folder, name);
    try {
      return { place, entry: await entryAt(target, place, `${prefix}${textOf(name)}`) };
    } catch (thrown) {
      if (isGone(thrown)) return undefined;
      throw thrown;
    }
  });
}

/** Makes a symbolic link; one that is replaced is replaced at once. @throws PortholeError `local` */
export async function makeLinkAt(place: LocalPath, to: Buffer, replace: boolean): Promise<void> {
  if (!replace) {
    if (isThere(place.octets)) throw existsAlready(place.shown);
    await orFail(place.shown, () => symlink(to, place.octets));
    return;
  }
  const part = partOf(place);
  await orFail(place.shown, async () => {
    await rm(part, { force: true });
    await symlink(to, part);
    await rename(part, place.octets);
  });
}

/**
 * Removes a file, a link (never what it leads to), an empty folder, or with `recursive` a folder and all that is in it.
 * @throws PortholeError
 */
export async function removeAt(place: LocalPath, recursive: boolean, life: Life): Promise<void> {
  life.check();
  if (/^(?:\/|~|\.{1,2})$|\/\.{1,2}$/.test(place.shown)) {
    throw new PortholeError("usage", `'${place.shown}' is not removed`, { hint: "name the folder itself" });
  }
  const facts = await orFail(place.shown, () => lstat(place.octets));
  if (!facts.isDirectory()) {
    await orFail(place.shown, () => unlink(place.octets));
    return;
  }
  if (recursive) {
    for (const name of await namesIn(place)) {
      try {
        await removeAt(placeBelow(place, name), true, life);
      } catch (thrown) {
        if (!isGone(thrown)) throw thrown;
      }
    }
  }
  try {
    await rmdir(place.octets);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOTEMPTY" && !recursive) {
      throw new PortholeError("local", `${place.shown}: the folder is not empty`, {
        hint: "-r removes it with all that is in it",
      });
    }
    throw failure(thrown, place.shown);
  }
}
