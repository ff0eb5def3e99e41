/** Files and folders as a Session. */
import { constants, type Stats, statSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open, rename, stat } from "node:fs/promises";
import { systemCode } from "../../src/errors.js";
import { existsAlready, isThere, renameOnto } from "../../src/files/atomic-file.js";
import { nameMatcher } from "../../src/files/glob.js";
import type {
  Context,
  Document,
  Entry,
  EntryKind,
  ListQuery,
  ReadQuery,
  Session,
  Source,
  Target,
  WatchEvent,
} from "../../src/plugin.js";
import { changesOf } from "./changes.js";
import { failure, isFolder, isGone, orFail, unlisted } from "./failures.js";
import { entryAt, entryOf } from "./file-entry.js";
import { entriesIn, lookedAt, makeLinkAt, namesIn, removeAt } from "./folder.js";
import { Life } from "./life.js";
import { changed, octetsOf } from "./octets.js";
import { type LocalPath, parseLink, parsePath, placeBelow, textOf } from "./path.js";
import { PipeBody } from "./pipe.js";
import { writeFileAt } from "./place-file.js";

export class FileSession implements Session {
  readonly #target: Target;
  readonly #context: Context;
  readonly #life: Life;

  constructor(target: Target, context: Context) {
    this.#target = target;
    this.#context = context;
    this.#life = new Life(context.signal);
  }

  kindOf(path: string): EntryKind | undefined {
    return path.endsWith("/") ? "directory" : undefined;
  }

  /** Sorted by name; a folder before what is in it, links not followed. A file is its own listing, as with ls. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for await (const entry of this.#walk(parsePath(path), query.recursive === true)) {
      yield entry;
      left -= 1;
      if (left <= 0) return;
    }
  }

  async stat(path: string): Promise<Entry> {
    this.#life.check();
    return entryAt(this.#target, parsePath(path));
  }

  async read(path: string, query: ReadQuery = {}): Promise<Document> {
    this.#life.check();
    const place = parsePath(path);
    // To a file it is all one; a pipe would else be waited for where nobody can leave it.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const handle = await orFail(place.shown, () => open(place.octets, flags));
    try {
      const facts = await handle.stat();
      if (facts.isDirectory()) throw isFolder(place.shown);
      const entry = entryOf(this.#target, place, facts);
      const validator = `${facts.size}-${facts.mtimeMs}`;
      // A size of 0 may mean that nobody counted: /proc is full of such files.
      const counted = facts.isFile() && facts.size > 0;
      const offset = counted ? startOf(query, validator, facts.size) : 0;
      const wholeEnd = counted ? facts.size : undefined;
      const end =
        wholeEnd === undefined || query.length === undefined
          ? wholeEnd
          : Math.min(wholeEnd, offset + query.length);
      return {
        entry,
        type: entry.type ?? "application/octet-stream",
        offset,
        ...(counted ? { total: facts.size } : {}),
        validator,
        filename: entry.name,
        body: this.#life.body(bodyOf(handle, place, { start: offset, end }, facts), () => handle.close()),
      };
    } catch (thrown) {
      await handle.close();
      throw failure(thrown, place.shown);
    }
  }

  async write(path: string, source: Source): Promise<Entry> {
    this.#life.check();
    const place = parsePath(path);
    if (place.folder) throw isFolder(place.shown);
    await writeFileAt(place, source, this.#context.signal);
    const facts = await orFail(place.shown, () => statSync(place.octets));
    return entryOf(this.#target, place, facts);
  }

  async remove(path: string, query: { readonly recursive?: boolean } = {}): Promise<void> {
    await removeAt(parsePath(path), query.recursive === true, this.#life);
  }

  async move(from: string, to: string, query: { readonly replace?: boolean } = {}): Promise<Entry> {
    this.#life.check();
    const source = parsePath(from);
    const place = parsePath(to);
    const facts = await orFail(source.shown, () => lstat(source.octets));
    try {
      if (query.replace === true) await rename(source.octets, place.octets);
      else if (facts.isDirectory()) {
        if (isThere(place.octets)) throw existsAlready(place.shown);
        await rename(source.octets, place.octets);
      } else renameOnto(source.octets, place.octets);
    } catch (thrown) {
      throw failure(thrown, place.shown);
    }
    return entryAt(this.#target, place);
  }

  async makeFolder(path: string): Promise<Entry> {
    this.#life.check();
    const place = parsePath(path);
    await orFail(place.shown, () => mkdir(place.octets));
    return entryAt(this.#target, place);
  }

  async makeLink(path: string, to: string, query: { readonly replace?: boolean } = {}): Promise<Entry> {
    this.#life.check();
    const place = parsePath(path);
    await makeLinkAt(place, parseLink(to), query.replace === true);
    return entryAt(this.#target, place);
  }

  /** By name, below a folder: `*.txt`, `charts/**`, `harbour`. */
  async *search(path: string, words: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const matches = nameMatcher(words);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for await (const entry of this.#walk(parsePath(path), true)) {
      if (!matches(entry.name)) continue;
      yield entry;
      left -= 1;
      if (left <= 0) return;
    }
  }

  /** A file, or what is directly in a folder. */
  async *watch(path: string): AsyncGenerator<WatchEvent, void, undefined> {
    const place = parsePath(path);
    const facts = await orFail(place.shown, () => stat(place.octets));
    const placeOf = (key: string): LocalPath =>
      facts.isDirectory() ? placeBelow(place, Buffer.from(key, "latin1")) : place;
    yield* changesOf(
      {
        places: [place.octets],
        look: async () => this.#marks(place, facts.isDirectory()),
        entry: async (key) => {
          try {
            return await entryAt(this.#target, placeOf(key));
          } catch (thrown) {
            if (isGone(thrown)) return undefined;
            throw thrown;
          }
        },
        gone: (key) => {
          const name = facts.isDirectory() ? textOf(Buffer.from(key, "latin1")) : textOf(place.name);
          const { url } = placeOf(key);
          return { url: this.#target.href(url), name, kind: "other", meta: {} };
        },
      },
      this.#context.signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
  }

  async #marks(place: LocalPath, isDirectory: boolean): Promise<ReadonlyMap<string, string>> {
    const marks = new Map<string, string>();
    const names = isDirectory ? await namesIn(place) : [place.name];
    const looks = lookedAt(names, this.#life, async (name) => {
      const at = isDirectory ? placeBelow(place, name) : place;
      const facts = await lstat(at.octets).catch(() => undefined);
      return facts === undefined ? undefined : { name, facts };
    });
    for await (const { name, facts } of looks) {
      marks.set(name.toString("latin1"), `${facts.size}-${facts.mtimeMs}-${facts.ino}`);
    }
    return marks;
  }

  async *#walk(start: LocalPath, recursive: boolean): AsyncGenerator<Entry, void, undefined> {
    const facts = await orFail(start.shown, () => stat(start.octets));
    if (!facts.isDirectory()) {
      yield await entryAt(this.#target, start);
      return;
    }
    // The last is read next.
    const waiting = [{ folder: start, prefix: "" }];
    let unreadable = 0;
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { folder, prefix } = next;
      const inner: typeof waiting = [];
      let names: Buffer[];
      try {
        names = await namesIn(folder);
      } catch (thrown) {
        if (folder === start) throw thrown;
        if (!isGone(thrown)) {
          unreadable += 1;
          this.#context.warn(failure(thrown, folder.shown).message);
        }
        continue;
      }
      for await (const { place, entry } of entriesIn(this.#target, folder, this.#life, names, prefix)) {
        yield entry;
        if (recursive && entry.kind === "directory") {
          inner.push({ folder: place, prefix: `${entry.name}/` });
        }
      }
      for (const found of inner.reverse()) waiting.push(found);
    }
    if (unreadable > 0) throw unlisted(unreadable);
  }
}

/** To the end that the file had when it was opened, and an error when it is another file by then. */
async function* watchedOctets(
  handle: FileHandle,
  place: LocalPath,
  span: { readonly start: number; readonly end: number | undefined },
  before: Stats,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* octetsOf(handle, span, place.shown);
    if (span.end === undefined) return;
    const after = await handle.stat();
    // A file that only grew, such as a log, was whole when it was opened.
    if (after.mtimeMs !== before.mtimeMs && after.size <= before.size) {
      throw changed(place.shown, "it was written to");
    }
  } catch (thrown) {
    throw systemCode(thrown) === undefined ? thrown : failure(thrown, place.shown);
  }
}

function bodyOf(
  handle: FileHandle,
  place: LocalPath,
  span: { readonly start: number; readonly end: number | undefined },
  facts: Stats,
): AsyncIterable<Buffer> | PipeBody {
  if (!facts.isFIFO() && !facts.isCharacterDevice()) return watchedOctets(handle, place, span, facts);
  const waits = facts.isFIFO() && !isOpenAlready(place);
  return new PipeBody(handle, waits, (thrown) => failure(thrown, place.shown));
}

/** What a shell hands over (`<(command)`, `/dev/stdin`) has had its writer from the start. */
function isOpenAlready({ shown }: LocalPath): boolean {
  return /^\/(?:dev\/(?:fd\/|stdin$)|proc\/)/.test(shown);
}

/** Not within a file that has changed, and not beyond its end. */
function startOf(query: ReadQuery, validator: string, size: number): number {
  const offset = query.offset ?? 0;
  if (query.validator !== undefined && query.validator !== validator) return 0;
  return offset > size ? 0 : offset;
}
