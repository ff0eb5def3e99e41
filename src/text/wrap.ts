/** Words into lines. */
import { chop, displayWidth } from "./width.js";

export interface WrapOptions {
  /** Before the first line. */
  readonly indent?: string;
  /** Before the lines after it; as `indent` when absent. */
  readonly hanging?: string;
}

/**
 * The text in lines of at most `columns` columns, broken between words. Line breaks in the text stay; a word
 * longer than a line is cut. At least one line comes out.
 */
export function wrap(text: string, columns: number, options: WrapOptions = {}): string[] {
  const first = options.indent ?? "";
  const later = options.hanging ?? first;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    let width = 0;
    let empty = true;
    const room = () => Math.max(1, columns - displayWidth(lines.length === 0 ? first : later));
    const finish = () => {
      lines.push(((lines.length === 0 ? first : later) + line).trimEnd());
      [line, width, empty] = ["", 0, true];
    };
    for (const word of paragraph.split(" ").filter((part) => part !== "")) {
      if (!empty && width + 1 + displayWidth(word) > room()) finish();
      for (const piece of chop(word, room())) {
        const added = displayWidth(piece);
        // Only pieces of a cut word meet a line that is full.
        if (!empty && width + 1 + added > room()) finish();
        line += empty ? piece : ` ${piece}`;
        width += empty ? added : added + 1;
        empty = false;
      }
    }
    finish();
  }
  return lines;
}
