/** Messages and the maildrop as entries whose URLs open again. */
import type { MessageSummary } from "../../src/message/headers.js";
import type { Entry, Target } from "../../src/plugin.js";
import type { Message } from "./maildrop.js";
import { numberPath, uidPath } from "./path.js";

export const MESSAGE_TYPE = "message/rfc822";

/** Named by its subject; by what the server calls it where its header is not known. */
export function messageEntry(target: Target, message: Message, summary: MessageSummary | undefined): Entry {
  const { number, size, uid } = message;
  const { subject, date, ...rest } = summary ?? {};
  return {
    url: target.href(pathOf(message)),
    name: nameOf(message, summary),
    kind: "message",
    ...(size === undefined ? {} : { size }),
    ...(date === undefined ? {} : { modified: date }),
    type: MESSAGE_TYPE,
    ...(uid === undefined ? { passing: true } : {}),
    meta: {
      number,
      ...(uid === undefined ? {} : { uid }),
      ...(subject === undefined ? {} : { subject }),
      // With the size and the subject it tells a message that has no Message-ID.
      ...(date === undefined ? {} : { date: date.toISOString() }),
      ...rest,
    },
  };
}

export function maildropEntry(target: Target, facts: { messages: number; octets: number }): Entry {
  return {
    url: target.href("/"),
    name: target.url.user ?? target.host,
    kind: "mailbox",
    size: facts.octets,
    meta: facts,
  };
}

/** A file name for a message: the identifier stays the same from one session to the next. */
export function fileNameOf({ number, uid }: Message): string {
  return `${uid ?? number}.eml`;
}

/** By the unique identifier where there is one: a number may name another message tomorrow. */
function pathOf({ number, uid }: Message): string {
  return uid === undefined ? numberPath(number) : uidPath(uid);
}

function nameOf({ number, uid }: Message, summary: MessageSummary | undefined): string {
  if (summary === undefined) return uid ?? `message ${number}`;
  const subject = summary.subject?.trim() ?? "";
  return subject === "" ? "(no subject)" : subject;
}
