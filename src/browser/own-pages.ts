/** The browser's own pages: where to begin, the keys, bookmarks, history. */
import { safeLine } from "../text/safe.js";
import type { Been } from "./been.js";
import { ACTIONS, type Action, type Bindings, keysOf } from "./bindings.js";
import type { BookmarkLine } from "./bookmarks.js";
import { Page } from "./page.js";

/** Places to begin at that others know of: accounts of the configuration, the servers of a sandbox. */
export interface StartGroup {
  readonly title: string;
  readonly places: readonly { readonly url: string; readonly name: string }[];
}

const LATEST = 15;
const MOST_BOOKMARKS_AT_START = 50;

/** A page that comes from nowhere. */
export function own(title: string): Page {
  const page = new Page({ url: "", title });
  page.state = "done";
  return page;
}

export function startPage(
  bookmarks: readonly BookmarkLine[],
  history: readonly Been[],
  groups: readonly StartGroup[],
): Page {
  const page = own("Porthole");
  page.add("Porthole", "heading");
  page.add("g goes to an address, ? tells the keys, q quits.", "note");
  if (bookmarks.length > 0) {
    heading(page, "Bookmarks");
    addBookmarks(page, bookmarks.slice(0, MOST_BOOKMARKS_AT_START));
  }
  for (const { title, places } of groups) {
    if (places.length === 0) continue;
    heading(page, title);
    for (const { url, name } of places) addPlace(page, url, name);
  }
  if (history.length > 0) {
    heading(page, "Lately");
    for (const { url, title } of history.slice(-LATEST).reverse()) addPlace(page, url, title);
  }
  return page;
}

export function bookmarksPage(bookmarks: readonly BookmarkLine[], path: string): Page {
  const page = own("Bookmarks");
  page.add("Bookmarks", "heading");
  page.add(`They stand in ${safeLine(path)}, one a line, to be edited. A page is added with a.`, "note");
  page.add("");
  addBookmarks(page, bookmarks);
  return page;
}

function addBookmarks(page: Page, bookmarks: readonly BookmarkLine[]): void {
  for (const line of bookmarks) {
    if (line.kind === "heading") page.add(safeLine(line.text), "field");
    else addPlace(page, line.url, line.name);
  }
}

export function historyPage(history: readonly Been[]): Page {
  const page = own("History");
  page.add("History, the latest first", "heading");
  page.add("");
  for (const { url, title } of [...history].reverse()) addPlace(page, url, title);
  return page;
}

/** Columns of a screen that keys may take from what they do. */
const WIDEST_KEYS = 32;

export function helpPage(bindings: Bindings): Page {
  const page = own("Keys");
  page.add("Keys", "heading");
  page.add(
    "A number opens the link that bears it. The mouse opens links and tabs, with Ctrl or its middle button a link in a new tab (and a tab closes); its right button is back, its wheel scrolls.",
    "note",
  );
  page.add("");
  const keys = keysOf(bindings);
  const rows = [...keys].map(([action, names]) => [names.join(" "), summaryOf(action)] as const);
  const width = Math.min(WIDEST_KEYS, Math.max(...rows.map(([shown]) => shown.length)));
  for (const [shown, summary] of rows) page.add(`${shown.padEnd(width)} ${summary}`, "text", width + 1);
  page.add("");
  page.add(
    "Other keys: a file named keys beside the bookmarks, KEY ACTION a line, with these words for actions:",
    "note",
  );
  page.add(Object.keys(ACTIONS).join(" "), "note");
  return page;
}

function summaryOf(action: Action): string {
  return ACTIONS[action];
}

/** What a link leads to, its URL in full. */
export function infoPage(facts: readonly (readonly [string, string])[]): Page {
  const page = own("What is known");
  for (const [name, value] of facts) page.add(`${name.padEnd(8)} ${safeLine(value)}`, "text", 9);
  return page;
}

function heading(page: Page, title: string): void {
  page.add("");
  page.add(title, "field");
}

function addPlace(page: Page, url: string, name: string): void {
  const words = safeLine(name.slice(0, 300));
  const link = page.link({ url, name: words });
  const head = `${String(link + 1).padStart(4)}  `;
  const shown = words === "" ? safeLine(url) : words;
  const after = shown === safeLine(url) ? "" : `  ${safeLine(url)}`;
  page.add(`${head}${shown}${after}`, "text", 6, [
    { from: head.length, to: head.length + shown.length, link },
  ]);
}
