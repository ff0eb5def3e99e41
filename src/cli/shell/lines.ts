/** Where the shell's lines come from: a person, a script, standard input. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { clearScreenDown, createInterface, cursorTo, moveCursor } from "node:readline";
import type { Readable } from "node:stream";
import { replace } from "../../browser/bookmarks.js";
import { localError } from "../../errors.js";
import type { Terminal } from "../terminal.js";
import type { completer } from "./completion.js";
import { TypedInput } from "./typed-input.js";

const REMEMBERED = 1000;

export interface LineSource {
  /** Undefined at the end. */
  next(prompt: string): Promise<string | undefined>;
  readonly history: readonly string[];
  close(): Promise<void>;
}

/** Lines that a person edits. The terminal is readline's only while a line is typed: what runs has it to itself. */
export class TypedLines implements LineSource {
  readonly #terminal: Terminal;
  readonly #input: TypedInput;
  readonly #complete: ReturnType<typeof completer>;
  readonly #file: string | undefined;
  /** Newest first, as readline has it. */
  #history: string[] = [];

  constructor(terminal: Terminal, complete: ReturnType<typeof completer>, stateFolder: string | undefined) {
    this.#terminal = terminal;
    this.#input = new TypedInput(terminal.stdin);
    this.#complete = complete;
    this.#file = stateFolder === undefined ? undefined : join(stateFolder, "shell-history");
  }

  get history(): readonly string[] {
    return [...this.#history].reverse();
  }

  async load(): Promise<void> {
    if (this.#file === undefined) return;
    const text = await readFile(this.#file, "utf8").catch(() => "");
    this.#history = text.split("\n").filter(Boolean).slice(-REMEMBERED).reverse();
  }

  async next(prompt: string): Promise<string | undefined> {
    this.#input.begin();
    const lines = createInterface({
      input: this.#input,
      output: this.#terminal.stdout,
      completer: this.#complete,
      history: this.#history,
      historySize: REMEMBERED,
      removeHistoryDuplicates: true,
      terminal: true,
    });
    lines.on("history", (history) => {
      this.#history = history;
    });
    // Ctrl-C gives up the line, not the shell.
    lines.on("SIGINT", () => {
      this.#terminal.stdout.write("^C\n");
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
      lines.prompt();
    });
    const { stdout } = this.#terminal;
    this.#terminal.clearStatus();
    this.#terminal.typing = {
      hide: () => {
        // A long line takes several rows.
        moveCursor(stdout, 0, -lines.getCursorPos().rows);
        cursorTo(stdout, 0);
        clearScreenDown(stdout);
        Object.assign(lines, { prevRows: 0 });
      },
      show: () => lines.prompt(true),
    };
    try {
      return await new Promise<string | undefined>((resolve) => {
        lines.once("line", (line) => {
          // What came with it is the next line's.
          lines.pause();
          resolve(line);
        });
        lines.once("close", () => resolve(undefined));
        lines.setPrompt(prompt);
        lines.prompt();
      });
    } finally {
      this.#terminal.typing = undefined;
      lines.close();
      this.#input.end();
    }
  }

  async close(): Promise<void> {
    if (this.#file === undefined) return;
    // A line with a password in it is nothing to be kept.
    const kept = this.history.filter((line) => !/:\/\/[^/\s]*:[^/\s]*@/.test(line)).slice(-REMEMBERED);
    await replace(this.#file, kept.map((line) => `${line}\n`).join("")).catch(() => undefined);
  }
}

/** Lines of a script, as they come. */
export class ScriptLines implements LineSource {
  readonly history: readonly string[] = [];
  readonly #lines: AsyncIterator<string>;
  readonly #close: () => void;

  private constructor(lines: AsyncIterator<string>, close: () => void) {
    this.#lines = lines;
    this.#close = close;
  }

  static of(lines: readonly string[]): ScriptLines {
    async function* each(): AsyncGenerator<string> {
      yield* lines;
    }
    return new ScriptLines(each(), () => undefined);
  }

  static from(input: Readable): ScriptLines {
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    return new ScriptLines(lines[Symbol.asyncIterator](), () => lines.close());
  }

  /** @throws PortholeError `local` when it cannot be read */
  static async fromFile(path: string): Promise<ScriptLines> {
    const input = createReadStream(path);
    await new Promise<void>((resolve, reject) => {
      input.once("open", () => resolve());
      input.once("error", (error) => reject(localError(error, path)));
    });
    return ScriptLines.from(input);
  }

  async next(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  async close(): Promise<void> {
    this.#close();
  }
}
