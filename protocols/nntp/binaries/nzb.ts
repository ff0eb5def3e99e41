/** NZB files: which articles make up which file. An XML of one kind, read for what it has to say and no more. */
import { PortholeError } from "../../../src/errors.js";

export interface Segment {
  /** From 1. */
  readonly number: number;
  /** With its angle brackets. */
  readonly id: string;
  /** Octets of the article, as the posting program counted. */
  readonly bytes?: number;
}

export interface BinaryFile {
  readonly subject: string;
  readonly segments: readonly Segment[];
  /** How many there should be, where the subject says so; segments that the index itself lacks count as missing. */
  readonly total: number;
}

const MOST_SEGMENTS = 1_000_000;
const FILE = /<file\b([^>]*)>([\s\S]*?)<\/file>/gi;
const SEGMENT = /<segment\b([^>]*)>\s*([^<]*?)\s*<\/segment>/gi;
/** `(3/7)` or `[3/7]`; the last in a subject is the part's. */
const COUNT = /[([](\d{1,6})\/(\d{1,6})[)\]]/g;

/** @throws PortholeError `usage` for what is no NZB */
export function parseNzb(text: string): BinaryFile[] {
  const files: BinaryFile[] = [];
  let count = 0;
  for (const [, attributes = "", content = ""] of text.matchAll(FILE)) {
    const segments = new Map<number, Segment>();
    for (const [, facts = "", written = ""] of content.matchAll(SEGMENT)) {
      const id = unescaped(written);
      const number = Number(attribute(facts, "number") ?? segments.size + 1);
      const bytes = Number(attribute(facts, "bytes") ?? Number.NaN);
      if (!/^[^\s<>]{1,248}$/.test(id) || !Number.isSafeInteger(number) || number < 1) {
        throw new PortholeError("usage", "the NZB names an article that cannot be one", {
          reply: id.slice(0, 200),
        });
      }
      if (++count > MOST_SEGMENTS)
        throw new PortholeError("usage", `the NZB has more than ${MOST_SEGMENTS} segments`);
      segments.set(number, { number, id: `<${id}>`, ...(Number.isSafeInteger(bytes) ? { bytes } : {}) });
    }
    const subject = attribute(attributes, "subject") ?? "";
    files.push(fileOf(subject, [...segments.values()]));
  }
  if (files.length === 0) throw new PortholeError("usage", "the file is no NZB, or names no files");
  return files;
}

export function fileOf(subject: string, segments: readonly Segment[]): BinaryFile {
  const sorted = [...segments].sort((a, b) => a.number - b.number);
  const said = [...subject.matchAll(COUNT)].at(-1)?.[2];
  const total = Math.max(said === undefined ? 0 : Number(said), sorted.at(-1)?.number ?? 0);
  return { subject, segments: sorted, total };
}

/** The part's number and how many there are, as a subject says them. */
export function partIn(subject: string): { readonly number: number; readonly total: number } | undefined {
  const [, number, total] = [...subject.matchAll(COUNT)].at(-1) ?? [];
  return number === undefined || total === undefined
    ? undefined
    : { number: Number(number), total: Number(total) };
}

/** The subject without its part's number: what the parts of one file have in common. */
export function commonSubject(subject: string): string {
  const last = [...subject.matchAll(COUNT)].at(-1);
  if (last === undefined) return subject;
  return `${subject.slice(0, last.index)}(*/${last[2]})${subject.slice(last.index + last[0].length)}`;
}

/** The name that a subject gives to its file: what stands in quotes, or the last word that looks like a name. */
export function nameIn(subject: string): string | undefined {
  return (
    /"([^"]+)"/.exec(subject)?.[1] ?? /(?:^|\s)([^\s"()[\]/]+\.[A-Za-z0-9]{1,10})(?=\s|$)/.exec(subject)?.[1]
  );
}

function attribute(attributes: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "i").exec(attributes);
  const written = value?.[1] ?? value?.[2];
  return written === undefined ? undefined : unescaped(written);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(#x?[0-9a-f]{1,6}|[a-z]{2,4});/gi, (all, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name.toLowerCase()] ?? all;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
