/** Moving about in a page: rows, links, places that were looked for. The visit is laid out already. */
import type { Visit } from "./tab.js";

/** @param height rows of the screen that show the page */
export function scroll(visit: Visit, rows: number, height: number): void {
  visit.top = bounded(visit, visit.top + rows, height);
  if (isSeen(visit, visit.selected, height)) return;
  // The selection comes along: Enter opens what is seen.
  const first = firstSeen(visit, height);
  if (first < 0) return;
  let last = first;
  while (isSeen(visit, last + 1, height)) last++;
  visit.selected = rows > 0 ? first : last;
}

/** No row of the screen is wasted. */
export function bounded(visit: Visit, top: number, height: number): number {
  return Math.max(0, Math.min(top, visit.layout.rows.length - height));
}

/** As the page comes, its first link is selected: Enter has something to open. */
export function selectFirst(visit: Visit, height: number): void {
  const first = firstSeen(visit, height);
  if (first >= 0) visit.selected = first;
}

/** The next link when it is near; otherwise half a page on, so that no text is jumped over. */
export function select(visit: Visit, step: 1 | -1, height: number): void {
  const { links } = visit.page;
  let at = visit.selected < 0 ? firstSeen(visit, height) : visit.selected + step;
  let row = rowOf(visit, at);
  while (row === undefined && at >= 0 && at < links.length) {
    at += step;
    row = rowOf(visit, at);
  }
  const near = Math.ceil(height / 2);
  if (row === undefined || row < visit.top - near || row >= visit.top + height + near) {
    scroll(visit, step * near, height);
    return;
  }
  visit.selected = at;
  if (row < visit.top) visit.top = row;
  else if (row >= visit.top + height) visit.top = bounded(visit, row - height + 1, height);
}

/** The line comes to the top, also where the page ends on this screen: it is where `n` goes on from. */
export function showLine(visit: Visit, line: number): void {
  visit.top = Math.min(visit.layout.rowOf(line), Math.max(0, visit.layout.rows.length - 1));
  const link = visit.page.lines[line]?.spans?.[0]?.link;
  if (link !== undefined) visit.selected = link;
}

function firstSeen(visit: Visit, height: number): number {
  const { rows } = visit.layout;
  // By the rows that are seen: a page may have a hundred thousand links.
  for (let at = visit.top; at < Math.min(visit.top + height, rows.length); at++) {
    const line = rows[at]?.line ?? -1;
    for (const { link } of visit.page.lines[line]?.spans ?? []) if (isSeen(visit, link, height)) return link;
  }
  return -1;
}

function isSeen(visit: Visit, at: number, height: number): boolean {
  const row = rowOf(visit, at);
  return row !== undefined && row >= visit.top && row < visit.top + height;
}

function rowOf(visit: Visit, at: number): number | undefined {
  const link = visit.page.links[at];
  if (link === undefined || link.line < 0) return undefined;
  const span = visit.page.lines[link.line]?.spans?.find((one) => one.link === at);
  return visit.layout.rowAt(link.line, span?.from ?? 0);
}
