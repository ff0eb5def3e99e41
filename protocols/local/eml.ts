/** Messages in files of their own: one file, or a folder of such. */
import { type FileHandle, lstat, mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { systemCode } from "../../src/errors.js";
import { existsAlready, isThere, renameOnto } from "../../src/files/atomic-file.js";
import { parseHeader, summaryOf } from "../../src/message/headers.js";
import type { Context, Entry, EntryKind, Source, Target } from "../../src/plugin.js";
import { safeFileName } from "../../src/text/filename.js";
import type { Watched } from "./changes.js";
import { failure, isFolder, isGone, orFail } from "./failures.js";
import { lookedAt, namesIn, removeAt } from "./folder.js";
import type { Life } from "./life.js";
import { HEADER_OCTETS, messageEntry } from "./message-entry.js";
import type { MessageStore, OpenMessage, StoreListing } from "./message-store.js";
import { octetsOf } from "./octets.js";
import { hrefOf, type LocalPath, nameOf, placeBelow, textOf } from "./path.js";
import { writeFileAt } from "./place-file.js";

const ENDING = /\.(?:eml|msg|mht|mhtml|nws)$/i;

export class EmlStore implements MessageStore {
  readonly #target: Target;
  readonly #context: Context;
  readonly #life: Life;

  constructor(target: Target, context: Context, life: Life) {
    this.#target = target;
    this.#context = context;
    this.#life = life;
  }

  kindOf(place: LocalPath): EntryKind | undefined {
    if (place.folder) return "mailbox";
    return ENDING.test(textOf(place.name)) ? "message" : undefined;
  }

  async isMessage(place: LocalPath): Promise<boolean> {
    return !(await orFail(place.shown, () => stat(place.octets))).isDirectory();
  }

  async *list(place: LocalPath, ways: StoreListing): AsyncGenerator<Entry, void, undefined> {
    const { recursive = false, prefix = "" } = ways;
    const names = await namesIn(place);
    yield* lookedAt(names, this.#life, (name) => this.#listed(placeBelow(place, name), prefix));
    if (!recursive) return;
    for (const name of names) {
      const inner = placeBelow(place, name, true);
      const facts = await lstat(inner.octets).catch(() => undefined);
      if (facts?.isDirectory()) yield* this.list(inner, { recursive, prefix: `${prefix}${textOf(name)}/` });
    }
  }

  async stat(place: LocalPath): Promise<Entry> {
    const facts = await orFail(place.shown, () => stat(place.octets));
    if (facts.isDirectory()) return this.#folderEntry(place, "");
    const message = await this.open(place);
    await message.release();
    return message.entry;
  }

  async open(place: LocalPath): Promise<OpenMessage> {
    const handle = await orFail(place.shown, () => open(place.octets, "r"));
    try {
      return await this.#opened(place, handle, "");
    } catch (thrown) {
      await handle.close();
      throw failure(thrown, place.shown);
    }
  }

  /** To a file; into a folder under a name made of the message's date and subject. */
  async write(place: LocalPath, source: Source): Promise<Entry> {
    const facts = await stat(place.octets).catch((thrown: unknown) => {
      if (systemCode(thrown) === "ENOENT") return undefined;
      throw failure(thrown, place.shown);
    });
    if (facts?.isDirectory() !== true && !place.folder) {
      await writeFileAt(place, source, this.#context.signal);
      return this.stat(place);
    }
    const waiting = placeBelow(place, Buffer.from(`.${Date.now().toString(36)}-${counter++}.eml.new`));
    await writeFileAt(waiting, { ...source, replace: true }, this.#context.signal);
    return this.#named(place, waiting);
  }

  async remove(place: LocalPath, recursive: boolean): Promise<void> {
    await removeAt(place, recursive, this.#life);
  }

  async move(from: LocalPath, to: LocalPath, replace: boolean): Promise<Entry> {
    const facts = await orFail(from.shown, () => lstat(from.octets));
    const onto = await stat(to.octets).catch(() => undefined);
    const place = onto?.isDirectory() && !facts.isDirectory() ? placeBelow(to, from.name) : to;
    if (!replace && isThere(place.octets)) throw existsAlready(place.shown);
    await orFail(place.shown, () =>
      replace || facts.isDirectory()
        ? rename(from.octets, place.octets)
        : renameOnto(from.octets, place.octets),
    );
    return this.stat(place);
  }

  async makeFolder(place: LocalPath): Promise<Entry> {
    await orFail(place.shown, () => mkdir(place.octets));
    return this.#folderEntry(place, "");
  }

  async watched(place: LocalPath): Promise<Watched> {
    const alone = await this.isMessage(place);
    const placeOf = (key: string) => (alone ? place : placeBelow(place, Buffer.from(key, "latin1")));
    return {
      places: [place.octets],
      look: async () => {
        const marks = new Map<string, string>();
        for (const name of alone ? [place.name] : await namesIn(place)) {
          if (!alone && !isEml(name)) continue;
          const key = name.toString("latin1");
          const facts = await stat(placeOf(key).octets).catch(() => undefined);
          if (facts !== undefined) marks.set(key, `${facts.size}-${facts.mtimeMs}-${facts.ino}`);
        }
        return marks;
      },
      entry: async (key) => {
        try {
          return await this.stat(placeOf(key));
        } catch (thrown) {
          if (isGone(thrown)) return undefined;
          throw thrown;
        }
      },
      gone: (key) => {
        const at = placeOf(key);
        return { url: hrefOf(this.#target, at), name: nameOf(at), kind: "message", meta: {} };
      },
    };
  }

  /** What counts of a folder: folders, and files that end in .eml; undefined for all else and for what has gone. */
  async #listed(place: LocalPath, prefix: string): Promise<Entry | undefined> {
    try {
      const facts = await lstat(place.octets);
      if (facts.isDirectory()) return this.#folderEntry(place, prefix);
      if (!isEml(place.name)) return undefined;
      const handle = await open(place.octets, "r");
      try {
        return (await this.#opened(place, handle, prefix)).entry;
      } finally {
        await handle.close();
      }
    } catch (thrown) {
      if (isGone(thrown)) return undefined;
      throw failure(thrown, place.shown);
    }
  }

  async #opened(place: LocalPath, handle: FileHandle, prefix: string): Promise<OpenMessage> {
    const facts = await handle.stat();
    if (facts.isDirectory()) throw isFolder(place.shown);
    const room = Math.min(HEADER_OCTETS, facts.size);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(room), 0, room, 0);
    const { section: _section, ...whole } = place;
    const entry = await messageEntry({
      url: hrefOf(this.#target, whole),
      header: parseHeader(buffer.subarray(0, bytesRead)),
      size: facts.size,
      arrived: facts.mtime,
      flags: [],
      meta: { file: nameOf(place) },
      prefix,
    });
    return {
      entry,
      size: facts.size,
      validator: `${facts.size}-${facts.mtimeMs}`,
      octets: (from) => octetsOf(handle, { start: from, end: facts.size }, place.shown),
      release: () => handle.close(),
    };
  }

  /** Gives a message that lies in a folder its name there, another one when that is taken. */
  async #named(folder: LocalPath, waiting: LocalPath): Promise<Entry> {
    try {
      const { header } = await this.#headOf(waiting);
      const { subject, date } = await summaryOf(header);
      const day = (date ?? new Date()).toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");
      const words = safeFileName(subject ?? "", { fallback: "message" })
        .slice(0, 60)
        .trimEnd();
      for (let copy = 1; ; copy++) {
        const name = `${day} ${words}${copy === 1 ? "" : ` (${copy})`}.eml`;
        const place = placeBelow(folder, Buffer.from(name));
        try {
          renameOnto(waiting.octets, place.octets);
          return await this.stat(place);
        } catch (thrown) {
          if (systemCode(thrown) !== "EEXIST") throw failure(thrown, place.shown);
        }
      }
    } catch (thrown) {
      await unlink(waiting.octets).catch(() => undefined);
      throw thrown;
    }
  }

  async #headOf(place: LocalPath): Promise<{ header: ReturnType<typeof parseHeader> }> {
    await using handle = await orFail(place.shown, () => open(place.octets, "r"));
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_OCTETS), 0, HEADER_OCTETS, 0);
    return { header: parseHeader(buffer.subarray(0, bytesRead)) };
  }

  #folderEntry(place: LocalPath, prefix: string): Entry {
    return {
      url: hrefOf(this.#target, place, true),
      name: `${prefix}${nameOf(place)}`,
      kind: "mailbox",
      meta: {},
    };
  }
}

let counter = 0;

function isEml(name: Buffer): boolean {
  return name[0] !== 0x2e && ENDING.test(textOf(name));
}
