/** Replies of the +OK and -ERR kind, as POP3 sends them (RFC 1939, 3). */
import { PortholeError } from "../errors.js";
import { type LineEnd, LineReader } from "./lines.js";
import { cutReply, DEFAULT_MAX_REPLY_LINE, type ReplyReader } from "./replies.js";
import { decodeWords, excerpt } from "./words.js";

/** A reply of the status kind: always one line. */
export interface StatusReply {
  /** `continue` is the `+ ` of an AUTH exchange (RFC 5034, 4). */
  readonly status: "ok" | "error" | "continue";
  /** What follows the status, without the response code; the challenge in base64 after `+ `. */
  readonly text: string;
  /** The response code (RFC 2449, 8) in upper case, without brackets: `IN-USE`, `SYS/TEMP`. */
  readonly responseCode: string | undefined;
  /** The line as it came. */
  readonly line: string;
}

export interface StatusOptions {
  /** Octets of a line. Default 64 KiB. */
  readonly maxLineLength?: number;
}

// RFC 1939, 3 has the words in upper case; a server that writes them otherwise is still understood.
const STATUS_LINE = /^(\+OK|-ERR)(?![A-Za-z0-9])[ \t]?(.*)$/is;
const CONTINUATION = /^\+(?: (.*))?$/s;
const RESPONSE_CODE = /^\[([^\][\s]+)\] ?(.*)$/s;

export class StatusReplyReader implements ReplyReader<StatusReply> {
  readonly #lines: LineReader;
  #failure: PortholeError | undefined;

  constructor(options: StatusOptions = {}) {
    this.#lines = new LineReader({ maxLength: options.maxLineLength ?? DEFAULT_MAX_REPLY_LINE });
  }

  feed(bytes: Uint8Array): void {
    this.#lines.feed(bytes);
  }

  /**
   * The next reply, or undefined until more is fed.
   * @throws PortholeError `protocol` for what is no reply or passes the bound, now and at every later call
   */
  next(): StatusReply | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const octets = this.#lines.next();
    if (octets === undefined) return undefined;
    const line = decodeWords(octets);
    const challenge = CONTINUATION.exec(line);
    if (challenge !== null) {
      return { status: "continue", text: challenge[1] ?? "", responseCode: undefined, line };
    }
    const parts = STATUS_LINE.exec(line);
    if (parts === null) {
      this.#failure = new PortholeError("protocol", "the answer begins with neither +OK nor -ERR", {
        reply: excerpt(octets),
      });
      throw this.#failure;
    }
    const [, word = "", words = ""] = parts;
    const [, responseCode, text = words] = RESPONSE_CODE.exec(words) ?? [];
    return {
      status: word.startsWith("+") ? "ok" : "error",
      text,
      responseCode: responseCode?.toUpperCase(),
      line,
    };
  }

  get partial(): boolean {
    return this.#lines.buffered > 0;
  }

  get lineEnd(): LineEnd {
    return this.#lines.lastEnd;
  }

  rest(): Buffer {
    return this.#lines.rest();
  }

  end(): void {
    const cut = this.#lines.end();
    if (cut !== undefined) throw cutReply(excerpt(cut));
  }
}
