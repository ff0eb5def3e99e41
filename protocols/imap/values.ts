/** What stands in a response (RFC 9051, 4): atoms, strings, lists and NIL. */
import { PortholeError } from "../../src/errors.js";

/** One character for each octet. NIL is null. */
export type Value = string | null | readonly Value[];

/** Stands in a response's text for a literal; a NUL is nothing that a server may send there. */
export const LITERAL = "\0";

/** Lists within lists; multiparts a hundred deep are seen. */
const DEEPEST = 1000;

/** Reads a response's values from its text, and its literals as they come up. */
export class ValueReader {
  readonly #text: string;
  readonly #literals: readonly string[];
  #literal = 0;
  #at: number;

  constructor(text: string, at: number, literals: readonly string[]) {
    this.#text = text;
    this.#at = at;
    this.#literals = literals;
  }

  /** To the end. @throws PortholeError `protocol` */
  all(): Value[] {
    const values: Value[] = [];
    for (;;) {
      while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++;
      if (this.#at >= this.#text.length) return values;
      values.push(this.#value(0));
    }
  }

  #value(depth: number): Value {
    switch (this.#text.charCodeAt(this.#at)) {
      case OPEN:
        return this.#list(depth + 1);
      case QUOTE:
        return this.#quoted();
      case NUL:
        this.#at++;
        return this.#literals[this.#literal++] ?? "";
      default:
        return this.#atom();
    }
  }

  #list(depth: number): Value[] {
    if (depth > DEEPEST) throw this.#broken("lists lie within lists without end");
    const values: Value[] = [];
    this.#at++;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === SPACE) this.#at++;
      else if (code === CLOSE) {
        this.#at++;
        return values;
      } else if (Number.isNaN(code)) throw this.#broken("a list has no end");
      else values.push(this.#value(depth));
    }
  }

  #quoted(): string {
    const start = this.#at + 1;
    let end = start;
    let escaped = false;
    for (; ; end++) {
      const code = this.#text.charCodeAt(end);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        end++;
      } else if (Number.isNaN(code)) throw this.#broken("a quoted string has no end");
    }
    this.#at = end + 1;
    const text = this.#text.slice(start, end);
    return escaped ? text.replace(/\\(.)/gs, "$1") : text;
  }

  #atom(): string | null {
    const start = this.#at;
    let end = start;
    for (; end < this.#text.length; end++) {
      const code = this.#text.charCodeAt(end);
      if (code === SPACE || code === OPEN || code === CLOSE || code === QUOTE || code === NUL) break;
      // `BODY[HEADER.FIELDS (DATE FROM)]<0>` is one word.
      if (code === BRACKET && /^(?:BODY|BINARY(?:\.SIZE)?)$/i.test(this.#text.slice(start, end))) {
        const close = this.#text.indexOf("]", end);
        if (close < 0) throw this.#broken("a section has no end");
        end = close;
      }
    }
    if (end === start) throw this.#broken("a value is missing");
    this.#at = end;
    const atom = this.#text.slice(start, end);
    return atom.length === 3 && atom.toUpperCase() === "NIL" ? null : atom;
  }

  #broken(what: string): PortholeError {
    return new PortholeError("protocol", `the server's answer cannot be read: ${what}`, {
      reply: this.#text.slice(0, 200),
    });
  }
}

const NUL = 0;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;

/** A value as text; undefined for NIL and for a list. */
export function textOf(value: Value | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A number of at most 63 bits, as far as JavaScript counts exactly. */
export function numberOf(value: Value | undefined): number | undefined {
  if (typeof value !== "string" || !/^\d{1,20}$/.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

export function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

/** The strings in a list, others left out. */
export function wordsOf(value: Value | undefined): string[] {
  return listOf(value).filter((word) => typeof word === "string");
}

/** `(NAME value NAME value)`, by upper-case name. */
export function pairsOf(value: Value | undefined): Map<string, Value> {
  const list = listOf(value);
  const pairs = new Map<string, Value>();
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at];
    if (typeof name === "string") pairs.set(name.toUpperCase(), list[at + 1] ?? null);
  }
  return pairs;
}
