/** What a person sees: the bar, the page, the status line, as rows of exactly the screen's width at most. */
import { displayWidth, pad, truncate } from "../text/width.js";
import type { Graphics, Placement } from "./graphics.js";
import type { Row } from "./layout.js";
import type { Page, PageLine } from "./page.js";
import type { Visit } from "./tab.js";
import { type Style, styled, type ThemeName } from "./theme.js";

export interface Surface {
  readonly columns: number;
  readonly rows: number;
  readonly theme: ThemeName;
}

export interface PageView {
  readonly wrapped: boolean;
  readonly centred: boolean;
}

/** A page wider than this is put in the middle as if it were as wide as this. */
const CENTRED_WIDTH = 80;

/** Rows for the page: all but the bar and the status line, and the strip of tabs when there is one. */
export function bodyHeight(rows: number, tabs: number): number {
  return Math.max(1, rows - (rows < 3 ? rows - 1 : 2) - (tabs > 1 && rows > 3 ? 1 : 0));
}

/** Columns that a page's lines are wrapped to. */
export function pageColumns(columns: number, { centred }: PageView): number {
  return centred ? Math.min(columns, CENTRED_WIDTH) : columns;
}

/** Columns left of a page. */
export function marginOf(columns: number, view: PageView): number {
  return view.centred ? Math.floor((columns - pageColumns(columns, view)) / 2) : 0;
}

/** What the strip of tabs shows of each, as far as the row has room. */
export function tabNames(titles: readonly string[], columns: number): string[] {
  const each = Math.max(3, Math.floor(columns / titles.length) - 3);
  const names: string[] = [];
  let width = 0;
  for (const [index, title] of titles.entries()) {
    const shown = ` ${index + 1} ${truncate(title, Math.max(0, each - 2))} `;
    width += displayWidth(shown);
    if (width > columns) break;
    names.push(shown);
  }
  return names;
}

export function tabStrip(names: readonly string[], at: number, { theme }: Surface): string {
  return names.map((shown, index) => (index === at ? styled(theme, "tab", shown) : shown)).join("");
}

export function bar(title: string, url: string, { columns, theme }: Surface): string {
  const text = url === "" || title === url ? ` ${title || url}` : ` ${title} - ${url}`;
  return styled(theme, "bar", pad(truncate(text, columns), columns));
}

/** Left what there is to say, right where in the page one is. */
export function statusRow(left: string, right: string, { columns, theme }: Surface): string {
  const shown = displayWidth(right) + 2 > columns ? "" : right;
  const room = columns - displayWidth(shown) - (shown === "" ? 0 : 1);
  return styled(theme, "status", shown === "" ? truncate(left, room) : `${pad(left, room)} ${shown}`);
}

/** `height` rows of the page from the visit's top. */
export function bodyRows(visit: Visit, height: number, surface: Surface, view: PageView): string[] {
  const { page, layout, top } = visit;
  const columns = pageColumns(surface.columns, view);
  const margin = " ".repeat(marginOf(surface.columns, view));
  const rows: string[] = [];
  for (let at = top; at < top + height; at++) {
    const row = layout.rows[at];
    const line = row === undefined ? undefined : page.lines[row.line];
    rows.push(
      row === undefined || line === undefined ? "" : margin + drawn(line, row, visit, columns, surface.theme),
    );
  }
  return rows;
}

/**
 * Where the picture of a page is seen, as far as it is.
 * @param above rows of the screen above the page
 * @param height rows that show the page
 */
export function placementOf(
  visit: Visit,
  { kind, cell }: Graphics,
  above: number,
  height: number,
  { columns }: Surface,
  view: PageView,
): Placement | undefined {
  const { page, layout, top } = visit;
  const { picture } = page;
  // A page that was drawn before the screen was known to show pixels has characters in place of them.
  if (picture === undefined || page.lines[picture.line]?.painted !== "") return undefined;
  const first = layout.rowOf(picture.line);
  const from = Math.max(0, top - first);
  const to = Math.min(picture.rows, top + height - first);
  if (from >= to) return undefined;
  const margin = marginOf(columns, view);
  return {
    picture: picture.pixels,
    kind,
    cell,
    row: above + first + from - top + 1,
    column: margin + 1,
    columns: Math.min(picture.columns, columns - margin),
    height: picture.rows,
    from,
    to,
  };
}

/** Where in a row's text something begins to look different. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly style: Style;
}

function drawn(line: PageLine, row: Row, visit: Visit, columns: number, theme: ThemeName): string {
  if (line.painted === "" || (line.painted !== undefined && theme !== "plain")) return line.painted;
  const room = columns - row.indent;
  const text = truncate(line.text.slice(row.from, row.to).trimEnd(), room);
  const pieces = [...linkPieces(line, visit), ...matches(line.text, visit.found)]
    .map(({ from, to, style }) => ({
      from: Math.max(0, from - row.from),
      to: Math.min(text.length, to - row.from),
      style,
    }))
    .filter(({ from, to }) => from < to);
  let out = " ".repeat(row.indent);
  for (let at = 0; at < text.length; ) {
    // Of pieces that overlap, the last one named lies on top.
    const here = pieces.findLast(({ from, to }) => from <= at && at < to);
    const borders = pieces.flatMap(({ from, to }) => [from, to]).filter((border) => border > at);
    const end = Math.min(text.length, ...borders);
    out += styled(theme, here?.style ?? line.style, text.slice(at, end));
    at = end;
  }
  return out;
}

function linkPieces(line: PageLine, { selected }: Visit): Piece[] {
  const spans = line.spans ?? [];
  const numbered = /^ *\d+ {2}/.exec(line.text)?.[0].length ?? 0;
  const first = spans[0];
  const head: Piece[] =
    first !== undefined && numbered > 0 && numbered <= first.from
      ? [{ from: 0, to: first.from, style: "number" }]
      : [];
  return [
    ...head,
    ...spans.map(
      ({ from, to, link }): Piece => ({ from, to, style: link === selected ? "selected" : "link" }),
    ),
  ];
}

/** Places of the words that are looked for. */
function matches(text: string, words: string): Piece[] {
  if (words === "") return [];
  const pieces: Piece[] = [];
  const [where, what] = comparable(text, words);
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, at + what.length))
    pieces.push({ from: at, to: at + what.length, style: "match" });
  return pieces;
}

/** As less -i has it: case counts only when the words have capitals. */
function comparable(text: string, words: string): [string, string] {
  const lower = text.toLowerCase();
  // A few letters change their length: places in one text would not be those in the other.
  return words === words.toLowerCase() && lower.length === text.length ? [lower, words] : [text, words];
}

/** The next line after `from` (before it, with step -1) that has the words; around the end, as less does not. */
export function lineWith(page: Page, words: string, from: number, step: 1 | -1): number | undefined {
  const count = page.lines.length;
  for (let seen = 1; seen <= count; seen++) {
    const at = (((from + step * seen) % count) + count) % count;
    const [where, what] = comparable(page.lines[at]?.text ?? "", words);
    if (where.includes(what)) return at;
  }
  return undefined;
}
