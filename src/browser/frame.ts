/** What is on the screen, row by row: only rows that differ are written again. */
import type { BrowserScreen } from "./screen.js";

export class Frame {
  #shown: string[] = [];
  #columns = 0;

  /** The next `draw` writes every row. */
  forget(): void {
    this.#shown = [];
    this.#columns = 0;
  }

  /**
   * @param rows one for each of the screen, no wider than it
   * @param cursor where it is to be seen, from 1; hidden when absent
   */
  draw(screen: BrowserScreen, rows: readonly string[], cursor?: { column: number; row: number }): void {
    const whole = this.#columns !== screen.columns || this.#shown.length !== rows.length;
    let out = "";
    for (const [at, row] of rows.entries()) {
      if (!whole && this.#shown[at] === row) continue;
      out += `\x1b[${at + 1};1H\x1b[0m${row}\x1b[0m\x1b[K`;
    }
    this.#shown = [...rows];
    this.#columns = screen.columns;
    const place = cursor === undefined ? "" : `\x1b[${cursor.row};${cursor.column}H\x1b[?25h`;
    if (out === "" && place === "") return;
    // One write, so that a slow line never shows half of it; the cursor is away while rows change.
    screen.write(`\x1b[?25l${whole ? "\x1b[2J" : ""}${out}${place}`);
  }
}
