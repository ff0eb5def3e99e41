/** Several lines that a person types: each as in the line editor, Enter begins the next, Ctrl-X is the end. */
import { LineEditor } from "./line-editor.js";
import type { Input } from "./screen.js";

const MOST_LINES = 1000;

export class LinesEditor {
  readonly #lines: string[];
  #at: number;
  /** Edits the line where the cursor is; `#lines` learns of it when the cursor goes elsewhere. */
  #editor: LineEditor;

  constructor(text = "") {
    this.#lines = text.split(/\r\n|\n|\r/).slice(0, MOST_LINES);
    this.#at = this.#lines.length - 1;
    this.#editor = new LineEditor({ text: this.#lines[this.#at] ?? "" });
  }

  /** Lines are parted by LF; one that is empty at the end is none. */
  get text(): string {
    const lines = this.#all();
    return (lines.at(-1) === "" ? lines.slice(0, -1) : lines).join("\n");
  }

  /** `done`: the text is finished; `cancel`: it was given up. */
  take(input: Input): "done" | "cancel" | undefined {
    if (input.kind === "mouse") return undefined;
    if (input.kind === "paste") {
      for (const [index, line] of input.text.split(/\r\n|\n|\r/).entries()) {
        if (index > 0) this.#breakLine();
        this.#editor.insert(line.replaceAll("\t", " "));
      }
      return undefined;
    }
    switch (input.key) {
      case "C-x":
        return "done";
      case "Escape":
      case "C-c":
      case "C-g":
        return "cancel";
      case "Enter":
        this.#breakLine();
        return undefined;
      case "Up":
      case "C-p":
        this.#goTo(this.#at - 1, this.#editor.cursor);
        return undefined;
      case "Down":
      case "C-n":
        this.#goTo(this.#at + 1, this.#editor.cursor);
        return undefined;
      case "Backspace":
        if (this.#editor.cursor === 0) this.#joinBefore();
        else this.#editor.take(input);
        return undefined;
      case "Tab":
      case "S-Tab":
        return undefined;
      default:
        this.#editor.take(input);
        return undefined;
    }
  }

  /** As many lines as there are rows for, the one with the cursor among them; the cursor's row and column, from 0. */
  shown(columns: number, rows: number): { rows: string[]; cursor: { row: number; column: number } } {
    const lines = this.#all();
    const from = Math.max(0, Math.min(this.#at - Math.floor(rows / 2), lines.length - rows));
    const { text, cursor } = this.#editor.shown(columns);
    const shown = lines.slice(from, from + rows).map((line, index) => {
      if (from + index === this.#at) return text;
      return new LineEditor({ text: line, cursor: 0 }).shown(columns).text;
    });
    return { rows: shown, cursor: { row: this.#at - from, column: cursor } };
  }

  #all(): string[] {
    return this.#lines.with(this.#at, this.#editor.text);
  }

  #breakLine(): void {
    if (this.#lines.length >= MOST_LINES) return;
    const characters = Array.from(this.#editor.text);
    const { cursor } = this.#editor;
    this.#lines.splice(this.#at, 1, characters.slice(0, cursor).join(""), characters.slice(cursor).join(""));
    this.#at += 1;
    this.#editor = new LineEditor({ text: this.#lines[this.#at] ?? "", cursor: 0 });
  }

  #joinBefore(): void {
    const before = this.#lines[this.#at - 1];
    if (before === undefined) return;
    const text = before + this.#editor.text;
    this.#at -= 1;
    this.#lines.splice(this.#at, 2, text);
    this.#editor = new LineEditor({ text, cursor: Array.from(before).length });
  }

  #goTo(at: number, cursor: number): void {
    const text = this.#lines[at];
    if (text === undefined) return;
    this.#lines[this.#at] = this.#editor.text;
    this.#at = at;
    this.#editor = new LineEditor({ text, cursor });
  }
}
