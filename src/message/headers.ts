/** The header of a mail or an article (RFC 5322, 2.2; RFC 5536, 2.2): its fields, and what listings show of them. */
import { decodeWords } from "./encoded-words.js";

export interface Field {
  /** As written. */
  readonly name: string;
  /** Unfolded, blanks at its ends gone, one character for each octet. */
  readonly raw: string;
}

/** Octets of a header that are read; what comes after them is passed over. */
export const LONGEST_HEADER = 256 * 1024;
const FIELD = /^([!-9;-~]+)[ \t]*:(.*)$/s;

export class Header {
  readonly fields: readonly Field[];

  constructor(fields: readonly Field[]) {
    this.fields = fields;
  }

  /** The first field of this name, unfolded, one character for each octet. */
  raw(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.fields.find((field) => field.name.toLowerCase() === wanted)?.raw;
  }

  /** The first field of this name as people read it: encoded words and octets above 127 decoded. */
  async text(name: string): Promise<string | undefined> {
    const raw = this.raw(name);
    return raw === undefined ? undefined : decodeWords(raw);
  }
}

/**
 * The fields up to the first empty line. Lines that are none, and a From_ line of a mailbox file, are passed over.
 * @param octets the header, or a message's beginning; a string has one character for each octet
 */
export function parseHeader(octets: Uint8Array | string): Header {
  const text = typeof octets === "string" ? octets : beginningOf(octets);
  const fields: { name: string; lines: string[] }[] = [];
  for (const written of text.slice(0, LONGEST_HEADER).split("\n")) {
    const line = written.endsWith("\r") ? written.slice(0, -1) : written;
    if (line === "") break;
    if (/^[ \t]/.test(line)) {
      // RFC 5322, 2.2.3: the line break goes, the blank stays.
      fields.at(-1)?.lines.push(line);
      continue;
    }
    const [, name, value = ""] = FIELD.exec(line) ?? [];
    if (name !== undefined) fields.push({ name, lines: [value] });
  }
  return new Header(fields.map(({ name, lines }) => ({ name, raw: lines.join("").trim() })));
}

/** One character for each octet: what comes after the first empty line is mostly most of a message, and not looked at. */
function beginningOf(octets: Uint8Array): string {
  const all = Buffer.from(octets.buffer, octets.byteOffset, Math.min(octets.byteLength, LONGEST_HEADER));
  const wired = all.indexOf("\n\r\n");
  const head = wired < 0 ? all : all.subarray(0, wired + 1);
  const bare = head.indexOf("\n\n");
  return (bare < 0 ? head : head.subarray(0, bare + 1)).toString("latin1");
}

/** What a list of messages shows. Absent is what the header does not say. */
export interface MessageSummary {
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
  readonly date?: Date;
  /** With its angle brackets. */
  readonly messageId?: string;
  /** What it answers, the parent last (RFC 5322, 3.6.4); In-Reply-To where there is no References. */
  readonly references?: readonly string[];
}

/** Message-IDs that are kept of a References field: the last, which are the nearest. */
const MOST_REFERENCES = 50;

export async function summaryOf(header: Header): Promise<MessageSummary> {
  const [subject, from, to] = [
    await header.text("subject"),
    await header.text("from"),
    await header.text("to"),
  ];
  const date = parseDate(header.raw("date"));
  const messageId = /<[^\s<>]+>/.exec(header.raw("message-id") ?? "")?.[0];
  const references = answeredIn(header.raw("references"), header.raw("in-reply-to"));
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(date === undefined ? {} : { date }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(references.length === 0 ? {} : { references }),
  };
}

/** Message-IDs in a References field, or where there are none the first in In-Reply-To, which may name others by the way. */
export function answeredIn(references: string | undefined, inReplyTo: string | undefined): string[] {
  const named = references?.match(/<[^\s<>]{1,1000}>/g) ?? [];
  if (named.length > 0) return named.slice(-MOST_REFERENCES);
  return inReplyTo?.match(/<[^\s<>]{1,1000}>/g)?.slice(0, 1) ?? [];
}

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";
const DATE =
  /(\d{1,2})[ -]+([a-z]{3})[a-z]*[ -]+(\d{2,4}) +(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?: *([+-]\d{4}|[a-z]+))?/i;
/** RFC 5322, 4.3; hours. Other names mean nothing certain, and are taken for +0000. */
const ZONES: Readonly<Record<string, number>> = {
  edt: -4,
  est: -5,
  cdt: -5,
  cst: -6,
  mdt: -6,
  mst: -7,
  pdt: -7,
  pst: -8,
};

/** A Date field (RFC 5322, 3.3 and 4.3), or undefined when it cannot be read. */
export function parseDate(raw: string | undefined): Date | undefined {
  const match = DATE.exec(raw ?? "");
  if (match === null) return undefined;
  const [, day = "", month = "", year = "", hour = "", minute = "", second = "0", zone = ""] = match;
  const index = MONTHS.indexOf(month.toLowerCase());
  if (index % 3 !== 0) return undefined;
  const time = Date.UTC(
    fullYear(year),
    index / 3,
    Number(day),
    Number(hour),
    Number(minute),
    // A leap second is a second that Date does not know.
    Math.min(59, Number(second)),
  );
  const date = new Date(time - offsetOf(zone) * 60_000);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** RFC 5322, 4.3: two digits from 50 on, and three, count from 1900, two below 50 from 2000. */
function fullYear(written: string): number {
  const year = Number(written);
  if (written.length >= 4) return year;
  return written.length === 3 || year >= 50 ? 1900 + year : 2000 + year;
}

/** Minutes east. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2})(\d{2})$/.exec(zone) ?? [];
  if (sign === undefined) return (ZONES[zone.toLowerCase()] ?? 0) * 60;
  const offset = Number(hours) * 60 + Number(minutes);
  return sign === "-" ? -offset : offset;
}
