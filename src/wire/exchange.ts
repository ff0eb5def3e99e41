/** One command and what answers it, as CommandPipeline is told and as it tells. */

/** What comes after a reply, within the same exchange. */
export type Sequel =
  /** Nothing: the exchange is answered. */
  | "nothing"
  /** A block up to a lone dot, given out as octets: an article, a message. */
  | "block"
  /** A block up to a lone dot, given out line by line: a listing. */
  | "lines"
  /** One more reply, with nothing sent between: FTP's 1yz (RFC 959, 4.2), LMTP's answer for each recipient (RFC 2033, 4.2). */
  | "reply"
  /** The server waits for data before it replies again: 354 of SMTP, 335 and 340 of NNTP, a SASL challenge. */
  | "data"
  /** Answered, and from the next octet on the stream is another one: a TLS handshake, a deflated stream. */
  | "switch";

/**
 * Whether a command may be sent ahead of answers.
 *
 * - `free`: also between others that are not answered yet.
 * - `last`: behind others that are not answered, and nothing goes out behind it before it is answered or, if the
 *   server asks for data, before these are handed over (RFC 2920, 3.1: DATA, EHLO, VRFY, NOOP, QUIT).
 * - `alone`: only when all before it are answered, and nothing behind it before it is answered itself
 *   (RFC 3977, 3.5 and RFC 4643, 2.3: MODE READER, AUTHINFO, POST; STARTTLS everywhere).
 */
export type SendAhead = "free" | "last" | "alone";

/** A command, and how its answer is to be read. Callers extend it with what they want to find again in events. */
export interface Exchange<R> {
  /** The command line with its CRLF (see `commandLine`). */
  readonly command: Uint8Array;
  /** Octets sent right behind the command without waiting: BDAT's chunk (RFC 3030), TAKETHIS's article (RFC 4644). */
  readonly payload?: Uint8Array;
  /** Default `free`. */
  readonly sendAhead?: SendAhead;
  /** What follows a reply. Absent: nothing does. Called once for each reply of this exchange. */
  readonly sequel?: (reply: R) => Sequel;
}

/** What comes out of a pipeline; `R` is the kind of reply, `E` the caller's kind of exchange. */
export type PipelineEvent<R, E> =
  /** The reply that opens the connection. */
  | { readonly type: "greeting"; readonly reply: R }
  /** A reply; `last` when the exchange is answered with it, otherwise a block or another reply follows. */
  | { readonly type: "reply"; readonly exchange: E; readonly reply: R; readonly last: boolean }
  /** The server waits for data: hand them over with `supply()` and `supplyLast()`. */
  | { readonly type: "continuation"; readonly exchange: E; readonly reply: R }
  /** Octets of a block, dots undone, line ends as they came. */
  | { readonly type: "block"; readonly exchange: E; readonly chunk: Buffer }
  /** A line of a block without its end, dots undone. */
  | { readonly type: "line"; readonly exchange: E; readonly line: Buffer }
  /** The block is whole, and the exchange answered. */
  | { readonly type: "block-end"; readonly exchange: E }
  /** The stream may change now. Nothing is read or sent until `takeRest()` has been called. */
  | { readonly type: "switch"; readonly exchange: E; readonly reply: R }
  /**
   * A reply that nothing had asked for: a server that gives notice before it closes (421, 400), or one that
   * answers commands ahead of their coming. `during` is the exchange whose data were being handed over, if any.
   */
  | { readonly type: "unsolicited"; readonly reply: R; readonly during: E | undefined };

/** How far an exchange had come when the connection ended. */
export type Standing =
  /** Not sent. */
  | "unsent"
  /** Sent; no octet of an answer has come, so whether it was carried out is not known. */
  | "unanswered"
  /** A part of the answer has come. */
  | "half-answered"
  /** The server asked for data, and not all were handed over: it cannot have been carried out. */
  | "data-unsent"
  /** All data were handed over and no answer has come: whether it was carried out is not known. */
  | "data-unanswered";

export interface Unfinished<E> {
  readonly exchange: E;
  readonly standing: Standing;
}
