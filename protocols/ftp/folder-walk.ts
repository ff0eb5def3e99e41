/** A folder and, when wanted, all beneath it; or what in it has a name of a pattern. */
import { messageOf, PortholeError } from "../../src/errors.js";
import { globMatcher } from "../../src/files/glob.js";
import type { Control } from "./control.js";
import type { FolderReader } from "./folder.js";
import type { Listed } from "./listing.js";
import { type FtpPath, parsePath, pathBelow, pathOf, placeBelow, shownName, shownPath } from "./path.js";
import { findAt } from "./standing.js";

export interface WalkedFile {
  /** The URL's path, as pathBelow makes it. */
  readonly path: string;
  readonly listed: Listed;
  /** From the folder asked for: `charts/bay.txt`. */
  readonly name: string;
}

export interface FolderWalkOptions {
  readonly recursive: boolean;
  readonly warn: (text: string) => void;
  /** By its last name; all when absent. */
  readonly takes?: (name: string) => boolean;
  /** What is left out of the listing is an error, after all others. */
  readonly whole?: boolean;
}

/** A folder that is still to be read. */
interface Waiting {
  readonly folder: FtpPath;
  /** What the names of its entries begin with: `charts/north/`. */
  readonly prefix: string;
}

/** Whether a name is of a pattern: `*`, `?`, `[a-z]`, `{a,b}`. @throws PortholeError `usage` */
export function matchesFor(pattern: string): (name: string) => boolean {
  return globMatcher(pattern);
}

/** Folders before what is in them. A last name with `*`, `?` or `[` is a pattern, unless something is called so. */
export function walkFolders(
  control: Control,
  folders: FolderReader,
  start: FtpPath,
  options: FolderWalkOptions,
): AsyncGenerator<WalkedFile> {
  const pattern = patternOf(start);
  return pattern === undefined
    ? walk(control, folders, start, options)
    : walkMatching(control, folders, start, pattern, options);
}

async function* walkMatching(
  control: Control,
  folders: FolderReader,
  start: FtpPath,
  pattern: Pattern,
  options: FolderWalkOptions,
): AsyncGenerator<WalkedFile> {
  let found = false;
  const takes = options.takes ?? matchesFor(pattern.name);
  try {
    for await (const one of walk(control, folders, pattern.folder, { ...options, takes })) {
      found = true;
      yield one;
    }
  } catch (thrown) {
    // What has the pattern for a name may be there all the same.
    if (found || !isUnavailable(thrown)) throw thrown;
  }
  if (!found) yield* walk(control, folders, start, options);
}

async function* walk(
  control: Control,
  folders: FolderReader,
  start: FtpPath,
  { recursive, warn, takes, whole }: FolderWalkOptions,
): AsyncGenerator<WalkedFile> {
  // The last is read next.
  const waiting: Waiting[] = [{ folder: start, prefix: "" }];
  let failed = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { folder, prefix } = next;
    const inner: Waiting[] = [];
    try {
      for await (const together of folders.entries(folder, whole)) {
        for (const listed of together) {
          const isDirectory = listed.kind === "directory";
          const own = shownName(folder, listed.name);
          const name = `${prefix}${own}`;
          if (recursive && isDirectory) {
            inner.push({ folder: placeBelow(folder, listed.name, true), prefix: `${name}/` });
          }
          if (takes === undefined || takes(own)) {
            yield { path: pathBelow(folder, listed.name, isDirectory), listed, name };
          }
        }
      }
    } catch (thrown) {
      if (folder === start) {
        yield* fileInstead(control, start, thrown);
        return;
      }
      if (!isUnavailable(thrown)) throw thrown;
      failed += 1;
      warn(`${shownPath(folder)}: ${thrown.reply ?? messageOf(thrown)}`);
    }
    for (const found of inner.reverse()) waiting.push(found);
  }
  if (failed > 0) throw new PortholeError("partial", `${failed} folders could not be listed`);
}

/** A file is its own listing, as with ls. */
async function* fileInstead(control: Control, place: FtpPath, thrown: unknown): AsyncGenerator<WalkedFile> {
  if (!isUnavailable(thrown)) throw thrown;
  const found = await findAt(control, place);
  if (found === undefined || found.kind === "directory") throw thrown;
  yield { path: pathOf(place, false), listed: found, name: shownName(place, found.name) };
}

function isUnavailable(thrown: unknown): thrown is PortholeError {
  return thrown instanceof PortholeError && ["missing", "refused"].includes(thrown.code);
}

interface Pattern {
  readonly folder: FtpPath;
  readonly name: string;
}

function patternOf(place: FtpPath): Pattern | undefined {
  // What is written %2A is a star of the name.
  const [, above, written = ""] = /^(.*\/)?([^/]*)$/s.exec(place.url) ?? [];
  if (place.folder || !/[*?]|\[.+\]/.test(written)) return undefined;
  const folder = parsePath(above ?? "/", place.names);
  return { folder: { ...folder, folder: true }, name: shownName(place, place.last) };
}
