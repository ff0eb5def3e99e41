/** A mail that is ready to be sent, however it was made. */
import type { Readable } from "node:stream";

/** Who sends it to whom, as the server is told; what the message's header says may differ (a blind copy). */
export interface MailEnvelope {
  /** Empty for the null return path. */
  readonly from: string;
  readonly to: readonly string[];
}

export interface ReadyMail {
  readonly envelope: MailEnvelope;
  /** With its angle brackets; empty when a ready message has none. */
  readonly messageId: string;
  /** Octets of the message with lines ended by CRLF; absent when that would take reading all of it. */
  readonly size?: number;
  /** It has octets above 127, or may have. */
  readonly eightBit: boolean;
  /** The message, composed or read while it is taken; nothing is opened before. */
  readonly raw: () => Readable;
  /** `raw` gives it once only (standard input). */
  readonly once?: boolean;
  /** The message whole, where it is small and was made so. */
  readonly octets?: Buffer;
}

/** What a session sends: `session.send(outgoingMail(mail))`; `last` when nothing is to follow it there. */
export interface OutgoingMail {
  readonly kind: "message";
  readonly envelope: MailEnvelope;
  readonly messageId: string;
  readonly size?: number;
  readonly eightBit: boolean;
  readonly last: boolean;
  readonly raw: Readable;
}

/** @param last the session has nothing else to send, and may say goodbye at once */
export function outgoingMail(mail: ReadyMail, last = false): OutgoingMail {
  const { envelope, messageId, size, eightBit } = mail;
  return {
    kind: "message",
    envelope,
    messageId,
    ...(size === undefined ? {} : { size }),
    eightBit,
    last,
    raw: mail.raw(),
  };
}

/** Addresses without those that came before, in order. Domains are compared without case (RFC 5321, 2.4). */
export function withoutDoubles(addresses: readonly string[]): string[] {
  const seen = new Set<string>();
  return addresses.filter((address) => {
    const at = address.lastIndexOf("@");
    const key = `${address.slice(0, at + 1)}${address.slice(at + 1).toLowerCase()}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
