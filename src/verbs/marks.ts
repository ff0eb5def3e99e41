/** Whether a thing is still the same: from what each side tells of it. */
import type { Entry, JsonValue } from "../plugin.js";

/** What tells one state of a thing from another, as text: size, date, and the protocol's own mark where it has one. */
export function markOf({ size, modified, meta }: Entry): string {
  const time = modified === undefined || Number.isNaN(modified.getTime()) ? "" : modified.toISOString();
  return JSON.stringify([size ?? null, time, ownMark(meta)]);
}

/**
 * HTTP's and WebDAV's ETag; IMAP's MODSEQ. A weak ETag counts like the strong one (RFC 9110, 8.8.3.2): Apache's are weak for
 * a second or two after something was written.
 */
function ownMark(meta: { readonly [key: string]: JsonValue | undefined }): JsonValue {
  const headers = meta["headers"];
  const inHeaders = isObject(headers) ? headers["etag"] : undefined;
  const mark = inHeaders ?? meta["etag"] ?? meta["modseq"] ?? null;
  return typeof mark === "string" ? mark.replace(/^W\//, "") : mark;
}

/** What a message is known by in any mailbox (RFC 5322, 3.6.4); undefined for one that tells nothing. */
export function messageMark(entry: Entry): string | undefined {
  const { kind, meta } = entry;
  if (kind !== "message" && kind !== "article") return undefined;
  const id = messageId(entry);
  if (id !== undefined) return id;
  const { date, subject } = meta;
  return date === undefined ? undefined : JSON.stringify([date, subject ?? null]);
}

export function messageId({ meta }: Entry): string | undefined {
  const id = meta["messageId"] ?? meta["message-id"];
  return typeof id === "string" && id !== "" ? id.replace(/^<|>$/g, "") : undefined;
}

/** A line end that a message does not have: POP3 counts it (RFC 1939, 3), or adds it. */
export const LINE_END = 2;

/**
 * How well two messages of one mark agree: a mail and a list's copy of it have one Message-ID and other sizes.
 * `unknown` where a side does not tell the size.
 */
export function sizesAgree(one: Entry, other: Entry): "well" | "nearly" | "unknown" | "no" {
  if (one.size === undefined || other.size === undefined) return "unknown";
  const apart = Math.abs(one.size - other.size);
  return apart === 0 ? "well" : apart <= LINE_END ? "nearly" : "no";
}

/** Whether one message is the other, as far as one can tell. Articles have their Message-IDs for themselves (RFC 5536, 3.1.3). */
export function isSameMessage(one: Entry, other: Entry): boolean {
  const mark = messageMark(one);
  if (mark === undefined || mark !== messageMark(other)) return false;
  const agree = sizesAgree(one, other);
  if (messageId(one) === undefined) return agree === "well" || agree === "nearly";
  return agree !== "no" || one.kind === "article" || other.kind === "article";
}

/** A message's flags, where the place tells them: without those that are the session's own (RFC 9051, 2.3.2). */
export function flagsOf({ meta }: Entry): string[] | undefined {
  const { flags } = meta;
  if (!Array.isArray(flags)) return undefined;
  return flags.map(String).filter((flag) => flag.toLowerCase() !== "\\recent");
}

/** The same flags give the same text. */
export function flagMark(flags: readonly string[]): string {
  return [...new Set(flags.map((flag) => flag.toLowerCase()))].sort().join(" ");
}

function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Milliseconds: how fine the dates of a side are. FTP's MLSD has seconds, its LIST minutes, and days for what is old. */
export function precisionOf(entries: Iterable<Entry>): number {
  let coarse = MINUTE;
  for (const { modified } of entries) {
    const time = modified?.getTime() ?? 0;
    if (time % SECOND !== 0) return 1;
    if (time % MINUTE !== 0) coarse = SECOND;
  }
  return coarse;
}

/**
 * Same size and, as far as both sides tell it, same date. What does not tell both is not known to be the same.
 * @param precision of the coarser side, in milliseconds
 */
export function looksSame(one: Entry, other: Entry, precision: number): boolean {
  if (one.size === undefined || one.size !== other.size) return false;
  const [a, b] = [one.modified?.getTime(), other.modified?.getTime()];
  if (a === undefined || b === undefined) return false;
  // A listing that tells minutes tells only the day of what is old.
  const grain = precision === MINUTE && (a % DAY === 0 || b % DAY === 0) ? DAY : precision;
  return Math.floor(a / grain) === Math.floor(b / grain);
}
