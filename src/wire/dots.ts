/**
 * Blocks that end with a lone dot, as they are read: RFC 3977, 3.1.1 (NNTP), RFC 1939, 3 (POP3) and
 * RFC 5321, 4.5.2 (SMTP). How they are written is in dot-writer.ts.
 */
import { PortholeError } from "../errors.js";
import { LineStarts } from "./line-starts.js";
import { type BareLf, LineReader, type LineReaderOptions } from "./lines.js";
import { CR, DOT, LF } from "./octets.js";
import { Unread } from "./unread.js";

/** What comes out of a DotReader. */
export type DotEvent =
  /** Octets of the block: dots undone, line ends as they came, the one before the last dot included. */
  | { readonly type: "chunk"; readonly bytes: Buffer }
  /** The lone dot has come; what followed it is `rest()`. */
  | { readonly type: "end" };

export interface DotReaderOptions {
  /**
   * Default `keep`: only CRLF ends a line. A mail may hold a LF, a dot and a LF; a reader that took them for
   * the end would take the rest of the mail for the server's next answers. `accept` is for servers that end
   * all their lines with LF alone.
   */
  readonly bareLf?: BareLf;
}

const END = { type: "end" } as const;
const CR_ALONE = Buffer.from("\r");

/**
 * A block as a stream: octets in by `feed()`, events out by `next()` until there is none.
 *
 * Chunks given out are views of those fed. Packets have no meaning: the last dot may come in pieces, and a
 * packet of just a dot and CRLF within a line is text.
 */
export class DotReader {
  readonly #unread = new Unread();
  readonly #starts: LineStarts;
  readonly #bareLf: BareLf;
  /** What has been seen of a last line that may be the lone dot, and has not been given out. */
  #held: "" | "." | ".\r" = "";
  #ended = false;

  constructor(options: DotReaderOptions = {}) {
    this.#bareLf = options.bareLf ?? "keep";
    this.#starts = new LineStarts(this.#bareLf);
  }

  feed(bytes: Uint8Array): void {
    this.#unread.add(bytes);
  }

  /** The next event, or undefined until more is fed, and after the end. */
  next(): DotEvent | undefined {
    const unread = this.#unread;
    while (!this.#ended && unread.more()) {
      const { chunk, at } = unread;
      const octet = chunk[at];
      if (this.#held === "" && this.#starts.atStart && octet === DOT) {
        this.#held = ".";
        unread.at++;
      } else if (this.#held === "." && octet === CR) {
        this.#held = ".\r";
        unread.at++;
      } else if (
        octet === LF &&
        (this.#held === ".\r" || (this.#held === "." && this.#bareLf === "accept"))
      ) {
        unread.at++;
        this.#ended = true;
        return END;
      } else {
        const loneCr = this.#giveUpEnd();
        if (loneCr !== undefined) return loneCr;
        unread.at = this.#starts.passToDot(chunk, at);
        return { type: "chunk", bytes: chunk.subarray(at, unread.at) };
      }
    }
    return undefined;
  }

  /** Whether the lone dot has come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Everything that followed the end, or that has not been taken by `next()`; the reader then forgets it. */
  rest(): Buffer {
    return this.#unread.take();
  }

  /** The peer has closed. @throws PortholeError `protocol` when the lone dot has not come */
  end(): void {
    if (!this.#ended) throw cutBlock();
  }

  /** The line that began with a dot goes on: the dot was stuffing, a CR after it is text. */
  #giveUpEnd(): DotEvent | undefined {
    const held = this.#held;
    if (held === "") return undefined;
    this.#held = "";
    this.#starts.passDot();
    return held === ".\r" ? { type: "chunk", bytes: CR_ALONE } : undefined;
  }
}

/** What comes out of DotLines. */
export type DotLine = { readonly type: "line"; readonly line: Buffer } | { readonly type: "end" };

/** A block line by line, for listings (LIST, UIDL, OVER): each without its end, the dots undone. */
export class DotLines {
  readonly #lines: LineReader;
  #ended = false;

  constructor(options: LineReaderOptions = {}) {
    this.#lines = new LineReader({ bareLf: "keep", ...options });
  }

  feed(bytes: Uint8Array): void {
    this.#lines.feed(bytes);
  }

  /**
   * The next line or the end; undefined until more is fed, and after the end.
   * @throws PortholeError `protocol` when a line is longer than the bound
   */
  next(): DotLine | undefined {
    if (this.#ended) return undefined;
    const line = this.#lines.next();
    if (line === undefined) return undefined;
    if (line[0] !== DOT) return { type: "line", line };
    if (line.length > 1) return { type: "line", line: line.subarray(1) };
    this.#ended = true;
    return END;
  }

  /** Whether the lone dot has come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Everything that followed the end, or that has not been taken by `next()`; the reader then forgets it. */
  rest(): Buffer {
    return this.#lines.rest();
  }

  /** The peer has closed. @throws PortholeError `protocol` when the lone dot has not come */
  end(): void {
    if (!this.#ended) throw cutBlock();
  }
}

function cutBlock(): PortholeError {
  return new PortholeError("protocol", "the connection was closed before the lone dot that ends the text");
}
