/** ENVELOPE (RFC 9051, 7.5.2), as listings show it. */
import { decodeWords, isPlain } from "../../src/message/encoded-words.js";
import { answeredIn, parseDate } from "../../src/message/headers.js";
import { listOf, textOf, type Value } from "./values.js";

export interface Envelope {
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cc?: string;
  readonly date?: Date;
  /** With its angle brackets. */
  readonly messageId?: string;
  /** What it answers, as In-Reply-To tells: ENVELOPE has no References. */
  readonly references?: readonly string[];
}

/** Addresses that are shown of a field. */
const MOST_ADDRESSES = 100;

export async function envelopeOf(value: Value | undefined): Promise<Envelope> {
  const [date, subject, from, , , to, cc, , inReplyTo, messageId] = listOf(value);
  const [shownSubject, sender, recipients, copies] = [
    await readable(textOf(subject)),
    await addresses(from),
    await addresses(to),
    await addresses(cc),
  ];
  const sent = parseDate(textOf(date));
  const references = answeredIn(undefined, textOf(inReplyTo));
  const id = /<[^\s<>]+>/.exec(textOf(messageId) ?? "")?.[0];
  return {
    ...(shownSubject === undefined ? {} : { subject: shownSubject }),
    ...(sender === undefined ? {} : { from: sender }),
    ...(recipients === undefined ? {} : { to: recipients }),
    ...(copies === undefined ? {} : { cc: copies }),
    ...(sent === undefined ? {} : { date: sent }),
    ...(id === undefined ? {} : { messageId: id }),
    ...(references.length === 0 ? {} : { references }),
  };
}

async function readable(raw: string | undefined): Promise<string | undefined> {
  return raw === undefined || isPlain(raw) ? raw : decodeWords(raw.replace(/\r?\n/g, ""));
}

/** `(name route mailbox host)` each; a group begins with one that has no host, and ends with one that has nothing. */
async function addresses(value: Value | undefined): Promise<string | undefined> {
  const shown: string[] = [];
  for (const one of listOf(value).slice(0, MOST_ADDRESSES)) {
    const [name, , mailbox, host] = listOf(one);
    const local = textOf(mailbox);
    const domain = textOf(host);
    if (local === undefined) continue;
    if (domain === undefined) {
      shown.push(`${(await readable(local)) ?? ""}:`);
      continue;
    }
    const address = domain === "" ? local : `${local}@${domain}`;
    const words = await readable(textOf(name));
    const readableAddress = (await readable(address)) ?? address;
    shown.push(words === undefined || words === "" ? readableAddress : `${words} <${readableAddress}>`);
  }
  return shown.length === 0 ? undefined : shown.join(", ").replace(/:, /g, ": ");
}
