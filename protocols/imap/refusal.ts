/** Answers that say no, as errors: by their response code (RFC 5530) where there is one. */
import { type ErrorCode, PortholeError } from "../../src/errors.js";
import type { Status } from "./response.js";

const MEANINGS: Readonly<Record<string, ErrorCode>> = {
  ALERT: "refused",
  ALREADYEXISTS: "local",
  AUTHENTICATIONFAILED: "auth",
  AUTHORIZATIONFAILED: "auth",
  CANNOT: "refused",
  CLIENTBUG: "refused",
  CONTACTADMIN: "refused",
  CORRUPTION: "refused",
  EXPIRED: "auth",
  EXPUNGEISSUED: "missing",
  INUSE: "busy",
  LIMIT: "refused",
  NONEXISTENT: "missing",
  NOPERM: "refused",
  OVERQUOTA: "refused",
  PRIVACYREQUIRED: "auth",
  SERVERBUG: "refused",
  TRYCREATE: "missing",
  UNAVAILABLE: "busy",
};

const HINTS: Readonly<Record<string, string>> = {
  NONEXISTENT: "`porthole imap folders` shows the mailboxes",
  TRYCREATE: "`mkdir` makes the mailbox",
  OVERQUOTA: "`porthole imap quota` shows what is used; remove something",
  PRIVACYREQUIRED: "--starttls require, or imaps:",
  INUSE: "another session has the mailbox open; try again when it has ended",
  UNAVAILABLE: "try again later",
  ALREADYEXISTS: "choose another name",
};

/** Servers without response codes say it in words alone. */
const WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/doesn'?t exist|does not exist|no such|not exist|unknown mailbox|nonexistent|not found/i, "missing"],
  [/already exists|exists already/i, "local"],
  [/try again|temporar|in use|too many|unavailable|locked/i, "busy"],
];

/**
 * @param message what was not done
 * @param otherwise what a NO without response code means here
 */
export function refusal(status: Status, message: string, otherwise: ErrorCode = "refused"): PortholeError {
  const { condition, code = "", line } = status;
  const known = MEANINGS[code];
  const told = known ?? (condition === "BAD" ? undefined : WORDS.find(([words]) => words.test(line))?.[1]);
  return new PortholeError(told ?? (condition === "BAD" ? "refused" : otherwise), message, {
    reply: line,
    hint:
      HINTS[code] ?? (told === "missing" && /mailbox|folder/i.test(line) ? HINTS["NONEXISTENT"] : undefined),
  });
}

/** @throws PortholeError unless it is an OK */
export function mustBeOk(status: Status, message: string, otherwise: ErrorCode = "refused"): void {
  if (status.condition !== "OK") throw refusal(status, message, otherwise);
}
