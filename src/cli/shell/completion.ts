/** Completion in the shell: words, names at the server, names on this machine. */
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Completer } from "node:readline";
import type { Entry, Target } from "../../plugin.js";
import { isHarmful } from "../../text/safe.js";
import { ALIASES, SHELL_WORDS, wordsWhere } from "./commands.js";
import { begunWord, quoted, quotedBy } from "./line.js";
import type { Place } from "./place.js";

/** Names that are offered. */
const MOST = 500;

/** @param own the words that only this protocol has */
export async function offersFor(line: string, place: Place, own: readonly string[]): Promise<string[]> {
  const { before, written, plain, quote } = begunWord(line);
  const [typed] = before;
  if (typed === undefined) {
    const words = wordsWhere(place.client.verbsOf(place.target)).map(([word]) => word);
    return [...words, ...own].filter((word) => word.startsWith(written)).map((word) => `${word} `);
  }
  const word = ALIASES[typed] ?? typed;
  // What follows `!` runs on this machine.
  const names = typed.startsWith("!")
    ? "local"
    : own.includes(word)
      ? "remote"
      : (SHELL_WORDS[word]?.names ?? "none");
  if (names === "none" || plain.startsWith("-")) return [];
  // What goes on after a quote that was closed, or has one in its middle, is left to the person.
  if (quote === "" ? /^['"]/.test(written) : !written.startsWith(quote)) return [];
  const found = names === "remote" ? await remote(plain, place) : await local(plain);
  return found
    .filter((name) => name.startsWith(plain) && !isHarmful(name) && !(quote === "'" && name.includes("'")))
    .slice(0, MOST)
    .map((name) => (quote === "" ? quoted(name) : quotedBy(quote, name)));
}

async function remote(plain: string, place: Place): Promise<string[]> {
  const slash = plain.lastIndexOf("/");
  const folder = plain.slice(0, slash + 1);
  const target = folder === "" ? place.target : place.client.target(await place.urlOf(folder));
  const entries = (await place.entries(target)).filter(({ kind }) => kind !== "note");
  const names = entries.map(({ name, kind }) =>
    kind === "directory" && !name.endsWith("/") ? `${name}/` : name,
  );
  // A page's links may be gone by their names, and by where they lead.
  if (entries.some(({ kind }) => kind === "page")) names.push(...pathsBelow(target, entries));
  return [...new Set(names)].map((name) => `${folder}${name}`);
}

function pathsBelow(target: Target, entries: readonly Entry[]): string[] {
  const folder = target.href(target.path.replace(/[?#].*$|[^/]*$/g, ""));
  return entries
    .filter(({ url }) => url.startsWith(folder) && url.length > folder.length)
    .map(({ url }) => url.slice(folder.length))
    .flatMap((path) => /^[^/?#]+\/?/.exec(path) ?? []);
}

async function local(plain: string): Promise<string[]> {
  const folder = plain.endsWith("/") ? plain : plain.includes("/") ? `${dirname(plain)}/` : "";
  const entries = await readdir(folder === "" ? "." : folder, { withFileTypes: true });
  return entries.map(
    (entry) => `${folder === "" ? "" : join(folder, "/")}${entry.name}${entry.isDirectory() ? "/" : ""}`,
  );
}

/** As node:readline wants it; a server that does not answer offers nothing. */
export function completer(place: () => Place, own: () => readonly string[]): Completer | AsyncCompleter {
  return (line: string, done: (error: null, result: [string[], string]) => void) => {
    const begun = begunWord(line).written;
    offersFor(line, place(), own()).then(
      (offers) => done(null, [offers, begun]),
      () => done(null, [[], begun]),
    );
  };
}

type AsyncCompleter = (line: string, done: (error: null, result: [string[], string]) => void) => void;
