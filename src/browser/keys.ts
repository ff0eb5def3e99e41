/** What a terminal sends when keys are pressed (ECMA-48, and xterm's ways of it), as names of keys. */
import type { Input } from "./screen.js";

/** Longer than any sequence of a key or the mouse; what does not end by then is none. */
const LONGEST_SEQUENCE = 32;
const X10 = "\x1b[M";
const PASTE_BEGINS = "\x1b[200~";
const PASTE_ENDS = "\x1b[201~";
/** Characters of one paste: an address or a few words are wanted, not a book. */
const LONGEST_PASTE = 16 * 1024;

const FINAL: Readonly<Record<string, string>> = {
  A: "Up",
  B: "Down",
  C: "Right",
  D: "Left",
  F: "End",
  H: "Home",
  Z: "S-Tab",
  P: "F1",
  Q: "F2",
  R: "F3",
  S: "F4",
};
const TILDE: Readonly<Record<string, string>> = {
  "1": "Home",
  "2": "Insert",
  "3": "Delete",
  "4": "End",
  "5": "PageUp",
  "6": "PageDown",
  "7": "Home",
  "8": "End",
  "11": "F1",
  "12": "F2",
  "13": "F3",
  "14": "F4",
  "15": "F5",
};
const NAMED: Readonly<Record<string, string>> = {
  "\r": "Enter",
  "\n": "Enter",
  "\t": "Tab",
  "\x7f": "Backspace",
  "\b": "Backspace",
  " ": "Space",
};

/** What a terminal says of itself when it was asked. */
export interface Report {
  readonly kind: "report";
  /** `attributes`: what it can do (DA1); `size`: sizes in pixels (xterm's window operations). */
  readonly report: "attributes" | "size";
  readonly numbers: readonly number[];
}

const REPORTS: Readonly<Record<string, Report["report"]>> = { "?c": "attributes", t: "size" };

/** Text in, as it came from the terminal; a sequence may be cut anywhere. */
export class KeyReader {
  #held = "";

  /** An Escape waits to be told from the beginning of a sequence: call `flush` when nothing has followed it. */
  get waits(): boolean {
    return this.#held !== "";
  }

  feed(text: string): (Input | Report)[] {
    this.#held += text;
    const found: (Input | Report)[] = [];
    while (this.#held !== "") {
      const next = this.#held.startsWith("\x1b") ? this.#sequence() : this.#plain();
      if (next === undefined) break;
      if (next !== "skip") found.push(next);
    }
    return found;
  }

  /** What is held is all there is. */
  flush(): (Input | Report)[] {
    const held = this.#held;
    this.#held = "";
    if (!held.startsWith("\x1b")) return [];
    return [{ kind: "key", key: "Escape" }, ...this.feed(held.slice(1))];
  }

  #plain(): Input {
    const character = String.fromCodePoint(this.#held.codePointAt(0) ?? 0);
    this.#held = this.#held.slice(character.length);
    return { kind: "key", key: keyOf(character) };
  }

  #sequence(): Input | Report | "skip" | undefined {
    const held = this.#held;
    if (held.startsWith(PASTE_BEGINS)) return this.#paste();
    if (held.length === 1) return undefined;
    if (held.startsWith(X10)) return this.#x10();
    const introducer = held[1];
    if (introducer === "\x1b") {
      this.#held = held.slice(1);
      return { kind: "key", key: "Escape" };
    }
    if (introducer !== "[" && introducer !== "O") {
      const character = String.fromCodePoint(held.codePointAt(1) ?? 0);
      this.#held = held.slice(1 + character.length);
      return { kind: "key", key: `M-${keyOf(character)}` };
    }
    const matched = /^\x1b[[O]([<?]?)([\d;]*)([A-Za-z~])/.exec(held);
    if (matched === null) {
      if (held.length < LONGEST_SEQUENCE && /^\x1b[[O][<?]?[\d;]*$/.test(held)) return undefined;
      this.#held = held.slice(2);
      return "skip";
    }
    const [whole, mark, parameters = "", final = ""] = matched;
    this.#held = held.slice(whole.length);
    if (mark === "<") return mouse(parameters, final);
    const report = REPORTS[`${mark}${final}`];
    if (report !== undefined) return { kind: "report", report, numbers: parameters.split(";").map(Number) };
    const [first = "", modifier] = parameters.split(";");
    const name = final === "~" ? TILDE[first] : FINAL[final];
    return name === undefined ? "skip" : { kind: "key", key: modified(name, Number(modifier ?? 1)) };
  }

  /**
   * A terminal that knows the mouse and no SGR reports: three characters follow, which must not be taken for keys. A release
   * says nothing of its button.
   */
  #x10(): Input | "skip" | undefined {
    const report = this.#held.slice(0, X10.length + 3);
    if (report.length < X10.length + 3) return undefined;
    this.#held = this.#held.slice(report.length);
    const [button = 0, column = 1, row = 1] = Array.from(
      report.slice(X10.length),
      (one) => one.charCodeAt(0) - 32,
    );
    return (button & 3) === 3 ? "skip" : mouse(`${button};${column};${row}`, "M");
  }

  #paste(): Input | undefined {
    const end = this.#held.indexOf(PASTE_ENDS);
    if (end < 0 && this.#held.length < LONGEST_PASTE) return undefined;
    const text = this.#held.slice(PASTE_BEGINS.length, end < 0 ? LONGEST_PASTE : end);
    this.#held = end < 0 ? "" : this.#held.slice(end + PASTE_ENDS.length);
    return { kind: "paste", text };
  }
}

function keyOf(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  const code = character.charCodeAt(0);
  if (code >= 0x20) return character;
  return code === 0 ? "C-Space" : `C-${String.fromCharCode(code | 0x60)}`;
}

/** xterm: 1 and the sum of Shift 1, Alt 2, Ctrl 4. */
function modified(name: string, modifier: number): string {
  const bits = Number.isInteger(modifier) && modifier > 1 ? modifier - 1 : 0;
  return `${bits & 4 ? "C-" : ""}${bits & 2 ? "M-" : ""}${bits & 1 ? "S-" : ""}${name}`;
}

/** SGR mouse reports: button, column, row; `M` for a press, `m` for a release. */
function mouse(parameters: string, final: string): Input | "skip" {
  const [button = 0, column = 1, row = 1] = parameters.split(";").map(Number);
  if (final !== "M") return "skip";
  // Ctrl with a press opens a tab, as in web browsers; of Shift and Alt nothing is made.
  const plain = button & ~SHIFT_AND_ALT;
  const action = MOUSE[plain] ?? MOUSE[plain & ~CTRL];
  return action === undefined ? "skip" : { kind: "mouse", action, column, row };
}

/** xterm: what is added to a button's number for keys that are held. */
const SHIFT_AND_ALT = 4 | 8;
const CTRL = 16;

const MOUSE: Readonly<Record<number, Extract<Input, { kind: "mouse" }>["action"]>> = {
  0: "press",
  1: "middle",
  2: "back",
  16: "middle",
  64: "wheel-up",
  65: "wheel-down",
  128: "back",
  129: "forward",
};
