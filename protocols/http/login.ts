/** Logging in to a server (RFC 9110, 11): what it offers, what the user has, and the header that comes of both. */
import { PortholeError } from "../../src/errors.js";
import type { Credentials } from "../../src/plugin.js";
import type { Header } from "./engine.js";

/** The schemes that a 401 offers, in lower case, in order. */
export function offeredSchemes(headers: readonly Header[]): string[] {
  return headers
    .filter(([name]) => name.toLowerCase() === "www-authenticate")
    .flatMap(([, value]) => value.replace(/"(?:[^"\\]|\\.)*"/g, '""').split(","))
    .flatMap((piece) => {
      // A challenge begins with its scheme; what else stands between commas is `name=value` (RFC 9110, 11.6.1).
      const [, scheme] = /^\s*([\w!#$%&'*+.^`|~-]+)(?:\s+[^\s=]|\s*$)/.exec(piece) ?? [];
      return scheme === undefined ? [] : [scheme.toLowerCase()];
    });
}

/**
 * Value of Authorization.
 * @param mechanism the one the user insists on, in upper case
 * @throws PortholeError `auth` when the server offers another way only, `usage` for what cannot be sent
 */
export function authorizationOf(
  { kind, user, password }: Credentials,
  offered: readonly string[],
  mechanism: string | undefined,
): string {
  const scheme = mechanism?.toLowerCase() ?? (kind === "token" ? "bearer" : "basic");
  if (scheme !== "basic" && scheme !== "bearer") {
    throw new PortholeError("usage", `HTTP logs in by BASIC or BEARER, not by ${scheme.toUpperCase()}`);
  }
  // A token is for those who know they have one; a password is not shown to who did not ask for it.
  if (scheme === "basic" && offered.length > 0 && !offered.includes("basic")) {
    throw new PortholeError("auth", "the server does not offer basic authentication", {
      reply: offered.join(", "),
    });
  }
  if (scheme === "bearer") return `Bearer ${password}`;
  if (user.includes(":")) {
    // RFC 7617, 2: the password would begin there.
    throw new PortholeError("usage", "a user name with a colon cannot log in by BASIC");
  }
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}
