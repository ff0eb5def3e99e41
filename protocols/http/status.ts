/** Statuses that are failures, as exit codes tell them apart. */
import { PortholeError } from "../../src/errors.js";
import { isWorthWaiting } from "../../src/repeat.js";

export interface RefusedRequest {
  readonly status: number;
  readonly reason: string;
  readonly url: string;
  /** Credentials went with it. */
  readonly loggedIn: boolean;
  /** A proxy passed it on, and may be the one that answered. */
  readonly forwarded?: boolean;
  /** `--retry` does not repeat it: it may have been done. */
  readonly once?: boolean;
  /** Value of Retry-After. */
  readonly retryAfter?: string | undefined;
}

/** @returns the error for a status of 400 and above */
export function statusFailure(refused: RefusedRequest): PortholeError {
  const { status, reason, url, loggedIn } = refused;
  const reply = reason === "" ? String(status) : `${status} ${reason}`;
  if (status === 404 || status === 410) {
    return new PortholeError("missing", "the server has no such page", { reply, url });
  }
  if (status === 401) {
    const own = loggedIn ? "check user and password" : "give -u USER, or an account in the configuration";
    // tinyproxy refuses a wrong password of its own so.
    const hint = refused.forwarded === true ? `${own}; is it the proxy that says so, check its URL` : own;
    const words = loggedIn ? "the server refuses these credentials" : "the server wants a login";
    return new PortholeError("auth", words, { reply, url, hint });
  }
  if (status === 407) {
    return new PortholeError("auth", "the proxy wants a login, or another one", {
      reply,
      url,
      hint: "put user and password into the proxy's URL",
    });
  }
  // RFC 9110, 15: what is beyond 599 is to be treated as 5xx.
  if (status === 429 || status >= 500) {
    const retryAfter = secondsUntil(refused.retryAfter);
    return new PortholeError("busy", "the server cannot answer now", {
      reply,
      url,
      hint: hintToWait(retryAfter, refused.once === true),
      retryAfter,
    });
  }
  // RFC 4918, 11.3.
  if (status === 423) {
    return new PortholeError("refused", "it is locked at the server", {
      reply,
      url,
      hint: "whoever locked it must let it go first",
    });
  }
  return new PortholeError("refused", "the server refuses", { reply, url });
}

function hintToWait(seconds: number | undefined, once: boolean): string {
  const isLong = !isWorthWaiting({ retryAfter: seconds });
  const wish = seconds === undefined || seconds === 0 ? "try again later" : `try again in ${seconds} s`;
  return once || isLong ? wish : `${wish}, or --retry N`;
}

/** RFC 9110, 10.2.3: seconds, or a date. */
export function secondsUntil(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}
