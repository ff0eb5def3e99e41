/** Lines of listings: MLSD's facts (RFC 3659, 7), and what servers answer to LIST, which no RFC laid down. */
import { isUtf8 } from "node:buffer";
import { type FileInfo, parseList } from "basic-ftp";
import type { EntryKind, JsonObject } from "../../src/plugin.js";
import { encodeOctets } from "../../src/url.js";
import { listedDate, timeVal } from "./listed-date.js";
import { textOf } from "./octets.js";
import { parseRareLine } from "./rare-listings.js";

/** What a line says of a file. */
export interface Listed {
  /** Octets; as the server gave it, so not to be trusted. */
  readonly name: string;
  readonly kind: EntryKind;
  readonly size?: number;
  readonly modified?: Date;
  readonly meta: JsonObject;
}

/** `self` is the folder itself or its parent; `unreadable` is a line that says nothing known. */
export type ListingLine = Listed | "self" | "unreadable";

/** Facts that an entry has a place of its own for. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set([
  "type",
  "size",
  "modify",
  "perm",
  "unix.mode",
  "unix.ownername",
  "unix.owner",
  "unix.uid",
  "unix.groupname",
  "unix.group",
  "unix.gid",
]);

/** A line of MLSD, or the one of MLST without its indent: `type=file;size=5;modify=20240301083015; name`. */
export function parseFacts(line: string): ListingLine {
  const space = line.indexOf(" ");
  if (space < 0) return "unreadable";
  const facts = new Map<string, string>();
  for (const fact of line.slice(0, space).split(";")) {
    const equals = fact.indexOf("=");
    // RFC 3659, 7.2: the names of facts know no case.
    if (equals > 0) facts.set(fact.slice(0, equals).toLowerCase(), fact.slice(equals + 1));
  }
  const type = (facts.get("type") ?? "").toLowerCase();
  if (type === "cdir" || type === "pdir") return "self";
  const kind = kindOfType(type);
  const target = /^os\.unix=s(?:ym)?link:(.+)$/is.exec(facts.get("type") ?? "")?.[1];
  const modified = timeVal(facts.get("modify") ?? "");
  return {
    name: line.slice(space + 1),
    kind,
    ...sized(kind, Number(facts.get("size") ?? Number.NaN)),
    ...(modified === undefined ? {} : { modified }),
    meta: known({
      ...Object.fromEntries([...facts].filter(([name]) => !TOLD_ELSEWHERE.has(name))),
      mode: facts.get("unix.mode"),
      owner: facts.get("unix.ownername") ?? facts.get("unix.owner") ?? facts.get("unix.uid"),
      group: facts.get("unix.groupname") ?? facts.get("unix.group") ?? facts.get("unix.gid"),
      permissions: facts.get("perm"),
      unique: facts.get("unique"),
      ...linkFacts(target),
    }),
  };
}

function kindOfType(type: string): EntryKind {
  if (type === "file") return "file";
  if (type === "dir") return "directory";
  return /^os\.unix=s(?:ym)?link/.test(type) ? "link" : "other";
}

/**
 * A line of LIST in the forms of Unix and MS-DOS, which the package knows, and of VMS, NetWare, OS/2 and EPLF, which
 * it does not. `now` tells the year where the line does not.
 */
export function parseListLine(line: string, now: Date): ListingLine {
  if (line.trim() === "" || /^total\b|^Directory \S+$|^Total of \d+ files?\b/.test(line)) return "self";
  // Part of the name, which is not to be had (see isPlainName).
  if (line.includes("\n")) return { name: line, kind: "other", meta: {} };
  // The package's patterns end at a CR: the name would lose its end.
  if (line.includes("\r")) return "unreadable";
  const rare = parseRareLine(line, now);
  if (rare !== undefined) return rare;
  let file: FileInfo | undefined;
  try {
    [file] = parseList(line);
  } catch {
    return "unreadable";
  }
  // It passes over `.` and `..` itself.
  if (file === undefined) return "self";
  const kind = kindOfFile(file);
  const modified = listedDate(file.rawModifiedAt, now);
  return {
    name: file.name,
    kind,
    ...sized(kind, file.size),
    ...(modified === undefined ? {} : { modified }),
    meta: known({
      mode: modeOf(file),
      owner: file.user,
      group: file.group,
      ...linkFacts(file.link),
    }),
  };
}

function kindOfFile(file: FileInfo): EntryKind {
  if (file.isDirectory) return "directory";
  if (file.isSymbolicLink) return "link";
  return file.isFile ? "file" : "other";
}

/** As chmod writes it: `0644`. */
function modeOf({ permissions }: FileInfo): string | undefined {
  if (permissions === undefined) return undefined;
  return `0${permissions.user}${permissions.group}${permissions.world}`;
}

/** The size of a folder or a link is its own, not that of what is in it. */
function sized(kind: EntryKind, size: number): { size?: number } {
  return kind === "file" && Number.isSafeInteger(size) && size >= 0 ? { size } : {};
}

/** What a link says; octet for octet beside it where that is no UTF-8. */
function linkFacts(target: string | undefined): Readonly<Record<string, string | undefined>> {
  const octets = Buffer.from(target ?? "", "latin1");
  return { target, ...(isUtf8(octets) ? {} : { targetOctets: encodeOctets(octets) }) };
}

function known(facts: Readonly<Record<string, string | undefined>>): JsonObject {
  const told: Record<string, string> = {};
  for (const key in facts) {
    const value = facts[key];
    if (value !== undefined) told[key] = textOf(value);
  }
  return told;
}
