/** The head of an answer of HTTP/1.1 (RFC 9112, 2 to 5), read strictly: what two readers could take in two ways is refused. */
import { PortholeError } from "../errors.js";
import { LineReader } from "./lines.js";
import { excerpt } from "./words.js";

/** Name as written and value without the blanks around it; each character is one octet. */
export type Field = readonly [name: string, value: string];

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** `1.0` or `1.1`. */
  readonly version: string;
  /** In order, duplicates kept. */
  readonly fields: readonly Field[];
}

/**
 * Octets in by `feed()`, one head out of `next()` when all of it is there; after a head of 1xx the next one follows.
 * Lines must end by CRLF, and a field must stand in one line: RFC 9112, 2.2 and 5.2 allow a client to be lenient, and
 * whatever stands between it and the server may be so in another way.
 */
export class HeadReader {
  readonly #most: number;
  /** For a head that does not come in one piece, or is not as they nearly all are. */
  #lines: LineReader | undefined;
  #plain: AnswerHead | undefined;
  /** What came after it. */
  #beyond: Buffer = NOTHING;
  #octets = 0;
  #start: Omit<AnswerHead, "fields"> | undefined;
  #fields: Field[] = [];
  /** The first octets of the status line are as they should be. */
  #plausible = false;

  /** @param most octets of one head */
  constructor(most: number) {
    this.#most = most;
  }

  feed(octets: Uint8Array): void {
    const own = Buffer.isBuffer(octets)
      ? octets
      : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    const fed = this.#beyond.length === 0 ? own : Buffer.concat([this.#takeBeyond(), own]);
    if (this.#plain !== undefined) this.#beyond = fed;
    else if (this.begun || !this.#takePlain(fed)) this.#byLine().feed(fed);
  }

  /** Takes a head that is there whole at once: by lines it costs several times as much, and tells what is wrong with it. */
  #takePlain(octets: Buffer): boolean {
    const end = octets.indexOf(HEAD_END);
    if (end < 0 || end + HEAD_END.length > this.#most) return false;
    this.#plain = plainHead(octets.toString("latin1", 0, end));
    if (this.#plain === undefined) return false;
    this.#beyond = octets.subarray(end + HEAD_END.length);
    return true;
  }

  /** The whole head is bounded, and its lines with it. */
  #byLine(): LineReader {
    this.#lines ??= new LineReader({ maxLength: Number.MAX_SAFE_INTEGER });
    return this.#lines;
  }

  /** Whether any octet of the next head has come. */
  get begun(): boolean {
    if (this.#plain !== undefined || this.#start !== undefined) return true;
    return this.#lines !== undefined && this.#lines.buffered > 0;
  }

  /** What came after the last head. The reader is then empty. */
  rest(): Buffer {
    const beyond = this.#takeBeyond();
    return beyond.length > 0 || this.#lines === undefined ? beyond : this.#lines.rest();
  }

  /** The head, or undefined until more is fed. @throws PortholeError `protocol` for what is none, or too long */
  next(): AnswerHead | undefined {
    if (this.#plain === undefined && this.#beyond.length > 0) this.feed(this.#takeBeyond());
    if (this.#plain === undefined) return this.#lines === undefined ? undefined : this.#nextOf(this.#lines);
    const head = this.#plain;
    this.#plain = undefined;
    return head;
  }

  #takeBeyond(): Buffer {
    const beyond = this.#beyond;
    this.#beyond = NOTHING;
    return beyond;
  }

  #nextOf(lines: LineReader): AnswerHead | undefined {
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      this.#count(line.length + 2);
      if (lines.lastEnd === "lf") throw improper("a line of the headers ends by LF alone", line);
      if (this.#start === undefined) this.#start = statusOf(line);
      else if (isFolded(line) && this.#fields.length > 0) this.#unfold(line);
      else if (line.length > 0) this.#fields.push(fieldOf(line));
      else return this.#whole(this.#start);
    }
    const waiting = lines.buffered;
    if (this.#octets + waiting > this.#most) this.#count(waiting);
    if (this.#start === undefined && !this.#plausible) this.#doubt(lines);
    return undefined;
  }

  #whole(start: Omit<AnswerHead, "fields">): AnswerHead {
    const head = { ...start, fields: this.#fields };
    this.#start = undefined;
    this.#fields = [];
    this.#octets = 0;
    this.#plausible = false;
    return head;
  }

  /** RFC 9112, 5.2: what asks takes a line that goes on for one, with a space between. */
  #unfold(line: Buffer): void {
    const [name, value] = this.#fields.pop() ?? fieldOf(line);
    const more = valueIn(line.toString("latin1"), line);
    this.#fields.push([name, value === "" || more === "" ? value + more : `${value} ${more}`]);
  }

  #count(octets: number): void {
    this.#octets += octets;
    if (this.#octets <= this.#most) return;
    throw new PortholeError("protocol", "the answer's headers are longer than Porthole accepts");
  }

  /** Another protocol's greeting may have no line end for long: its first octets tell. */
  #doubt(lines: LineReader): void {
    const begun = lines.rest();
    lines.feed(begun);
    if (!"HTTP/".startsWith(begun.toString("latin1", 0, 5))) throw noStatusLine(begun);
    this.#plausible = begun.length >= 5;
  }
}

const HEAD_END = Buffer.from("\r\n\r\n");
const NOTHING = Buffer.alloc(0);

/** What `statusOf` and `fieldOf` take, with nothing folded. */
const PLAIN_HEAD =
  /^HTTP\/1\.(\d) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)*)$/;

function plainHead(text: string): AnswerHead | undefined {
  const parts = PLAIN_HEAD.exec(text);
  if (parts === null) return undefined;
  const [, minor = "", status = "", reason = "", lines = ""] = parts;
  const fields: Field[] = [];
  for (let at = 2; at < lines.length; ) {
    const colon = lines.indexOf(":", at);
    const found = lines.indexOf("\r\n", colon);
    const end = found < 0 ? lines.length : found;
    fields.push([lines.slice(at, colon), withoutBlanks(lines, colon + 1, end)]);
    at = end + 2;
  }
  return { status: Number(status), reason, version: minor === "0" ? "1.0" : "1.1", fields };
}

/** Between the two places, without the blanks at its ends (RFC 9110, 5.5). */
function withoutBlanks(text: string, from: number, to: number): string {
  // Nearly all have the one space before the value and none behind it.
  const start = text.charCodeAt(from) === 0x20 ? from + 1 : from;
  if (start >= to || (text.charCodeAt(start) > 0x20 && text.charCodeAt(to - 1) > 0x20)) {
    return text.slice(Math.min(start, to), to);
  }
  let first = start;
  let end = to;
  while (first < end && isBlank(text.charCodeAt(first))) first += 1;
  while (end > first && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(first, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function statusOf(line: Buffer): Omit<AnswerHead, "fields"> {
  const text = line.toString("latin1");
  const parts = /^HTTP\/1\.(\d) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(text);
  if (parts === null) {
    if (/^HTTP\/\d/.test(text)) throw improper("a status line that cannot be read", line);
    throw noStatusLine(line);
  }
  const [, minor = "", status = "", reason = ""] = parts;
  return { status: Number(status), reason, version: minor === "0" ? "1.0" : "1.1" };
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * One line of fields, of a head or a trailer.
 * @throws PortholeError `protocol` for a blank before the colon or the name (RFC 9112, 5.1, 5.2) and control characters
 */
export function fieldOf(line: Buffer): Field {
  const text = line.toString("latin1");
  if (isFolded(line)) throw improper("a header folded over lines", line);
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  if (colon < 0) throw improper("a line of the headers without a colon", line);
  if (!NAME.test(name)) throw improper("a header's name with characters that none may have", line);
  return [name, valueIn(text.slice(colon + 1), line)];
}

function isFolded(line: Buffer): boolean {
  return line[0] === 0x20 || line[0] === 0x09;
}

/** @throws PortholeError `protocol` for control characters */
function valueIn(text: string, line: Buffer): string {
  const value = text.replace(/^[ \t]+|[ \t]+$/g, "");
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) throw improper("a control character in a header", line);
  return value;
}

/** How the end of a body shows (RFC 9112, 6.3). */
export type Framing =
  | { readonly by: "nothing" }
  | { readonly by: "length"; readonly octets: number }
  | { readonly by: "chunks" }
  | { readonly by: "close" };

/**
 * @param method of the request
 * @throws PortholeError `protocol` for lengths that contradict each other or chunks, and for a transfer coding not asked for
 */
export function framingOf(method: string, { status, fields }: AnswerHead): Framing {
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) return { by: "nothing" };
  const codings = valuesOf(fields, "transfer-encoding");
  const lengths = valuesOf(fields, "content-length");
  if (codings.length > 0) {
    if (lengths.length > 0) throw improper("both Content-Length and Transfer-Encoding");
    if (codings.length === 1 && codings[0]?.toLowerCase() === "chunked") return { by: "chunks" };
    throw improper(`a transfer coding that was not asked for: ${excerpt(Buffer.from(codings.join(", ")))}`);
  }
  const [length] = lengths;
  if (length === undefined) return { by: "close" };
  // RFC 9112, 6.3: the same one twice is the same one.
  if (lengths.some((other) => other !== length)) throw improper("two different Content-Lengths");
  const octets = /^\d{1,16}$/.test(length) ? Number(length) : Number.NaN;
  if (!Number.isSafeInteger(octets)) throw improper("a Content-Length that is no number of octets");
  return { by: "length", octets };
}

/** Whether the connection serves again when the body has ended (RFC 9112, 9.3). */
export function isKept({ version, fields }: AnswerHead, framing: Framing): boolean {
  if (framing.by === "close") return false;
  const options = valuesOf(fields, "connection").map((option) => option.toLowerCase());
  if (options.includes("close")) return false;
  // Chunks were unknown to HTTP/1.0: whoever framed them may be wrong about more (RFC 9112, 6.1).
  return version !== "1.0" || (options.includes("keep-alive") && framing.by !== "chunks");
}

/** The members of all lists of that name. */
function valuesOf(fields: readonly Field[], name: string): string[] {
  const values: string[] = [];
  // An iterator makes an object for each, and of hundreds of small files this is part of the cost.
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field === undefined || field[0].length !== name.length || field[0].toLowerCase() !== name) continue;
    for (const member of field[1].split(",")) values.push(member.trim());
  }
  return values;
}

function noStatusLine(line: Buffer): PortholeError {
  return improper("it begins with no status line", line);
}

/** @param line what it was found in */
export function improper(words: string, line?: Buffer): PortholeError {
  return new PortholeError("protocol", `the answer is not proper HTTP: ${words}`, {
    ...(line === undefined ? {} : { reply: excerpt(line) }),
  });
}
