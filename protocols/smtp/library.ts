/** SMTP for programs, beyond the contract: a mail sent in one call, and what became of it. */
import { PortholeError } from "../../src/errors.js";
import { compose, type Mail } from "../../src/message/compose.js";
import { outgoingMail, type ReadyMail } from "../../src/message/mail.js";
import type { Session, Target } from "../../src/plugin.js";
import { checkDelivery, type Delivery } from "./delivery.js";
import { openedAt } from "./opened.js";

export type { Attachment, HeaderField, Mail, Priority } from "../../src/message/compose.js";
export type { DkimKey } from "../../src/message/dkim.js";
export type { ReadyMail } from "../../src/message/mail.js";
export type { Delivery, NotifyWhen } from "./delivery.js";

/** What opens sessions: a Client. */
export interface Opener {
  target(url: string): Target;
  open(target: Target): Promise<Session>;
}

export interface Sent {
  readonly accepted: readonly string[];
  /** With the server's reply to each. */
  readonly refused: readonly { readonly recipient: string; readonly code: number; readonly reply: string }[];
  readonly messageId: string;
  /** The server's last word. */
  readonly reply: string;
  /** Octets of the message. */
  readonly size: number;
  /** Milliseconds: until the server was ready, logged in to; of the login within them; and from MAIL to the last word. */
  readonly timings: { readonly open: number; readonly login: number; readonly send: number };
}

/**
 * Sends one mail: from its parts, or ready (S/MIME and PGP make such a one: `raw` gives its octets).
 *
 *     const { accepted } = await send(client, "submission://me@mail.example.org", { from, to: ["b@y"], text: "Hi" });
 *
 * @throws PortholeError when nobody gets it, by its code; `protocol` or `timeout` when it is not known whether anybody does
 */
export async function send(
  client: Opener,
  url: string,
  message: Mail | ReadyMail,
  delivery: Delivery = {},
): Promise<Sent> {
  checkDelivery(delivery);
  const ready = "envelope" in message ? message : await compose(message);
  const began = performance.now();
  const target = client.target(url);
  if (target.protocol !== "smtp") throw new PortholeError("usage", `${url} is no mail server`);
  const session = await client.open(target);
  try {
    const opened = performance.now();
    const smtp = openedAt(target);
    const report = await smtp.send(outgoingMail(ready, true), delivery);
    return {
      accepted: report.accepted,
      refused: report.refused,
      messageId: ready.messageId,
      reply: report.reply,
      size: report.size,
      timings: { open: opened - began, login: smtp.peer.loginMs, send: performance.now() - opened },
    };
  } finally {
    await session[Symbol.asyncDispose]();
  }
}
