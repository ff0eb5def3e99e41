/** Questions to the person at the bottom of the screen: a line to be typed, several, or yes and no. One at a time. */
import { safeLine } from "../text/safe.js";
import { displayWidth, truncate } from "../text/width.js";
import { wrap } from "../text/wrap.js";
import { type EditorOptions, LineEditor } from "./line-editor.js";
import { LinesEditor } from "./lines-editor.js";
import type { Input } from "./screen.js";

interface Question {
  readonly label: string;
  /** Absent: yes or no. */
  readonly editor: LineEditor | LinesEditor | undefined;
  readonly settle: (answer: string | undefined) => void;
}

/** Rows of a screen's bottom, the cursor among them by its row of these and its column, from 1. */
export interface AskedRows {
  readonly rows: readonly string[];
  readonly cursor: { readonly row: number; readonly column: number };
}

/** Said with what may have several lines. */
const WAY_OUT = "[Ctrl-X: done]";
/** Rows that several lines are shown in. */
const LINES_SHOWN = 8;
/** Rows of a question that is answered by yes or no. */
const QUESTION_ROWS = 6;

export class Asking {
  readonly #changed: () => void;
  readonly #waiting: Question[] = [];

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get open(): boolean {
    return this.#waiting.length > 0;
  }

  /** @returns undefined when the person gave it up */
  async line(label: string, options: EditorOptions = {}): Promise<string | undefined> {
    return this.#ask(label, new LineEditor(options));
  }

  /** Several lines, parted by LF. @returns undefined when the person gave it up */
  async lines(label: string, text = ""): Promise<string | undefined> {
    return this.#ask(label, new LinesEditor(text));
  }

  async yes(question: string): Promise<boolean> {
    return (await this.#ask(`${question} [y/n] `, undefined)) === "y";
  }

  take(input: Input): void {
    const question = this.#waiting[0];
    if (question === undefined) return;
    if (question.editor === undefined) {
      if (input.kind !== "key") return;
      if (/^[yY]$/.test(input.key)) this.#settle("y");
      else if (/^(?:[nNq]|Escape|Left|Backspace|C-c|C-g|Enter)$/.test(input.key)) this.#settle(undefined);
      return;
    }
    const outcome = question.editor.take(input);
    if (outcome === "done") this.#settle(question.editor.text);
    else if (outcome === "cancel") this.#settle(undefined);
  }

  /** Gives up all questions. */
  cancel(): void {
    while (this.#waiting.length > 0) this.#settle(undefined);
  }

  /** @param rows of the screen */
  shown(columns: number, rows: number): AskedRows | undefined {
    const question = this.#waiting[0];
    if (question === undefined) return undefined;
    const { editor } = question;
    if (editor instanceof LinesEditor) return linesShown(question.label, editor, columns, rows);
    if (editor === undefined) return choiceShown(question.label, columns, rows);
    const label = truncate(question.label, Math.max(0, Math.floor(columns / 2)));
    const width = displayWidth(label);
    const offer = editor.offer === "" ? "" : ` ${editor.offer}`;
    const room = Math.max(1, columns - width - offer.length);
    const { text, cursor } = editor.shown(room);
    const gap = offer === "" ? "" : " ".repeat(Math.max(0, room - displayWidth(text)));
    return {
      rows: [`${label}${text}${gap}${offer}`],
      cursor: { row: 1, column: Math.min(columns, width + cursor + 1) },
    };
  }

  #ask(label: string, editor: LineEditor | LinesEditor | undefined): Promise<string | undefined> {
    return new Promise((settle) => {
      this.#waiting.push({ label: safeLine(label), editor, settle });
      this.#changed();
    });
  }

  #settle(answer: string | undefined): void {
    this.#waiting.shift()?.settle(answer);
    this.#changed();
  }
}

/** The question, and below it what was typed; a small screen has the line with the cursor alone. */
function linesShown(label: string, editor: LinesEditor, columns: number, rows: number): AskedRows {
  const most = Math.max(1, Math.min(LINES_SHOWN, rows - 2));
  const head = rows < 2 ? [] : [fitting(`${label}${WAY_OUT}`, columns)];
  const { rows: lines, cursor } = editor.shown(columns, most);
  return {
    rows: [...head, ...lines],
    cursor: { row: head.length + cursor.row + 1, column: Math.min(columns, cursor.column + 1) },
  };
}

/** All of the question where there is room: what is said yes to should have been seen. */
function choiceShown(label: string, columns: number, rows: number): AskedRows {
  const lines = wrap(label, columns);
  const most = Math.max(1, Math.min(QUESTION_ROWS, rows - 2));
  // The end of a question says what is asked.
  const shown =
    lines.length <= most ? lines : wrap(fitting(label, columns * most - most), columns).slice(-most);
  const last = shown.at(-1) ?? "";
  const column = Math.min(columns, displayWidth(last) + 2);
  return { rows: shown, cursor: { row: shown.length, column } };
}

/** The text with what is in its middle left out where it is too long. */
function fitting(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  const tail = text.slice(-Math.min(12, Math.floor(columns / 2)));
  return truncate(text, Math.max(1, columns - displayWidth(tail))) + tail;
}
