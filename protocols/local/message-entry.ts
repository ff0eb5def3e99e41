/** A message as an entry: what a person recognises it by. */
import { type Header, summaryOf } from "../../src/message/headers.js";
import type { Entry, JsonObject } from "../../src/plugin.js";
import { MESSAGE_TYPE } from "./message-store.js";

/** Octets of a message that are read for its entry: what fills more has its first fields shown. */
export const HEADER_OCTETS = 64 * 1024;
/** Characters of a field that an entry keeps. */
const LONGEST_SHOWN = 1000;

export interface MessageFacts {
  readonly url: string;
  readonly header: Header;
  readonly size: number | undefined;
  /** When it came here. */
  readonly arrived: Date | undefined;
  /** As IMAP has them: `\Seen`, `\Flagged`. */
  readonly flags: readonly string[];
  readonly meta: JsonObject;
  readonly prefix: string;
}

export async function messageEntry(facts: MessageFacts): Promise<Entry> {
  const { subject, from, to, date, messageId, references } = await summaryOf(facts.header);
  const modified = facts.arrived ?? date;
  return {
    url: facts.url,
    name: `${facts.prefix}${nameOf(subject)}`,
    kind: "message",
    ...(facts.size === undefined ? {} : { size: facts.size }),
    ...(modified === undefined ? {} : { modified }),
    type: MESSAGE_TYPE,
    meta: {
      ...facts.meta,
      flags: [...facts.flags],
      ...(subject === undefined ? {} : { subject: shortened(subject) }),
      ...(from === undefined ? {} : { from: shortened(from) }),
      ...(to === undefined ? {} : { to: shortened(to) }),
      ...(date === undefined ? {} : { date: date.toISOString() }),
      ...(messageId === undefined ? {} : { messageId: shortened(messageId) }),
      ...(references === undefined ? {} : { references }),
    },
  };
}

function nameOf(subject: string | undefined): string {
  const words = shortened(subject ?? "").trim();
  return words === "" ? "(no subject)" : words;
}

function shortened(text: string): string {
  return text.length > LONGEST_SHOWN ? text.slice(0, LONGEST_SHOWN) : text;
}
