/** A tree as one side lists it: each thing once, named from the top, and what could not be listed told. */
import { messageOf, PortholeError } from "../errors.js";
import { CONTAINERS, type Entry, type ListQuery, type Target } from "../plugin.js";
import { parseUrl } from "../url.js";
import type { Door } from "./doors.js";
import { followLink } from "./follow-link.js";
import { type LinkRule, linkText, placeIn } from "./links.js";
import { ListAhead } from "./list-ahead.js";
import { nameOfSegment, segmentOf } from "./names.js";

export interface Found {
  /** Octets (see names.ts), parted by slashes: `charts/bay.txt`. The top itself is empty. */
  readonly names: readonly string[];
  /** The URL's path on its side. */
  readonly path: string;
  readonly entry: Entry;
  readonly isContainer: boolean;
  /** A symbolic link that is kept as one: what it says (octets; empty where it is not told). */
  readonly link?: string;
  /** It stands behind a link that was followed. */
  readonly followed?: true;
}

export type Walked =
  | { readonly kind: "found"; readonly found: Found }
  /** Neither a container nor anything to read: a link, a note, a session. */
  | {
      readonly kind: "passed";
      readonly entry: Entry;
      readonly why: string;
      /** From the top, where it has any. */
      readonly names?: readonly string[];
    }
  /** A container that could not be listed, or not to its end. */
  | { readonly kind: "unlisted"; readonly path: string; readonly error: PortholeError };

export interface WalkOptions {
  /** Whether to go into a container; all, when absent. */
  readonly enters?: (names: readonly string[]) => boolean;
  readonly signal: AbortSignal;
  /** The same tree will be walked again, by another run. */
  readonly again?: boolean;
  /** What tells things apart is enough. */
  readonly brief?: boolean;
  /** What is not listed counts as not there: a listing with gaps is told as `unlisted`. */
  readonly whole?: boolean;
  /** What is listed is compared with what was noted when it was written. */
  readonly exact?: boolean;
  /** Absent: links are passed over. */
  readonly links?: LinkRule;
  /** More sessions at the same place, to list several containers at once. */
  readonly helpers?: readonly Door[];
}

/** A container that is still to be listed. */
export interface Waiting {
  readonly path: string;
  readonly names: readonly string[];
  /** Where it is behind all links, when they are followed. */
  readonly real: string;
  /** The places where the links stand that led here. */
  readonly chain: readonly string[];
}

/** Deeper than anybody's folders; what lists itself within itself ends here. */
const DEEPEST = 100;
/** What Porthole leaves beside a file that is not whole yet. */
const UNFINISHED = /^\..+\.porthole-part(?:\.json)?$/;
/** What a copy passes over: there is nothing to read. */
const NOTHING_TO_READ: Readonly<Record<string, string>> = {
  link: "a link",
  search: "a search",
  session: "an interactive session",
  note: "a note",
  other: "neither file nor folder",
};

/**
 * All that is beneath `path`, a container before what is in it.
 * @throws PortholeError when the top itself cannot be listed
 */
export async function* walk(
  door: Door,
  path: string,
  options: WalkOptions,
): AsyncGenerator<Walked, void, undefined> {
  const seen = new Set<string>();
  const { links } = options;
  const top = links?.treatment === "follow" ? links.top : "";
  const waiting: Waiting[] = [{ path, names: [], real: top, chain: [] }];
  await using ahead = new ListAhead(door, options.helpers ?? [], queryOf(options), waiting);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    options.signal.throwIfAborted();
    const inner: Waiting[] = [];
    const toFollow: Found[] = [];
    try {
      for await (const entry of ahead.entriesOf(next)) {
        const walked = walkedOf(entry, door.target, next, path, seen, options);
        if (walked === undefined) continue;
        if (walked.kind === "found" && walked.found.link !== undefined && links?.treatment === "follow") {
          if (options.enters?.(walked.found.names) !== false) toFollow.push(walked.found);
          continue;
        }
        yield walked;
        if (walked.kind !== "found" || !walked.found.isContainer) continue;
        const { found } = walked;
        if (options.enters?.(found.names) === false) continue;
        if (found.names.length >= DEEPEST) throw tooDeep();
        inner.push({
          path: found.path,
          names: found.names,
          real: placeIn(next.real, found.names.at(-1) ?? ""),
          chain: next.chain,
        });
      }
      // A session does one thing at a time: the listing is at its end.
      for (const link of toFollow) {
        if (links?.treatment !== "follow") break;
        const led = await followLink(door, link, next, links);
        yield led.walked;
        if (led.into === undefined) continue;
        if (link.names.length >= DEEPEST) throw tooDeep();
        inner.push(led.into);
      }
    } catch (thrown) {
      const isOne = thrown instanceof PortholeError && thrown.code === "partial";
      if ((next.names.length === 0 && !isOne) || options.signal.aborted) throw thrown;
      yield { kind: "unlisted", path: next.path, error: asError(thrown) };
    }
    for (const one of inner.reverse()) waiting.push(one);
    // What comes next is listed by the session that is free now.
    ahead.look(1);
  }
}

function queryOf({ again = false, brief = false, whole = false, exact = false }: WalkOptions): ListQuery {
  return {
    ...(again ? { again } : {}),
    ...(brief ? { brief } : {}),
    ...(whole ? { whole } : {}),
    ...(exact ? { exact } : {}),
  };
}

/** What an entry of a listing is to a walk from `top`; undefined for what is nothing to it, or was met before. */
function walkedOf(
  entry: Entry,
  target: Target,
  place: { readonly path: string; readonly names: readonly string[] },
  top: string,
  seen: Set<string>,
  { links }: WalkOptions,
): Exclude<Walked, { kind: "unlisted" }> | undefined {
  if (entry.kind === "note") return undefined;
  const why = NOTHING_TO_READ[entry.kind];
  const path = pathOn(target, entry.url);
  if (path === undefined || (why !== undefined && (entry.kind !== "link" || links === undefined))) {
    const names = path === undefined ? {} : { names: [...place.names, nameIn(place.path, path, entry)] };
    return { kind: "passed", entry, why: why ?? "on another server", ...names };
  }
  const isContainer = CONTAINERS.has(entry.kind);
  // Menus lead back to where they came from, and to each other in circles.
  if (isContainer && entry.kind === "menu" && !isBeneath(path, top)) {
    return { kind: "passed", entry, why: "outside of what is copied" };
  }
  if (seen.has(path) || path === top) return undefined;
  seen.add(path);
  const levels = isContainer ? levelsOf(entry) : undefined;
  const names = levels ?? [nameIn(place.path, path, entry)];
  if (names.some((name) => UNFINISHED.test(name))) return undefined;
  const link = entry.kind === "link" ? { link: linkText(entry) ?? "" } : {};
  return { kind: "found", found: { names: [...place.names, ...names], path, entry, isContainer, ...link } };
}

const BEFORE_PATH = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;
/** What the URL of a target's own things was last seen to begin with. */
const OWN = new WeakMap<Target, string>();

/** The path of a URL that this session can be asked for; undefined for another server's. */
export function pathOn(target: Target, url: string): string | undefined {
  const before = BEFORE_PATH.exec(url)?.[0];
  // All URLs of a listing begin alike.
  if (before !== undefined && OWN.get(target) === before && !/[#\r\n\0]/.test(url))
    return url.slice(before.length);
  try {
    const { scheme, host, port, path } = parseUrl(url);
    const { url: own } = target;
    if (scheme !== own.scheme || host !== own.host || (port ?? target.port) !== target.port) return undefined;
    if (before !== undefined) OWN.set(target, before);
    return path;
  } catch (thrown) {
    if (thrown instanceof PortholeError) return undefined;
    throw thrown;
  }
}

/** RFC 4266, 2.1: the path of a menu's URL begins with an item type, which is no part of its name. */
function isBeneath(path: string, top: string): boolean {
  const [own, above] = [path, top].map((one) => one.replace(/^\/./, "").replace(/\/+$/, ""));
  return own !== undefined && above !== undefined && (above === "" || own.startsWith(`${above}/`));
}

/** The last name of a path that a listing of `folder` gave, octet for octet. */
function nameIn(folder: string, path: string, entry: Entry): string {
  const base = folder.endsWith("/") ? folder : `${folder}/`;
  const rest = path.startsWith(base) ? path.slice(base.length) : path.replace(/\?.*$/s, "");
  const segment = rest.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const name = nameOfSegment(
    segment === "" ? segmentOf(Buffer.from(entry.name).toString("latin1")) : segment,
  );
  // RFC 9051, 2.3.1.1: when a mailbox was made anew, the same identifier is another message's.
  const { uidValidity } = entry.meta;
  return typeof uidValidity === "number" && entry.kind === "message"
    ? `${name};UIDVALIDITY=${uidValidity}`
    : name;
}

/** Where a container lies deeper than its URL says (Maildir++: `.Lists.tech`), by its levels in octets. */
function levelsOf({ meta }: Entry): string[] | undefined {
  const { levels } = meta;
  if (!Array.isArray(levels) || levels.length === 0) return undefined;
  return levels.map((level) => Buffer.from(String(level)).toString("latin1"));
}

/** The path of `name` in the container at `path`. */
export function pathBelow(path: string, segment: string): string {
  return path.endsWith("/") ? `${path}${segment}` : `${path}/${segment}`;
}

export function asError(thrown: unknown): PortholeError {
  return thrown instanceof PortholeError
    ? thrown
    : new PortholeError("other", messageOf(thrown), { cause: thrown });
}

function tooDeep(): PortholeError {
  return new PortholeError("protocol", `folders lie within folders ${DEEPEST} deep`);
}
