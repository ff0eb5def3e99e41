/** One line that a person types: with the keys of readline, a memory of earlier lines, and completion. */
import { safeLine } from "../text/safe.js";
import { displayWidth } from "../text/width.js";
import type { Input } from "./screen.js";

export interface EditorOptions {
  readonly text?: string;
  /** Where the cursor is, in characters; at the end when absent. */
  readonly cursor?: number;
  /** Newest last. */
  readonly memory?: readonly string[];
  /** What a line may become; the best first. */
  readonly complete?: (text: string) => readonly string[];
  /** Nothing of it is shown. */
  readonly hidden?: boolean;
}

/** Characters of a line. */
const LONGEST = 4096;

export class LineEditor {
  #characters: string[];
  #at: number;
  readonly #options: EditorOptions;
  /** Place in memory; its length is the line itself. */
  #remembered: number;
  #own = "";
  #choices: readonly string[] = [];
  #choice = -1;

  constructor(options: EditorOptions = {}) {
    this.#options = options;
    this.#characters = Array.from(options.text ?? "");
    this.#at = Math.min(this.#characters.length, options.cursor ?? this.#characters.length);
    this.#remembered = options.memory?.length ?? 0;
  }

  get text(): string {
    return this.#characters.join("");
  }

  /** Where the cursor is, in characters. */
  get cursor(): number {
    return this.#at;
  }

  /** What completion offers now, for the status line. */
  get offer(): string {
    return this.#choices.length > 1 ? `${this.#choice + 1}/${this.#choices.length}` : "";
  }

  /** `done`: the line is finished; `cancel`: it was given up. */
  take(input: Input): "done" | "cancel" | undefined {
    if (input.kind === "mouse") return undefined;
    if (input.kind === "paste") {
      // A line break in a paste would finish the line behind the person's back.
      this.insert(input.text.replace(/[\r\n\t]+/g, " ").trim());
      return undefined;
    }
    const { key } = input;
    if (key !== "Tab" && key !== "S-Tab") this.#choices = [];
    switch (key) {
      case "Enter":
        return "done";
      case "Escape":
      case "C-c":
      case "C-g":
        return "cancel";
      case "Backspace":
        if (this.#characters.length === 0) return "cancel";
        if (this.#at > 0) this.#characters.splice(--this.#at, 1);
        return undefined;
      case "Delete":
      case "C-d":
        this.#characters.splice(this.#at, 1);
        return undefined;
      case "Left":
      case "C-b":
        this.#at = Math.max(0, this.#at - 1);
        return undefined;
      case "Right":
      case "C-f":
        this.#at = Math.min(this.#characters.length, this.#at + 1);
        return undefined;
      case "Home":
      case "C-a":
        this.#at = 0;
        return undefined;
      case "End":
      case "C-e":
        this.#at = this.#characters.length;
        return undefined;
      case "C-u":
        this.#characters.splice(0, this.#at);
        this.#at = 0;
        return undefined;
      case "C-k":
        this.#characters.length = this.#at;
        return undefined;
      case "C-w":
        this.#eraseWord();
        return undefined;
      case "Up":
      case "C-p":
        this.#remember(-1);
        return undefined;
      case "Down":
      case "C-n":
        this.#remember(1);
        return undefined;
      case "Tab":
        this.#complete(1);
        return undefined;
      case "S-Tab":
        this.#complete(-1);
        return undefined;
      case "Space":
        this.insert(" ");
        return undefined;
      default:
        if (Array.from(key).length === 1) this.insert(key);
        return undefined;
    }
  }

  /** As much of the line as fits into so many columns, and the column of the cursor in it, from 0. */
  shown(columns: number): { text: string; cursor: number } {
    const room = Math.max(1, columns - 1);
    const drawn = this.#characters.map((character) => (this.#options.hidden ? "*" : safeLine(character)));
    let from = 0;
    const width = (start: number, end: number) => displayWidth(drawn.slice(start, end).join(""));
    while (from < this.#at && width(from, this.#at) > room) from++;
    let to = this.#at;
    while (to < drawn.length && width(from, to + 1) <= room) to++;
    return { text: drawn.slice(from, to).join(""), cursor: width(from, this.#at) };
  }

  /** Puts it where the cursor is. */
  insert(text: string): void {
    const characters = Array.from(text).slice(0, LONGEST - this.#characters.length);
    this.#characters.splice(this.#at, 0, ...characters);
    this.#at += characters.length;
  }

  #eraseWord(): void {
    const before = this.#characters.slice(0, this.#at).join("");
    const kept = Array.from(before.replace(/[^\s/]*[\s/]*$/, "")).length;
    this.#characters.splice(kept, this.#at - kept);
    this.#at = kept;
  }

  #set(text: string): void {
    this.#characters = Array.from(text).slice(0, LONGEST);
    this.#at = this.#characters.length;
  }

  #remember(step: number): void {
    const memory = this.#options.memory ?? [];
    const next = this.#remembered + step;
    if (next < 0 || next > memory.length) return;
    if (this.#remembered === memory.length) this.#own = this.text;
    this.#remembered = next;
    this.#set(next === memory.length ? this.#own : (memory[next] ?? ""));
  }

  #complete(step: number): void {
    if (this.#choices.length === 0) {
      this.#choices = this.#options.complete?.(this.text) ?? [];
      this.#choice = step > 0 ? -1 : 0;
    }
    const count = this.#choices.length;
    if (count === 0) return;
    this.#choice = (this.#choice + step + count) % count;
    this.#set(this.#choices[this.#choice] ?? "");
  }
}
