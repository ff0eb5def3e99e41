/** One line of the shell, taken apart as people know it from sh: quotes, backslashes, `#`, `;`, `&`, `!`. */
import { PortholeError } from "../../errors.js";

export interface ShellCommand {
  readonly words: readonly string[];
  /** Ended by `&`: done beside what follows. */
  readonly beside: boolean;
  /** What follows a `!`, for the local shell. */
  readonly local?: string;
  /** A script goes on when it fails: the line began with `-`, as in sftp's batches. */
  readonly mayFail: boolean;
}

/** Characters of a line. */
const LONGEST = 64 * 1024;

/** @throws PortholeError `usage` for a quote without its end */
export function parseShellLine(line: string): ShellCommand[] {
  if (line.length > LONGEST) throw new PortholeError("usage", `a line of ${line.length} characters`);
  const mayFail = /^\s*-\s*[A-Za-z!]/.test(line);
  const text = mayFail ? line.replace(/^\s*-\s*/, "") : line.trimStart();
  if (text.startsWith("!")) return [{ words: [], beside: false, local: text.slice(1), mayFail }];
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  const finish = (beside: boolean) => {
    if (words.length > 0) commands.push({ words, beside, mayFail });
    words = [];
  };
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (/\s/.test(character) || character === ";" || character === "&") {
      if (word !== undefined) words.push(word);
      word = undefined;
      if (character === ";") finish(false);
      // `a&b` in a query is no end of a command.
      else if (character === "&") finish(true);
    } else if (character === "#" && word === undefined) break;
    else if (character === "'" || character === '"') {
      const end = closing(text, at);
      const inner = text.slice(at + 1, end);
      word = (word ?? "") + (character === '"' ? inner.replace(/\\(["\\])/g, "$1") : inner);
      at = end;
    } else if (character === "\\" && at + 1 < text.length) word = (word ?? "") + (text[++at] ?? "");
    else if (/\S&\S/.test(text.slice(at, at + 3))) {
      word = `${word ?? ""}${character}&`;
      at += 1;
    } else word = (word ?? "") + character;
  }
  if (word !== undefined) words.push(word);
  finish(false);
  return commands;
}

function closing(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  throw new PortholeError("usage", `a ${quote} without its end`);
}

/** The word at a line's end that is not done yet. */
export interface BegunWord {
  /** The words before it in the same command. */
  readonly before: readonly string[];
  /** As it is written, with its quote. */
  readonly written: string;
  /** What it stands for so far. */
  readonly plain: string;
  /** The quote that is open; empty: none. */
  readonly quote: string;
}

export function begunWord(line: string): BegunWord {
  let [start, quote, plain] = [0, "", ""];
  let before: string[] = [];
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? "";
    const escapes = character === "\\" && quote !== "'";
    if (escapes && at + 1 < line.length) plain += line[++at] ?? "";
    else if (quote !== "") {
      if (character === quote) quote = "";
      else plain += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (/[\s;]/.test(character)) {
      if (start < at) before.push(plain);
      if (character === ";") before = [];
      [start, plain] = [at + 1, ""];
    } else plain += character;
  }
  return { before, written: line.slice(start), plain, quote };
}

/** A name as it is written within a quote that is open. */
export function quotedBy(quote: string, word: string): string {
  return quote === '"' ? `"${word.replace(/["\\]/g, "\\$&")}"` : `'${word}'`;
}

/** A word as it must be written to be one word. */
export function quoted(word: string): string {
  return word.replace(/[\s'"\\;&#]/g, "\\$&");
}
