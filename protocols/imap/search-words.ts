/** Searches as people type them, as IMAP writes them (RFC 9051, 6.4.4): `from:support subject:"x y" since:2026-01-01 unseen larger:1M`. */

import { PortholeError } from "../../src/errors.js";
import { labelWord } from "./gmail.js";
import { astring, plainWord, quoted, searchDate, type Word } from "./words.js";

const HINT =
  'from:support subject:"x y" since:2026-01-01 unseen larger:1M, or IMAP\'s own: FROM support UNSEEN';

const TEXT_KEYS: Readonly<Record<string, string>> = {
  from: "FROM",
  to: "TO",
  cc: "CC",
  bcc: "BCC",
  subject: "SUBJECT",
  body: "BODY",
  text: "TEXT",
};
const DATE_KEYS: Readonly<Record<string, string>> = {
  since: "SINCE",
  after: "SINCE",
  before: "BEFORE",
  on: "ON",
  "sent-since": "SENTSINCE",
  sentsince: "SENTSINCE",
  "sent-before": "SENTBEFORE",
  sentbefore: "SENTBEFORE",
  "sent-on": "SENTON",
  senton: "SENTON",
};
const SIZE_KEYS: Readonly<Record<string, string>> = { larger: "LARGER", smaller: "SMALLER" };
const FLAG_KEYS: Readonly<Record<string, string>> = {
  all: "ALL",
  seen: "SEEN",
  read: "SEEN",
  unseen: "UNSEEN",
  unread: "UNSEEN",
  flagged: "FLAGGED",
  starred: "FLAGGED",
  unflagged: "UNFLAGGED",
  answered: "ANSWERED",
  replied: "ANSWERED",
  unanswered: "UNANSWERED",
  draft: "DRAFT",
  undraft: "UNDRAFT",
  deleted: "DELETED",
  undeleted: "UNDELETED",
  recent: "RECENT",
  new: "NEW",
  old: "OLD",
};
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** The first word of a search in IMAP's own form; people do not write these in capitals otherwise. */
const RAW =
  /^(?:\(|(?:ALL|ANSWERED|BCC|BEFORE|BODY|CC|DELETED|DRAFT|FLAGGED|FROM|HEADER|KEYWORD|LARGER|MODSEQ|NEW|NOT|OLD|OLDER|ON|OR|RECENT|SEEN|SENTBEFORE|SENTON|SENTSINCE|SINCE|SMALLER|SUBJECT|TEXT|TO|UID|UNANSWERED|UNDELETED|UNDRAFT|UNFLAGGED|UNKEYWORD|UNSEEN|YOUNGER|X-GM-RAW|X-GM-LABELS|X-GM-MSGID|X-GM-THRID)(?=[\s)]|$))/;

export interface Search {
  readonly words: readonly Word[];
  /** Some of it is no ASCII: the charset is told. */
  readonly needsCharset: boolean;
}

/** @throws PortholeError `usage` for what means nothing */
export function parseSearch(text: string, now = new Date()): Search {
  const trimmed = text.trim();
  if (trimmed === "") return { words: ["ALL"], needsCharset: false };
  const words = RAW.test(trimmed) ? rawWords(trimmed) : typedWords(trimmed, now);
  return {
    words,
    needsCharset: words.some((word) => typeof word !== "string" && "octets" in word && !isAscii(word.octets)),
  };
}

function isAscii(octets: Buffer): boolean {
  return octets.every((octet) => octet < 0x80);
}

/** As it stands; strings that are no ASCII become literals. */
function rawWords(text: string): Word[] {
  const words: Word[] = [];
  for (const [token, string] of plainWord(text).matchAll(/"((?:[^"\\]|\\.)*)"|[^\s"]+/gs)) {
    if (string !== undefined) words.push(astring(string.replace(/\\(.)/gs, "$1")));
    else if (/^[\x21-\x7e]+$/.test(token)) words.push(token.includes("{") ? refuseLiteral(token) : token);
    else words.push(astring(token));
  }
  if ((text.match(/(?<!\\)"/g) ?? []).length % 2 !== 0) throw wrong("a quotation mark is missing");
  return words;
}

/** `{12}` would announce octets that never come. */
function refuseLiteral(token: string): Word {
  return astring(token);
}

function typedWords(text: string, now: Date): Word[] {
  const keys: Word[][] = [];
  let negated = false;
  let either = false;
  for (const token of tokensOf(text)) {
    if (!token.quoted && /^(?:not|or|and)$/i.test(token.text)) {
      const word = token.text.toLowerCase();
      if (word === "not") negated = !negated;
      if (word === "or") either = true;
      continue;
    }
    const { key, minus } = keyOf(token, now);
    const made: Word[] = minus !== negated ? ["NOT", ...grouped(key)] : key;
    negated = false;
    const last = either ? keys.pop() : undefined;
    if (either && last === undefined) throw wrong("'or' stands between two things");
    keys.push(last === undefined ? made : ["OR", ...grouped(last), ...grouped(made)]);
    either = false;
  }
  if (negated || either) throw wrong("something is missing after the last word");
  return keys.flat();
}

/** `OR` and `NOT` are followed by one key each: what has its own words in a row is one. */
function grouped(key: Word[]): Word[] {
  return key;
}

interface Token {
  /** What stands before the colon, lower case; empty for a word alone. */
  readonly name: string;
  readonly text: string;
  readonly quoted: boolean;
  readonly minus: boolean;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(-)?(?:([A-Za-z][A-Za-z-]*):(?!\/\/))?(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/gsy;
  for (let end = 0; end < text.length; ) {
    pattern.lastIndex = end;
    const match = pattern.exec(text);
    if (match === null) {
      if (text.slice(end).trim() === "") break;
      throw wrong("a quotation mark is missing, or a word after a colon");
    }
    const [all, minus, name = "", string, word = ""] = match;
    end += all.length;
    tokens.push({
      name: name.toLowerCase(),
      text: string?.replace(/\\(.)/gs, "$1") ?? word,
      quoted: string !== undefined,
      minus: minus !== undefined,
    });
  }
  return tokens;
}

function keyOf(token: Token, now: Date): { key: Word[]; minus: boolean } {
  const { name, text, minus } = token;
  const flag = Object.hasOwn(FLAG_KEYS, text.toLowerCase()) ? FLAG_KEYS[text.toLowerCase()] : undefined;
  if (name === "" || name === "is") {
    if (flag !== undefined && !token.quoted) return { key: [flag], minus };
    if (name === "is") throw wrong(`'is:${text}' is nothing that a message can be`);
    return { key: ["TEXT", astring(text)], minus };
  }
  const has = (keys: Readonly<Record<string, string>>) =>
    Object.hasOwn(keys, name) ? keys[name] : undefined;
  const textKey = has(TEXT_KEYS);
  if (textKey !== undefined) return { key: [textKey, astring(text)], minus };
  const dateKey = has(DATE_KEYS);
  if (dateKey !== undefined) return { key: [dateKey, searchDate(parseDay(text, now))], minus };
  const sizeKey = has(SIZE_KEYS);
  if (sizeKey !== undefined) return { key: [sizeKey, String(parseSize(text))], minus };
  switch (name) {
    case "flag":
      return { key: flag === undefined ? ["KEYWORD", atom(text)] : [flag], minus };
    case "keyword":
    case "tag":
      return { key: ["KEYWORD", atom(text)], minus };
    case "header": {
      const [, field = "", value = ""] = /^([!-9;-~]+?)[=:](.*)$/s.exec(text) ?? [text, text, ""];
      return { key: ["HEADER", quoted(plainWord(field)), astring(value)], minus };
    }
    case "id":
    case "message-id":
      return { key: ["HEADER", "Message-ID", astring(text)], minus };
    case "uid":
      if (!/^[\d:,*]+$/.test(text)) throw wrong(`'${text}' is no set of UIDs`);
      return { key: ["UID", text], minus };
    case "older":
    case "younger":
      return { key: [name.toUpperCase(), String(seconds(text))], minus };
    case "gmail":
      return { key: ["X-GM-RAW", astring(text)], minus };
    case "label":
      return { key: ["X-GM-LABELS", labelWord(text)], minus };
    default:
      throw wrong(`'${name}:' is nothing to search by`);
  }
}

function atom(text: string): string {
  if (!/^[^\s(){%*"\\\]\x00-\x1f\x7f-\uffff]+$/.test(text)) throw wrong(`'${text}' is no keyword`);
  return text;
}

/** A day (`2026-01-01`), a date, or so long ago: `12h`, `2d`, `3w`. @throws PortholeError `usage` */
export function parseDay(text: string, now = new Date()): Date {
  if (/^\d+[smhdw]$/i.test(text)) return new Date(now.getTime() - seconds(text) * 1000);
  const days: Readonly<Record<string, number>> = { today: 0, yesterday: 1 };
  const ago = Object.hasOwn(days, text.toLowerCase()) ? days[text.toLowerCase()] : undefined;
  if (ago !== undefined) return new Date(now.getTime() - ago * 86_400_000);
  const date = /^\d{4}-\d{2}-\d{2}(?:T.*)?$/.test(text) ? new Date(text) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw new PortholeError("usage", `'${text}' is no date`, {
      hint: "write 2026-01-31, or 12h, 2d, 3w ago",
    });
  }
  return date;
}

function seconds(text: string): number {
  const [, count = "", unit = "s"] = /^(\d{1,9})([smhdw]?)$/i.exec(text) ?? [];
  if (count === "") throw wrong(`'${text}' is no time`);
  const each: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, "": 1 };
  return Number(count) * (each[unit.toLowerCase()] ?? 1);
}

function parseSize(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text) ?? [];
  if (count === "") throw wrong(`'${text}' is no size`);
  return Math.round(Number(count) * (UNITS[unit.toLowerCase()] ?? 1));
}

function wrong(what: string): PortholeError {
  return new PortholeError("usage", `the search cannot be read: ${what}`, { hint: HINT });
}
