/** The whole screen as rows: bars, the page, a notice over its end, and the last line. */
import { safeLine } from "../text/safe.js";
import { wrap } from "../text/wrap.js";
import { bounded, selectFirst } from "./moving.js";
import type { Tab, Visit } from "./tab.js";
import { bar, bodyRows, type Surface, tabNames, tabStrip } from "./view.js";

export interface Shown {
  readonly surface: Surface;
  readonly visit: Visit | undefined;
  readonly tabs: readonly Tab[];
  /** The tab in front. */
  readonly at: number;
  /** Rows above the page. */
  readonly bars: number;
  /** Rows of the page. */
  readonly height: number;
  readonly view: { readonly wrapped: boolean; readonly centred: boolean };
  /** Told above the last line, or in its place; empty: nothing. */
  readonly notice: string;
  /** What is asked, in place of the last line and of the page's end; absent: nothing. */
  readonly asked: readonly string[] | undefined;
  /** What stands in the last line otherwise; called when it is settled where the page stands. */
  readonly last: () => string;
}

/** Rows of a notice. */
const NOTICE_ROWS = 4;

/** What the tabs are called. */
export function titlesOf(tabs: readonly Tab[]): string[] {
  return tabs.map((tab) => safeLine(tab.visit?.page.title ?? tab.load?.url ?? "new"));
}

/** @returns the rows, and how many of the page's a notice or a question covers */
export function screenRows(shown: Shown): { readonly out: string[]; readonly covered: number } {
  const { surface, visit, tabs, at, bars, height, view, notice, asked, last } = shown;
  const { columns, rows } = surface;
  const out: string[] = [];
  if (rows >= 3) out.push(bar(visit?.page.title ?? "Porthole", visit?.page.url ?? "", surface));
  if (bars === 2) {
    out.unshift(tabStrip(tabNames(titlesOf(tabs), columns), at, surface));
  }
  if (visit === undefined) for (let row = 0; row < height; row++) out.push("");
  else {
    // A page that was found in stays where it was found; otherwise no row is wasted.
    if (visit.found === "") visit.top = bounded(visit, visit.top, height);
    if (visit.selected < 0 && visit.top === 0 && visit.page.links.length > 0) selectFirst(visit, height);
    out.push(...bodyRows(visit, height, surface, view));
  }
  const told = notice === "" ? [] : wrap(notice, columns);
  const lines = asked ?? (told.length <= NOTICE_ROWS ? told : [...told.slice(0, NOTICE_ROWS - 1), "…"]);
  // A long notice or question lies over the end of the page.
  for (const [index, line] of lines.slice(0, -1).entries()) out[out.length - lines.length + 1 + index] = line;
  out.push(lines.at(-1) ?? last());
  // Of a single row the question or the notice is what matters.
  const from = lines.length > 0 ? Math.max(0, out.length - rows) : 0;
  return { out: out.slice(from, from + rows), covered: Math.max(0, lines.length - 1) };
}
