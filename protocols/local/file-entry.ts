/** What a place in the file system is, as an entry. */
import { isUtf8 } from "node:buffer";
import type { Stats } from "node:fs";
import { lstat, readlink, stat } from "node:fs/promises";
import { mediaTypeOf } from "../../src/files/media-type.js";
import type { Entry, EntryKind, Target } from "../../src/plugin.js";
import { encodeOctets } from "../../src/url.js";
import { orFail } from "./failures.js";
import { hrefOf, type LocalPath, nameOf, textOf } from "./path.js";

export function kindOf(facts: Stats): EntryKind {
  if (facts.isFile()) return "file";
  if (facts.isDirectory()) return "directory";
  return facts.isSymbolicLink() ? "link" : "other";
}

/**
 * A symbolic link is shown as one, with what it leads to; size and date are those of the file it leads to, which a
 * read would give.
 * @param name instead of the place's own: that from the folder where a listing began
 * @throws MissingFile
 */
export async function entryAt(target: Target, place: LocalPath, name = nameOf(place)): Promise<Entry> {
  const facts = await orFail(place.shown, () => lstat(place.octets));
  if (!facts.isSymbolicLink()) return entryOf(target, place, facts, name);
  const [to, led] = await Promise.all([
    readlink(place.octets, "buffer").catch(() => Buffer.alloc(0)),
    stat(place.octets).catch(() => undefined),
  ]);
  const type = led?.isFile() ? mediaTypeOf(name) : undefined;
  return {
    url: hrefOf(target, place),
    name,
    kind: "link",
    ...(led?.isFile() ? { size: led.size } : {}),
    modified: (led ?? facts).mtime,
    ...(type === undefined ? {} : { type }),
    meta: {
      target: textOf(to),
      ...(isUtf8(to) ? {} : { targetOctets: encodeOctets(to) }),
      leadsTo: led === undefined ? "nothing" : kindOf(led),
      ...octetsIfNeeded(place),
    },
  };
}

/** What is there behind all links. */
export function entryOf(target: Target, place: LocalPath, facts: Stats, name = nameOf(place)): Entry {
  const kind = kindOf(facts);
  const type = kind === "file" ? mediaTypeOf(name) : undefined;
  return {
    url: hrefOf(target, place, kind === "directory"),
    name,
    kind,
    ...(kind === "file" ? { size: facts.size } : {}),
    modified: facts.mtime,
    ...(type === undefined ? {} : { type }),
    meta: { mode: (facts.mode & 0o7777).toString(8).padStart(4, "0"), ...octetsIfNeeded(place) },
  };
}

/** A name that is no UTF-8 is told octet for octet, as it stands in the URL. */
function octetsIfNeeded(place: LocalPath): { readonly octets?: string } {
  return Buffer.from(textOf(place.name), "utf8").equals(place.name)
    ? {}
    : { octets: encodeOctets(place.name) };
}
