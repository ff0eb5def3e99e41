/** One Maildir folder: which messages are in it and under which names, though other programs rename them meanwhile. */
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { PortholeError, systemCode } from "../../src/errors.js";
import { failure } from "./failures.js";
import { flagsOf, hasKeywords, type Keywords, readKeywords } from "./maildir-keywords.js";
import { compareNames, type MaildirName, parseName } from "./maildir-name.js";
import { type LocalPath, textOf } from "./path.js";

export interface StoredName extends MaildirName {
  readonly sub: "new" | "cur";
  /** The file's name, one character for each octet. */
  readonly file: string;
}

/** How often a message is looked for again that was renamed between a look and a use. */
const MOST_LOOKS = 3;

export class MaildirFolder {
  readonly place: LocalPath;
  /** Its path, one character for each octet. */
  readonly #octets: string;
  #names: Map<string, StoredName> | undefined;
  /** As they were when the names were looked at. */
  #keywords: Keywords = new Map();

  constructor(place: LocalPath) {
    this.place = place;
    this.#octets = place.octets.toString("latin1");
  }

  path(...names: readonly string[]): Buffer {
    return Buffer.from(`${this.#octets}/${names.join("/")}`, "latin1");
  }

  /** In the order they came. @throws PortholeError `missing` when it is no Maildir */
  async names(): Promise<StoredName[]> {
    return [...(await this.#look()).values()].sort((one, other) => compareNames(one.unique, other.unique));
  }

  /** @throws PortholeError `missing` */
  async find(unique: string): Promise<StoredName> {
    const found = this.#names?.get(unique) ?? (await this.#look()).get(unique);
    if (found === undefined) throw noMessage(unique);
    return found;
  }

  /**
   * Does something with a message under the name it has now, and again when it has been renamed.
   * @throws PortholeError `missing` when it is gone
   */
  async with<T>(unique: string, act: (path: Buffer, name: StoredName) => Promise<T>): Promise<T> {
    for (let looks = 1; ; looks++) {
      const name = await this.find(unique);
      try {
        return await act(this.path(name.sub, name.file), name);
      } catch (thrown) {
        if (systemCode(thrown) !== "ENOENT") throw failure(thrown, this.place.shown);
        if (looks === MOST_LOOKS) throw noMessage(unique);
        this.#names = undefined;
      }
    }
  }

  async open(unique: string): Promise<{ handle: FileHandle; name: StoredName }> {
    return this.with(unique, async (path, name) => ({ handle: await open(path, "r"), name }));
  }

  /** Flags and keywords of a name that was looked at. */
  flagsOf({ letters = "" }: StoredName): string[] {
    return flagsOf(letters, this.#keywords);
  }

  /** What is known of the names no longer holds. */
  forget(): void {
    this.#names = undefined;
  }

  async #look(): Promise<Map<string, StoredName>> {
    const names = new Map<string, StoredName>();
    // new first: what another program moves to cur meanwhile is seen there.
    for (const sub of ["new", "cur"] as const) {
      let files: Buffer[];
      try {
        files = await readdir(this.path(sub), "buffer");
      } catch (thrown) {
        if (systemCode(thrown) === "ENOENT" || systemCode(thrown) === "ENOTDIR")
          throw noMailbox(this.place, thrown);
        throw failure(thrown, this.place.shown);
      }
      for (const octets of files) {
        const file = octets.toString("latin1");
        if (file.startsWith(".")) continue;
        const name = parseName(file);
        names.set(name.unique, { ...name, sub, file });
      }
    }
    const any = [...names.values()].some(({ letters = "" }) => hasKeywords(letters));
    this.#keywords = any ? await readKeywords((name) => this.path(name)) : new Map();
    this.#names = names;
    return names;
  }
}

/** A folder with `cur` in it. */
export async function isMaildir(octets: Buffer): Promise<boolean> {
  return stat(Buffer.concat([octets, Buffer.from("/cur")])).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

export function noMailbox(place: LocalPath, cause?: unknown): PortholeError {
  return new PortholeError("missing", `${place.shown}: there is no such mailbox`, {
    reply: "no such mailbox",
    hint: "a Maildir has the folders cur, new and tmp; mkdir makes one",
    cause,
  });
}

export function noMessage(unique: string): PortholeError {
  return new PortholeError("missing", `there is no message ${textOf(Buffer.from(unique, "latin1"))}`, {
    reply: "no such message",
    hint: "ls of the mailbox gives the URLs of its messages",
  });
}
