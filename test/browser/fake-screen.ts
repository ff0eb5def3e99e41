/** A terminal for tests: it understands the few sequences that the browser may send, and takes note of all others. */
import type { BrowserScreen } from "../../src/browser/screen.js";
import { displayWidth } from "../../src/text/width.js";

export class FakeScreen implements BrowserScreen {
  columns: number;
  rows: number;
  /** Sequences that a browser has no business to send, and controls. */
  readonly strange: string[] = [];
  /** How often it was written to, and how much. */
  writes = 0;
  written = 0;
  /** Rows that were written since the last `clear`. */
  drawn = 0;
  /** From 1; undefined while it is hidden. */
  cursor: { row: number; column: number } | undefined;
  /** Styles that were set, by the code of SGR. */
  readonly styles = new Set<string>();
  #text: string[];
  #row = 1;
  #column = 1;

  constructor(columns = 60, rows = 12) {
    this.columns = columns;
    this.rows = rows;
    this.#text = Array.from({ length: rows }, () => "");
  }

  get text(): string {
    return this.#text.map((row) => row.trimEnd()).join("\n");
  }

  row(at: number): string {
    return (this.#text[at - 1] ?? "").trimEnd();
  }

  /** Another size; what was there is gone, as when a terminal is resized. */
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.#text = Array.from({ length: rows }, () => "");
  }

  write(text: string): void {
    this.writes += 1;
    this.written += text.length;
    for (const [part] of text.matchAll(
      /\x1b\[[?\d;]*[A-Za-z]|[\x00-\x1f\x7f-\x9f]|[^\x00-\x1f\x7f-\x9f]+/g,
    )) {
      if (part.startsWith("\x1b[")) this.#sequence(part);
      else if (/^[\x00-\x1f\x7f-\x9f]$/.test(part)) this.strange.push(JSON.stringify(part));
      else this.#put(part);
    }
  }

  #sequence(sequence: string): void {
    const place = /^\x1b\[(\d+);(\d+)H$/.exec(sequence);
    if (place !== null) {
      [this.#row, this.#column] = [Number(place[1]), Number(place[2])];
      this.drawn += 1;
      return;
    }
    if (sequence === "\x1b[K") {
      // As in xterm: behind a row that is full the cursor still stands on its last column.
      const from = Math.min(this.#column, this.columns) - 1;
      this.#text[this.#row - 1] = (this.#text[this.#row - 1] ?? "").slice(0, from);
    } else if (sequence === "\x1b[2J") this.#text = this.#text.map(() => "");
    else if (sequence === "\x1b[?25h") this.cursor = { row: this.#row, column: this.#column };
    else if (sequence === "\x1b[?25l") this.cursor = undefined;
    else if (/^\x1b\[[\d;]+m$/.test(sequence)) this.styles.add(sequence.slice(2, -1));
    else this.strange.push(JSON.stringify(sequence));
  }

  /** Columns are counted by characters: texts of tests are narrow, but for those that measure width themselves. */
  #put(text: string): void {
    const row = this.#text[this.#row - 1];
    if (row === undefined) {
      this.strange.push(`row ${this.#row} of ${this.rows}`);
      return;
    }
    const before = row.padEnd(this.#column - 1).slice(0, this.#column - 1);
    const now = before + text + row.slice(this.#column - 1 + text.length);
    if (displayWidth(before + text) > this.columns) this.strange.push(`too wide: ${before}${text}`);
    this.#text[this.#row - 1] = now;
    this.#column += text.length;
  }
}
