/**
 * Secrets made unreadable in transcripts and recordings, in every coding they may travel in.
 *
 * Base64 is looked for by decoding: what SASL PLAIN or HTTP Basic send is one token in which the secret
 * stands at any of three alignments, so no fixed pattern finds it.
 */

/** Stands where a secret stood. */
export const MASKED = "[masked]";

/** Both alphabets (RFC 4648, 4 and 5); in JSON a slash may be escaped. */
const BASE64_TOKEN = /(?:[A-Za-z0-9+/_-]|\\\/){4,}={0,2}/g;
/** Octets of which four characters are one group. */
const GROUP = 4;

/** A stretch of the text: from, up to. */
type Range = readonly [number, number];

export class Mask {
  readonly #secrets: Buffer[] = [];
  readonly #patterns: RegExp[] = [];

  /** From now on `secret` is covered. An empty one is no secret. */
  add(secret: string): void {
    const octets = Buffer.from(secret, "utf8");
    if (octets.length === 0 || this.#secrets.some((known) => known.equals(octets))) return;
    this.#secrets.push(octets);
    this.#patterns.push(...patternsOf(secret));
  }

  get empty(): boolean {
    return this.#secrets.length === 0;
  }

  /** `octets` with every secret replaced. The input is not changed; it is returned itself when nothing was found. */
  cover(octets: Buffer): Buffer {
    if (this.empty) return octets;
    const text = octets.toString("latin1");
    const found = [...this.#patterns.flatMap((pattern) => rangesOf(text, pattern)), ...this.#tokens(text)];
    if (found.length === 0) return octets;
    let covered = "";
    let end = 0;
    for (const [from, to] of joined(found)) {
      covered += text.slice(end, from) + MASKED;
      end = to;
    }
    return Buffer.from(covered + text.slice(end), "latin1");
  }

  /** The base64 tokens of `text` that hold a secret. */
  #tokens(text: string): Range[] {
    return [...text.matchAll(BASE64_TOKEN)]
      .filter(([token]) => this.#hides(token.replaceAll("\\/", "/")))
      .map((match): Range => [match.index, match.index + match[0].length]);
  }

  /** What stands before the coded text may belong to the same alphabet (`-----`, a path), so all four phases count. */
  #hides(token: string): boolean {
    for (let phase = 0; phase < GROUP; phase++) {
      const decoded = Buffer.from(token.slice(phase), "base64");
      if (this.#secrets.some((secret) => decoded.includes(secret))) return true;
    }
    return false;
  }
}

/** All matches, those that overlap an earlier one too. */
function rangesOf(text: string, pattern: RegExp): Range[] {
  const ranges: Range[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    ranges.push([match.index, match.index + match[0].length]);
    pattern.lastIndex = match.index + 1;
  }
  return ranges;
}

/** In order, with those that overlap made one: of two secrets that share octets neither may show its rest. */
function joined(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const apart: Range[] = [];
  for (const range of sorted) {
    const last = apart.at(-1);
    if (last === undefined || range[0] >= last[1]) apart.push(range);
    else apart[apart.length - 1] = [last[0], Math.max(last[1], range[1])];
  }
  return apart;
}

/** How a secret may be spelled on the wire, as patterns over latin1 views of the octets; the case of letters is free. */
function patternsOf(secret: string): RegExp[] {
  const utf8 = Buffer.from(secret, "utf8");
  const latin1 = Buffer.from(secret, "latin1");
  const characters = Array.from(secret);
  const spellings = new Set([
    literal(view(secret)),
    literal(latin1.toString("latin1")),
    // URLs and forms (RFC 3986, 2.1): which octets are coded is the writer's choice.
    [...utf8].map(percentCoded).join(""),
    [...latin1].map(percentCoded).join(""),
    // Quoted strings (RFC 3501, 4.3; RFC 9110, 5.6.4), JSON (RFC 8259, 7), XML.
    characters.map((character) => literal(view(character.replace(/["\\]/, "\\$&")))).join(""),
    characters.map(jsonCoded).join(""),
    characters.map(xmlCoded).join(""),
    utf8.toString("hex"),
    latin1.toString("hex"),
  ]);
  // Telnet doubles the octet 255 (RFC 854), SMTP and news a leading dot: both only lengthen the text around.
  return [...spellings].map((spelling) => new RegExp(spelling, "gi"));
}

/** One octet, as it is or as %XX; a % is never itself where others are coded. */
function percentCoded(octet: number): string {
  const coded = `%${hex(octet, 2)}`;
  if (octet === 0x25) return coded;
  const plain = literal(String.fromCharCode(octet));
  return octet === 0x20 ? `(?:${plain}|\\+|${coded})` : `(?:${plain}|${coded})`;
}

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\\\",
  "/": "/",
  "\b": "b",
  "\f": "f",
  "\n": "n",
  "\r": "r",
  "\t": "t",
};

function jsonCoded(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  const choices = [units.map((unit) => `\\\\u${hex(unit, 4)}`).join("")];
  const short = JSON_ESCAPES[character];
  if (short !== undefined) choices.push(`\\\\${short}`);
  if (character !== "\\") choices.push(literal(view(character)));
  return `(?:${choices.join("|")})`;
}

const XML_NAMES: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
};

function xmlCoded(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const choices = [`&#0*${code};`, `&#x0*${code.toString(16)};`];
  const name = XML_NAMES[character];
  if (name !== undefined) choices.push(`&${name};`);
  if (character !== "&") choices.push(literal(view(character)));
  return `(?:${choices.join("|")})`;
}

/** UTF-8 octets as a latin1 text. */
function view(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
