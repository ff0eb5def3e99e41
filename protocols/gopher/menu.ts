/** Menus (RFC 1436, 2 and appendix: Menu Entity), as real servers send them: octets in, items out. */
import { LineReader } from "../../src/wire/lines.js";
import { CR, DOT } from "../../src/wire/octets.js";
import { decodeWords } from "../../src/wire/words.js";
import { decodeDisplay } from "./charset.js";
import { LoneCrs, LongLines } from "./line-ends.js";
import { splitAtTabs } from "./url.js";

/** One line of a menu. What stands in `host` was written by anyone, and need be no host. */
export interface MenuItem {
  /** As on the wire; `i` for lines that are only text. */
  readonly type: string;
  /** The type to open it as: that of the item before, when this is a second place for it (`+`). */
  readonly opensAs: string;
  /** The words for people; UTF-8 if it is that, otherwise CP437 or Latin-1, whichever is likelier. */
  readonly display: string;
  readonly selector: Buffer;
  /** Empty when the line has none. */
  readonly host: string;
  /** 1 to 65535; undefined when the line has none, or 0, or nonsense. */
  readonly port: number | undefined;
  /** The server speaks Gopher+ for it. */
  readonly plus: boolean;
  /** It is a form to be filled in (Gopher+, `?`). */
  readonly asks: boolean;
  /** It stands for a line that was too long. */
  readonly leftOut?: true;
}

/** Octets of a line; a longer one is left out, and a note stands in its place. */
export const LONGEST_LINE = 64 * 1024;

/** With the CR of its end. */
const LONGEST_READ = LONGEST_LINE + 1;

const NOTHING = Buffer.alloc(0);
const LONE_DOT = Buffer.of(DOT);

/**
 * One line without its end. Every line means something: one without tabs is text, whether its `i` is there or
 * not, and fields that are missing are empty.
 * @param before the type that a `+` item stands for
 * @param charset of the words for people; absent: guessed, line by line
 */
export function parseMenuLine(line: Buffer, before = "1", charset?: string): MenuItem {
  const [first = NOTHING, selector, host = NOTHING, port = NOTHING, plus = NOTHING] = fieldsOf(line);
  const words = decodeDisplay(first, charset);
  const type = words.slice(0, 1);
  const isText = selector === undefined || !/[!-~]/.test(type);
  if (isText) return { ...TEXT, display: type === "i" ? words.slice(1) : words };
  return {
    type,
    opensAs: type === "+" ? before : type,
    display: words.slice(1),
    selector,
    host: decodeWords(host).trim(),
    port: portOf(decodeWords(port)),
    plus: /^[+?]/.test(decodeWords(plus)),
    asks: decodeWords(plus).startsWith("?"),
  };
}

/**
 * What stands between tabs. Where a port does not come fourth but later, there are tabs in the words for people: drawings,
 * most often. (A selector cannot have any: what follows a tab is a search's words.)
 */
function fieldsOf(line: Buffer): Buffer[] {
  const fields = splitAtTabs(line);
  const isPort = (field: Buffer) => /^ *\d{1,5} *$/.test(field.toString("latin1"));
  const port = fields.findIndex((field, at) => at >= PORT_FIELD && isPort(field));
  if (port <= PORT_FIELD) return fields;
  const words = port - PORT_FIELD + 1;
  return [withoutTabs(fields.slice(0, words)), ...fields.slice(words)];
}

const PORT_FIELD = 3;
const TAB_STOP = 8;

/** The item type before the words is in none of their columns. */
function withoutTabs(pieces: readonly Buffer[]): Buffer {
  let words = "";
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) words += " ".repeat(TAB_STOP - ((words.length - 1) % TAB_STOP));
    words += piece.toString("latin1");
  }
  return Buffer.from(words, "latin1");
}

const TEXT = {
  type: "i",
  opensAs: "i",
  selector: NOTHING,
  host: "",
  port: undefined,
  plus: false,
  asks: false,
} as const;

const LEFT_OUT = `(a line longer than ${LONGEST_LINE} octets is left out here)`;

function portOf(text: string): number | undefined {
  const port = Number(/^\s*(\d{1,9})/.exec(text)?.[1] ?? 0);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** Octets in by `feed()`, items out by `next()` until there is none; `end()` when the server has closed. */
export class MenuReader {
  readonly #charset: string | undefined;
  readonly #crs = new LoneCrs();
  readonly #bounded = new LongLines(LONGEST_READ);
  readonly #lines = new LineReader({ maxLength: LONGEST_READ + 1 });
  #before = "1";
  #ended = false;

  constructor(charset?: string) {
    this.#charset = charset;
  }

  /** @throws PortholeError `protocol` for a line without end */
  feed(chunk: Buffer): void {
    if (!this.#ended) this.#lines.feed(this.#bounded.feed(this.#crs.feed(chunk)));
  }

  /** A lone dot has come. What follows it is no part of the menu. */
  get ended(): boolean {
    return this.#ended;
  }

  next(): MenuItem | undefined {
    const line = this.#ended ? undefined : this.#lines.next();
    return line === undefined ? undefined : this.#item(line);
  }

  /** The items of what had no line end. Most servers close after a dot, some without a dot, some within a line. */
  *end(): Generator<MenuItem, void, undefined> {
    this.feed(this.#crs.end());
    for (let item = this.next(); item !== undefined; item = this.next()) yield item;
    const last = this.#lines.end();
    const item = this.#ended || last === undefined ? undefined : this.#item(last);
    if (item !== undefined) yield item;
  }

  #item(line: Buffer): MenuItem | undefined {
    if (line.length > LONGEST_LINE) return { ...TEXT, display: LEFT_OUT, leftOut: true };
    const bare = withoutCrs(line);
    this.#ended = bare.equals(LONE_DOT);
    if (this.#ended) return undefined;
    const item = parseMenuLine(bare, this.#before, this.#charset);
    if (item.type !== "i" && item.type !== "3") this.#before = item.opensAs;
    return item;
  }
}

function withoutCrs(line: Buffer): Buffer {
  let length = line.length;
  while (line[length - 1] === CR) length--;
  return line.subarray(0, length);
}

/** The items of a menu, one by one as they come, up to its dot or its end. */
export async function* itemsOf(
  chunks: AsyncIterable<Buffer>,
  charset?: string,
): AsyncGenerator<MenuItem, void, undefined> {
  const reader = new MenuReader(charset);
  for await (const chunk of chunks) {
    reader.feed(chunk);
    for (let item = reader.next(); item !== undefined; item = reader.next()) yield item;
    if (reader.ended) return;
  }
  yield* reader.end();
}
