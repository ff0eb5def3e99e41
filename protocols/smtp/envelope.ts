/** MAIL FROM and RCPT TO: addresses and parameters as they go over the wire, checked before anything is sent. */
import { PortholeError } from "../../src/errors.js";
import { checkAddress } from "../../src/message/address.js";
import type { Envelope } from "../../src/plugin.js";
import { type Delivery, mailParameters, recipientParameters } from "./delivery.js";
import type { Peer } from "./peer.js";

/** What is known of a message besides its octets. */
export interface MessageFacts {
  /** Octets, lines ended by CRLF. */
  readonly size?: number;
  /** It has octets above 127, or may have. */
  readonly eightBit: boolean;
}

/**
 * The words behind `MAIL`: reverse path, then SIZE (RFC 1870), BODY (RFC 6152) and SMTPUTF8 (RFC 6531) as far as the
 * server knows them.
 * @throws PortholeError `refused` for what the server says it will not take, `usage` for an address that is none
 */
export function mailWords(
  envelope: Envelope,
  facts: MessageFacts,
  { extensions, connection }: Pick<Peer, "extensions" | "connection">,
  delivery: Delivery = {},
): [string, ...string[]] {
  const from = path(envelope.from, "the sender");
  const paths = [from, ...envelope.to.map((recipient) => path(recipient, "a recipient"))];
  const international = paths.find((written) => !isAscii(written));
  if (international !== undefined && !extensions.has("SMTPUTF8")) {
    throw new PortholeError(
      "refused",
      `the server takes no addresses like ${international}: it does not offer SMTPUTF8`,
      {
        hint: "an address whose part before the @ is ASCII can be sent to everywhere",
      },
    );
  }
  const { size } = facts;
  const { maxSize } = extensions;
  if (size !== undefined && maxSize !== undefined && size > maxSize) {
    throw new PortholeError(
      "refused",
      `the message has ${size} octets, and the server takes at most ${maxSize}`,
      {
        hint: "nothing was sent",
      },
    );
  }
  const eightBit = facts.eightBit || international !== undefined;
  return [
    "MAIL",
    `FROM:${from}`,
    ...(size !== undefined && extensions.has("SIZE") ? [`SIZE=${size}`] : []),
    ...(eightBit && extensions.has("8BITMIME") ? ["BODY=8BITMIME"] : []),
    ...(international === undefined ? [] : ["SMTPUTF8"]),
    ...mailParameters(delivery, extensions, connection.secure),
  ];
}

/** @throws PortholeError `usage` */
export function recipientWords(recipient: string, delivery: Delivery = {}): [string, ...string[]] {
  if (recipient === "") throw new PortholeError("usage", "a recipient is empty");
  const parameters = recipientParameters(recipient, delivery);
  return ["RCPT", `TO:${path(recipient, "a recipient")}`, ...parameters];
}

/** An address in angle brackets; empty is the null return path of bounces (RFC 5321, 4.5.5). */
function path(address: string, what: string): string {
  return address === "" ? "<>" : `<${checkAddress(address, what)}>`;
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
