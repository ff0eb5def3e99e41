/**
 * Secrets made unreadable in transcripts and recordings, in every coding they may travel in.
 *
 * Base64 is looked for by decoding: what SASL PLAIN or HTTP Basic send is one token in which the secret
 * stands at any of three alignments, so no fixed pattern finds it.
 */

/** Stands where a secret stood. */
export const MASKED = "[masked]";

const BASE64_TOKEN = /[A-Za-z0-9+/_-]{4,}={0,2}/g;

export class Mask {
  readonly #secrets: Buffer[] = [];
  readonly #patterns: RegExp[] = [];

  /** From now on `secret` is covered. An empty one is no secret. */
  add(secret: string): void {
    const octets = Buffer.from(secret, "utf8");
    if (octets.length === 0 || this.#secrets.some((known) => known.equals(octets))) return;
    this.#secrets.push(octets);
    const escaped = [...codings(secret)].sort((a, b) => b.length - a.length).map(literal);
    this.#patterns.push(new RegExp(escaped.join("|"), "gi"));
  }

  get empty(): boolean {
    return this.#secrets.length === 0;
  }

  /** `octets` with every secret replaced. The input is not changed; it is returned itself when nothing was found. */
  cover(octets: Buffer): Buffer {
    if (this.empty) return octets;
    const text = octets.toString("latin1");
    const covered = this.#patterns
      .reduce((shown, pattern) => shown.replace(pattern, MASKED), text)
      .replace(BASE64_TOKEN, (token) => (this.#hides(token) ? MASKED : token));
    return covered === text ? octets : Buffer.from(covered, "latin1");
  }

  #hides(token: string): boolean {
    const decoded = Buffer.from(token, "base64");
    return this.#secrets.some((secret) => decoded.includes(secret));
  }
}

/** How a secret may be spelled on the wire, as latin1 views of the octets. */
function codings(secret: string): Set<string> {
  const octets = Buffer.from(secret, "utf8");
  const percent = encodeURIComponent(secret);
  const everyOctet = [...octets].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const spellings = [
    secret,
    percent,
    percent.replaceAll("%20", "+"),
    everyOctet,
    // Quoted strings (RFC 3501, 4.3; RFC 9110, 5.6.4), JSON, XML.
    secret.replace(/["\\]/g, "\\$&"),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
    octets.toString("hex"),
  ];
  // Telnet doubles the octet 255 (RFC 854), SMTP and news a leading dot: both only lengthen the text around.
  return new Set([
    ...spellings.map((spelling) => Buffer.from(spelling, "utf8").toString("latin1")),
    Buffer.from(secret, "latin1").toString("latin1"),
  ]);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
