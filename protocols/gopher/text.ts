/** Text documents (RFC 1436, appendix: TextFile Entity), as real servers send them. */
import { LineStarts } from "../../src/wire/line-starts.js";
import { CR, DOT, LF } from "../../src/wire/octets.js";
import { join } from "../../src/wire/unread.js";

/** Octets held at most while it is open whether dots are doubled. */
export const LONGEST_HOLD = 256 * 1024;

const STUFFING = Buffer.of(DOT);

/** The beginning, or all, of a line that holds nothing but a dot. */
type Dot = "." | ".\r" | ".\r\n" | ".\n";

/**
 * By the RFC a text ends with a lone dot, and lines that begin with a dot have it doubled. Many servers do
 * neither: they send the file and close, lone dots in it and all. So a lone dot is the end only when nothing
 * follows it before the server closes, and dots are undone only when that end has come.
 *
 * Octets flow on at once but for two things that only the end can tell: a line that may be the last dot, and all
 * from the first line with two dots on. Such a hold is over when a line has a single dot, which a server that
 * doubles them cannot send, or when LONGEST_HOLD is reached; the text then stays as it came.
 */
export class TextReader {
  readonly #starts = new LineStarts("accept");
  /** A line of which only this has come. */
  #dot: "" | Dot = "";
  #mayBeStuffed = true;
  /** What is held, from the first line with two dots on; STUFFING itself stands for the first of the two. */
  #held: Buffer[] = [];
  #heldLength = 0;

  /** What of the text is known now. */
  feed(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#dot !== "" || (this.#starts.atStart && chunk[at] === DOT)) {
        if (this.#take(chunk[at], out)) at++;
      } else {
        const to = this.#starts.passToDot(chunk, at);
        this.#give(chunk.subarray(at, to), out);
        at = to;
      }
    }
    return join(out);
  }

  /** The server has closed: the rest of the text. */
  end(): Buffer {
    if (this.#dot === "") return join(this.#held);
    return join(this.#held.filter((piece) => piece !== STUFFING));
  }

  /** The next octet of a line that begins with a dot. True when it is used up here. */
  #take(octet: number | undefined, out: Buffer[]): boolean {
    const longer = lengthened(this.#dot, octet);
    if (longer !== undefined) this.#dot = longer;
    else if (this.#dot === "." && octet === DOT) this.#passDoubled(out);
    else this.#passSingle(out);
    return longer !== undefined;
  }

  /** Two dots: the first may be stuffing. */
  #passDoubled(out: Buffer[]): void {
    this.#dot = "";
    this.#starts.atStart = false;
    this.#give(STUFFING, out);
  }

  /** One dot, and then something else: it is text, and so are all others. */
  #passSingle(out: Buffer[]): void {
    const octets = Buffer.from(this.#dot);
    this.#starts.atStart = octets.at(-1) === LF;
    this.#dot = "";
    this.#settle(out);
    out.push(octets);
  }

  #give(octets: Buffer, out: Buffer[]): void {
    if (!this.#mayBeStuffed || (this.#held.length === 0 && octets !== STUFFING)) {
      out.push(octets);
      return;
    }
    this.#held.push(octets);
    this.#heldLength += octets.length;
    if (this.#heldLength > LONGEST_HOLD) this.#settle(out);
  }

  /** Dots stay as they are from here on. */
  #settle(out: Buffer[]): void {
    this.#mayBeStuffed = false;
    if (this.#held.length > 0) out.push(join(this.#held));
    this.#held = [];
  }
}

/** With the next octet; undefined when that makes another line of it. */
function lengthened(dot: "" | Dot, octet: number | undefined): Dot | undefined {
  if (dot === "") return ".";
  if (octet === LF && dot === ".") return ".\n";
  if (octet === LF && dot === ".\r") return ".\r\n";
  return octet === CR && dot === "." ? ".\r" : undefined;
}

/** The text that an answer holds, as it comes. */
export async function* textOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const reader = new TextReader();
  for await (const chunk of chunks) {
    const text = reader.feed(chunk);
    if (text.length > 0) yield text;
  }
  const rest = reader.end();
  if (rest.length > 0) yield rest;
}
