/** What is on the screen, row by row: only rows that differ are written again. A picture lies over its rows. */
import { isSamePlacement, type Placement, pictureSequence, removalSequence } from "./graphics.js";
import type { BrowserScreen } from "./screen.js";

export class Frame {
  #shown: (string | undefined)[] = [];
  #columns = 0;
  #picture: Placement | undefined;

  /** The next `draw` writes every row. */
  forget(): void {
    this.#shown = [];
    this.#columns = 0;
  }

  /**
   * @param rows one for each of the screen, no wider than it
   * @param cursor where it is to be seen, from 1; hidden when absent
   */
  draw(
    screen: BrowserScreen,
    rows: readonly string[],
    cursor?: { column: number; row: number },
    picture?: Placement,
  ): void {
    const whole = this.#columns !== screen.columns || this.#shown.length !== rows.length;
    const before = this.#picture;
    const isNew = !isSamePlacement(before, picture);
    let out = "";
    if (before !== undefined && isNew) {
      out += removalSequence(before.kind);
      for (let row = before.row; row < before.row + before.to - before.from; row++)
        this.#shown[row - 1] = undefined;
    }
    let isTouched = isNew || whole;
    for (const [at, row] of rows.entries()) {
      if (!whole && this.#shown[at] === row) continue;
      // Cleared before and not after: behind a row that is full xterm's cursor still stands on its last character.
      out += `\x1b[${at + 1};1H\x1b[0m\x1b[K${row}\x1b[0m`;
      if (picture !== undefined && at + 1 >= picture.row && at + 1 < picture.row + picture.to - picture.from)
        isTouched = true;
    }
    if (picture !== undefined && isTouched) {
      out += `\x1b[${picture.row};${picture.column}H${pictureSequence(picture)}`;
    }
    this.#shown = [...rows];
    this.#columns = screen.columns;
    this.#picture = picture;
    const place = cursor === undefined ? "" : `\x1b[${cursor.row};${cursor.column}H\x1b[?25h`;
    if (out === "" && place === "") return;
    // One write, so that a slow line never shows half of it; the cursor is away while rows change.
    screen.write(`\x1b[?25l${whole ? "\x1b[2J" : ""}${out}${place}`);
  }
}
