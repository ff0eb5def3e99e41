/** Replies that say no, as errors: by their response code (RFC 2449, 8; RFC 3206) where there is one. */
import { type ErrorCode, PortholeError } from "../../src/errors.js";
import type { StatusReply } from "../../src/wire/status-replies.js";

const MEANINGS: Readonly<Record<string, ErrorCode>> = {
  "IN-USE": "busy",
  "LOGIN-DELAY": "busy",
  "SYS/TEMP": "busy",
  "SYS/PERM": "refused",
  AUTH: "auth",
  // RFC 6856, 3.2: the message, or the login, needs UTF8 mode.
  UTF8: "refused",
};

const HINTS: Readonly<Record<string, string>> = {
  "IN-USE": "another session has the mailbox open; try again when it has ended",
  "LOGIN-DELAY": "the server wants some time between two logins",
};

/** RFC 1939, 4: a maildrop that cannot be locked. Servers without response codes say so in words alone. */
const LOCKED = /\block(?:ed)?\b|in use|busy|another (?:session|process)|try again|temporar/i;

/**
 * @param message what was not done
 * @param otherwise what a refusal without response code means here
 */
export function refusal(reply: StatusReply, message: string, otherwise: ErrorCode): PortholeError {
  const { responseCode, line } = reply;
  if (reply.status !== "error") {
    return new PortholeError("protocol", `${message}: the answer is none to what was asked`, { reply: line });
  }
  const known = responseCode === undefined ? undefined : MEANINGS[responseCode];
  const code = known ?? otherwise;
  return new PortholeError(code, message, {
    reply: line,
    hint: responseCode === undefined ? undefined : HINTS[responseCode],
  });
}

/** A login that was refused: for now, when the mailbox is locked, else for its password. */
export function loginRefusal(reply: StatusReply): PortholeError {
  const busy = reply.responseCode === undefined && LOCKED.test(reply.text);
  const failed = refusal(reply, "the server refused the login", busy ? "busy" : "auth");
  if (failed.code !== "busy") return failed;
  return new PortholeError("busy", "the server does not open the mailbox now", {
    reply: reply.line,
    hint: failed.hint ?? HINTS["IN-USE"],
  });
}
