/** Replies of the three-digit kind, as FTP, SMTP, LMTP and NNTP send them. */
import { PortholeError } from "../errors.js";
import { type LineEnd, LineReader } from "./lines.js";
import { decodeWords, excerpt } from "./words.js";

/** Octets in, replies out: what CommandPipeline asks of a reader, whatever a reply looks like. */
export interface ReplyReader<R> {
  feed(bytes: Uint8Array): void;
  /** The next whole reply. @throws PortholeError `protocol` */
  next(): R | undefined;
  /** Everything after the last reply given out, when `partial` is false; otherwise after its last whole line. */
  rest(): Buffer;
  /** Whether a part of a reply has come and its end has not. */
  readonly partial: boolean;
  /** How the last line ended: a server that ends replies with LF alone ends its blocks so, too. */
  readonly lineEnd: LineEnd;
  /** The peer has closed. @throws PortholeError `protocol` when that was within a reply */
  end(): void;
}

/** A reply of the three-digit kind. */
export interface Reply {
  /** 100 to 699. */
  readonly code: number;
  /** All lines' text, joined by LF. */
  readonly text: string;
  /** Each line's text, without its code where it had one. */
  readonly lines: readonly string[];
}

/**
 * How a reply goes over several lines.
 *
 * - `bracketed` (RFC 959, 4.2): `123-` opens it, `123 ` with the same code closes it, and what stands
 *   between is text, also where it looks like a code. The same code with a hyphen there is taken off.
 * - `prefixed` (RFC 5321, 4.2.1): every line has the code, all but the last with a hyphen. A line with another
 *   code, or none, is an error: to guess which was meant could match answers to the wrong commands.
 * - `never` (RFC 3977, 3.2): one line.
 */
export type Multiline = "bracketed" | "prefixed" | "never";

export interface ThreeDigitOptions {
  readonly multiline: Multiline;
  /** Octets of a line. Default 64 KiB: the 512 of the RFCs is more than many servers keep to. */
  readonly maxLineLength?: number;
  /** Lines of a reply. Default 10,000: FTP's STAT of a folder is one reply. */
  readonly maxLines?: number;
  /** Octets of a reply, line ends not counted. Default 1 MiB. */
  readonly maxOctets?: number;
}

export const DEFAULT_MAX_REPLY_LINE = 64 * 1024;
const DEFAULT_MAX_LINES = 10_000;
const DEFAULT_MAX_OCTETS = 1024 * 1024;

// Security replies (RFC 2228, 5) begin with 6; nothing begins with 0, 7, 8 or 9. Servers leave the
// space out when they have no text (`250`).
const CODED_LINE = /^([1-6][0-9]{2})(?:([ -])(.*))?$/s;

/** A reply under way. */
interface OpenReply {
  readonly code: string;
  readonly lines: string[];
  octets: number;
}

export class ThreeDigitReplyReader implements ReplyReader<Reply> {
  readonly #lines: LineReader;
  readonly #multiline: Multiline;
  readonly #maxLines: number;
  readonly #maxOctets: number;
  #open: OpenReply | undefined;
  #failure: PortholeError | undefined;

  constructor(options: ThreeDigitOptions) {
    this.#multiline = options.multiline;
    this.#lines = new LineReader({ maxLength: options.maxLineLength ?? DEFAULT_MAX_REPLY_LINE });
    this.#maxLines = options.maxLines ?? DEFAULT_MAX_LINES;
    this.#maxOctets = options.maxOctets ?? DEFAULT_MAX_OCTETS;
  }

  feed(bytes: Uint8Array): void {
    this.#lines.feed(bytes);
  }

  /**
   * The next whole reply, or undefined until more is fed.
   * @throws PortholeError `protocol` for what is no reply or passes a bound, now and at every later call
   */
  next(): Reply | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    for (;;) {
      const line = this.#lines.next();
      if (line === undefined) return undefined;
      const reply = this.#open === undefined ? this.#begin(line) : this.#goOn(this.#open, line);
      if (reply === undefined) continue;
      this.#open = undefined;
      return reply;
    }
  }

  get partial(): boolean {
    return this.#open !== undefined || this.#lines.buffered > 0;
  }

  get lineEnd(): LineEnd {
    return this.#lines.lastEnd;
  }

  rest(): Buffer {
    return this.#lines.rest();
  }

  end(): void {
    const cut = this.#lines.end();
    if (cut === undefined && this.#open === undefined) return;
    throw cutReply(cut === undefined ? (this.#open?.lines.at(-1) ?? "") : excerpt(cut));
  }

  #begin(line: Buffer): Reply | undefined {
    const parts = CODED_LINE.exec(decodeWords(line));
    if (parts === null) this.#fail("the answer does not begin with a reply code", line);
    const [, code = "", separator = " ", text = ""] = parts;
    if (separator === "-" && this.#multiline === "never") {
      this.#fail("the answer goes on over several lines, which this protocol does not have", line);
    }
    const open = { code, lines: [text], octets: 0 };
    this.#count(open, line);
    if (separator !== "-") return close(open);
    this.#open = open;
    return undefined;
  }

  #goOn(open: OpenReply, line: Buffer): Reply | undefined {
    const words = decodeWords(line);
    const [, code, separator = " ", text = ""] = CODED_LINE.exec(words) ?? [];
    const coded = code === open.code;
    if (!coded && this.#multiline === "prefixed") {
      this.#fail(`a line within the ${open.code} answer does not begin with ${open.code}`, line);
    }
    open.lines.push(coded ? text : words);
    this.#count(open, line);
    return coded && separator !== "-" ? close(open) : undefined;
  }

  /** Holds a reply to its bounds: one without end must not fill the memory. */
  #count(open: OpenReply, line: Buffer): void {
    open.octets += line.length;
    if (open.lines.length > this.#maxLines) {
      this.#fail(`the ${open.code} answer is longer than the bound of ${this.#maxLines} lines`, line);
    }
    if (open.octets > this.#maxOctets) {
      this.#fail(`the ${open.code} answer is longer than the bound of ${this.#maxOctets} octets`, line);
    }
  }

  #fail(message: string, line: Buffer): never {
    this.#failure = new PortholeError("protocol", message, { reply: excerpt(line) });
    throw this.#failure;
  }
}

function close(open: OpenReply): Reply {
  return { code: Number(open.code), text: open.lines.join("\n"), lines: open.lines };
}

/** The error for a connection that ended within an answer. */
export function cutReply(words: string): PortholeError {
  return new PortholeError("protocol", "the connection was closed in the middle of an answer", {
    reply: words,
  });
}
