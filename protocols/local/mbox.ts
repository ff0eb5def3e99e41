/** mbox files as a place that keeps messages; a folder of them is a place that keeps mailboxes. */
import { type FileHandle, lstat, mkdir, open, rename, stat, writeFile } from "node:fs/promises";
import { PortholeError, systemCode } from "../../src/errors.js";
import { existsAlready, isThere, renameOnto } from "../../src/files/atomic-file.js";
import type { Context, Entry, EntryKind, Source, Target } from "../../src/plugin.js";
import type { Watched } from "./changes.js";
import { failure, orFail } from "./failures.js";
import { flagsOfStatus } from "./flags.js";
import { namesIn, removeAt } from "./folder.js";
import type { Life } from "./life.js";
import { noMailbox } from "./maildir-folder.js";
import { type AskedFormat, contentOf, formatOf, messagesIn } from "./mbox-file.js";
import { dateOfFromLine, isFromLine, type Located, type MboxFormat } from "./mbox-scanner.js";
import { appendMessage, removeMessages } from "./mbox-write.js";
import { messageEntry } from "./message-entry.js";
import { MESSAGE_TYPE, type MessageStore, type OpenMessage, type StoreListing } from "./message-store.js";
import { hrefOf, type LocalPath, nameOf, placeBelow } from "./path.js";

export class MboxStore implements MessageStore {
  readonly #target: Target;
  readonly #context: Context;
  readonly #life: Life;
  readonly #asked: AskedFormat;

  constructor(target: Target, context: Context, life: Life) {
    this.#target = target;
    this.#context = context;
    this.#life = life;
    const asked = context.options["mbox-format"];
    this.#asked = asked === "mboxrd" || asked === "mboxo" || asked === "mboxcl2" ? asked : "auto";
  }

  kindOf(place: LocalPath): EntryKind {
    return place.uid === undefined ? "mailbox" : "message";
  }

  async isMessage(place: LocalPath): Promise<boolean> {
    return place.uid !== undefined;
  }

  async *list(place: LocalPath, ways: StoreListing): AsyncGenerator<Entry, void, undefined> {
    const { recursive = false, prefix = "" } = ways;
    const facts = await orMissing(place, () => stat(place.octets));
    if (facts.isDirectory()) {
      yield* this.#mailboxes(place, recursive, prefix);
      return;
    }
    await using file = await this.#open(place);
    for await (const message of messagesIn(file.handle, file.size, file.format, this.#life)) {
      yield await this.#entry(place, message, prefix);
    }
  }

  async stat(place: LocalPath): Promise<Entry> {
    if (place.uid !== undefined) {
      await using file = await this.#open(place);
      return this.#entry(place, await this.#find(file, place), "");
    }
    const facts = await orMissing(place, () => stat(place.octets));
    const isFolder = facts.isDirectory();
    return {
      url: hrefOf(this.#target, bare(place), isFolder),
      name: nameOf(place),
      kind: isFolder ? "directory" : "mailbox",
      ...(isFolder ? {} : { size: facts.size }),
      modified: facts.mtime,
      meta: {},
    };
  }

  async open(place: LocalPath): Promise<OpenMessage> {
    if (place.uid === undefined) {
      throw new PortholeError("local", `${place.shown}: is a mailbox`, { hint: "ls lists it" });
    }
    const file = await this.#open(place);
    try {
      const message = await this.#find(file, place);
      return {
        entry: await this.#entry(place, message, ""),
        size: message.size,
        validator: `${message.mark}-${message.size}`,
        octets: (from) => behind(contentOf(file.handle, message, file.format, place.shown), from),
        release: () => file.handle.close(),
      };
    } catch (thrown) {
      await file.handle.close();
      throw thrown;
    }
  }

  async write(place: LocalPath, source: Source): Promise<Entry> {
    if (place.uid !== undefined) {
      throw new PortholeError("usage", "a message in an mbox file is not written over", {
        hint: "write to the file, and the message is put at its end",
      });
    }
    const facts = await stat(place.octets).catch((thrown: unknown) => {
      if (systemCode(thrown) === "ENOTDIR") throw noneWithin(place, thrown);
      return undefined;
    });
    if (facts !== undefined && !facts.isFile()) {
      throw new PortholeError("local", `${place.shown}: is a folder`, { hint: "name the mbox file in it" });
    }
    if (facts !== undefined && facts.size > 0) await (await this.#open(place)).handle.close();
    const offset = await appendMessage(place, source, this.#context.signal);
    await using file = await this.#open(place);
    for await (const message of messagesIn(file.handle, file.size, "mboxrd", this.#life, offset)) {
      return this.#entry(place, message, "");
    }
    throw new PortholeError("local", `${place.shown} lost the message that was just written to it`);
  }

  async remove(place: LocalPath, recursive: boolean): Promise<void> {
    if (place.uid === undefined) {
      const facts = await orMissing(place, () => stat(place.octets));
      if (facts.isFile() && facts.size > 0 && !recursive) {
        throw new PortholeError("local", `${place.shown}: the mailbox is not empty`, {
          hint: "-r removes it with all that is in it",
        });
      }
      await removeAt(place, recursive, this.#life);
      return;
    }
    await removeMessages(place, this.#context.signal, async (handle, size) => [
      await this.#find({ handle, size, format: await formatOf(handle, size, this.#asked) }, place),
    ]);
  }

  async move(from: LocalPath, to: LocalPath, replace: boolean): Promise<Entry> {
    if (from.uid === undefined) {
      const facts = await orMissing(from, () => lstat(from.octets));
      if (!replace && isThere(to.octets)) throw existsAlready(to.shown);
      await orFail(to.shown, () =>
        replace || facts.isDirectory() ? rename(from.octets, to.octets) : renameOnto(from.octets, to.octets),
      );
      return this.stat(to);
    }
    if (to.octets.equals(from.octets)) throw existsAlready(`the message in ${to.shown}`);
    // Put there, synced, before it is taken away here: a break leaves it twice, never nowhere.
    const message = await this.open(from);
    try {
      const { modified } = message.entry;
      const entry = await this.write(to, {
        body: message.octets(0),
        ...(modified === undefined ? {} : { modified }),
      });
      await this.remove(from, false);
      return entry;
    } finally {
      await message.release();
    }
  }

  /** An empty file is a mailbox without messages; a path with a final slash, a folder for mailboxes. */
  async makeFolder(place: LocalPath): Promise<Entry> {
    try {
      await (place.folder ? mkdir(place.octets) : writeFile(place.octets, "", { flag: "wx", mode: 0o600 }));
    } catch (thrown) {
      throw systemCode(thrown) === "ENOTDIR" ? noneWithin(place, thrown) : failure(thrown, place.shown);
    }
    return this.stat(place);
  }

  async watched(place: LocalPath): Promise<Watched> {
    await (await this.#open(place)).handle.close();
    const entries = new Map<string, Entry>();
    return {
      places: [place.octets],
      look: async () => {
        const marks = new Map<string, string>();
        await using file = await this.#open(place);
        for await (const message of messagesIn(file.handle, file.size, file.format, this.#life)) {
          // Where it is does not matter, only which one of those that are alike it is.
          let key = message.mark;
          for (let copy = 2; marks.has(key); copy++) key = `${message.mark}-${copy}`;
          marks.set(key, `${message.size}`);
          entries.set(key, await this.#entry(place, message, ""));
        }
        return marks;
      },
      entry: async (key) => entries.get(key),
      gone: (key) => {
        const entry = entries.get(key);
        entries.delete(key);
        return (
          entry ?? {
            url: hrefOf(this.#target, { ...bare(place), uid: `0.${key}` }),
            name: key,
            kind: "message",
            type: MESSAGE_TYPE,
            meta: {},
          }
        );
      },
    };
  }

  async *#mailboxes(
    folder: LocalPath,
    recursive: boolean,
    prefix: string,
  ): AsyncGenerator<Entry, void, undefined> {
    for (const name of await namesIn(folder)) {
      this.#life.check();
      const place = placeBelow(folder, name);
      const found = await this.#mailboxAt(place);
      if (found === undefined) continue;
      const entry = { ...found, name: `${prefix}${found.name}` };
      yield entry;
      if (recursive) yield* this.list(place, { recursive, prefix: `${entry.name}/` });
    }
  }

  /** A folder, an empty file or one that begins with a From_ line; undefined for all else. */
  async #mailboxAt(place: LocalPath): Promise<Entry | undefined> {
    const facts = await stat(place.octets).catch(() => undefined);
    if (facts === undefined) return undefined;
    if (facts.isDirectory())
      return (await lstat(place.octets)).isSymbolicLink() ? undefined : this.stat(place);
    if (!facts.isFile()) return undefined;
    try {
      await (await this.#open(place)).handle.close();
      return await this.stat(place);
    } catch (thrown) {
      if (thrown instanceof PortholeError) return undefined;
      throw thrown;
    }
  }

  /** @throws PortholeError `missing`, or `local` for a file that is no mbox */
  async #open(place: LocalPath): Promise<OpenFile> {
    const handle = await orMissing(place, () => open(place.octets, "r"));
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
      const [line = ""] = buffer.toString("latin1", 0, bytesRead).trimStart().split("\n");
      if (size > 0 && !isFromLine(line.trimEnd())) {
        throw new PortholeError("local", `${place.shown} is not an mbox file`, {
          hint: "it does not begin with a From_ line; file: and eml: read other files",
        });
      }
      const format = await formatOf(handle, size, this.#asked);
      return { handle, size, format, [Symbol.asyncDispose]: () => handle.close() };
    } catch (thrown) {
      await handle.close();
      throw systemCode(thrown) === undefined ? thrown : failure(thrown, place.shown);
    }
  }

  /** Where the URL says, else wherever it is now. @throws PortholeError `missing` */
  async #find(file: Pick<OpenFile, "handle" | "size" | "format">, place: LocalPath): Promise<Located> {
    const [, at, mark] = /^(\d{1,15})\.([0-9a-f]{12})$/.exec(place.uid ?? "") ?? [];
    if (mark !== undefined) {
      const { handle, size, format } = file;
      const offset = Number(at);
      if (offset < size) {
        for await (const message of messagesIn(handle, size, format, this.#life, offset)) {
          if (message.offset === offset && message.mark === mark) return message;
          break;
        }
      }
      for await (const message of messagesIn(handle, size, format, this.#life)) {
        if (message.mark === mark) return message;
      }
    }
    throw new PortholeError("missing", `there is no message ${place.uid} in ${place.shown}`, {
      reply: "no such message",
      hint: "ls of the mailbox gives the URLs of its messages",
    });
  }

  #entry(place: LocalPath, message: Located, prefix: string): Promise<Entry> {
    const uid = `${message.offset}.${message.mark}`;
    return messageEntry({
      url: hrefOf(this.#target, { ...bare(place), uid }),
      header: message.header,
      size: message.size,
      arrived: dateOfFromLine(message.fromLine),
      flags: flagsOfStatus(message.header),
      meta: { uid },
      prefix,
    });
  }
}

interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly size: number;
  readonly format: MboxFormat;
}

/** An mbox is one mailbox; one that is to lie in it would need a folder of its name. */
function noneWithin(place: LocalPath, cause: unknown): PortholeError {
  return new PortholeError("local", `${place.shown}: an mbox file has no mailboxes in it`, {
    hint: "maildir:FOLDER takes a mailbox with those that lie in it, mbox:FILE one at a time",
    cause,
  });
}

async function orMissing<T>(place: LocalPath, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw systemCode(thrown) === "ENOENT" ? noMailbox(place, thrown) : failure(thrown, place.shown);
  }
}

async function* behind(
  octets: AsyncIterable<Uint8Array>,
  skip: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = skip;
  for await (const chunk of octets) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function bare({ url, octets, shown, name, folder }: LocalPath): LocalPath {
  return { url, octets, shown, name, folder };
}
