/** Looking at a place again and again: what is there, and what has changed since. */
import { createHash } from "node:crypto";
import { PortholeError } from "../errors.js";
import { CONTAINERS, type Entry, type JsonValue, type Session, type WatchEvent } from "../plugin.js";

/** One thing as a look saw it. */
export interface Seen {
  readonly entry: Entry;
  /** Another one when the thing has changed. */
  readonly mark: string;
}

/** More are not watched: what is remembered of each must fit into memory for days. */
const MOST_ENTRIES = 100_000;
/** Octets of a document that are read to find out whether it changed, where nothing else tells. */
const MOST_READ = 16 * 1024 ** 2;

/**
 * What is there now: the entries of a container, or the one document, by URL.
 * @param before what an earlier look saw: a document that was there may be gone, a first one must be there
 * @throws PortholeError `usage` for more than 100,000 entries
 */
export async function seenAt(
  session: Session,
  path: string,
  before: ReadonlyMap<string, Seen> | undefined,
): Promise<ReadonlyMap<string, Seen>> {
  const kind = session.kindOf?.(path);
  let entry: Entry | undefined;
  if (kind === undefined && session.stat !== undefined) {
    try {
      entry = await session.stat(path);
    } catch (thrown) {
      if (before !== undefined && thrown instanceof PortholeError && thrown.code === "missing")
        return new Map();
      throw thrown;
    }
  }
  const container = CONTAINERS.has(kind ?? entry?.kind ?? "directory");
  if (session.list !== undefined && container) return listed(session.list(path));
  return seenDocument(session, path, entry, before);
}

async function listed(entries: AsyncIterable<Entry>): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  for await (const entry of entries) {
    if (entry.kind === "note") continue;
    if (seen.size >= MOST_ENTRIES) {
      throw new PortholeError(
        "usage",
        `there is more here than the ${MOST_ENTRIES} entries that can be watched`,
        {
          hint: "watch the folders in it",
        },
      );
    }
    seen.set(entry.url, { entry: { ...entry, meta: {} }, mark: markOf(entry) });
  }
  return seen;
}

async function seenDocument(
  session: Session,
  path: string,
  known: Entry | undefined,
  before: ReadonlyMap<string, Seen> | undefined,
): Promise<ReadonlyMap<string, Seen>> {
  try {
    const entry = known ?? (await session.stat?.(path));
    if (entry === undefined) throw new PortholeError("usage", "there is nothing to watch here");
    const told = entry.modified !== undefined || etagOf(entry) !== "";
    const mark = told ? markOf(entry) : await contentMark(session, path);
    return new Map([[entry.url, { entry, mark }]]);
  } catch (thrown) {
    if (before !== undefined && thrown instanceof PortholeError && thrown.code === "missing")
      return new Map();
    throw thrown;
  }
}

/** Of the document's beginning; the rest is left. */
async function contentMark(session: Session, path: string): Promise<string> {
  const hash = createHash("sha256");
  const document = await session.read?.(path);
  let octets = 0;
  for await (const chunk of document?.body ?? []) {
    hash.update(chunk);
    octets += chunk.length;
    if (octets >= MOST_READ) break;
  }
  return hash.digest("hex");
}

function markOf(entry: Entry): string {
  const { kind, size, modified } = entry;
  return [kind, size ?? "", modified?.getTime() ?? "", etagOf(entry)].join(" ");
}

/** HTTP's validator (RFC 9110, 8.8.3). */
function etagOf({ meta }: Entry): string {
  const headers: JsonValue | undefined = meta["headers"];
  if (typeof headers !== "object" || headers === null || !("etag" in headers)) return "";
  return typeof headers.etag === "string" ? headers.etag : "";
}

export function* eventsBetween(
  before: ReadonlyMap<string, Seen>,
  now: ReadonlyMap<string, Seen>,
): Generator<WatchEvent, void, undefined> {
  const at = new Date();
  for (const [url, { entry, mark }] of now) {
    const known = before.get(url);
    if (known === undefined) yield { event: "new", entry, at };
    else if (known.mark !== mark) yield { event: "changed", entry, at };
  }
  for (const [url, { entry }] of before) if (!now.has(url)) yield { event: "gone", entry, at };
}
