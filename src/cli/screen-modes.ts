/**
 * What a far side has switched on in the terminal and not off again: another screen, the mouse, a hidden cursor
 * (the private modes of ECMA-48's SM and RM, as xterm has them). A connection that breaks must not leave them so.
 */

/** Longer than any sequence that is looked for. */
const LONGEST_SEQUENCE = 32;
const SEQUENCE = new RegExp(`${String.fromCharCode(27)}(?:\\[\\?([\\d;]+)([hl])|([=>])|\\[([\\d;]*)m)`, "g");

/** What is on by itself in a fresh terminal: auto-wrap, the cursor. */
const USUALLY_ON: ReadonlySet<string> = new Set(["7", "25"]);

export class ScreenModes {
  readonly #changed = new Set<string>();
  #keypad = false;
  #coloured = false;
  #held = "";

  /** Looks at what goes to the terminal; sequences may be cut anywhere. */
  see(octets: Uint8Array): void {
    const text = this.#held + Buffer.from(octets).toString("latin1");
    let end = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      const [, modes, change, keypad, colours] = match;
      end = match.index + match[0].length;
      if (keypad !== undefined) this.#keypad = keypad === "=";
      else if (colours !== undefined) this.#coloured = !/^0*$/.test(colours);
      else for (const mode of modes?.split(";") ?? []) this.#set(mode, change === "h");
    }
    const rest = text.slice(end);
    const start = rest.lastIndexOf("\x1b");
    this.#held = start < 0 ? "" : rest.slice(start).slice(0, LONGEST_SEQUENCE);
  }

  /** What puts the terminal back; empty when there is nothing to put back. */
  undo(): string {
    const modes = [...this.#changed].map((mode) => `\x1b[?${mode}${USUALLY_ON.has(mode) ? "h" : "l"}`);
    return `${modes.join("")}${this.#keypad ? "\x1b>" : ""}${this.#coloured ? "\x1b[0m" : ""}`;
  }

  #set(mode: string, on: boolean): void {
    if (on === USUALLY_ON.has(mode)) this.#changed.delete(mode);
    else this.#changed.add(mode);
  }
}
