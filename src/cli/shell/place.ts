/** Where the shell is, and what the names that people type there stand for. */
import { PortholeError } from "../../errors.js";
import { globMatcher } from "../../files/glob.js";
import { CONTAINERS, type Entry, type EntryKind, type Session, type Target } from "../../plugin.js";
import { encodeOctets } from "../../url.js";
import type { KeptClient } from "./kept-client.js";

/** Entries of a place that are looked through for a name. */
const MOST_ENTRIES = 5000;
/** Milliseconds for which a listing is believed. */
const FRESH = 30_000;
/** What a name in a URL's path need not hide: messages have `;UID=` and `<id@host>`. */
const KEPT = "/;=:@,+&$!'()*<>~[]";
/** Where a usage has a URL. */
const PLACE = /^\[?(?:URL|FROM|TO)\b/;
/** Kinds whose entries have URLs that their names do not tell. */
const BY_LISTING: ReadonlySet<EntryKind> = new Set(["menu", "mailbox", "group"]);

export class Place {
  readonly client: KeptClient;
  #target: Target;
  #kind: EntryKind | undefined;
  /** The places before, for `cd ..` where a path has no parent, and for `cd -`. */
  readonly #before: { readonly target: Target; readonly kind: EntryKind | undefined }[] = [];
  #listing: { readonly path: string; readonly at: number; readonly entries: readonly Entry[] } | undefined;

  constructor(client: KeptClient, target: Target) {
    this.client = client;
    this.#target = target;
  }

  get target(): Target {
    return this.#target;
  }

  get url(): string {
    return this.#target.href(this.#target.path);
  }

  /** What is listed may have changed. */
  forget(): void {
    this.#listing = undefined;
  }

  /** @throws PortholeError `usage` for what is no folder; what the server says */
  async change(word: string): Promise<void> {
    if (word === "-" || (word === ".." && (await this.#isListed()))) {
      const before = this.#before.pop();
      if (before === undefined) throw new PortholeError("usage", "there is nothing before this place");
      this.#target = before.target;
      this.#kind = before.kind;
      return;
    }
    const { url, kind: told } = await this.#find(word);
    const target = this.client.target(url);
    if (!this.#isHere(target)) {
      throw new PortholeError("usage", `${url} is another server's`, { hint: "open goes there" });
    }
    const { kind, isPlace } = await this.client.use(target, async (session) => {
      const found = await kindAt(session, target.path, told);
      // A page is where its links are, if it has any to tell of.
      const leads = found === "page" && session.list !== undefined;
      return { kind: found, isPlace: leads || CONTAINERS.has(found) };
    });
    if (!isPlace) {
      throw new PortholeError("usage", `${url} is no folder but a ${kind}`, {
        hint: kind === "search" ? "search NAME WORDS asks it" : "cat shows it, get saves it",
      });
    }
    // The path of a page does not tell whether it is there.
    if (kind === "page" && word !== ".") await this.entries(target);
    this.#before.push({ target: this.#target, kind: this.#kind });
    this.#target = target;
    this.#kind = kind;
  }

  /** The URLs that a word stands for: several, when it is a pattern. @throws PortholeError `missing` when nothing matches */
  async urlsOf(word: string): Promise<string[]> {
    if (!/[*?[{]/.test(word) || /^[a-z][a-z0-9+.-]*:/i.test(word)) return [(await this.#find(word)).url];
    const slash = word.lastIndexOf("/");
    const folder =
      slash < 0 ? this.#target : this.client.target((await this.#find(word.slice(0, slash) || "/")).url);
    const matches = globMatcher(word.slice(slash + 1));
    const found = (await this.entries(folder)).filter(
      ({ name, kind }) => kind !== "note" && matches(name.replace(/(?<=.)\/$/, "")),
    );
    if (found.length === 0) throw new PortholeError("missing", `nothing here matches ${word}`);
    return found.map(({ url }) => url);
  }

  async urlOf(word: string): Promise<string> {
    return (await this.#find(word)).url;
  }

  /** As `urlOf`; what no listing has is taken for a path below this place. */
  async urlBelow(word: string): Promise<string> {
    try {
      return await this.urlOf(word);
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code !== "missing") throw thrown;
      return this.#target.href(joined(this.#target.path, word));
    }
  }

  /**
   * The words of one of the protocol's own commands, with URLs where its usage has them: of this place where none is
   * typed, and a name's where what is typed is one.
   */
  async wordsFor(usage: string, words: readonly string[]): Promise<readonly string[]> {
    const tokens = usage.split(" ");
    const at = tokens.findIndex((token) => PLACE.test(token));
    if (at < 0) return words;
    const before = words.slice(0, at);
    const rest = words.slice(at);
    // Nothing else follows: all of them are names.
    if (tokens.slice(at).every((token) => PLACE.test(token)) && rest.length > 0) {
      return [...before, ...(await Promise.all(rest.map((word) => this.urlBelow(word))))];
    }
    const [first, ...others] = rest;
    const named = first === undefined ? undefined : await this.#named(first, usage);
    return named === undefined ? [...before, this.url, ...rest] : [...before, named, ...others];
  }

  /** Where to search, and for what: at an item that is itself a search, when the first word names one; else here. */
  async searchFor(words: readonly string[]): Promise<readonly string[]> {
    const [first, ...others] = words;
    if (first === undefined) throw new PortholeError("usage", "search wants words");
    if (others.length > 0 && (await this.#isListed())) {
      const { url, kind } = await this.#find(first).catch(noSuchName);
      if (kind === "search") return [url, ...others];
    }
    return [this.url, ...words];
  }

  /** What a word that need not be a name stands for, if it is one. */
  async #named(word: string, usage: string): Promise<string | undefined> {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word)) return word;
    if (/^\.{0,2}\//.test(word) && !usage.includes("ENTRY")) return this.urlOf(word);
    // What is said to the server is no name, and it is asked nothing else for it.
    if (usage.includes("COMMAND")) return undefined;
    if (usage.includes("ITEM")) return /[=:@]/.test(word) ? undefined : this.urlOf(word);
    const entries = (await this.entries()).filter(({ kind }) => kind !== "note");
    const isEntry = entries.some(({ name, meta }) => name === word || meta["number"] === Number(word));
    return isEntry ? this.urlOf(word) : undefined;
  }

  /** What is in a folder; believed for a while. */
  async entries(target: Target = this.#target): Promise<readonly Entry[]> {
    const known = this.#listing;
    if (known?.path === target.path && performance.now() - known.at < FRESH) return known.entries;
    const entries = await this.client.use(target, async (session) => {
      const found: Entry[] = [];
      for await (const entry of session.list?.(target.path, { limit: MOST_ENTRIES }) ?? []) {
        found.push(entry);
        if (found.length >= MOST_ENTRIES) break;
      }
      return found;
    });
    this.#listing = { path: target.path, at: performance.now(), entries };
    return entries;
  }

  async #find(word: string): Promise<{ url: string; kind?: EntryKind }> {
    if (word === "" || word === ".") return { url: this.url };
    if (/^[a-z][a-z0-9+.-]*:/i.test(word) && this.#isUrl(word)) return { url: word };
    if (word.startsWith("/")) return { url: this.#target.href(encoded(word)) };
    if (this.#kind === "page") return { url: await this.#linkedUrl(word) };
    if (await this.#isListed()) {
      const entries = (await this.entries()).filter(({ kind }) => kind !== "note");
      const entry =
        entries.find(({ name }) => name === word) ??
        entries.find(({ meta }) => meta["number"] === Number(word)) ??
        (/^\d+$/.test(word) && !entries.some(({ meta }) => "number" in meta)
          ? entries[Number(word) - 1]
          : undefined) ??
        entries.find(({ url }) => url.endsWith(`/${encoded(word)}`));
      if (entry !== undefined) return { url: entry.url, kind: entry.kind };
      throw new PortholeError("missing", `nothing here is named ${word}`, { hint: "ls shows what is" });
    }
    return { url: this.#target.href(joined(this.#target.path, word)) };
  }

  /** A link of the page by its name or its number; otherwise beside the page, as a browser would have it. */
  async #linkedUrl(word: string): Promise<string> {
    const beside = this.#target.href(joined(this.#target.path.replace(/[?#].*$|[^/]*$/g, ""), word));
    if (/[./]/.test(word)) return beside;
    try {
      const links = (await this.entries()).filter(({ kind }) => kind !== "note");
      const link =
        links.find(({ name }) => name === word) ?? (/^\d+$/.test(word) ? links[Number(word) - 1] : undefined);
      return link?.url ?? beside;
    } catch (thrown) {
      if (
        !(thrown instanceof PortholeError) ||
        !["missing", "usage", "refused", "protocol"].includes(thrown.code)
      )
        throw thrown;
      return beside;
    }
  }

  #isUrl(word: string): boolean {
    return this.client.registry.forScheme(word.slice(0, word.indexOf(":")).toLowerCase()) !== undefined;
  }

  #isHere({ protocol, host, port, url }: Target): boolean {
    const own = this.#target;
    return (
      protocol === own.protocol && host === own.host && port === own.port && url.scheme === own.url.scheme
    );
  }

  /** Names here stand for URLs that only a listing tells. */
  async #isListed(): Promise<boolean> {
    this.#kind ??= await this.client.use(
      this.#target,
      async (session) => session.kindOf?.(this.#target.path) ?? "directory",
    );
    return BY_LISTING.has(this.#kind);
  }
}

function noSuchName(thrown: unknown): { url: string; kind?: EntryKind } {
  if (thrown instanceof PortholeError && thrown.code === "missing") return { url: "" };
  throw thrown;
}

async function kindAt(session: Session, path: string, told: EntryKind | undefined): Promise<EntryKind> {
  const known = session.kindOf?.(path) ?? told;
  if (known !== undefined && known !== "link") return known;
  if (session.stat === undefined) return "directory";
  return (await session.stat(path)).kind;
}

function encoded(name: string): string {
  return encodeOctets(Buffer.from(name, "utf8"), KEPT);
}

/** A path below another: `.` and `..` taken out, so that it reads as a person would write it. */
function joined(folder: string, word: string): string {
  const path = `${folder.replace(/\/?$/, "/")}${encoded(word)}`;
  const out: string[] = [];
  // RFC 1738, 3.2.2: a second slash at the front means from the root, and stays.
  const lead = /^\/+/.exec(path)?.[0] ?? "";
  for (const part of path.slice(lead.length).split("/")) {
    if (part === "..") out.pop();
    else if (part !== ".") out.push(part);
  }
  return lead + out.join("/");
}
