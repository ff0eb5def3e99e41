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
/** Octets of a line that are read to see whether it is a From_ line. */
const LONGEST_FROM = 512;
/** `From ADDRESS Thu Jan  1 00:00:00 1970`, with a zone or not, seconds or not. */
const FROM_LINE =
  /^From (?:.{0,300} )?(?:(?:mon|tue|wed|thu|fri|sat|sun),? +)(?:[a-z]{3} +\d{1,2}|\d{1,2} +[a-z]{3}) +(?:\d{4} +)?\d{1,2}:\d{2}(?::\d{2})?(?: +[+-]?\w{1,5}(?: \w{3})?){0,2}(?: +\d{4})?(?: +[+-]?\w{1,5})? *\r?$/i;

/** True for what begins a message, and false for prose that begins with the same word. */
export function isFromLine(line: string): boolean {
  return FROM_LINE.test(line) && /\b\d{4}\b/.test(line);
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
  readonly #quoting: "mboxrd" | "mboxo" | "mboxcl2";
  /** Of the octet that is fed next. */
  #position: number;
  #held: Buffer = Buffer.alloc(0);
  #open: Open | undefined;
  /** The last four octets before what is held, for the empty line that separates. */
  #tail: Buffer = Buffer.alloc(0);

  /** @param position of the first octet that is fed, which begins a line */
  constructor(quoting: MboxFormat, position = 0) {
    this.#quoting = quoting;
    this.#position = position;
  }

  /** Where the header of the message under way begins, once that is known. */
  get opened(): number | undefined {
    return this.#open?.start;
  }

  /** The messages that these octets complete. The block may be used anew afterwards. */
  feed(block: Buffer): Located[] {
    return this.#scan(this.#held.length === 0 ? block : Buffer.concat([this.#held, block]), false);
  }

  /** The file ends: so does the last message, with or without a final line break. */
  end(): Located[] {
    const found = this.#scan(this.#held, true);
    const last = this.#close(this.#position);
    if (last !== undefined) found.push(last);
    return found;
  }

  #scan(all: Buffer, last: boolean): Located[] {
    const found: Located[] = [];
    const base = this.#position;
    let consumed = 0;
    let from = 0;
    for (;;) {
      const at = all.indexOf(FROM, from);
      if (at < 0) {
        consumed = last ? all.length : Math.max(consumed, safeEnd(all));
        break;
      }
      const line = this.#lineStart(all, at, base);
      if (line === undefined) {
        from = at + 1;
        continue;
      }
      const lineEnd = all.indexOf(LF, at);
      if (lineEnd < 0 && !last && all.length - at < LONGEST_FROM) {
        consumed = line;
        break;
      }
      const end = lineEnd < 0 ? all.length : lineEnd + 1;
      from = at + FROM.length;
      if (line < at) {
        this.#countQuoted(at - line);
        continue;
      }
      const text = all.toString("latin1", at, Math.min(lineEnd < 0 ? end : lineEnd, at + LONGEST_FROM));
      if (!isFromLine(text)) continue;
      this.#take(all, consumed, at);
      const message = this.#close(base + at);
      if (message !== undefined) found.push(message);
      this.#open = { offset: base + at, start: base + end, fromLine: text, head: [], headSize: 0, quoted: 0 };
      this.#tail = Buffer.alloc(0);
      consumed = end;
      from = end;
    }
    this.#take(all, Math.min(consumed, all.length), consumed);
    return this.#keep(all, consumed, base, found);
  }

  #keep(all: Buffer, consumed: number, base: number, found: Located[]): Located[] {
    this.#position = base + consumed;
    this.#held = Buffer.from(all.subarray(consumed));
    return found;
  }

  /** Where the line begins whose quoted or plain `From ` is at `at`; undefined when it is within a line. */
  #lineStart(all: Buffer, at: number, base: number): number | undefined {
    let start = at;
    while (start > 0 && all[start - 1] === GREATER) start -= 1;
    if (start > 0) return all[start - 1] === LF ? start : undefined;
    const before = this.#tail.at(-1);
    return before === undefined ? (base === this.#lineBegun ? 0 : undefined) : before === LF ? 0 : undefined;
  }

  get #lineBegun(): number {
    return this.#open?.start ?? this.#position;
  }

  #countQuoted(marks: number): void {
    if (this.#open === undefined) return;
    if (this.#quoting === "mboxrd" || (this.#quoting === "mboxo" && marks === 1)) this.#open.quoted += 1;
  }

  /** Octets of the message under way. */
  #take(all: Buffer, from: number, to: number): void {
    const open = this.#open;
    if (open === undefined || to <= from) return;
    const room = HEADER_OCTETS - open.headSize;
    if (room > 0) {
      const kept = Buffer.from(all.subarray(from, Math.min(to, from + room)));
      open.head.push(kept);
      open.headSize += kept.length;
    }
    this.#tail =
      to - from >= 4
        ? Buffer.from(all.subarray(to - 4, to))
        : Buffer.concat([this.#tail, all.subarray(from, to)]).subarray(-4);
  }

  #close(end: number): Located | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    return located(open, end - separatorIn(this.#tail));
  }
}
