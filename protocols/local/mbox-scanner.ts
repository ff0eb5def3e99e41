/**
 * Where messages begin and end in an mbox file, octets in, positions out. Blocks are searched, not lines: what is
 * between two From_ lines is looked at by nobody.
 */
import { createHash } from "node:crypto";
import { type Header, parseHeader } from "../../src/message/headers.js";
import { HEADER_OCTETS } from "./message-entry.js";

/** How lines that begin with `From ` are kept apart from those that begin a message. */
export type MboxFormat =
  /** `>From ` for `From `, `>>From ` for `>From `: undone by taking one away. */
  | "mboxrd"
  /** `>From ` for `From ` alone. */
  | "mboxo"
  /** Nothing is quoted: Content-Length says where a message ends. */
  | "mboxcl2";

export interface Located {
  /** Of the From_ line. */
  readonly offset: number;
  /** Of the header. */
  readonly start: number;
  /** After the last octet, without the empty line that separates. */
  readonly end: number;
  /** Of the next From_ line, or of the file's end. */
  readonly next: number;
  /** Octets when quoting is undone. */
  readonly size: number;
  readonly fromLine: string;
  readonly header: Header;
  /** Tells this message from others, wherever it moves in the file. */
  readonly mark: string;
}

const LF = 0x0a;
const CR = 0x0d;
const GREATER = 0x3e;
const FROM = Buffer.from("From ");
const LINE_OF_FROM = Buffer.from("\nFrom ");
const MARKED_FROM = Buffer.from(">From ");
/** Octets of a line that are read to see whether it is a From_ line. */
const LONGEST_FROM = 512;
const WEEKDAY = /^(?:mon|tue|wed|thu|fri|sat|sun),?$/i;

/**
 * True for what begins a message: `From ADDRESS Thu Jan  1 00:00:00 1970`, with a zone or not, with seconds or not.
 * Prose that begins with the same word has no date.
 */
export function isFromLine(line: string): boolean {
  if (!line.startsWith("From ") || line.length > LONGEST_FROM) return false;
  const words = line.slice(5).trim().split(/ +/);
  const day = words.findIndex((word) => WEEKDAY.test(word));
  if (day < 0) return false;
  const date = words.slice(day + 1);
  return (
    date.length >= 4 && date.length <= 8 && date.some(isTime) && date.some((word) => /^\d{4}$/.test(word))
  );
}

function isTime(word: string): boolean {
  return /^\d{1,2}:\d{2}(?::\d{2})?$/.test(word);
}

/** The date of a From_ line, which is in the time of whoever wrote it; undefined when it says none. */
export function dateOfFromLine(line: string): Date | undefined {
  const [, month, day, time, year] =
    /([a-z]{3}) +(\d{1,2}) +(\d{1,2}:\d{2}(?::\d{2})?)(?: +[+-]?\w{1,5})? +(\d{4})/i.exec(line) ?? [];
  const date = new Date(`${month} ${day} ${year} ${time} +0000`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

interface Open {
  readonly offset: number;
  readonly start: number;
  readonly fromLine: string;
  readonly head: Buffer[];
  headSize: number;
  quoted: number;
}

export class MboxScanner {
  readonly #format: MboxFormat;
  /** Of the first octet of what is held. */
  #position: number;
  /** The last line so far, which may turn out to be a From_ line. */
  #held: Buffer = Buffer.alloc(0);
  /** The octet before what is held. */
  #before = LF;
  #open: Open | undefined;
  /** The last octets of the message under way, before what is held: the empty line that separates is among them. */
  #tail: Buffer = Buffer.alloc(0);

  /** @param position of the first octet that is fed, which begins a line */
  constructor(format: MboxFormat, position = 0) {
    this.#format = format;
    this.#position = position;
  }

  /** The messages that these octets complete. The block may be used anew afterwards. */
  feed(block: Buffer): Located[] {
    const all = this.#held.length === 0 ? block : Buffer.concat([this.#held, block]);
    const line = all.lastIndexOf(LF) + 1;
    const begun = line > 0 || this.#before === LF;
    return this.#scan(all, begun && all.length - line < LONGEST_FROM ? line : all.length);
  }

  /** The file ends: so does the last message, with or without a final line break. */
  end(): Located[] {
    const found = this.#scan(this.#held, this.#held.length);
    const last = this.#close(this.#position);
    if (last !== undefined) found.push(last);
    return found;
  }

  /** @param to the octet from which on a line is held until more of it is there */
  #scan(all: Buffer, to: number): Located[] {
    const found: Located[] = [];
    let taken = 0;
    for (let at = this.#firstLine(all); at >= 0 && at < to; at = lineOfFrom(all, at)) {
      const lineEnd = all.indexOf(LF, at);
      const text = all.toString("latin1", at, Math.min(lineEnd < 0 ? to : lineEnd, at + LONGEST_FROM + 1));
      if (!isFromLine(text)) continue;
      this.#take(all, taken, at);
      const message = this.#close(this.#position + at);
      if (message !== undefined) found.push(message);
      taken = lineEnd < 0 ? to : lineEnd + 1;
      this.#open = {
        offset: this.#position + at,
        start: this.#position + taken,
        fromLine: text.trimEnd(),
        head: [],
        headSize: 0,
        quoted: 0,
      };
      this.#tail = Buffer.alloc(0);
    }
    this.#take(all, taken, to);
    this.#before = (to > 0 ? all[to - 1] : undefined) ?? this.#before;
    this.#position += to;
    this.#held = Buffer.from(all.subarray(to));
    return found;
  }

  /** A From_ line may be the first of these octets, after a line break that came before. */
  #firstLine(all: Buffer): number {
    const isFirst = this.#before === LF && all.subarray(0, FROM.length).equals(FROM);
    return isFirst ? 0 : lineOfFrom(all, 0);
  }

  /** How many lines of these octets lose a mark when quoting is undone. */
  #quotedIn(all: Buffer, from: number, to: number): number {
    if (this.#format === "mboxcl2") return 0;
    const message = all.subarray(0, to);
    let count = 0;
    for (let at = message.indexOf(MARKED_FROM, from); at >= 0; at = message.indexOf(MARKED_FROM, at + 1)) {
      let line = at;
      while (line > 0 && all[line - 1] === GREATER) line -= 1;
      const begins = (line > 0 ? all[line - 1] : this.#before) === LF;
      if (begins && isQuoted(this.#format, at + 1 - line)) count += 1;
    }
    return count;
  }

  /** Octets of the message under way. */
  #take(all: Buffer, from: number, to: number): void {
    const open = this.#open;
    if (open === undefined || to <= from) return;
    open.quoted += this.#quotedIn(all, from, to);
    const room = HEADER_OCTETS - open.headSize;
    if (room > 0 && !(open.headSize > FIRST_HEAD && hasEnded(open.head))) {
      const kept = Buffer.from(all.subarray(from, Math.min(to, from + Math.min(room, FIRST_HEAD))));
      open.head.push(kept);
      open.headSize += kept.length;
      if (kept.length === FIRST_HEAD && to - from > FIRST_HEAD && !hasEnded(open.head)) {
        const more = Buffer.from(all.subarray(from + FIRST_HEAD, Math.min(to, from + room)));
        open.head.push(more);
        open.headSize += more.length;
      }
    }
    const last = all.subarray(Math.max(from, to - 4), to);
    this.#tail = Buffer.from(last.length === 4 ? last : Buffer.concat([this.#tail, last]).subarray(-4));
  }

  #close(end: number): Located | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    const stop = Math.max(open.start, end - separatorOf(this.#tail));
    return located({ ...open, end: stop, next: end, head: Buffer.concat(open.head) });
  }
}

function lineOfFrom(all: Buffer, from: number): number {
  const found = all.indexOf(LINE_OF_FROM, from);
  return found < 0 ? -1 : found + 1;
}

/** Octets of a header that are kept at first: most are shorter. */
const FIRST_HEAD = 8 * 1024;

function hasEnded(head: readonly Buffer[]): boolean {
  const all = Buffer.concat(head);
  return headerIn(all).length < all.length;
}

/** Up to the empty line; all of it when there is none. */
function headerIn(head: Buffer): Buffer {
  const ends = [head.indexOf("\n\n"), head.indexOf("\n\r\n")].filter((end) => end >= 0);
  return ends.length === 0 ? head : head.subarray(0, Math.min(...ends) + 1);
}

/** True when one mark was put before a line that had the others. */
export function isQuoted(format: MboxFormat, marks: number): boolean {
  return format === "mboxrd" ? marks > 0 : format === "mboxo" && marks === 1;
}

/** The octets at a message's end that only keep it from the next: an empty line. */
export function separatorOf(tail: Buffer): number {
  const [last, second, third, fourth] = [tail.at(-1), tail.at(-2), tail.at(-3), tail.at(-4)];
  if (last !== LF) return 0;
  // A message without any octet has its separator alone.
  if (second === LF || second === undefined) return 1;
  return second === CR && (third === LF || (third === undefined && fourth === undefined)) ? 2 : 0;
}

/** @param facts `head` is the beginning of the message */
export function located(facts: {
  readonly offset: number;
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly quoted: number;
  readonly fromLine: string;
  readonly head: Buffer;
}): Located {
  const { offset, start, end, next, fromLine } = facts;
  const header = parseHeader(headerIn(facts.head.subarray(0, end - start)));
  // Flags are kept in the header, too, so only what never changes counts.
  const lasting = ["message-id", "date", "from", "subject"].map((name) => header.raw(name) ?? "");
  const mark = createHash("sha1")
    .update([fromLine, ...lasting].join("\n"))
    .digest("hex")
    .slice(0, 12);
  return { offset, start, end, next, size: end - start - facts.quoted, fromLine, header, mark };
}
