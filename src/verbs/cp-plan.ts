/** What a copy is made of: which sources, to which places, as files or as messages. */
import { realpath } from "node:fs/promises";
import { homedir, platform } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { PortholeError } from "../errors.js";
import { CONTAINERS, type Entry, type EntryKind, type Target } from "../plugin.js";
import { utf8Of } from "../text/utf8.js";
import { decodeOctets } from "../url.js";
import { type Door, type Doors, isNear } from "./doors.js";
import { carriedName, nameOfSegment, segmentOf, shownName } from "./names.js";
import { pathBelow } from "./walk.js";

/** What stands at a place, as far as it can be known. */
export interface Standing {
  readonly kind: EntryKind | undefined;
  readonly entry: Entry | undefined;
}

/** Messages are kept in mailboxes, files in folders. */
export type Matter = "files" | "messages";

const MESSAGES: ReadonlySet<EntryKind | undefined> = new Set(["message", "article", "mailbox", "group"]);

/** Looks at a place. Nothing there is a standing too, unless `must`. @throws PortholeError */
export async function standingAt(door: Door, path: string, must: boolean): Promise<Standing> {
  const session = await door.session();
  const kind = session.kindOf?.(path);
  // A page may be a folder's index.
  const isTold = kind !== undefined && kind !== "directory" && !(kind === "page" && path.endsWith("/"));
  if (session.stat === undefined || (must && isTold)) {
    return { kind, entry: undefined };
  }
  try {
    const entry = await door.use(async (open) => open.stat?.(path));
    const leadsToFolder = entry?.kind === "link" && entry.meta["leadsTo"] === "directory";
    return { kind: leadsToFolder ? "directory" : (entry?.kind ?? kind), entry };
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    // Who refuses to tell about a thing may give it out all the same (HTTP servers without HEAD).
    if (must && thrown.code === "refused") return { kind, entry: undefined };
    if (must || thrown.code !== "missing") throw thrown;
    // A slash at the end of a URL says what is meant to be there, not that it is.
    return { kind: MESSAGES.has(kind) ? kind : undefined, entry: undefined };
  }
}

/**
 * Files to files, messages to messages; a file that is a message may become one.
 * @throws PortholeError `usage` that names the conversion
 */
export function refuseMisfit(from: Standing, to: Standing, url: string): Matter {
  const isMail = from.entry?.type === "message/rfc822";
  const [given, kept] = [MESSAGES.has(from.kind), MESSAGES.has(to.kind)];
  if (given && !kept) {
    throw new PortholeError("usage", `${url} is a ${from.kind ?? "message"}, and the target keeps files`, {
      hint: "copy it to maildir:FOLDER or mbox:FILE, or one message to eml:FILE",
    });
  }
  if (!given && kept && !isMail) {
    throw new PortholeError("usage", `${url} is a ${from.kind ?? "file"}, and the target keeps messages`, {
      hint: "a file that holds a message is opened as eml:FILE, one that holds many as mbox:FILE",
    });
  }
  return kept ? "messages" : "files";
}

/** The name of a place, as octets: the last of its path. */
export function lastName({ path, host }: Target, entry: Entry | undefined): string {
  const bare = path.replace(/;type=[aid]$/i, "").replace(/[?#].*$/s, "");
  const segment = bare.replace(/\/+$/, "").split("/").at(-1) ?? "";
  if (segment !== "" && !/^\.{1,2}$/.test(segment)) return nameOfSegment(segment);
  return Buffer.from(entry?.name.replace(/^\/$/, "") || host || "index.html").toString("latin1");
}

/**
 * The name in the target for a name of the source.
 * @throws PortholeError `local` when it can have none
 */
export function nameFor(doors: Doors, from: Target, to: Target, name: string): string {
  const holder = (target: Target) => (isNear(doors, target) ? "near" : "far");
  const carried = carriedName(name, holder(from), holder(to), platform() === "win32");
  if (carried !== undefined) return carried;
  throw new PortholeError("local", `'${shownName(name)}' cannot be a name at the target`);
}

/** @param name octets */
export function pathInside(path: string, name: string): string {
  return pathBelow(path, segmentOf(name));
}

/**
 * A copy onto itself would empty it, one into its own subtree would never end.
 * @throws PortholeError `usage`
 */
export async function refuseSelf(
  doors: Doors,
  from: Target,
  to: { readonly target: Target; readonly path: string },
  isContainer: boolean,
): Promise<void> {
  const [source, goal] = await Promise.all([
    identityOf(doors, from, from.path),
    identityOf(doors, to.target, to.path),
  ]);
  const url = to.target.href(to.path);
  if (source === goal) {
    throw new PortholeError("usage", `${url} would be copied onto itself`, { hint: "name another target" });
  }
  if (isContainer && goal.startsWith(source.endsWith("/") ? source : `${source}/`)) {
    throw new PortholeError("usage", `${url} lies within what is copied`, {
      hint: "name a target outside of it",
    });
  }
}

/**
 * Neither side of a mirror may be the other or lie within it: what is written would be read, or what is read removed.
 * @throws PortholeError `usage`
 */
export async function refuseOverlap(doors: Doors, from: Target, to: Target): Promise<void> {
  await refuseSelf(doors, from, { target: to, path: to.path }, true);
  const [source, goal] = await Promise.all([
    identityOf(doors, from, from.path),
    identityOf(doors, to, to.path),
  ]);
  if (!source.startsWith(goal.endsWith("/") ? goal : `${goal}/`)) return;
  throw new PortholeError("usage", `${from.href(from.path)} lies within the target`, {
    hint: "name a target outside of it",
  });
}

/** Two texts for one place only where that cannot be known. */
async function identityOf(doors: Doors, target: Target, path: string): Promise<string> {
  const bare = path.replace(/\/+$/, "");
  if (isNear(doors, target)) return `near:${await realPlace(localPath(bare === "" ? path : bare))}`;
  const { user = "", host } = target.url;
  // Names that a server would resolve by itself.
  const names = bare.split("/").map((segment) => segmentOf(nameOfSegment(segment)));
  return `${target.protocol}://${user}@${host}:${target.port}${names.join("/")}`;
}

/** Octets that are no UTF-8 are told apart all the same. */
function localPath(path: string): string {
  return nameText(path.split("/").map(nameOfSegment).join("/"));
}

function nameText(octets: string): string {
  const text = shownName(octets);
  return text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text;
}

/** Behind all links, also for what is not there yet. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const above = dirname(whole);
    return above === whole ? whole : join(await realPlace(above), basename(whole));
  }
}

/** The file that a `file:` URL's path means; undefined when its name is no UTF-8. */
export function filePath(path: string): string | undefined {
  try {
    const text = utf8Of(decodeOctets(path));
    if (text === undefined) return undefined;
    return text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text;
  } catch {
    return undefined;
  }
}

export function isContainer({ kind }: Standing): boolean {
  return kind !== undefined && CONTAINERS.has(kind);
}
