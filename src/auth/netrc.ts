/** The netrc file, as ftp(1) introduced it and curl reads it. */
import { open } from "node:fs/promises";
import { localError, PortholeError, systemCode } from "../errors.js";
import { isExposed } from "./file-mode.js";

export interface NetrcEntry {
  /** Undefined for `default`, which answers for every machine. */
  readonly machine: string | undefined;
  readonly login?: string;
  readonly password?: string;
}

export interface Netrc {
  readonly entries: readonly NetrcEntry[];
  /** Set when the file holds a password and others may read it. */
  readonly warning?: string;
}

/** A netrc is a page or two; more is a mistake in the file's name. */
const LONGEST = 1024 * 1024;

/**
 * Reads a netrc file; undefined when it is not there.
 * @throws PortholeError `local` when it cannot be read, `usage` when it is no netrc
 */
export async function readNetrc(path: string): Promise<Netrc | undefined> {
  try {
    await using file = await open(path, "r");
    const facts = await file.stat();
    if (facts.size > LONGEST) throw new PortholeError("usage", `${path} is too large for a netrc file`);
    const entries = parseNetrc(await file.readFile("utf8"), path);
    const exposed = isExposed(facts.mode) && entries.some((entry) => entry.password !== undefined);
    return {
      entries,
      ...(exposed ? { warning: `${path} holds a password and others can read it: chmod 600 it` } : {}),
    };
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return undefined;
    throw localError(thrown, path);
  }
}

/** @throws PortholeError `usage` at a word that does not belong, with its line */
export function parseNetrc(text: string, path = "netrc"): NetrcEntry[] {
  const entries: { machine: string | undefined; login?: string; password?: string }[] = [];
  const scanner = new Scanner(text);
  for (let word = scanner.keyword(); word !== undefined; word = scanner.keyword()) {
    const { line } = scanner;
    const entry = entries.at(-1);
    if (word === "default") {
      entries.push({ machine: undefined });
      continue;
    }
    if (word === "macdef") {
      scanner.skipMacro();
      continue;
    }
    if (word !== "machine" && (entry === undefined || !/^(?:login|password|account)$/.test(word))) {
      // The word itself stays out of the message: it may be a password.
      throw new PortholeError("usage", `${path}:${line}: a word that is no netrc keyword`, {
        hint: "quote values that hold spaces",
      });
    }
    const value = scanner.value();
    if (value === undefined) throw new PortholeError("usage", `${path}:${line}: nothing follows '${word}'`);
    if (word === "machine") entries.push({ machine: value.toLowerCase() });
    else if (word === "login" && entry !== undefined) entry.login = value;
    else if (word === "password" && entry !== undefined) entry.password = value;
  }
  return entries;
}

/** The first entry for the machine, and for the user when one is given; `default` answers for all others. */
export function lookUp(
  netrc: readonly NetrcEntry[],
  machine: string,
  login: string | undefined,
): NetrcEntry | undefined {
  return netrc.find(
    (entry) =>
      (entry.machine === undefined || entry.machine === machine.toLowerCase()) &&
      (login === undefined || entry.login === undefined || entry.login === login),
  );
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the last word began, from 1. */
  line = 1;

  /** The next word outside of comments, which begin with # where a keyword could stand. */
  keyword(): string | undefined {
    while (this.#take(/\s*#[^\n]*/y) !== undefined);
    return this.value();
  }

  /** The next word, quotes and backslashes undone. */
  value(): string | undefined {
    this.#take(/\s+/y);
    this.line = this.#text.slice(0, this.#at).split("\n").length;
    const quoted = this.#take(/"(?:[^"\\]|\\[\s\S])*"/y);
    if (quoted === undefined) return this.#take(/\S+/y);
    const letters: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
    return quoted.slice(1, -1).replace(/\\([\s\S])/g, (_, letter: string) => letters[letter] ?? letter);
  }

  /** A macro runs to the first empty line. */
  skipMacro(): void {
    this.#take(/[\s\S]*?(?:\n[ \t]*\r?\n|$)/y);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
