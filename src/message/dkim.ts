/** A message signed as its domain's own (DKIM, RFC 6376): with RSA by nodemailer's signer, with Ed25519 here; loaded when wanted. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { tmpdir } from "node:os";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf, PortholeError } from "../errors.js";
import type { Signer } from "./dkim-ed25519.js";

export interface DkimKey {
  /** The domain that signs (`d=`). */
  readonly domain: string;
  /** Where its public key stands: SELECTOR._domainkey.DOMAIN (`s=`). */
  readonly selector: string;
  /** RSA or Ed25519 (RFC 8463), PEM. */
  readonly privateKey: string;
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

/**
 * The signer sends a message unsigned when it cannot use the key; so that is found out before.
 * @throws PortholeError `usage`
 */
export function checkDkim({ domain, selector, privateKey }: DkimKey): void {
  for (const [what, text] of [
    ["domain", domain],
    ["selector", selector],
  ] as const) {
    if (!NAME.test(text)) throw new PortholeError("usage", `'${text}' is no ${what} for a DKIM signature`);
  }
  const kind = keyOf(privateKey).asymmetricKeyType;
  if (kind !== "rsa" && kind !== "ed25519") {
    throw new PortholeError(
      "usage",
      `a DKIM signature wants an RSA or Ed25519 key, not ${kind ?? "another"}`,
    );
  }
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    throw new PortholeError("usage", "the key for the DKIM signature cannot be read", {
      hint: "it is a private key in PEM, without a pass phrase",
      cause: messageOf(thrown),
    });
  }
}

/**
 * The message with its signature on top.
 * @param open gives the message from the start at each call
 */
export function signed(open: () => Readable, { domain, selector, privateKey }: DkimKey): Readable {
  const key = keyOf(privateKey);
  return key.asymmetricKeyType === "ed25519"
    ? Readable.from(signedHere(open, { domain, selector, key }), { objectMode: false })
    : signedByPackage(open(), { domain, selector, privateKey });
}

async function* signedHere(open: () => Readable, signer: Signer): AsyncGenerator<Buffer, void, undefined> {
  const { signedByEd25519 } = await import("./dkim-ed25519.js");
  yield* signedByEd25519(open, signer);
}

/**
 * The body's hash stands before the body, so that the body waits: in memory up to 10 MB, in a temporary file of this user's
 * above.
 */
function signedByPackage(message: Readable, { domain, selector, privateKey }: DkimKey): Readable {
  const output = new PassThrough();
  sign().catch((thrown: unknown) => {
    message.destroy();
    output.destroy(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
  });
  return output;

  async function sign(): Promise<void> {
    const { default: Dkim } = await import("nodemailer/lib/dkim");
    const signer = new Dkim({ domainName: domain, keySelector: selector, privateKey, cacheDir: tmpdir() });
    await pipeline(signer.sign(message), output);
  }
}
