/** The page of what is being saved and was: it tells how far each is while one looks, and leads to what is here. */
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import { type Download, type Downloads, progressOf } from "./downloads.js";
import { own } from "./own-pages.js";
import type { Page } from "./page.js";

/** Columns before what is told of one. */
const INDENT = 15;

export class DownloadsPage {
  readonly #downloads: Downloads;
  readonly #page: Page = own("Downloads");
  /** What of `Downloads.changes` the page shows. */
  #drawn = -1;

  constructor(downloads: Downloads) {
    this.#downloads = downloads;
  }

  /** One page, however often it was gone to. */
  shown(): Page {
    this.refresh();
    return this.#page;
  }

  /** Brings it up to what has happened: called before it is seen, and no oftener. */
  refresh(): void {
    const { list, changes } = this.#downloads;
    if (this.#drawn === changes) return;
    this.#drawn = changes;
    const page = this.#page;
    page.clear();
    page.add("Downloads", "heading");
    page.add("");
    if (list.length === 0) page.add("Nothing has been saved. d saves what the selected link leads to.");
    for (const download of [...list].reverse()) add(page, download);
  }
}

function add(page: Page, download: Download): void {
  const { state, words, path, done, url } = download;
  const told = state === "running" ? progressOf(download) : state === "done" ? humanSize(done) : words;
  const name = safeLine(path);
  // Only what is whole can be looked at.
  const link = state === "done" ? page.link({ url: localUrl(path), name }) : undefined;
  const number = link === undefined ? "" : String(link + 1);
  const head = `${number.padStart(4)}  ${state.padEnd(INDENT - 6)}`;
  const spans = link === undefined ? [] : [{ from: head.length, to: head.length + name.length, link }];
  page.add(`${head}${name}  ${told}`, state === "failed" ? "error" : "text", INDENT, spans);
  page.add(`${" ".repeat(INDENT)}${safeLine(url)}`, "note", INDENT);
}

/** As a person would type it: `report.pdf` alone would be a host. */
function localUrl(path: string): string {
  return /^(?:[/~]|\.{1,2}\/)/.test(path) ? path : `./${path}`;
}
