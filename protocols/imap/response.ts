/** Responses (RFC 9051, 7), from their text: who is answered, and what is told. */
import { PortholeError } from "../../src/errors.js";
import { LITERAL, type Value, ValueReader } from "./values.js";

export type Condition = "OK" | "NO" | "BAD" | "PREAUTH" | "BYE";

/** An OK, NO or BAD, with its response code (RFC 5530) where it has one. */
export interface Status {
  readonly condition: Condition;
  /** Upper case: `UIDVALIDITY`. */
  readonly code: string | undefined;
  /** What follows the code within the brackets. */
  readonly codeText: string;
  /** What people read. */
  readonly text: string;
  /** As it came, without its tag. */
  readonly line: string;
}

/** Something told: `* 12 FETCH (...)`, `* LIST (...) "/" INBOX`. */
export class Data {
  /** Upper case. */
  readonly name: string;
  /** Of `EXISTS`, `EXPUNGE`, `FETCH`: the number before the name. */
  readonly number: number | undefined;
  readonly #text: string;
  readonly #at: number;
  readonly #literals: readonly string[];
  #values: readonly Value[] | undefined;

  constructor(
    name: string,
    number: number | undefined,
    rest: { readonly text: string; readonly at: number; readonly literals: readonly string[] },
  ) {
    this.name = name;
    this.number = number;
    this.#text = rest.text;
    this.#at = rest.at;
    this.#literals = rest.literals;
  }

  /** What follows the name. @throws PortholeError `protocol` when it cannot be read */
  get values(): readonly Value[] {
    this.#values ??= new ValueReader(this.#text, this.#at, this.#literals).all();
    return this.#values;
  }

  /** As it came; literals left out. */
  get line(): string {
    return this.#text;
  }

  /**
   * As it came, with its literals (RFC 9051, 4.3).
   * @param streamed by the text before a literal: one that was given out as it came, and is not here
   */
  whole(streamed: (before: string) => string | undefined): string {
    let at = 0;
    return this.#text.replaceAll(LITERAL, (_, offset: number) => {
      const here = this.#literals[at++] ?? "";
      const octets = streamed(this.#text.slice(0, offset)) ?? here;
      return `{${octets.length}}\r\n${octets}`;
    });
  }
}

export type Response =
  | { readonly kind: "continue"; readonly text: string }
  | { readonly kind: "tagged"; readonly tag: string; readonly status: Status }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "data"; readonly data: Data };

const CONDITIONS: ReadonlySet<string> = new Set(["OK", "NO", "BAD", "PREAUTH", "BYE"]);
const HEAD = /^(\S+) (?:(\d{1,10}) )?([A-Za-z][A-Za-z0-9.$+-]*)(?: |$)/;

/**
 * @param text one character for each octet, literals replaced by LITERAL
 * @throws PortholeError `protocol` for what is no response
 */
export function parseResponse(text: string, literals: readonly string[]): Response {
  if (text === "+" || text.startsWith("+ ")) return { kind: "continue", text: text.slice(2) };
  const match = HEAD.exec(text);
  const [all = "", tag = "", number, word = ""] = match ?? [];
  const name = word.toUpperCase();
  const isStatus = CONDITIONS.has(name) && number === undefined;
  if (match === null || (tag !== "*" && !isStatus)) {
    throw new PortholeError("protocol", "the server's answer cannot be read", { reply: text.slice(0, 200) });
  }
  if (isStatus) {
    const status = statusOf(name as Condition, text.slice(all.length), text.slice(tag.length + 1));
    return tag === "*" ? { kind: "status", status } : { kind: "tagged", tag, status };
  }
  return {
    kind: "data",
    data: new Data(name, number === undefined ? undefined : Number(number), {
      text,
      at: all.length,
      literals,
    }),
  };
}

function statusOf(condition: Condition, rest: string, line: string): Status {
  const [all = "", code, codeText = ""] = /^\[([^\s\]]+)(?: ([^\]]*))?\] ?/.exec(rest) ?? [];
  return { condition, code: code?.toUpperCase(), codeText, text: rest.slice(all.length), line };
}
