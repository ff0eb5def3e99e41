/** Replies that say no, as errors. */
import type { FTPResponse } from "basic-ftp";
import { type ErrorCode, PortholeError } from "../../src/errors.js";
import { textOf } from "./octets.js";

/** 430 is what some servers answer to a wrong password; 332 and 532 ask for ACCT. */
const LOGIN_CODES: readonly number[] = [332, 430, 530, 532];

/**
 * @param reply a final reply that was not the one hoped for
 * @param unavailable what 550 means here. It stands for "not found", "not allowed" and "exists" alike (RFC 959,
 *   4.2.2); where a thing was asked for, it is taken for the first.
 */
export function refusal(reply: FTPResponse, unavailable: ErrorCode = "refused"): Refusal {
  return new Refusal(reply, unavailable);
}

/** A PortholeError that knows the reply's code. */
export class Refusal extends PortholeError {
  /** 100 to 699 (RFC 959, 4.2; RFC 2228, 5). */
  readonly status: number;

  constructor(reply: FTPResponse, unavailable: ErrorCode, hint = hintFor(reply)) {
    super(codeOf(reply.code, unavailable), wordsFor(reply.code, unavailable), {
      reply: wordsOf(reply),
      hint,
    });
    this.status = reply.code;
  }
}

/** The reply as a person reads it. */
export function wordsOf(reply: FTPResponse): string {
  return textOf(reply.message);
}

function codeOf(code: number, unavailable: ErrorCode): ErrorCode {
  if (LOGIN_CODES.includes(code)) return "auth";
  if (code === 550) return unavailable;
  if (code >= 500) return "refused";
  // RFC 959, 4.2.1: 4yz may be tried again; 1yz to 3yz at this place is no answer to what was asked.
  return code >= 400 ? "busy" : "protocol";
}

function wordsFor(code: number, unavailable: ErrorCode): string {
  if (code === 332 || code === 532) return "the server wants an account (ACCT) besides the password";
  if (LOGIN_CODES.includes(code)) return "the server refused the login";
  if (code === 550 && unavailable === "missing") return "not there, or not to be read";
  if (code === 421) return "the server closes the session";
  if (code >= 500) return "the server refused";
  return code >= 400 ? "the server refused for now" : "the server gave an answer that does not fit";
}

function hintFor(reply: FTPResponse): string | undefined {
  if (reply.code === 332 || reply.code === 532) return "--account NAME gives it";
  if (LOGIN_CODES.includes(reply.code) && /\b(?:TLS|SSL|encrypt)/i.test(reply.message)) {
    return "use ftps: or --starttls require";
  }
  return undefined;
}
