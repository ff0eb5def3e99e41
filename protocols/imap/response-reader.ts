/** Octets in, responses out (RFC 9051, 2.2.2). Contents of messages are given out as they come, never held. */
import { PortholeError } from "../../src/errors.js";
import { LineReader } from "../../src/wire/lines.js";
import { parseResponse, type Response } from "./response.js";
import { LITERAL } from "./values.js";

export type ReaderEvent =
  | { readonly type: "response"; readonly response: Response }
  /** Contents begin: of the message that `head` tells of, so many octets. */
  | { readonly type: "contents"; readonly head: string; readonly size: number }
  | { readonly type: "octets"; readonly chunk: Buffer }
  | { readonly type: "contents-end" };

/** Octets of a line: an envelope with thousands of addresses has one. */
const LONGEST_LINE = 4 * 1024 * 1024;
/** Octets of all that one response holds besides contents. */
const LARGEST_RESPONSE = 32 * 1024 * 1024;
const ANNOUNCED = /~?\{(\d{1,20})\+?\}$/;
/** Headers are small and wanted whole; everything else of a message may be large. */
const BEFORE_CONTENTS =
  /^\* \d+ FETCH .*\b(?:BODY\[(?!(?:[\d.]*\.)?(?:HEADER|MIME))[^\]]*\](?:<\d+>)?|BINARY\[[\d.]*\](?:<\d+>)?|RFC822(?:\.TEXT)?) $/is;

/** Whether a literal behind this text is given out as it comes. */
export function isBeforeContents(text: string): boolean {
  return BEFORE_CONTENTS.test(text);
}

/** A literal under way. */
interface Literal {
  left: number;
  readonly streamed: boolean;
  readonly parts: Buffer[];
}

export class ResponseReader {
  readonly #lines = new LineReader({ maxLength: LONGEST_LINE });
  #text = "";
  #literals: string[] = [];
  #held = 0;
  #literal: Literal | undefined;

  feed(bytes: Uint8Array): void {
    this.#lines.feed(bytes);
  }

  /** A response has begun and is not whole. */
  get partial(): boolean {
    return this.#text !== "" || this.#literal !== undefined || this.#lines.buffered > 0;
  }

  /** What came and was not read; the reader is then empty. */
  rest(): Buffer {
    return this.#lines.rest();
  }

  /** Undefined until more is fed. @throws PortholeError `protocol` for what is none, or beyond its bounds */
  next(): ReaderEvent | undefined {
    for (;;) {
      if (this.#literal !== undefined) {
        const event = this.#nextOfLiteral(this.#literal);
        if (event === "more") continue;
        return event;
      }
      const line = this.#lines.next();
      if (line === undefined) return undefined;
      const event = this.#takeLine(line);
      if (event !== undefined) return event;
    }
  }

  #takeLine(line: Buffer): ReaderEvent | undefined {
    const written = line.toString("latin1");
    this.#count(written.length);
    if (written.includes(LITERAL)) {
      throw new PortholeError("protocol", "the server sent a NUL", { reply: written.slice(0, 200) });
    }
    const [announced = "", digits] = written.endsWith("}") ? (ANNOUNCED.exec(written) ?? []) : [];
    if (digits === undefined || !this.#mayHoldLiteral(written)) {
      const response = parseResponse(this.#text + written, this.#literals);
      this.#forget();
      return { type: "response", response };
    }
    this.#text += written.slice(0, written.length - announced.length);
    const left = Number(digits);
    if (!Number.isSafeInteger(left)) throw tooLarge(digits);
    const streamed = isBeforeContents(this.#text);
    if (!streamed) this.#count(left);
    this.#literal = { left, streamed, parts: [] };
    return streamed ? { type: "contents", head: this.#text, size: left } : undefined;
  }

  /** The words of an OK or NO are for people, whatever they end in. */
  #mayHoldLiteral(written: string): boolean {
    return this.#text !== "" || !/^\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b|^\+/i.test(written);
  }

  #nextOfLiteral(literal: Literal): ReaderEvent | "more" | undefined {
    if (literal.left === 0) {
      this.#literal = undefined;
      this.#text += LITERAL;
      this.#literals.push(literal.streamed ? "" : Buffer.concat(literal.parts).toString("latin1"));
      return literal.streamed ? { type: "contents-end" } : "more";
    }
    const rest = this.#lines.rest();
    if (rest.length === 0) return undefined;
    const chunk = rest.subarray(0, literal.left);
    literal.left -= chunk.length;
    if (chunk.length < rest.length) this.#lines.feed(rest.subarray(chunk.length));
    if (literal.streamed) return { type: "octets", chunk };
    literal.parts.push(chunk);
    return "more";
  }

  #count(octets: number): void {
    this.#held += octets;
    if (this.#held > LARGEST_RESPONSE) throw tooLarge(String(this.#held));
  }

  #forget(): void {
    this.#text = "";
    this.#literals = [];
    this.#held = 0;
  }
}

function tooLarge(octets: string): PortholeError {
  return new PortholeError(
    "protocol",
    `the server announces an answer of ${octets} octets, beyond the bound of ${LARGEST_RESPONSE}`,
  );
}
