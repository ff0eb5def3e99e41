/** uuencoded files (POSIX uuencode, historical and base64 forms) within a text, as it comes. */
import { decodeWords } from "../../../src/wire/words.js";

export type UuEvent =
  | { readonly type: "begin"; readonly name: string }
  | { readonly type: "data"; readonly octets: Buffer }
  | { readonly type: "end" };

const BEGIN = /^begin(-base64)? [0-7]{3,4} (.+)$/;
/** Octets of a line that is looked at; uuencoded ones have 62. */
const LONGEST_LINE = 4096;

export class UuDecoder {
  #form: "text" | "uu" | "base64";
  #line = "";

  /** @param within the text goes on in the middle of a file that an article before it began */
  constructor(within = false) {
    this.#form = within ? "uu" : "text";
  }

  write(chunk: Buffer): readonly UuEvent[] {
    const events: UuEvent[] = [];
    const lines = (this.#line + chunk.toString("latin1")).split("\n");
    this.#line = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of lines) this.#take(line.endsWith("\r") ? line.slice(0, -1) : line, events);
    return events;
  }

  /** The text has ended. */
  end(): readonly UuEvent[] {
    const events: UuEvent[] = [];
    if (this.#line !== "") this.#take(this.#line, events);
    this.#line = "";
    return events;
  }

  #take(line: string, events: UuEvent[]): void {
    if (this.#form === "text") {
      const [, base64, name] = BEGIN.exec(line) ?? [];
      if (name === undefined) return;
      this.#form = base64 === undefined ? "uu" : "base64";
      events.push({ type: "begin", name: decodeWords(Buffer.from(name.trim(), "latin1")) });
    } else if (line === "end" || line === "====") {
      this.#form = "text";
      events.push({ type: "end" });
    } else {
      const octets = this.#form === "uu" ? uuLine(line) : Buffer.from(line, "base64");
      if (octets !== undefined && octets.length > 0) events.push({ type: "data", octets });
    }
  }
}

/** Undefined for a line that is none: its length does not fit what it says. */
function uuLine(line: string): Buffer | undefined {
  const count = valueAt(line, 0);
  if (line === "" || count === 0) return Buffer.alloc(0);
  const characters = Math.ceil(count / 3) * 4;
  // Blanks at a line's end are lost on the way, and some programs add a checksum.
  if (line.length - 1 > characters + 1 || line.length < 2) return undefined;
  const octets = Buffer.alloc(characters);
  let to = 0;
  for (let at = 1; at <= characters; at += 4) {
    const bits =
      (valueAt(line, at) << 18) |
      (valueAt(line, at + 1) << 12) |
      (valueAt(line, at + 2) << 6) |
      valueAt(line, at + 3);
    octets[to++] = bits >> 16;
    octets[to++] = bits >> 8;
    octets[to++] = bits;
  }
  return octets.subarray(0, count);
}

function valueAt(line: string, at: number): number {
  return at < line.length ? (line.charCodeAt(at) - 32) & 63 : 0;
}
