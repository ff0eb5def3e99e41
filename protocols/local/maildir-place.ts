/** Where Maildirs lie: the three folders of one, and Maildir++'s folders of folders, which are flat. */
import { chmod, writeFile } from "node:fs/promises";
import { makeFolders } from "../../src/files/make-folders.js";
import { orFail } from "./failures.js";
import { plusName } from "./mailbox-name.js";
import { isMaildir } from "./maildir-folder.js";
import { folderOf, type LocalPath, placeBelow, textOf } from "./path.js";

/** The last makes it a Maildir. */
const SUBS = ["tmp", "new", "cur"] as const;

/** Makes what is missing of it, for its owner alone. @param plus a folder within a Maildir */
export async function makeMaildir(place: LocalPath, plus: boolean): Promise<void> {
  await orFail(place.shown, async () => {
    makeFolders(place.octets, 0o700);
    await chmod(place.octets, 0o700);
    for (const sub of SUBS) makeFolders(Buffer.concat([place.octets, Buffer.from(`/${sub}`)]), 0o700);
    // Maildir++: delivery agents tell by it that this is no root.
    if (plus) await writeFile(Buffer.concat([place.octets, Buffer.from("/maildirfolder")]), "");
  });
}

/** More levels than anybody's mailboxes have. */
const DEEPEST = 100;

/**
 * The Maildir++ folder that names below a Maildir stand for: `PATH/Lists/tech` is `PATH/.Lists.tech`. Undefined where
 * no Maildir is above, and for a name that is written as a folder's.
 */
export async function plusFolder(place: LocalPath): Promise<LocalPath | undefined> {
  const names: Buffer[] = [];
  let [url, octets] = [place.url, place.octets];
  while (names.length < DEEPEST) {
    const [cut, at] = [url.lastIndexOf("/"), octets.lastIndexOf(0x2f)];
    const name = octets.subarray(at + 1);
    if (name.length === 0 || name[0] === 0x2e) return undefined;
    names.unshift(name);
    url = cut < 0 ? "." : url.slice(0, cut) || "/";
    octets = at < 0 ? Buffer.from(".") : at === 0 ? Buffer.from("/") : octets.subarray(0, at);
    if (await isMaildir(octets)) {
      const { uid, section } = place;
      const root = { ...bare(place), url, octets, shown: textOf(octets) };
      return {
        ...placeBelow(root, plusName(names), place.folder),
        ...(uid === undefined ? {} : { uid }),
        ...(section === undefined ? {} : { section }),
      };
    }
    if (at <= 0) return undefined;
  }
  return undefined;
}

/** The same folder with another last name. */
export function renamed(place: LocalPath, name: Buffer): LocalPath {
  const cut = place.url.lastIndexOf("/");
  const url = cut < 0 ? "." : place.url.slice(0, cut) || "/";
  const parent = { ...bare(place), url, octets: folderOf(place), shown: textOf(folderOf(place)) };
  const { uid, section } = place;
  return {
    ...placeBelow(parent, name, place.folder),
    ...(uid === undefined ? {} : { uid }),
    ...(section === undefined ? {} : { section }),
  };
}

/** The mailbox or folder itself, no message or section of it. */
export function bare({ url, octets, shown, name, folder }: LocalPath): LocalPath {
  return { url, octets, shown, name, folder };
}

/** `.Name`: a folder of the Maildir that it lies in. */
export function isPlusFolder(place: LocalPath): boolean {
  return place.name.length > 1 && place.name[0] === 0x2e && place.name[1] !== 0x2e;
}
