/**
 * Symbolic links of a tree that is mirrored: where they lead, which of them are followed, and what one that is kept says
 * at the target. Nothing here trusts a link: what it says may come from a server.
 */
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import type { Entry, Target } from "../plugin.js";
import { nameOfSegment } from "./names.js";

/** Links that lead to folders with links in them, and so on: as deep as this. Where no loop can be seen, it ends here. */
export const DEEPEST_LINK = 5;

/** How a walk treats links. Places are octets, a character each, parted by slashes. */
export type LinkRule = { readonly treatment: "keep" } | FollowRule;

export interface FollowRule {
  readonly treatment: "follow";
  /** Also where they lead out of what is walked through. */
  readonly outside: boolean;
  /** Where the walk begins. */
  readonly top: string;
  /** Where a link in the folder at `folder` leads; undefined when nobody tells. */
  readonly behind: (folder: string, path: string, entry: Entry) => Promise<string | undefined>;
  /** Nothing there is followed: the target of the mirror. */
  readonly never?: string;
}

/** What a link says, as octets; undefined when it is not told. */
export function linkText({ meta }: Entry): string | undefined {
  const { target, targetOctets } = meta;
  if (typeof targetOctets === "string") return nameOfSegment(targetOctets);
  return typeof target === "string" && target !== ""
    ? Buffer.from(target, "utf8").toString("latin1")
    : undefined;
}

/**
 * What a link says at the target.
 * @param names of the link, from the top of what is mirrored
 * @param carried the name there for a name of the source
 * @returns `why` it cannot be kept: a link must not lead out of the target, be it by way of another link
 */
export function keptLink(
  names: readonly string[],
  entry: Entry,
  carried: (name: string) => string,
): { readonly text: string } | { readonly why: string } {
  const said = linkText(entry);
  if (said === undefined) return { why: "a link that does not tell where it leads" };
  if (said.startsWith("/"))
    return { why: "a link that leads out of what is mirrored: it names an absolute place" };
  const parts = said.split("/").filter((part) => part !== "" && part !== ".");
  const found = parts.findIndex((part) => part !== "..");
  const ups = found < 0 ? parts.length : found;
  const down = parts.slice(ups);
  if (ups > names.length - 1) return { why: "a link that leads out of what is mirrored" };
  // `link/../x` is not beside `link` but beside what that leads to.
  if (down.includes(".."))
    return { why: "a link that leads down and up again, which may lead out of what is mirrored" };
  return { text: [...parts.slice(0, ups), ...down.map(carried)].join("/") || "." };
}

/** Links of this machine: the system knows where they lead in the end. */
export async function followNear(path: string, outside: boolean, never?: string): Promise<FollowRule> {
  const real = async (place: string): Promise<string | undefined> => {
    try {
      return (await realpath(nearPlace(place), "buffer")).toString("latin1");
    } catch {
      return undefined;
    }
  };
  const avoided = never === undefined ? undefined : await real(never);
  return {
    treatment: "follow",
    outside,
    top: (await real(path)) ?? path,
    behind: (_, place) => real(place),
    ...(avoided === undefined ? {} : { never: avoided }),
  };
}

/** Links of a server: what they say is all there is. */
export function followFar(path: string, outside: boolean): FollowRule {
  return {
    treatment: "follow",
    outside,
    top: farPlace(path),
    behind: async (folder, _, entry) => {
      const said = linkText(entry);
      return said === undefined ? undefined : resolved(folder, said);
    },
  };
}

/** Whether `place` is `top` or lies beneath it. */
export function isWithin(place: string, top: string): boolean {
  return place === top || place.startsWith(top.endsWith("/") ? top : `${top}/`);
}

export function placeIn(folder: string, name: string): string {
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

function nearPlace(path: string): Buffer {
  const octets = path.split("/").map(nameOfSegment).join("/");
  const home = octets === "~" || octets.startsWith("~/");
  const place = Buffer.from(home ? octets.slice(1) : octets, "latin1");
  return home ? Buffer.concat([Buffer.from(homedir()), place]) : place;
}

/** RFC 1738, 3.2.2: `/a` is in the folder of the login, `//a` in the root; which of them is the other nobody tells. */
function farPlace(path: string): string {
  const rooted = /^\/(?:\/|%2f)/i.test(path);
  const names = path.split("/").map(nameOfSegment).join("/").split("/");
  return `${rooted ? "//" : "/"}${names.filter((name) => name !== "").join("/")}`;
}

/** A place outside of what can be named begins with `..`. */
function resolved(folder: string, said: string): string {
  const rooted = said.startsWith("/") || folder.startsWith("//");
  const kept: string[] = [];
  const from = said.startsWith("/") || folder.startsWith("..") ? "" : folder;
  for (const part of `${from}/${said}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.pop() === undefined && !rooted) return `../${said}`;
  }
  return `${rooted ? "//" : "/"}${kept.join("/")}`;
}

/** What is known of where a mirror's links lead. */
export function followRule(
  source: Target,
  places: { readonly isNear: boolean; readonly never: string | undefined },
  outside: boolean,
): Promise<FollowRule> | FollowRule {
  const path = source.path === "" ? "/" : source.path;
  return places.isNear ? followNear(path, outside, places.never) : followFar(path, outside);
}
