/** Cells that span several columns and rows, put at their places (HTML Standard, 4.9.12.1). */

export interface SpanningCell {
  readonly text: string;
  readonly columns: number;
  readonly rows: number;
}

/** Columns of one table; what pages ask for beyond that is no table. */
const MOST_COLUMNS = 100;

/** Each row's texts by column; what a cell spans besides its first place is empty. */
export function gridOf(rows: readonly (readonly SpanningCell[])[]): string[][] {
  /** Of each column: for how many rows more a cell from above stands there. */
  const taken: number[] = [];
  return rows.map((cells) => {
    const texts: string[] = [];
    const below: [column: number, rows: number][] = [];
    let column = 0;
    for (const cell of cells) {
      while ((taken[column] ?? 0) > 0) column += 1;
      texts[column] = cell.text;
      const end = Math.min(column + Math.max(1, cell.columns), MOST_COLUMNS);
      for (; column < end; column++) below.push([column, Math.max(1, cell.rows)]);
      if (column >= MOST_COLUMNS) break;
    }
    for (const [at, span] of below) taken[at] = Math.max(taken[at] ?? 0, span);
    const width = Math.max(texts.length, ...below.map(([at]) => at + 1), 0);
    for (let at = 0; at < taken.length; at++) taken[at] = Math.max(0, (taken[at] ?? 0) - 1);
    return Array.from({ length: width }, (_, at) => texts[at] ?? "");
  });
}
