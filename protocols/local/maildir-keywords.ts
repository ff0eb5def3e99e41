/**
 * Keywords of a Maildir folder, as Dovecot keeps them: a file `dovecot-keywords` with a line `NUMBER KEYWORD` for each, and
 * the letters a to z in the names of messages for the numbers 0 to 25 (doc.dovecot.org: Maildir, IMAP keywords).
 */
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { PortholeError, systemCode } from "../../src/errors.js";
import { failure, orFail } from "./failures.js";
import { flagsOfLetters } from "./flags.js";

const FILE = "dovecot-keywords";
/** What Dovecot holds while it changes the file. */
const LOCK = "dovecot-uidlist.lock";
const MOST = 26;
/** Octets that are read of the file. */
const LONGEST = 64 * 1024;
/** Milliseconds; Dovecot takes a lock that is older for one that a program left. */
const STALE_MS = 120_000;
const PATIENCE_MS = 10_000;
const RETRY_MS = 20;

/** By their numbers. */
export type Keywords = ReadonlyMap<number, string>;

const NONE: Keywords = new Map();

/** A flag that is a keyword and has no letter of its own; an atom (RFC 9051, 9: flag-keyword). */
export function isKeyword(flag: string): boolean {
  return /^[!#-'+-[^-z|~]{1,200}$/.test(flag) && flag.toLowerCase() !== "$forwarded";
}

/** What the letters of a name say: flags and, of those that the folder knows, keywords. */
export function flagsOf(letters: string, keywords: Keywords): string[] {
  const named = Array.from(letters).flatMap((letter) => keywords.get(numberOf(letter)) ?? []);
  return [...new Set([...flagsOfLetters(letters), ...named])];
}

/** Whether a name has letters that a folder's keywords tell of. */
export function hasKeywords(letters: string): boolean {
  return /[a-z]/.test(letters);
}

/** Letters that mean nothing here: other programs' own, which stay. */
export function strangeLetters(letters: string, keywords: Keywords): string {
  return Array.from(letters)
    .filter((letter) => flagsOfLetters(letter).length === 0 && !keywords.has(numberOf(letter)))
    .join("");
}

/** @param folder the Maildir folder's path to a file in it */
export async function readKeywords(folder: (name: string) => Buffer): Promise<Keywords> {
  let text: string;
  try {
    text = (await readFile(folder(FILE))).subarray(0, LONGEST).toString("utf8");
  } catch {
    // Most Maildirs have none; one that cannot be read tells as much.
    return NONE;
  }
  const found = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [, number = "", keyword = ""] = /^(\d{1,2}) (\S+)$/.exec(line) ?? [];
    if (keyword !== "" && Number(number) < MOST && isKeyword(keyword)) found.set(Number(number), keyword);
  }
  return found;
}

/**
 * The letters of these keywords in the folder; those that it has none for yet get one. Beyond 26 they are left out.
 * @throws PortholeError `busy` when another program keeps the folder locked
 */
export async function lettersFor(
  folder: (name: string) => Buffer,
  shown: string,
  flags: readonly string[],
): Promise<string> {
  const wanted = flags.filter(isKeyword);
  if (wanted.length === 0) return "";
  const known = await readKeywords(folder);
  if (wanted.every((keyword) => letterIn(known, keyword) !== undefined)) return lettersIn(known, wanted);
  return locked(folder, shown, async () => {
    const keywords = new Map(await readKeywords(folder));
    const had = keywords.size;
    for (const keyword of wanted) {
      if (letterIn(keywords, keyword) !== undefined) continue;
      const free = Array.from({ length: MOST }, (_, number) => number).find(
        (number) => !keywords.has(number),
      );
      if (free !== undefined) keywords.set(free, keyword);
    }
    if (keywords.size > had) await orFail(shown, () => write(folder, keywords));
    return lettersIn(keywords, wanted);
  });
}

async function write(folder: (name: string) => Buffer, keywords: Keywords): Promise<void> {
  const lines = [...keywords]
    .sort(([one], [other]) => one - other)
    .map(([number, word]) => `${number} ${word}\n`);
  const part = folder(`.${FILE}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(part, "wx", 0o600);
    try {
      await file.writeFile(lines.join(""));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, folder(FILE));
  } finally {
    await rm(part, { force: true });
  }
}

async function locked<T>(folder: (name: string) => Buffer, shown: string, act: () => Promise<T>): Promise<T> {
  const lock = folder(LOCK);
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await (await open(lock, "wx", 0o600)).close();
      break;
    } catch (thrown) {
      if (systemCode(thrown) !== "EEXIST") throw failure(thrown, shown);
    }
    const since = await stat(lock).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (since !== undefined && Date.now() - since > STALE_MS) await rm(lock, { force: true });
    else if (Date.now() > until) {
      throw new PortholeError("busy", `${shown} is locked by another program`, {
        hint: `${shown}/${LOCK} goes away when that program is done with it`,
      });
    } else await wait(RETRY_MS);
  }
  try {
    return await act();
  } finally {
    await rm(lock, { force: true });
  }
}

function lettersIn(keywords: Keywords, wanted: readonly string[]): string {
  return wanted.map((keyword) => letterIn(keywords, keyword) ?? "").join("");
}

function letterIn(keywords: Keywords, keyword: string): string | undefined {
  for (const [number, known] of keywords) {
    if (known.toLowerCase() === keyword.toLowerCase()) return String.fromCharCode(0x61 + number);
  }
  return undefined;
}

function numberOf(letter: string): number {
  return letter.charCodeAt(0) - 0x61;
}
