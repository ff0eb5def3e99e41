/**
 * Secrets that nobody could name beforehand, on connections whose protocol nobody here speaks: a raw socket that a
 * person types into, or a relay. What the well-known protocols have behind their words for passwords is covered, and
 * the line that answers a question for one.
 */
import { MASKED } from "./mask.js";

type Direction = "client" | "server";

const MECHANISM =
  "(?:PLAIN|LOGIN|EXTERNAL|XOAUTH2|OAUTHBEARER|CRAM-MD5|DIGEST-MD5|NTLM|GSSAPI|SCRAM-[A-Z0-9-]+)";

/**
 * FTP, POP3 (RFC 1939), news (RFC 4643), SMTP (RFC 4954), IMAP (RFC 9051, with a tag before), Redis; and the fields of
 * HTTP. The user's name stays.
 */
const SECRETS: readonly RegExp[] = [
  /^((?:PASS|APOP \S+|AUTHINFO PASS|AUTHINFO SASL \S+)[ \t]+)\S[^\r\n]*/gim,
  // The name of a mechanism alone is no secret.
  new RegExp(`^(AUTH(?! ${MECHANISM}[ \\t]*\\r?$)(?: ${MECHANISM})?[ \\t]+)\\S[^\\r\\n]*`, "gim"),
  /^(\S{1,64} (?:LOGIN (?:"(?:[^"\\\r\n]|\\.)*"|\S+)|AUTHENTICATE \S+)[ \t]+)\S[^\r\n]*/gim,
  /^((?:(?:proxy-)?authorization|cookie|set-cookie):[ \t]*)\S[^\r\n]*/gim,
];
/** How people and programs are asked for a password, at the end of what was said. */
export const ASKS_PASSWORD = /pass(?:word|code|phrase)[^:\r\n]{0,60}:[^\S\r\n]*$/i;
/** A SASL challenge (RFC 4954, 4; RFC 4643, 2.4; RFC 9051, 6.2.2). */
const CHALLENGE = /(?:^|\n)(?:334|383|\+) [A-Za-z0-9+/=]*\r?\n$/;

/** One connection's, whichever side is the client. */
export class TypedSecrets {
  #asking: Direction | undefined;

  /** @param text whole lines, or what was said up to a change of direction, as latin1 */
  cover(direction: Direction, text: string): string {
    let shown = text;
    if (this.#asking !== undefined && this.#asking !== direction) {
      shown = shown.replace(/^[^\r\n]+/, MASKED);
      this.#asking = undefined;
    }
    for (const pattern of SECRETS) shown = shown.replace(pattern, `$1${MASKED}`);
    if (ASKS_PASSWORD.test(text) || CHALLENGE.test(text)) this.#asking = direction;
    return shown;
  }
}
