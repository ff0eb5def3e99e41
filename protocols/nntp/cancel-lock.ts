/**
 * Cancel-Lock and Cancel-Key (RFC 8315): an article carries a lock, and only who knows the secret can make the key that
 * withdraws it. Made from the secret and the Message-ID alone (4), so nothing is kept about articles posted.
 */
import { createHash, createHmac } from "node:crypto";
import type { Header } from "../../src/message/headers.js";

export const LOCK = "Cancel-Lock";
export const KEY = "Cancel-Key";
/** RFC 8315, 2: the one that every implementation must know. */
const SCHEME = "sha256";

/** What opens the lock of the article with this Message-ID. */
export function cancelKey(secret: string, messageId: string): string {
  return `${SCHEME}:${keyOf(secret, messageId)}`;
}

/** What is put into the article when it is posted. */
export function cancelLock(secret: string, messageId: string): string {
  return `${SCHEME}:${hashed(keyOf(secret, messageId))}`;
}

/**
 * Whether an article can be withdrawn with this secret: `unlocked` when it has no lock, and servers then decide by
 * themselves; `other` when none of its locks is of this secret.
 */
export function lockedBy(header: Header, secret: string, messageId: string): "unlocked" | "own" | "other" {
  // RFC 8315, 2: several locks stand beside each other, of poster and server. Base64 is not to be levelled, the name
  // of the scheme is.
  const locks = (header.raw(LOCK) ?? "").split(/[\s,]+/).filter((lock) => lock !== "");
  if (locks.length === 0) return "unlocked";
  const own = cancelLock(secret, messageId);
  const isOwn = locks.some((lock) => lock.replace(/^[^:]+/, (scheme) => scheme.toLowerCase()) === own);
  return isOwn ? "own" : "other";
}

/** RFC 8315, 4, without a user's name: one secret is one person's. */
function keyOf(secret: string, messageId: string): string {
  return createHmac(SCHEME, secret).update(messageId).digest("base64");
}

/** RFC 8315, 3.1: of the key in base64, not of its octets. */
function hashed(key: string): string {
  return createHash(SCHEME).update(key).digest("base64");
}
