/** Replies that say no, as errors (RFC 5321, 4.2; RFC 4954, 6). */
import { type ErrorCode, PortholeError } from "../../src/errors.js";
import { enhancedStatus } from "../../src/wire/enhanced-status.js";
import type { Reply } from "../../src/wire/replies.js";

/** A login refused, too weak, or wanted before anything else. */
const LOGIN_CODES: readonly number[] = [530, 534, 535, 538];

/** The reply as a person reads it, on one line: `550 5.1.1 no such user`. */
export function wordsOf(reply: Reply): string {
  return `${reply.code} ${reply.lines.filter((line) => line !== "").join(" ")}`.trimEnd();
}

export function isPositive(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300;
}

/** The server closes, whatever it was asked (RFC 5321, 3.8). */
export function isFarewell(reply: Reply): boolean {
  return reply.code === 421;
}

/** `530 5.7.0 Must issue a STARTTLS command first` (RFC 3207, 4): 530 asks for TLS as well as for a login. */
export function demandsTls(reply: Reply): boolean {
  return (reply.code === 530 || reply.code === 538) && /\b(?:START)?TLS\b|encrypt/i.test(reply.text);
}

export function demandsLogin(reply: Reply): boolean {
  return reply.code === 530 && !demandsTls(reply);
}

/**
 * @param message what was not done, for a reply that is not positive
 * @param about `content`: recipients had been taken, and what came after them was not
 */
export function refusal(
  reply: Reply,
  message: string,
  about: "envelope" | "content" = "envelope",
): PortholeError {
  if (isFarewell(reply)) {
    return new PortholeError("busy", "the server closes the session", { reply: wordsOf(reply) });
  }
  if (demandsTls(reply)) {
    return new PortholeError("tls", `${message}: the server wants TLS first`, {
      reply: wordsOf(reply),
      hint: "--starttls require, or smtps:",
    });
  }
  return new PortholeError(codeOf(reply), message, { reply: wordsOf(reply), hint: hintFor(reply, about) });
}

function codeOf(reply: Reply): ErrorCode {
  if (LOGIN_CODES.includes(reply.code)) return "auth";
  if (reply.code >= 500 && reply.code < 600) return "refused";
  // A positive or intermediate reply at this place is no answer to what was asked.
  return reply.code >= 400 && reply.code < 500 ? "busy" : "protocol";
}

function hintFor(reply: Reply, about: "envelope" | "content"): string | undefined {
  if (reply.code === 530) return "log in with -u USER, or as a user in the URL";
  // RFC 3463, 3.8: delivery not authorised; what a server says that does not relay for strangers.
  const relay = enhancedStatus(reply)?.code === "5.7.1" || /relay/i.test(reply.text);
  if (relay && about === "content") {
    return "it took the recipients: what it does not like is in the message, or who it comes from (spam, SPF, DKIM)";
  }
  return relay ? "the server may want a login (-u USER), or not take mail for this domain" : undefined;
}
