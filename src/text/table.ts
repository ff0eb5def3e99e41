/** Rows and columns fitted to a terminal. Cells hold safe text without line breaks. */
import { displayWidth, pad } from "./width.js";

export interface Column {
  /** Above the column; when no column has a title there is no heading line. */
  readonly title?: string;
  /** Right for numbers; left when absent. */
  readonly align?: "left" | "right";
  /** May be cut, down to eight columns, when the table is too wide. */
  readonly flexible?: boolean;
}

const GAP = "  ";
/** A flexible column is cut no further. */
const LEAST = 8;

/** One line for each row, with the titles first when there are any; where wider than `width`, flexible columns are cut. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const titled = columns.some((column) => column.title !== undefined);
  const lines = titled ? [columns.map((column) => column.title ?? ""), ...rows] : rows;
  const natural = columns.map((_, at) => Math.max(0, ...lines.map((row) => displayWidth(row[at] ?? ""))));
  const widths = shrink(columns, natural, width - GAP.length * (columns.length - 1));
  return lines.map((row) =>
    columns
      .map((column, at) => pad(row[at] ?? "", widths[at] ?? 0, column.align))
      .join(GAP)
      .trimEnd(),
  );
}

/** Takes what is too much from the widest flexible column until the others are as wide, and so on. */
function shrink(columns: readonly Column[], natural: readonly number[], room: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const shrinkable = widths.filter((width, at) => columns[at]?.flexible === true && width > LEAST);
    const widest = Math.max(0, ...shrinkable);
    if (widest === 0) break;
    const at = widths.findIndex((width, index) => width === widest && columns[index]?.flexible === true);
    const next = Math.max(LEAST, ...shrinkable.filter((width) => width < widest));
    const isTie = shrinkable.filter((width) => width === widest).length > 1;
    const step = isTie ? 1 : Math.min(excess, widest - next);
    widths[at] = widest - step;
    excess -= step;
  }
  return widths;
}

/**
 * Names down the columns of a grid, as ls lays them out: as many columns as fit.
 * @param paint colours the name at this index; called once for each name, without its padding
 */
export function inColumns(
  names: readonly string[],
  width: number,
  paint: (name: string, index: number) => string = (name) => name,
): string[] {
  const widths = names.map(displayWidth);
  // So many stand beside each other at most: the narrowest name in every column.
  const narrowest = Math.min(...widths) + GAP.length;
  const most = Math.min(names.length, Math.floor((width + GAP.length) / narrowest));
  for (let columns = most; columns > 1; columns--) {
    const rows = Math.ceil(names.length / columns);
    const columnWidths = widestByColumn(widths, rows);
    const total = columnWidths.reduce((sum, one) => sum + one + GAP.length, -GAP.length);
    if (total <= width) return Array.from({ length: rows }, (_, row) => line(row, rows, columnWidths));
  }
  return names.map(paint);

  function line(row: number, rows: number, columnWidths: readonly number[]): string {
    let text = "";
    let missing = 0;
    for (let at = row, column = 0; at < names.length; at += rows, column++) {
      text += " ".repeat(missing) + paint(names[at] ?? "", at);
      missing = (columnWidths[column] ?? 0) - (widths[at] ?? 0) + GAP.length;
    }
    return text;
  }
}

function widestByColumn(widths: readonly number[], rows: number): number[] {
  const widest: number[] = [];
  for (let at = 0; at < widths.length; at += rows) widest.push(Math.max(...widths.slice(at, at + rows)));
  return widest;
}
