/**
 * SCRAM (RFC 5802; RFC 7677): the password is proved by both sides, and sent by neither. The mechanisms in -PLUS prove
 * besides that both sit at the ends of one TLS connection, with nobody in between.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { PortholeError } from "../errors.js";
import type { Credentials } from "../plugin.js";
import type { Channel, SaslConversation, SaslMechanism } from "./sasl.js";

/** A server could keep us busy for minutes with more. Servers use 4,096 to 600,000. */
const MOST_ITERATIONS = 2_000_000;
/** RFC 9266: Node has no `tls-unique`, which TLS 1.3 has not either. */
const BOUND = "p=tls-exporter,,";

type Hash = "sha1" | "sha256";

export const SCRAM_SHA_1: SaslMechanism = mechanism("SCRAM-SHA-1", "sha1");
export const SCRAM_SHA_256: SaslMechanism = mechanism("SCRAM-SHA-256", "sha256");
export const SCRAM_SHA_1_PLUS: SaslMechanism = bound("SCRAM-SHA-1-PLUS", "sha1");
export const SCRAM_SHA_256_PLUS: SaslMechanism = bound("SCRAM-SHA-256-PLUS", "sha256");

/** How a login begins, and what it is tied to (RFC 5802, 7). */
interface Binding {
  readonly header: string;
  readonly octets?: Buffer;
}

function mechanism(name: string, hash: Hash): SaslMechanism {
  return {
    name,
    kind: "password",
    conceals: true,
    begin: (credentials, { channel }) => scram(hash, credentials, newNonce(), { header: unbound(channel) }),
  };
}

function bound(name: string, hash: Hash): SaslMechanism {
  return {
    name,
    kind: "password",
    conceals: true,
    bindsChannel: true,
    begin: (credentials, { channel }) => {
      if (channel === undefined) throw new PortholeError("auth", `${name} wants a connection under TLS 1.3`);
      return scram(hash, credentials, newNonce(), { header: BOUND, octets: channel.binding });
    },
  };
}

/**
 * RFC 5802, 6: `y` says that this side could tie the login to the connection and the server offers no such mechanism.
 * A server that did offer one sees that somebody took it out on the way, and refuses.
 */
function unbound(channel: Channel | undefined): string {
  return channel === undefined || channel.offered ? "n,," : "y,,";
}

function newNonce(): string {
  return randomBytes(18).toString("base64");
}

/** @param nonce printable, without commas, never used before */
export function scram(
  hash: Hash,
  { user, password }: Credentials,
  nonce: string,
  { header, octets = Buffer.alloc(0) }: Binding = { header: "n,," },
): SaslConversation {
  const first = `n=${saslName(prepared(user))},r=${nonce}`;
  let signature: Buffer | undefined;
  let state: "first" | "final" | "proved" = "first";

  function prove(challenge: string): Buffer {
    const { serverNonce, salt, iterations } = parseFirst(challenge, nonce);
    const salted = pbkdf2Sync(prepared(password), salt, iterations, hash === "sha1" ? 20 : 32, hash);
    const clientKey = hmac(hash, salted, "Client Key");
    const storedKey = createHash(hash).update(clientKey).digest();
    const unproved = `c=${Buffer.concat([Buffer.from(header), octets]).toString("base64")},r=${serverNonce}`;
    const said = `${first},${challenge},${unproved}`;
    signature = hmac(hash, hmac(hash, salted, "Server Key"), said);
    const proof = xor(clientKey, hmac(hash, storedKey, said));
    return Buffer.from(`${unproved},p=${proof.toString("base64")}`, "utf8");
  }

  function check(final: string): void {
    const refused = /^e=([^,]*)/.exec(final)?.[1];
    if (refused !== undefined) {
      throw new PortholeError("auth", "the server refused the login", { reply: refused });
    }
    const told = Buffer.from(/^v=([^,]*)/.exec(final)?.[1] ?? "", "base64");
    if (signature === undefined || told.length !== signature.length || !timingSafeEqual(told, signature)) {
      throw unproved();
    }
    state = "proved";
  }

  return {
    initial: Buffer.from(`${header}${first}`, "utf8"),
    respond(challenge) {
      const text = challenge.toString("utf8");
      if (state === "first") {
        state = "final";
        return prove(text);
      }
      if (state === "proved") return undefined;
      check(text);
      return Buffer.alloc(0);
    },
    verify(additional) {
      if (state === "final" && additional !== undefined) check(additional.toString("utf8"));
      if (state !== "proved") throw unproved();
    },
  };
}

function parseFirst(
  challenge: string,
  nonce: string,
): { serverNonce: string; salt: Buffer; iterations: number } {
  const [, serverNonce = "", salt = "", count = ""] =
    /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+=*),i=([1-9]\d{0,9})(?:,.*)?$/s.exec(challenge) ?? [];
  // RFC 5802, 5.1: the server adds to our nonce, so that neither side alone chooses it.
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length) {
    throw new PortholeError("protocol", "the server's part of the SCRAM login cannot be read");
  }
  const iterations = Number(count);
  if (iterations > MOST_ITERATIONS) {
    throw new PortholeError(
      "protocol",
      `the server wants the password hashed ${iterations} times, above the bound of ${MOST_ITERATIONS}`,
    );
  }
  return { serverNonce, salt: Buffer.from(salt, "base64"), iterations };
}

function unproved(): PortholeError {
  return new PortholeError("auth", "the server did not prove that it knows the password", {
    hint: "somebody else may answer in its place",
  });
}

/** What SASLprep (RFC 4013) makes of nearly all names and passwords: compatibility forms and odd blanks are levelled. */
function prepared(text: string): string {
  return text.replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, " ").normalize("NFKC");
}

/** RFC 5802, 5.1: a comma and an equals sign have a meaning of their own. */
export function saslName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

function hmac(hash: Hash, key: Uint8Array, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((octet, at) => octet ^ (right[at] ?? 0)));
}
