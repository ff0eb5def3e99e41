/** A page's lines as rows of a screen: broken between words, and where a word is too long. */
import { chop, displayWidth } from "../text/width.js";
import type { Page, PageLine } from "./page.js";

/** One row: a part of a line. */
export interface Row {
  readonly line: number;
  readonly from: number;
  readonly to: number;
  /** Columns before it. */
  readonly indent: number;
}

const PLAIN = /^[\x20-\x7e]*$/;
/** Columns that wrapped rows keep at least, however far they hang. */
const NARROWEST = 10;

export class Layout {
  readonly rows: Row[] = [];
  /** The first row of each line. */
  readonly #first: number[] = [];
  #edition = -1;
  #columns = 0;
  #wrapped = true;

  /** Brings the rows up to the page as it is now. */
  update(page: Page, columns: number, wrapped: boolean): void {
    if (page.edition !== this.#edition || columns !== this.#columns || wrapped !== this.#wrapped) {
      this.rows.length = 0;
      this.#first.length = 0;
      this.#edition = page.edition;
      this.#columns = columns;
      this.#wrapped = wrapped;
    }
    for (let line = this.#first.length; line < page.lines.length; line++) {
      this.#first.push(this.rows.length);
      const content = page.lines[line];
      if (content !== undefined) this.#lay(content, line);
    }
  }

  rowOf(line: number): number {
    return this.#first[line] ?? 0;
  }

  /** The row of a line in which a place of its text stands. */
  rowAt(line: number, offset: number): number {
    let row = this.rowOf(line);
    for (let next = this.rows[row + 1]; next !== undefined && next.line === line; next = this.rows[++row + 1])
      if (next.from > offset) break;
    return row;
  }

  #lay({ text, hanging }: PageLine, line: number): void {
    const columns = Math.max(1, this.#columns);
    if (!this.#wrapped || text.length <= columns / 2 || (text.length <= columns && PLAIN.test(text))) {
      this.rows.push({ line, from: 0, to: text.length, indent: 0 });
      return;
    }
    const indent = Math.min(hanging, Math.max(0, columns - NARROWEST));
    const plain = PLAIN.test(text);
    let from = 0;
    do {
      const room = columns - (from === 0 ? 0 : indent);
      const end = plain ? Math.min(text.length, from + room) : widest(text, from, room);
      const to = end < text.length ? wordEnd(text, from, end) : end;
      this.rows.push({ line, from, to, indent: from === 0 ? 0 : indent });
      from = to;
      while (text[from] === " " && from < text.length) from++;
    } while (from < text.length);
  }
}

/** Where a row must end that begins at `from`. */
function widest(text: string, from: number, columns: number): number {
  // A cluster of more than four units to a column is rare, and costs a short row.
  const window = text.slice(from, from + columns * 4);
  if (displayWidth(window) <= columns) return from + window.length;
  return from + (chop(window, columns)[0]?.length ?? 1);
}

/** Before the last space that leaves something on the row. */
function wordEnd(text: string, from: number, end: number): number {
  if (text[end] === " ") return end;
  const space = text.lastIndexOf(" ", end - 1);
  return space > from && text.slice(from, space).trim() !== "" ? space : end;
}
