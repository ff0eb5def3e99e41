/** Mailboxes, messages and parts as entries whose URLs open again. */
import type { Entry, JsonObject, Target } from "../../src/plugin.js";
import type { Envelope } from "./envelope.js";
import { type Counts, isSelectable, type Mailbox } from "./mailboxes.js";
import { mailboxPath, messagePath, sectionPath } from "./path.js";
import type { PartFacts } from "./structure.js";

export const MESSAGE_TYPE = "message/rfc822";

/** What a FETCH told of a message. */
export interface Message {
  readonly uid: number;
  readonly number: number | undefined;
  readonly flags: readonly string[] | undefined;
  readonly size: number | undefined;
  /** INTERNALDATE: when the server got it. */
  readonly received: Date | undefined;
  readonly modSeq: string | undefined;
  readonly envelope: Envelope | undefined;
  /** Gmail's labels. */
  readonly labels: readonly string[] | undefined;
}

/** Named by its subject. */
export function messageEntry(
  target: Target,
  place: { readonly levels: readonly string[]; readonly uidValidity: number | undefined },
  message: Message,
): Entry {
  const { uid, number, flags, size, received, modSeq, envelope, labels } = message;
  const { date, ...rest } = envelope ?? {};
  const subject = envelope?.subject?.trim() ?? "";
  return {
    url: target.href(messagePath(place.levels, place.uidValidity, uid)),
    name: envelope === undefined ? `message ${uid}` : subject === "" ? "(no subject)" : subject,
    kind: "message",
    ...(size === undefined ? {} : { size }),
    ...(received === undefined ? {} : { modified: received }),
    type: MESSAGE_TYPE,
    meta: {
      uid,
      ...(place.uidValidity === undefined ? {} : { uidValidity: place.uidValidity }),
      ...(number === undefined ? {} : { number }),
      ...(flags === undefined ? {} : { flags }),
      ...(labels === undefined ? {} : { labels }),
      ...(modSeq === undefined ? {} : { modseq: modSeq }),
      ...(date === undefined ? {} : { date: date.toISOString() }),
      ...rest,
    },
  };
}

/** Named by the last level of its name; by all of them where a tree is listed. */
export function mailboxEntry(target: Target, mailbox: Mailbox, whole: boolean): Entry {
  const { levels, counts, specialUse, subscribed, attributes } = mailbox;
  return {
    url: target.href(mailboxPath(levels)),
    name: whole ? levels.join("/") : (levels.at(-1) ?? ""),
    kind: "mailbox",
    ...(counts?.size === undefined ? {} : { size: counts.size }),
    ...(isSelectable(mailbox) ? {} : { hollow: true }),
    meta: {
      mailbox: levels.join("/"),
      ...countsJson(counts),
      ...(specialUse === undefined ? {} : { specialUse }),
      ...(subscribed === undefined ? {} : { subscribed }),
      attributes,
    },
  };
}

export function countsJson(counts: Counts | undefined): JsonObject {
  return { ...counts };
}

export function accountEntry(target: Target): Entry {
  return { url: target.href("/"), name: target.url.user ?? target.host, kind: "mailbox", meta: {} };
}

export function partEntry(target: Target, message: string, part: PartFacts): Entry {
  const { section, type, charset, filename, attached, encodedSize, encoding } = part;
  return {
    url: target.href(sectionPath(message, section)),
    name: filename,
    kind: "file",
    // What base64 and the like make of it is not known before it is read.
    ...(encodedSize !== undefined && /^(?:7bit|8bit|binary)$/.test(encoding) ? { size: encodedSize } : {}),
    type,
    meta: {
      section,
      attached,
      encoding,
      ...(encodedSize === undefined ? {} : { encodedSize }),
      ...(charset === undefined ? {} : { charset }),
    },
  };
}

/** A file name for a message: the UID stays the same from one session to the next. */
export function fileNameOf(uid: number): string {
  return `${uid}.eml`;
}
