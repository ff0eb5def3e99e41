/** What a person asks of the browser beside walking: addresses, bookmarks, downloads, sources, facts. */
import { join } from "node:path";
import { isCharset } from "../text/charset.js";
import { remoteFileName, safeFileName } from "../text/filename.js";
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import type { Asking } from "./asking.js";
import type { History } from "./been.js";
import { BookmarkFile } from "./bookmarks.js";
import type { Downloads } from "./downloads.js";
import { bookmarksPage, infoPage, type StartGroup, startPage } from "./own-pages.js";
import { Page, type PageLink } from "./page.js";
import { TextLines } from "./text-lines.js";
import { type BrowserDoors, type Travel, wordsOf } from "./travel.js";

/** What they work on. */
export interface Workplace {
  readonly doors: BrowserDoors;
  readonly travel: Travel;
  readonly asking: Asking;
  readonly history: History;
  readonly downloads: Downloads;
  /** The file of bookmarks. */
  readonly bookmarks: string;
  /** Where downloads go unless the person says otherwise. */
  readonly folder: string;
  readonly start: readonly StartGroup[];
  tell(words: string): void;
}

const REMEMBERED = 100;

export class Tools {
  readonly #on: Workplace;
  readonly #bookmarks: BookmarkFile;
  #addresses: string[] = [];
  #known: readonly string[] = [];

  constructor(on: Workplace) {
    this.#on = on;
    this.#bookmarks = new BookmarkFile(on.bookmarks);
  }

  /** @throws PortholeError `local` */
  async learnBookmarks(): Promise<void> {
    const lines = await this.#bookmarks.read();
    this.#known = lines.flatMap((line) => (line.kind === "bookmark" ? [line.url] : []));
  }

  async showStart(): Promise<void> {
    const lines = await this.#bookmarks.read().catch(() => []);
    this.#on.travel.show(startPage(lines, this.#on.history.places, this.#on.start));
  }

  async showBookmarks(): Promise<void> {
    try {
      this.#on.travel.show(bookmarksPage(await this.#bookmarks.read(), this.#bookmarks.path));
    } catch (thrown) {
      this.#on.tell(wordsOf(thrown));
    }
  }

  async bookmark(url: string, name: string): Promise<void> {
    if (url === "") {
      this.#on.tell("this page has no address");
      return;
    }
    const words = await this.#on.asking.line("Bookmark as: ", { text: name });
    if (words === undefined) return;
    try {
      const isNew = await this.#bookmarks.add(url, words);
      this.#on.tell(
        isNew ? `kept in ${safeLine(this.#bookmarks.path)}` : "it is among the bookmarks already",
      );
      await this.learnBookmarks();
    } catch (thrown) {
      this.#on.tell(wordsOf(thrown));
    }
  }

  async address(text: string): Promise<void> {
    const known = () => [...this.#known, ...this.#on.history.places.map(({ url }) => url).reverse()];
    const address = await this.#on.asking.line("Go to: ", {
      text,
      memory: this.#addresses,
      complete: (typed) => completions(typed, known()),
    });
    if (address === undefined || address.trim() === "") return;
    this.#addresses = [...this.#addresses, address].slice(-REMEMBERED);
    await this.#on.travel.goTo(address);
  }

  async searchHere(): Promise<void> {
    const target = this.#on.travel.visit?.page.target;
    if (target === undefined) this.#on.tell("there is nothing to search here");
    else await this.#on.travel.searchAt(target, "Search here for", this.#on.travel.visit?.page.title);
  }

  /** @param link absent: the page itself */
  async download(link: PageLink | undefined): Promise<void> {
    const page = this.#on.travel.visit?.page;
    const place = link?.url ?? page?.url ?? "";
    if (place === "") {
      this.#on.tell("there is nothing to save here");
      return;
    }
    try {
      const target = this.#on.doors.target(place);
      const name = letterName(link, page) ?? remoteFileName(target.href(target.path));
      const path = await this.#on.asking.line("Save as: ", { text: join(this.#on.folder, name) });
      if (path === undefined || path.trim() === "") return;
      let saved = await this.#on.downloads.start(target, path, false);
      const exists = saved.state === "failed" && /exists/.test(saved.words);
      if (exists && (await this.#on.asking.yes(`${path} is there already - replace it?`)))
        saved = await this.#on.downloads.start(target, path, true);
      const shown = safeLine(saved.path);
      this.#on.tell(
        saved.state === "done" ? `saved ${shown}, ${humanSize(saved.done)}` : `${shown}: ${saved.words}`,
      );
    } catch (thrown) {
      this.#on.tell(wordsOf(thrown));
    }
  }

  showSource(): void {
    const page = this.#on.travel.visit?.page;
    if (page?.target === undefined) {
      this.#on.tell("this page has no source");
      return;
    }
    if (page.source === undefined) {
      void this.#on.travel.open(page.target, { asSource: true });
      return;
    }
    const source = new Page({ url: page.url, title: `source of ${page.title}`, target: page.target });
    const lines = new TextLines(source, false);
    lines.write(page.source.toString(isUtf8(page.charset) ? "utf8" : "latin1"));
    lines.end();
    source.state = "done";
    source.type = "text/plain";
    source.charset = page.charset;
    source.octets = page.source.length;
    this.#on.travel.show(source);
  }

  async encoding(): Promise<void> {
    const page = this.#on.travel.visit?.page;
    if (page?.source === undefined || page.target === undefined) {
      this.#on.tell("this page has no character set to choose");
      return;
    }
    const charset = await this.#on.asking.line("Character set: ", {
      text: page.charset ?? "utf-8",
      memory: ["iso-8859-1", "cp437", "koi8-r", "shift_jis", "windows-1252", "utf-8"],
    });
    if (charset === undefined || charset.trim() === "") return;
    if (await isCharset(charset)) this.#on.travel.reload(charset.trim());
    else this.#on.tell(`'${safeLine(charset)}' is no character set that is known here`);
  }

  showInfo(): void {
    const { visit } = this.#on.travel;
    const link = visit?.page.links[visit.selected];
    if (visit === undefined) return;
    const { page } = visit;
    this.#on.travel.show(
      infoPage([
        ...(link === undefined
          ? []
          : ([
              ["Link", link.name],
              ["URL", link.url],
              ["Kind", link.kind === undefined ? "not known" : link.kind],
              ["Type", link.type ?? "not known"],
              ...(link.size === undefined ? [] : [["Size", `${link.size} octets`] as const]),
              ["", ""],
            ] as const)),
        ["Page", page.title],
        ["URL", page.url],
        ["Type", page.type ?? "a list"],
        ["Charset", page.charset ?? "-"],
        ["Octets", String(page.octets)],
        ["Lines", String(page.lines.length)],
        ["Links", String(page.links.length)],
      ]),
    );
  }
}

/** Mails and articles are called by their subjects: their URLs end in a number, or worse. */
function letterName(link: PageLink | undefined, page: Page | undefined): string | undefined {
  const isLetter =
    link === undefined
      ? page?.type?.startsWith("message/") === true
      : link.kind === "message" || link.kind === "article";
  const subject = (link?.name ?? page?.title ?? "").trim();
  return isLetter && subject !== "" ? safeFileName(`${subject}.eml`) : undefined;
}

function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || /^utf-?8$/i.test(charset);
}

const OFFERED = 50;

/** Places that begin with what was typed, with or without their scheme; then those that hold it. */
function completions(typed: string, known: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  const unique = [...new Set(known)];
  const begins = (url: string) =>
    url.toLowerCase().startsWith(wanted) ||
    url
      .toLowerCase()
      .replace(/^\w+:\/\//, "")
      .startsWith(wanted);
  const first = unique.filter(begins);
  const holds = unique.filter((url) => !begins(url) && url.toLowerCase().includes(wanted));
  return [...first, ...holds].slice(0, OFFERED);
}
