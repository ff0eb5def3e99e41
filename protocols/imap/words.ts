/** Command lines (RFC 9051, 9): words in, octets out, and nothing in a word can begin a second command. */
import { PortholeError } from "../../src/errors.js";
import { refuseControls } from "../../src/url.js";

/** Sent as a literal: a string with anything but NUL in it. */
export interface Literal {
  readonly octets: Buffer;
}

/** Contents of known size, sent as they come: APPEND's message. */
export interface Stream {
  readonly size: number;
  readonly pieces: AsyncIterable<Buffer>;
  /** It holds NUL octets, which a plain literal may not (RFC 3516, 4.4). */
  readonly binary: boolean;
}

/** Text that stands in the command as it is, or a literal. */
export type Word = string | Literal | Stream;

/** A quoted string, or a literal where that cannot be. @throws PortholeError `usage` for a NUL */
export function astring(text: string): Word {
  const octets = Buffer.from(text, "utf8");
  if (octets.includes(0)) throw new PortholeError("usage", "an argument holds a NUL, which is never sent");
  if (/^[\x20-\x7e]*$/.test(text) && text.length < 1000) return quoted(text);
  return { octets };
}

export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Checked before it is sent: a word as it stands. @throws PortholeError `usage` */
export function plainWord(text: string): string {
  refuseControls(text, "an argument");
  return text;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `1-Feb-2026`, in UTC: for SEARCH. */
export function searchDate(date: Date): string {
  return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
}

/** `" 1-Feb-2026 12:00:00 +0000"`: for APPEND. */
export function dateTime(date: Date): string {
  const time = date.toISOString().slice(11, 19);
  return `"${searchDate(date).padStart(11)} ${time} +0000"`;
}

/** `17-Jul-1996 02:44:25 -0700`; undefined for what is none. */
export function parseDateTime(text: string | undefined): Date | undefined {
  const [, day, month = "", year, time, sign, hours, minutes] =
    /^ ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d:\d\d:\d\d) ([+-])(\d\d)(\d\d)$/.exec(text ?? "") ?? [];
  const at = MONTHS.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  if (at < 0) return undefined;
  const date = `${year}-${String(at + 1).padStart(2, "0")}-${day?.padStart(2, "0")}`;
  const parsed = new Date(`${date}T${time}${sign}${hours}:${minutes}`);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}

/** `1:3,7` of numbers in ascending order (RFC 9051, 9: sequence-set). */
export function sequenceSet(numbers: Iterable<number>): string {
  const ranges: string[] = [];
  let [first, last] = [0, 0];
  const close = () => {
    if (first > 0) ranges.push(first === last ? String(first) : `${first}:${last}`);
  };
  for (const number of numbers) {
    if (first > 0 && number === last + 1) last = number;
    else {
      close();
      first = number;
      last = number;
    }
  }
  close();
  return ranges.join(",");
}

/** What a sequence set names; bounded. @throws PortholeError `protocol` */
export function numbersIn(set: string, most = 10_000_000): number[] {
  const numbers: number[] = [];
  for (const [low, high] of rangesIn(set)) {
    if (numbers.length + high - low > most) {
      throw new PortholeError("protocol", "the server names more messages than there can be");
    }
    for (let number = low; number <= high; number++) numbers.push(number);
  }
  return numbers;
}

/** The ranges of a sequence set, the lower number first; what is none is left out. */
export function rangesIn(set: string): (readonly [number, number])[] {
  return set.split(",").flatMap((range) => {
    const [, from = "", to = from] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(range) ?? [];
    if (from === "") return [];
    const [one, other] = [Number(from), Number(to)];
    return [[Math.min(one, other), Math.max(one, other)] as const];
  });
}
