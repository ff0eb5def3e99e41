/**
 * A line as it is typed on a raw keyboard, for a far side that leaves the editing to us and wants some keys as
 * signals: what to show, what to send. Knows no terminal.
 */
import type { LineKeys } from "../plugin.js";
import { displayWidth } from "../text/width.js";

export type TypedEvent =
  /** To the far side; a line is ended by LF. */
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "signal"; readonly name: string }
  /** To the person's own screen. */
  | { readonly kind: "show"; readonly text: string };

/** Characters of a line; what is typed beyond is not taken. */
const LONGEST = 64 * 1024;
/** The name that `Interaction.signal` has for the end of what is typed. */
const END_OF_FILE = "eof";

export class TypedLine {
  #text = "";
  #afterCr = false;

  /** What was typed and not sent, which is then forgotten: the far side has taken the editing back. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** @param text whole characters */
  type(text: string, keys: LineKeys): TypedEvent[] {
    const events: TypedEvent[] = [];
    for (const character of text) this.#key(character, keys, events);
    return joined(events);
  }

  #key(character: string, keys: LineKeys, events: TypedEvent[]): void {
    const show = (shown: string) => {
      if (keys.echo && shown !== "") events.push({ kind: "show", text: shown });
    };
    const afterCr = this.#afterCr;
    this.#afterCr = character === "\r";
    const signal = keys.signals.get(character);
    if (signal !== undefined) {
      // As a terminal has it: what was typed of the line is gone.
      this.#text = "";
      show(`${shownKey(character)}\r\n`);
      events.push({ kind: "signal", name: signal });
    } else if (!keys.edits) {
      show(character === "\r" ? "\r\n" : shownKey(character));
      events.push({ kind: "send", text: character });
    } else if (character === "\r" || character === "\n") {
      if (character === "\n" && afterCr) return;
      show("\r\n");
      events.push({ kind: "send", text: `${this.take()}\n` });
    } else if (character === keys.erase || character === "\b") {
      show(this.#erase(Array.from(this.#text).slice(0, -1).join("")));
    } else if (character === keys.eraseLine) show(this.#erase(""));
    else if (character === keys.eraseWord) show(this.#erase(this.#text.replace(/\S+\s*$/u, "")));
    else if (character === keys.end) {
      if (this.#text === "") events.push({ kind: "signal", name: END_OF_FILE });
      else events.push({ kind: "send", text: this.take() });
    } else if (this.#text.length < LONGEST) {
      this.#text += character;
      show(shownKey(character));
    }
  }

  /** @returns what takes the rest of the line off the screen */
  #erase(left: string): string {
    const gone = Array.from(this.#text.slice(left.length), shownKey).join("");
    this.#text = left;
    return "\b \b".repeat(displayWidth(gone));
  }
}

/** `^C` for a control character. */
function shownKey(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\t" || code >= 0xa0 || (code >= 0x20 && code < 0x7f)) return character;
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : code === 0x7f ? "^?" : "";
}

/** One event for what stands side by side. */
function joined(events: readonly TypedEvent[]): TypedEvent[] {
  const all: TypedEvent[] = [];
  for (const event of events) {
    const last = all.at(-1);
    if (last !== undefined && event.kind !== "signal" && last.kind === event.kind) {
      all[all.length - 1] = { kind: event.kind, text: last.text + event.text };
    } else all.push(event);
  }
  return all;
}
