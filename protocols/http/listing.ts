/**
 * What `ls` finds at a web place: the links of a page, the files of an index page, the folder of a WebDAV server.
 *
 * A page is asked for first, so that plain sites are asked once. WebDAV is asked where there is no page (the path ends in
 * a slash, and what came is refused or no HTML), where an index page would not be exact enough, at once in a session that
 * has found it before, and with --dav.
 */
import { PortholeError } from "../../src/errors.js";
import type { Entry, EntryKind, ListQuery } from "../../src/plugin.js";
import { linksOfHtml } from "../../src/text/html-links.js";
import { parseUrl } from "../../src/url.js";
import { codingsOf, decoded } from "./content-coding.js";
import { drain } from "./drain.js";
import { headerValue, sameOrigin } from "./engine.js";
import { type Answer, entryOf } from "./entry.js";
import { indexEntries } from "./index-page.js";
import { isHtml, parseMediaType } from "./media-type.js";
import { placeOf, urlOf } from "./redirects.js";
import type { Requester } from "./requester.js";
import { propfind } from "./webdav/folders.js";

/** Octets of a page that is looked through for links. */
const LONGEST_PAGE = 16 * 1024 * 1024;
/** Folders of one recursive listing: some servers make them as they are asked. */
const MOST_FOLDERS = 10_000;
/** What servers answer that give no page for a folder. */
const NO_PAGE: readonly number[] = [400, 403, 404, 405, 406, 501];

/** Who has answered as WebDAV. */
const davs = new WeakSet<Requester>();
/** Who has index pages, and no WebDAV. */
const pagesAlone = new WeakSet<Requester>();

/**
 * @throws PortholeError `missing`, `refused` when there is nothing that can be listed
 */
export async function* listPlace(
  requester: Requester,
  path: string,
  { limit = Number.POSITIVE_INFINITY, recursive = false, exact = false }: ListQuery,
): AsyncGenerator<Entry, void, undefined> {
  let count = 0;
  for await (const entry of walked(requester, path === "" ? "/" : path, { recursive, exact })) {
    if (count === limit) return;
    count += 1;
    yield entry;
  }
}

/** Folders within folders are named from the start; each is looked into once, whatever links there are between them. */
async function* walked(
  requester: Requester,
  start: string,
  { recursive, exact }: Required<Pick<ListQuery, "recursive" | "exact">>,
): AsyncGenerator<Entry, void, undefined> {
  const waiting = [{ path: start, prefix: "" }];
  const seen = new Set<string>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, prefix } = next;
    const inner: typeof waiting = [];
    for (const entry of await entriesAt(requester, path, exact)) {
      yield prefix === "" ? entry : { ...entry, name: `${prefix}${entry.name}` };
      const below =
        recursive && entry.kind === "directory" ? pathBelow(entry.url, requester, path) : undefined;
      if (below === undefined || seen.has(below)) continue;
      if (seen.size >= MOST_FOLDERS) throw tooMany();
      seen.add(below);
      inner.push({ path: below, prefix: `${prefix}${entry.name}/` });
    }
    waiting.push(...inner.reverse());
  }
}

/** The path of a folder that lies beneath another on the same server; undefined for what lies elsewhere. */
function pathBelow(url: string, { origin }: Requester, folder: string): string | undefined {
  const place = placeOf(parseUrl(url));
  const top = folder.endsWith("/") ? folder : `${folder}/`;
  const isBelow = sameOrigin(place.origin, origin) && unescaped(place.path).startsWith(unescaped(top));
  return isBelow && place.path.length > top.length ? place.path : undefined;
}

/** Servers write escapes in their own way. */
function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function tooMany(): PortholeError {
  return new PortholeError("refused", `there are more than ${MOST_FOLDERS} folders`, {
    hint: "list a deeper one",
  });
}

async function entriesAt(requester: Requester, path: string, exact: boolean): Promise<readonly Entry[]> {
  if (requester.settings.dav === true || davs.has(requester)) {
    const found = await davFolder(requester, path);
    if (found !== undefined) return found;
    if (requester.settings.dav === true) throw noDav();
  }
  const page = await pageAt(requester, path);
  if ("octets" in page) {
    if (page.index === undefined) return linkEntries(page);
    if (!exact || pagesAlone.has(requester)) return page.index;
    // Index pages round sizes, tell minutes at best, and no ETags.
    const exactly = await davFolder(requester, path);
    if (exactly === undefined) pagesAlone.add(requester);
    return exactly ?? page.index;
  }
  const found = await davFolder(requester, page.folder);
  if (found === undefined) throw page.failure?.code === "missing" ? page.failure : noDav();
  return found;
}

/** Where a folder of WebDAV may be, for want of a page: servers lead to the path with a slash at its end. */
interface NoPage {
  readonly folder: string;
  /** What the server said to the question for a page, where that was no. */
  readonly failure?: PortholeError;
}

async function pageAt(requester: Requester, path: string): Promise<Page | NoPage> {
  const answer = await requester.ask({
    method: "GET",
    path,
    headers: [["Accept", "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"]],
    welcomes: ({ status }) => NO_PAGE.includes(status),
  });
  const { response, place } = answer;
  const folder = isFolder(place.path) && sameOrigin(place.origin, requester.origin) ? place.path : undefined;
  if (response.status >= 400) {
    await drain(response.body);
    const failure = requester.failureOf(answer);
    if (folder === undefined) throw failure;
    return { folder, failure };
  }
  const { type } = parseMediaType(headerValue(response.headers, "content-type"));
  if (isHtml(type)) return page(answer);
  response.body.destroy();
  if (folder !== undefined) return { folder };
  throw new PortholeError("refused", `${type} has no links to list`, { url: urlOf(place) });
}

function isFolder(path: string): boolean {
  return /^[^?]*\/$/.test(path);
}

interface Page {
  readonly octets: Buffer;
  readonly answer: Answer;
  readonly index: readonly Entry[] | undefined;
}

async function page(answer: Answer): Promise<Page> {
  const { response, place } = answer;
  const body = await decoded(response.body, codingsOf(headerValue(response.headers, "content-encoding")));
  const pieces: Buffer[] = [];
  let size = 0;
  const pages: AsyncIterable<Buffer> = body;
  for await (const piece of pages) {
    pieces.push(piece);
    size += piece.length;
    if (size > LONGEST_PAGE) break;
  }
  const octets = Buffer.concat(pieces);
  return { octets, answer, index: indexEntries(octets.toString("latin1"), place) };
}

/** Schemes that a listed link may have: what can be opened again. */
const OPENABLE: Readonly<Record<string, EntryKind>> = {
  "http:": "page",
  "https:": "page",
  "ftp:": "other",
  "ftps:": "other",
  "gopher:": "other",
  "gophers:": "other",
  "news:": "other",
  "nntp:": "other",
};

function linkEntries({ octets, answer: { place, response } }: Page): Entry[] {
  const { charset } = parseMediaType(headerValue(response.headers, "content-type"));
  const { links } = linksOfHtml(octets, urlOf(place), charset);
  return links.flatMap(({ url, role, text }) => {
    const kind = OPENABLE[new URL(url).protocol];
    if (role !== "page" || kind === undefined) return [];
    return [{ url, name: text ?? url, kind, meta: { link: true } }];
  });
}

async function davFolder(requester: Requester, path: string): Promise<Entry[] | undefined> {
  const found = await propfind(requester, path, 1);
  if (found === undefined) return undefined;
  davs.add(requester);
  return found.flatMap(({ entry, self }) => (self ? [] : [entry]));
}

/**
 * What is known of a path that ends in a slash: a folder where the server lists one, else what HEAD says.
 * @throws PortholeError as for any request
 */
export async function standOf(requester: Requester, path: string): Promise<Entry> {
  const head = await requester.ask({
    method: "HEAD",
    path,
    uncoded: true,
    welcomes: ({ status }) => NO_PAGE.includes(status),
  });
  await drain(head.response.body);
  const entry = entryOf(head);
  if (head.response.status < 400 && isHtml(entry.type ?? "") && !davs.has(requester)) {
    const page = await pageAt(requester, path);
    return "octets" in page && page.index !== undefined ? asFolder(entry) : entry;
  }
  const found = await propfind(requester, path, 0);
  const self = found?.find((one) => one.self)?.entry;
  if (found !== undefined) davs.add(requester);
  if (self !== undefined) return self;
  if (head.response.status >= 400) throw requester.failureOf(head);
  return entry;
}

function asFolder({ size: _ofThePage, type: _ofIt, ...entry }: Entry): Entry {
  return { ...entry, kind: "directory" };
}

function noDav(): PortholeError {
  return new PortholeError("refused", "there is neither a page nor a folder of WebDAV, and nothing to list");
}
