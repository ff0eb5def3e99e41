/** A message signed as its domain's own (DKIM, RFC 6376), by nodemailer's signer, loaded when wanted. */
import { createPrivateKey } from "node:crypto";
import { tmpdir } from "node:os";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf, PortholeError } from "../errors.js";

export interface DkimKey {
  /** The domain that signs (`d=`). */
  readonly domain: string;
  /** Where its public key stands: SELECTOR._domainkey.DOMAIN (`s=`). */
  readonly selector: string;
  /** RSA, PEM. */
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
  let kind: string | undefined;
  try {
    kind = createPrivateKey(privateKey).asymmetricKeyType;
  } catch (thrown) {
    throw new PortholeError("usage", "the key for the DKIM signature cannot be read", {
      hint: "it is a private key in PEM, without a pass phrase",
      cause: messageOf(thrown),
    });
  }
  if (kind !== "rsa") {
    throw new PortholeError("usage", `a DKIM signature wants an RSA key, not ${kind ?? "another"}`);
  }
}

/**
 * The message with its signature on top. The body's hash stands before the body, so that the body waits: in memory up to
 * 10 MB, in a temporary file of this user's above.
 */
export function signed(message: Readable, { domain, selector, privateKey }: DkimKey): Readable {
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
