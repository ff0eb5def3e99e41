/**
 * Text from a server, made harmless for a terminal and for the eye.
 *
 * One visible form for everything that would act or hide instead of show: `\x1b` up to U+00FF, `\u202e` up to
 * U+FFFF, `\u{e0001}` beyond. Backslashes that stood there already stay: the form is for reading, not for
 * reading back.
 */
import { Transform, type TransformCallback } from "node:stream";

const HARMFUL_CHARACTERS = [
  "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f", // C0 without TAB and LF, DEL, C1
  "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069", // direction marks, embeddings, overrides, isolates
  "\\u200b-\\u200d\\u2060-\\u2065\\u206a-\\u206f\\ufeff", // zero width
  "\\xad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u3164\\uffa0", // soft hyphen, fillers: drawn as nothing
  "\\u2028\\u2029", // line and paragraph separator
  "\\ufff0-\\ufffb", // interlinear annotation
  "\\u{e0000}-\\u{e0fff}", // tags, which spell words that nobody sees
  "\\ud800-\\udfff", // lone surrogates; a pair is one character to these patterns
].join("");

const HARMFUL = new RegExp(`[${HARMFUL_CHARACTERS}]`, "gu");
const HARMFUL_IN_A_LINE = new RegExp(`[\\t\\n${HARMFUL_CHARACTERS}]`, "gu");
/** Nearly all there is: seen at once, and the patterns above need not be compiled for it. */
const PLAIN = /^[\t\n\x20-\x7e]*$/;
const PLAIN_LINE = /^[\x20-\x7e]*$/;

/** Text that stands on one line (a name, a reply): every control, tab and line break becomes visible. */
export function safeLine(text: string): string {
  return PLAIN_LINE.test(text) ? text : replaceHarmful(text, HARMFUL_IN_A_LINE, "");
}

/** A text of many lines: tab and LF stay, CRLF becomes LF, all else that is harmful becomes visible. */
export function safeText(text: string): string {
  return replaceHarmful(unifyLineEnds(text), HARMFUL, "");
}

/** True when the text holds a character that `safeLine` looks out for. */
export function isHarmful(text: string): boolean {
  return !PLAIN_LINE.test(text) && text.search(HARMFUL_IN_A_LINE) >= 0;
}

/** `safeText` over a stream of decoded strings: chunks may be cut anywhere. */
export class SafeText extends Transform {
  /** A CR or half a surrogate pair that waits for what follows it. */
  #held = "";
  #last = "";

  constructor() {
    super({ decodeStrings: false, encoding: "utf8" });
  }

  override _transform(chunk: string | Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = this.#held + (typeof chunk === "string" ? chunk : chunk.toString("utf8"));
    const cut = /[\r\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length;
    this.#held = text.slice(cut);
    this.#emit(text.slice(0, cut));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#emit(this.#held);
    done();
  }

  #emit(text: string): void {
    if (text === "") return;
    const plain = unifyLineEnds(text);
    this.push(replaceHarmful(plain, HARMFUL, this.#last));
    this.#last = lastCharacter(plain);
  }
}

function unifyLineEnds(text: string): string {
  return text.includes("\r") ? text.replaceAll("\r\n", "\n") : text;
}

function replaceHarmful(text: string, harmful: RegExp, before: string): string {
  if (harmful === HARMFUL && PLAIN.test(text)) return text;
  return text.replace(harmful, (character, offset: number) =>
    isJoiner(character) && joins(offset === 0 ? before : lastCharacter(text.slice(0, offset)))
      ? character
      : visible(character),
  );
}

function isJoiner(character: string): boolean {
  return character === "\u200c" || character === "\u200d";
}

/** Joiners belong to the spelling of these scripts and hold emoji families together; anywhere else they hide. */
const JOINING = [
  ..."Arabic Syriac Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada".split(" "),
  ..."Malayalam Sinhala Khmer Myanmar Mongolian".split(" "),
]
  .map((script) => `\\p{Script=${script}}`)
  .concat("\\p{Extended_Pictographic}", "\\p{Emoji_Modifier}", "\\ufe0f")
  .join("|");

function joins(before: string): boolean {
  return new RegExp(JOINING, "u").test(before);
}

function lastCharacter(text: string): string {
  return Array.from(text.slice(-2)).at(-1) ?? "";
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
