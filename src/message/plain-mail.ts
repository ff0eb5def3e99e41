/**
 * A mail that is one text in ASCII, to addresses that need no quotes, as nodemailer would write it: a mailing has
 * thousands of them, and most test mails are one. For all that needs encoding, folding or parts there is nodemailer.
 */
import type { Mailbox } from "./address.js";

export interface PlainMail {
  readonly from: Mailbox;
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly replyTo: readonly Mailbox[];
  readonly subject: string | undefined;
  /** Lines ended by CRLF. */
  readonly text: string;
  readonly messageId: string;
  readonly date: Date;
}

const NAME = /^(?:\w+(?: \w+)*)?$/;
const ADDRESS = /^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;
/** Without blanks at its ends, and without anything that would be taken for an encoded word (RFC 2047, 2). */
const SUBJECT = /^[!-~](?:[ -~]*[!-~])?$/;
const TEXT = /^[\t\r\n -~]+$/;
/** RFC 5322, 2.1.1: lines should have 78 characters at most; the package folds and encodes what has more than 76. */
const LONG_LINE = /^.{77,}/m;
const LONGEST_FIELD = 75;

/** @returns undefined for a mail that is not that plain */
export function plainMail(mail: PlainMail): Buffer | undefined {
  const { subject, text } = mail;
  if (!TEXT.test(text) || LONG_LINE.test(text)) return undefined;
  if (subject !== undefined && (!SUBJECT.test(subject) || subject.includes("=?"))) return undefined;
  const lists = { From: [mail.from], To: mail.to, Cc: mail.cc, "Reply-To": mail.replyTo };
  const fields: string[] = [];
  for (const [name, list] of Object.entries(lists)) {
    if (!list.every(isPlain)) return undefined;
    if (list.length > 0) fields.push(`${name}: ${list.map(written).join(", ")}`);
  }
  if (subject !== undefined) fields.push(`Subject: ${subject}`);
  fields.push(`Message-ID: ${mail.messageId}`, `Date: ${mail.date.toUTCString().replace("GMT", "+0000")}`);
  if (fields.some(({ length }) => length > LONGEST_FIELD)) return undefined;
  fields.push(
    "Content-Transfer-Encoding: 7bit",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
  );
  return Buffer.from(`${fields.join("\r\n")}\r\n\r\n${text}${text.endsWith("\n") ? "" : "\r\n"}`, "latin1");
}

function isPlain({ name, address }: Mailbox): boolean {
  return NAME.test(name) && ADDRESS.test(address);
}

function written({ name, address }: Mailbox): string {
  return name === "" ? address : `${name} <${address}>`;
}
