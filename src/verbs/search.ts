/**
 * `search` where the server has none of its own: names in a listing, or lines in a document. Both are bounded, and
 * say so when the bound is reached.
 */
import { PortholeError } from "../errors.js";
import { holding, nameMatcher } from "../files/glob.js";
import {
  CONTAINERS,
  type Document,
  type Entry,
  type EntryKind,
  type ListQuery,
  type Session,
} from "../plugin.js";
import { decodeBody } from "../text/charset.js";

/** Entries looked at. */
const MOST_ENTRIES = 100_000;
/** Octets of a document looked at. */
const MOST_OCTETS = 16 * 1024 ** 2;
/** Columns of a page that is looked through: a paragraph is a line then, unless it is very long. */
const WIDEST_PAGE = 500;
/** A line longer than this is looked at in parts. */
const LONGEST_LINE = 64 * 1024;

/**
 * What matches `words`: the session's own search where it has one; else the entries beneath a container whose names
 * hold the words, or match them when they are a pattern (`*.txt`); else the lines of a document that hold them, as
 * entries with the line for a name.
 * @param tell gets a line for people when not all was looked at
 * @throws PortholeError `usage` where there is nothing to search
 */
export async function* search(
  session: Session,
  path: string,
  words: string,
  query: ListQuery = {},
  tell: (text: string) => void = () => {},
): AsyncGenerator<Entry, void, undefined> {
  const kind = await kindOf(session, path);
  // Whoever has a search of its own looks through what it holds, and not into a file.
  if (session.search !== undefined && kind !== "file") {
    yield* session.search(path, words, query);
    return;
  }
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  const found = CONTAINERS.has(kind)
    ? namesWith(session, path, words, tell)
    : linesWith(session, path, words, tell);
  for await (const entry of found) {
    yield entry;
    left -= 1;
    if (left <= 0) return;
  }
}

async function kindOf(session: Session, path: string): Promise<EntryKind> {
  if (session.list === undefined && session.search === undefined) return "file";
  return session.kindOf?.(path) ?? (await session.stat?.(path))?.kind ?? "directory";
}

async function* namesWith(
  session: Session,
  path: string,
  words: string,
  tell: (text: string) => void,
): AsyncGenerator<Entry, void, undefined> {
  const matches = nameMatcher(words);
  let looked = 0;
  for await (const entry of listing(session, path)) {
    if (entry.kind === "note") continue;
    if (++looked > MOST_ENTRIES) {
      tell(`only the first ${MOST_ENTRIES} entries were searched`);
      return;
    }
    if (matches(entry.name.replace(/(?<=.)\/$/, ""))) yield entry;
  }
}

/** With all beneath it, where the session can. */
async function* listing(session: Session, path: string): AsyncGenerator<Entry, void, undefined> {
  let begun = false;
  try {
    for await (const entry of session.list?.(path, { recursive: true }) ?? []) {
      begun = true;
      yield entry;
    }
    return;
  } catch (thrown) {
    if (begun || !(thrown instanceof PortholeError) || thrown.code !== "usage") throw thrown;
  }
  yield* session.list?.(path) ?? [];
}

async function* linesWith(
  session: Session,
  path: string,
  words: string,
  tell: (text: string) => void,
): AsyncGenerator<Entry, void, undefined> {
  const document = await session.read?.(path);
  if (document === undefined) throw new PortholeError("usage", "there is nothing to search here");
  const matches = holding(words);
  let number = 0;
  try {
    for await (const line of linesOf(document, tell)) {
      number += 1;
      if (matches(line)) yield { ...document.entry, name: line.trim(), meta: { line: number } };
    }
  } finally {
    document.body.destroy();
  }
}

/** Of a page the lines that a person reads. */
async function* linesOf(
  document: Document,
  tell: (text: string) => void,
): AsyncGenerator<string, void, undefined> {
  const octets = bounded(document, tell);
  if (/^(?:text\/html|application\/xhtml\+xml)$/.test(document.type)) {
    const { htmlAsText } = await import("../text/html.js");
    let html = "";
    for await (const text of decodeBody(octets, document.charset)) html += text;
    const page = await htmlAsText(html, { columns: WIDEST_PAGE, baseUrl: document.entry.url });
    yield* page.text.split("\n");
    return;
  }
  let held = "";
  for await (const text of decodeBody(octets, document.charset)) {
    const lines = (held + text).split(/\r?\n/);
    held = lines.pop() ?? "";
    yield* lines;
    if (held.length > LONGEST_LINE) {
      yield held;
      held = "";
    }
  }
  if (held !== "") yield held;
}

async function* bounded(
  { body }: Document,
  tell: (text: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let octets = 0;
  for await (const chunk of body) {
    const piece: Uint8Array = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
    octets += piece.length;
    if (octets > MOST_OCTETS) {
      tell(`only the first ${MOST_OCTETS} octets were searched`);
      return;
    }
    yield piece;
  }
}
