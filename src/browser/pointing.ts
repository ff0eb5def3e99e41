/** What stands where a person points with the mouse. Columns and rows of the screen are counted from 1. */
import { chop, displayWidth } from "../text/width.js";
import type { Row } from "./layout.js";
import type { PageLine } from "./page.js";
import type { Visit } from "./tab.js";

/** Which of the tabs is named in that column, from 0; undefined: none. @param named what the strip shows of each */
export function tabAt(named: readonly string[], column: number): number | undefined {
  let end = 0;
  const at = named.findIndex((shown) => {
    end += displayWidth(shown);
    return column <= end;
  });
  return at < 0 ? undefined : at;
}

/**
 * The link of a page that is meant, as its place in the page's links.
 * @param row of the page that is seen, from 0
 * @param column of the page, from 1
 */
export function linkAt({ page, layout, top }: Visit, row: number, column: number): number | undefined {
  const shown = layout.rows[top + row];
  const line = shown === undefined ? undefined : page.lines[shown.line];
  const spans = line?.spans ?? [];
  if (shown === undefined || line === undefined || line.painted !== undefined) return undefined;
  // A line of a list is its one link, from its number to its end.
  if (spans.length === 1 && isListed(line)) return spans[0]?.link;
  const offset = offsetAt(line, shown, column);
  if (offset === undefined) return undefined;
  // Of a web page a number in brackets ends the words that are the link: whoever points at those means it.
  return spans.find(({ to }) => to > offset && to > shown.from)?.link;
}

function isListed({ text, spans }: PageLine): boolean {
  const numbered = /^ *\d+ {2}/.exec(text)?.[0].length ?? 0;
  return numbered > 0 && numbered <= (spans?.[0]?.from ?? -1);
}

/** Where in the line's text that column is; undefined beyond its end, and before its beginning. */
function offsetAt({ text }: PageLine, row: Row, column: number): number | undefined {
  const columns = column - 1 - row.indent;
  const part = text.slice(row.from, row.to);
  if (columns < 0 || columns >= displayWidth(part)) return undefined;
  const before = columns === 0 ? "" : (chop(part, columns)[0] ?? "");
  return row.from + (displayWidth(before) > columns ? 0 : before.length);
}
