/** Maildir and Maildir++ as a place that keeps messages. */
import { readdir, rename, stat, unlink } from "node:fs/promises";
import { PortholeError, systemCode } from "../../src/errors.js";
import { AtomicFile, existsAlready, isThere, renameOnto, roomForFiles } from "../../src/files/atomic-file.js";
import type { Context, Entry, EntryKind, Source, Target } from "../../src/plugin.js";
import type { Watched } from "./changes.js";
import { failure, isGone, orFail } from "./failures.js";
import { lettersOfFlags } from "./flags.js";
import { lookedAt, namesIn, removeAt } from "./folder.js";
import type { Life } from "./life.js";
import { briefEntry, entryOf, mailboxEntry, messageAt } from "./maildir-entry.js";
import { isMaildir, MaildirFolder, noMailbox, type StoredName } from "./maildir-folder.js";
import { flagsOf, hasKeywords, lettersFor, readKeywords, strangeLetters } from "./maildir-keywords.js";
import { newUnique } from "./maildir-name.js";
import { isPlusFolder, makeMaildir, plusFolder, renamed } from "./maildir-place.js";
import { HEADER_OCTETS } from "./message-entry.js";
import { Head } from "./message-head.js";
import { MESSAGE_TYPE, type MessageStore, type OpenMessage, type StoreListing } from "./message-store.js";
import { octetsOf } from "./octets.js";
import { folderOf, hrefOf, type LocalPath, placeBelow, textOf } from "./path.js";
import { gather, writeHeld } from "./place-file.js";

export class MaildirStore implements MessageStore {
  readonly #target: Target;
  readonly #context: Context;
  readonly #life: Life;
  /** By path: names are looked up once, not for each message. */
  readonly #folders = new Map<string, MaildirFolder>();
  /** Mailboxes that were written to, by the path that was asked for. */
  readonly #written = new Map<string, LocalPath>();

  constructor(target: Target, context: Context, life: Life) {
    this.#target = target;
    this.#context = context;
    this.#life = life;
  }

  kindOf(place: LocalPath): EntryKind {
    return place.uid === undefined ? "mailbox" : "message";
  }

  async isMessage(place: LocalPath): Promise<boolean> {
    return place.uid !== undefined;
  }

  async *list(place: LocalPath, ways: StoreListing): AsyncGenerator<Entry, void, undefined> {
    const { recursive = false, prefix = "", brief = false } = ways;
    const at = await this.#mailbox(place);
    for await (const mailbox of this.#within(at)) {
      const entry = mailboxEntry(this.#target, mailbox, prefix);
      yield entry;
      if (recursive) yield* this.list(mailbox, { recursive, prefix: `${entry.name}/`, brief });
    }
    if (!(await isMaildir(at.octets))) return;
    const folder = this.#folder(at);
    folder.forget();
    const names = await folder.names();
    if (brief) {
      for (const name of names) yield briefEntry(this.#target, at, name, folder.flagsOf(name), prefix);
      return;
    }
    yield* lookedAt(names, this.#life, async (name) => {
      try {
        return await entryOf(this.#target, folder, name.unique, prefix);
      } catch (thrown) {
        // It was removed since the folder was read.
        if (isGone(thrown)) return undefined;
        throw thrown;
      }
    });
  }

  /** Maildir++: the top is INBOX, and folders with a dot lie in it. */
  async isInbox(place: LocalPath): Promise<boolean> {
    const at = await this.#mailbox(place);
    if (isPlusFolder(at) || !(await isMaildir(at.octets))) return false;
    for await (const _folder of this.#within(at)) return true;
    return false;
  }

  async stat(place: LocalPath): Promise<Entry> {
    const at = await this.#mailbox(place);
    if (place.uid !== undefined) return entryOf(this.#target, this.#folder(at), place.uid, "");
    const entry = mailboxEntry(this.#target, at, "");
    if (!(await isMaildir(at.octets))) {
      if (await this.#holdsMailboxes(at)) return entry;
      throw noMailbox(at);
    }
    const names = await this.#fresh(at).names();
    const unseen = names.filter(({ letters }) => !(letters ?? "").includes("S")).length;
    return { ...entry, meta: { ...entry.meta, messages: names.length, unseen } };
  }

  async open(place: LocalPath): Promise<OpenMessage> {
    const at = await this.#mailbox(place);
    if (place.uid === undefined) throw isMailbox(place);
    const folder = this.#folder(at);
    const { handle, name } = await folder.open(place.uid);
    try {
      const facts = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_OCTETS), 0, HEADER_OCTETS, 0);
      return {
        entry: await messageAt(
          this.#target,
          at,
          name,
          folder.flagsOf(name),
          buffer.subarray(0, bytesRead),
          facts,
          "",
        ),
        size: facts.size,
        // A message in a Maildir never changes; only its name does.
        validator: `${facts.ino}-${facts.size}`,
        octets: (from) => octetsOf(handle, { start: from, end: facts.size }, at.shown),
        release: () => handle.close(),
      };
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
  }

  /** Into tmp, synced, then to new, or to cur when it comes with flags (the rules are maildir(5)'s). */
  async write(place: LocalPath, source: Source): Promise<Entry> {
    // One of many: they go together.
    const room = source.held === undefined ? undefined : roomForFiles();
    if (room !== undefined) await room;
    const { at, delivery, folder, fresh } = this.#begunInto(place) ?? (await this.#deliveryInto(place));
    const head = new Head();
    try {
      const there = place.uid === undefined ? undefined : await this.#there(folder, place.uid);
      if (there !== undefined && source.replace !== true)
        throw existsAlready(`message ${textOf(Buffer.from(there.unique, "latin1"))}`);
      const base = place.uid ?? fresh;
      checkUnique(base);
      const { held } = source;
      const { signal } = this.#context;
      const write = (block: Uint8Array) => {
        head.add(block);
        delivery.write(block);
      };
      if (held === undefined) await gather(source, signal, write);
      else writeHeld(held, signal, delivery);
      const unique = place.uid ?? `${base},S=${delivery.size}`;
      const { flags } = source;
      const letters = flags === undefined ? there?.letters : await lettersIn(folder, flags);
      const sub = letters === undefined ? (there?.sub ?? "new") : "cur";
      const stored = sub === "cur" ? `${unique}:2,${letters ?? ""}` : unique;
      await delivery.name({
        path: folder.path(sub, stored),
        folder: folder.path(sub),
        // A name that was made for it is nobody else's.
        replace: place.uid === undefined || (there?.file === stored && there.sub === sub),
        modified: source.modified,
      });
      if (there !== undefined && (there.file !== stored || there.sub !== sub))
        await unlink(folder.path(there.sub, there.file)).catch(() => undefined);
      folder.forget();
      // Told from what was written: to look at the folder again takes longer the more is in it.
      const name: StoredName = {
        unique,
        sub,
        file: stored,
        letters: sub === "cur" ? (letters ?? "") : undefined,
      };
      const kept = letters === undefined ? [] : await flagsIn(folder, letters);
      // What is in memory is one of many: nobody wants to know more of it than where it is.
      if (held !== undefined) return briefEntry(this.#target, at, name, kept, "");
      const facts = { size: delivery.size, mtime: source.modified ?? new Date() };
      return await messageAt(this.#target, at, name, kept, head.octets, facts, "");
    } finally {
      delivery.discard();
    }
  }

  async remove(place: LocalPath, recursive: boolean): Promise<void> {
    const at = await this.#mailbox(place);
    const folder = this.#fresh(at);
    if (place.uid !== undefined) {
      await folder.with(place.uid, (path) => unlink(path));
      folder.forget();
      return;
    }
    const names = await folder.names();
    const inner = await this.#holdsMailboxes(at);
    if (!recursive && (names.length > 0 || inner)) {
      throw new PortholeError("local", `${at.shown}: the mailbox is not empty`, {
        hint: "-r removes it with all that is in it",
      });
    }
    await removeAt(at, true, this.#life);
  }

  async move(from: LocalPath, to: LocalPath, replace: boolean): Promise<Entry> {
    const source = await this.#mailbox(from);
    if (from.uid === undefined) return this.#moveMailbox(source, to);
    const mailbox = await this.#mailbox(to);
    const [here, there] = [this.#fresh(source), this.#fresh(mailbox)];
    const unique = to.uid ?? from.uid;
    checkUnique(unique);
    const taken = await this.#there(there, unique);
    if (taken !== undefined && !replace) throw existsAlready(`message ${unique}`);
    await here.with(from.uid, async (path, { sub, letters }) => {
      const carried = letters === undefined ? undefined : await lettersAt(here, there, letters);
      const stored = carried === undefined ? unique : `${unique}:2,${carried}`;
      const target = there.path(sub, stored);
      if (replace) await rename(path, target);
      else renameOnto(path, target);
      if (taken !== undefined && (taken.file !== stored || taken.sub !== sub))
        await unlink(there.path(taken.sub, taken.file)).catch(() => undefined);
    });
    here.forget();
    there.forget();
    return entryOf(this.#target, there, unique, "");
  }

  /** In a Maildir, a Maildir++ folder (`.Name`); elsewhere a Maildir of its own. */
  async makeFolder(place: LocalPath): Promise<Entry> {
    const plus = await plusFolder(place);
    const at = plus ?? place;
    // An empty folder may become one.
    if (isThere(at.octets) && !(await isEmptyFolder(at))) throw existsAlready(at.shown);
    await makeMaildir(at, plus !== undefined || (await isMaildir(folderOf(place))));
    return mailboxEntry(this.#target, at, "");
  }

  /** A message with flags is in cur (maildir(5)); without any it stays where it is. */
  async mark(place: LocalPath, flags: readonly string[]): Promise<Entry> {
    const at = await this.#mailbox(place);
    if (place.uid === undefined) throw isMailbox(place);
    const folder = this.#fresh(at);
    const letters = await lettersIn(folder, flags);
    const keywords = await readKeywords((name) => folder.path(name));
    await folder.with(place.uid, async (path, { unique, letters: had = "" }) => {
      const all = Array.from(letters + strangeLetters(had, keywords))
        .sort()
        .join("");
      if (all === had) return;
      await rename(path, folder.path("cur", `${unique}:2,${all}`));
    });
    folder.forget();
    return entryOf(this.#target, folder, place.uid, "");
  }

  async watched(place: LocalPath): Promise<Watched> {
    const at = await this.#mailbox(place);
    const folder = this.#fresh(at);
    await folder.names();
    return {
      places: [folder.path("new"), folder.path("cur")],
      look: async () => {
        folder.forget();
        const names = await folder.names();
        return new Map(names.map(({ unique, sub, letters = "" }) => [unique, `${sub} ${letters}`]));
      },
      entry: async (unique) => {
        try {
          return await entryOf(this.#target, folder, unique, "");
        } catch (thrown) {
          if (isGone(thrown)) return undefined;
          throw thrown;
        }
      },
      gone: (unique) => ({
        url: hrefOf(this.#target, { ...at, uid: unique }),
        name: textOf(Buffer.from(unique, "latin1")),
        kind: "message",
        type: MESSAGE_TYPE,
        meta: { uid: unique },
      }),
    };
  }

  #folder(place: LocalPath): MaildirFolder {
    const key = place.octets.toString("latin1");
    const known = this.#folders.get(key);
    if (known !== undefined) return known;
    const folder = new MaildirFolder(place);
    this.#folders.set(key, folder);
    return folder;
  }

  /** What other programs did since the last look counts. */
  #fresh(place: LocalPath): MaildirFolder {
    const folder = this.#folder(place);
    folder.forget();
    return folder;
  }

  async #there(folder: MaildirFolder, unique: string): Promise<StoredName | undefined> {
    try {
      return await folder.find(unique);
    } catch (thrown) {
      if (isGone(thrown)) return undefined;
      throw thrown;
    }
  }

  /** The place, or the Maildir++ folder that `PATH/Name` stands for. @throws PortholeError `missing` */
  async #mailbox(place: LocalPath): Promise<LocalPath> {
    try {
      const facts = await stat(place.octets);
      if (!facts.isDirectory()) throw noMailbox(place);
      if (await isMaildir(place.octets)) return place;
      // A mailbox called `new` or `tmp` has the name of a folder that every Maildir has.
      const plus = await plusFolder(place);
      return plus !== undefined && (await isMaildir(plus.octets)) ? plus : place;
    } catch (thrown) {
      if (systemCode(thrown) !== "ENOENT") throw failure(thrown, place.shown);
      const plus = await plusFolder(place);
      if (plus !== undefined && (await isMaildir(plus.octets))) return plus;
      throw noMailbox(place, thrown);
    }
  }

  /** A message is begun in a mailbox that was written to before; undefined where it has to be looked at. */
  #begunInto(place: LocalPath): Delivery | undefined {
    const known = this.#written.get(place.octets.toString("latin1"));
    if (known === undefined) return undefined;
    try {
      return this.#begin(known);
    } catch (thrown) {
      if (!isGone(thrown)) throw thrown;
      return undefined;
    }
  }

  /** The same in a mailbox that is looked at first. */
  async #deliveryInto(place: LocalPath): Promise<Delivery> {
    const at = await this.#mailboxForWriting(place);
    this.#written.set(place.octets.toString("latin1"), at);
    return this.#begin(at);
  }

  #begin(at: LocalPath): Delivery {
    const fresh = newUnique();
    const folder = this.#fresh(at);
    return { at, folder, fresh, delivery: AtomicFile.openOwn(folder.path("tmp", fresh), at.shown) };
  }

  async #mailboxForWriting(place: LocalPath): Promise<LocalPath> {
    try {
      const at = await this.#mailbox(place);
      if (await isMaildir(at.octets)) return at;
      const plus = await plusFolder(place);
      if (plus !== undefined) {
        await makeMaildir(plus, true);
        return plus;
      }
      // An empty folder may become one; one with other things in it was meant otherwise.
      if (!(await isEmptyFolder(at))) throw noMailbox(at);
      await makeMaildir(at, false);
      return at;
    } catch (thrown) {
      if (!isGone(thrown) || isThere(place.octets)) throw thrown;
      const plus = await plusFolder(place);
      const at = plus ?? place;
      await makeMaildir(at, plus !== undefined || (await isMaildir(folderOf(place))));
      return at;
    }
  }

  async #moveMailbox(source: LocalPath, to: LocalPath): Promise<Entry> {
    const plus = isPlusFolder(source) && to.name[0] !== 0x2e && (await isMaildir(folderOf(to)));
    const at = plus ? renamed(to, Buffer.concat([Buffer.from("."), to.name])) : to;
    if (isThere(at.octets)) throw existsAlready(at.shown);
    await orFail(source.shown, () => rename(source.octets, at.octets));
    this.#folders.clear();
    this.#written.clear();
    return mailboxEntry(this.#target, at, "");
  }

  /** Maildir++ folders of a Maildir; in a plain folder, what is a Maildir or may hold some. */
  async *#within(at: LocalPath): AsyncGenerator<LocalPath, void, undefined> {
    const isOne = await isMaildir(at.octets);
    // Maildir++ is flat: folders of a folder stand beside it.
    if (isOne && isPlusFolder(at) && (await isMaildir(folderOf(at)))) return;
    for (const name of await namesIn(at)) {
      const text = name.toString("latin1");
      if (isOne ? /^(?:cur|new|tmp)$/.test(text) : text.startsWith(".")) continue;
      const place = placeBelow(at, name, true);
      if ((await isMaildir(place.octets)) || (!isOne && (await this.#holdsMailboxes(place)))) yield place;
    }
  }

  async #holdsMailboxes(place: LocalPath): Promise<boolean> {
    const names = await readdir(place.octets, "buffer").catch(() => []);
    for (const name of names) {
      if (
        !/^(?:cur|new|tmp)$/.test(name.toString("latin1")) &&
        (await isMaildir(placeBelow(place, name).octets))
      )
        return true;
    }
    return false;
  }
}

/** In ASCII order, as Maildir wants them: of flags that Maildir has, and of keywords that the folder then has. */
async function lettersIn(folder: MaildirFolder, flags: readonly string[]): Promise<string> {
  const keywords = await lettersFor((name) => folder.path(name), folder.place.shown, flags);
  return lettersOfFlags(flags) + Array.from(keywords).sort().join("");
}

async function flagsIn(folder: MaildirFolder, letters: string): Promise<string[]> {
  return flagsOf(letters, hasKeywords(letters) ? await readKeywords((name) => folder.path(name)) : new Map());
}

/** Each folder has letters of its own for its keywords. */
async function lettersAt(here: MaildirFolder, there: MaildirFolder, letters: string): Promise<string> {
  if (here === there || !hasKeywords(letters)) return letters;
  return lettersIn(there, await flagsIn(here, letters));
}

/** A message that is being written, under a name of its own. */
interface Delivery {
  readonly at: LocalPath;
  readonly folder: MaildirFolder;
  readonly delivery: AtomicFile;
  readonly fresh: string;
}

/** Or one that somebody has begun to make a Maildir of: `cur` comes last. */
async function isEmptyFolder({ octets }: LocalPath): Promise<boolean> {
  return readdir(octets).then(
    (names) => names.every((name) => name === "tmp" || name === "new"),
    () => false,
  );
}

function isMailbox(place: LocalPath): PortholeError {
  return new PortholeError("local", `${place.shown}: is a mailbox`, { hint: "ls lists it" });
}

/** It becomes a file's name. @throws PortholeError `usage` */
function checkUnique(unique: string): void {
  if (unique === "" || unique.startsWith(".") || /[/:\0\r\n]/.test(unique) || unique.length > 200) {
    throw new PortholeError("usage", "that is no name for a message in a Maildir", {
      hint: "write to the mailbox, and it gets one",
    });
  }
}
