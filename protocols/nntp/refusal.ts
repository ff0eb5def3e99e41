/** Replies that say no, as errors (RFC 3977, 3.2; RFC 4643; RFC 4642). */
import { type ErrorCode, PortholeError } from "../../src/errors.js";
import type { Reply } from "../../src/wire/replies.js";

/** What a code means, where its first digit alone does not tell. */
const MEANINGS: Readonly<Record<number, ErrorCode>> = {
  411: "missing",
  420: "missing",
  421: "missing",
  422: "missing",
  423: "missing",
  430: "missing",
  // RFC 3977, 6.3.2: not wanted, and rejected for good.
  435: "refused",
  437: "refused",
  438: "refused",
  439: "refused",
  440: "refused",
  441: "refused",
  480: "auth",
  481: "auth",
  482: "auth",
  483: "tls",
  580: "tls",
};

const HINTS: Readonly<Record<number, string>> = {
  411: "`porthole ls` of the server shows its groups",
  440: "this server, or this login, may only read",
  480: "log in with -u USER, or as a user in the URL",
  483: "--starttls require, or nntps:",
};

/** A server that has enough clients: another try may find room. */
const TOO_MANY = /too many|maximum|limit|in use|try again|later|overload/i;

/** The reply as a person reads it: `411 no such group`. */
export function wordsOf(reply: Reply): string {
  return `${reply.code} ${reply.text}`.trimEnd();
}

/** @param message what was not done */
export function refusal(reply: Reply, message: string): PortholeError {
  return new PortholeError(codeOf(reply), message, { reply: wordsOf(reply), hint: HINTS[reply.code] });
}

function codeOf({ code, text }: Reply): ErrorCode {
  const known = MEANINGS[code];
  if (known !== undefined) return known;
  // RFC 3977, 3.2.1: 400 and 403 are for now, and 502 is what servers say as well that have too many clients.
  if (code === 502 && TOO_MANY.test(text)) return "busy";
  if (code >= 500 && code < 600) return "refused";
  // A positive reply at this place is no answer to what was asked.
  return code >= 400 && code < 500 ? "busy" : "protocol";
}

/** A thing that is not there, or a range that holds nothing: not a failure of the conversation. */
export function isAbsent(reply: Reply): boolean {
  return reply.code >= 420 && reply.code <= 430;
}

/** The command, or this form of it, is not known here (RFC 3977, 3.2.1). */
export function isUnknownCommand(reply: Reply): boolean {
  return reply.code === 500 || reply.code === 501 || reply.code === 503;
}
