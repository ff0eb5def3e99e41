/** An article made from its parts: header (RFC 5536), and a text in UTF-8 as format=flowed. */
import { randomUUID } from "node:crypto";
import { PortholeError } from "../../src/errors.js";
import { parseMailbox } from "../../src/message/address.js";
import { cancelKey, cancelLock, KEY, LOCK } from "./cancel-lock.js";
import { flowed } from "./flowed.js";
import { checkGroup, checkMessageId } from "./path.js";

export interface Draft {
  /** A mailbox as people write it: `Ann <a@x.example>`. */
  readonly from: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly text: string;
  /** Groups, or `poster`. */
  readonly followupTo?: string;
  /** Message-IDs of what this answers, oldest first. */
  readonly references?: readonly string[];
  /** The Message-ID of an own article that this one replaces. */
  readonly supersedes?: string;
  /** The Message-ID of an own article that this one takes back (RFC 5537, 5.3). */
  readonly cancels?: string;
  /** What locks are made of; articles go without one when it is absent. */
  readonly cancelSecret?: string | undefined;
  /** Further fields. Message-ID and Date replace the made ones. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

export interface Article {
  readonly messageId: string;
  /** The address in From. */
  readonly from: string;
  readonly groups: readonly string[];
  readonly octets: Buffer;
}

/** What the parts say, and what a server adds itself. */
const TAKEN =
  /^(?:from|subject|newsgroups|followup-to|references|supersedes|path|xref|mime-version|content-.*|lines|bytes)$/i;
const FIELD_NAME = /^[!-9;-~]+$/;
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/;
const ASCII = /^[\x00-\x7f]*$/;
/** RFC 5536, 2.2: a line has 998 octets at most. */
const LONGEST_LINE = 998;
/** RFC 5537, 3.4.4: with many, the first and the newest stay. */
const MOST_REFERENCES = 21;

/** @throws PortholeError `usage` for what cannot stand in a header, and when group, sender or subject are missing */
export function compose(draft: Draft, now = new Date()): Article {
  const from = parseMailbox(draft.from, "the sender");
  if (!from.address.includes("@")) {
    throw new PortholeError("usage", `the sender '${draft.from}' has no address`, {
      hint: "--from NAME@HOST",
    });
  }
  if (draft.subject.trim() === "") {
    throw new PortholeError("usage", "an article wants a subject", { hint: "--subject says it" });
  }
  const groups = [
    ...new Set(draft.groups.flatMap((word) => word.split(",")).map((word) => checkGroup(word.trim()))),
  ];
  if (groups.length === 0) {
    throw new PortholeError("usage", "an article wants a group", { hint: "--group says which" });
  }
  const own = (draft.headers ?? []).map(checkField);
  const given = (name: string) => own.find((field) => field.name.toLowerCase() === name)?.value;
  const messageId = checkMessageId(given("message-id") ?? `<${randomUUID()}@${domainOf(from.address)}>`);
  const { encoding, octets: body } = bodyOf(draft.text);
  const fields: [string, string][] = [
    ["From", from.name === "" ? from.address : `${phrase(from.name)} <${from.address}>`],
    ["Newsgroups", groups.join(",")],
    ["Subject", words(line(draft.subject, "the subject"))],
    ["Date", given("date") ?? dateField(now)],
    ["Message-ID", messageId],
    ...optional("Followup-To", draft.followupTo === undefined ? undefined : followup(draft.followupTo)),
    ...optional("References", references(draft.references ?? [])),
    ...optional("Supersedes", draft.supersedes === undefined ? undefined : checkMessageId(draft.supersedes)),
    ...optional(
      "Control",
      draft.cancels === undefined ? undefined : `cancel ${checkMessageId(draft.cancels)}`,
    ),
    ...locks(draft, messageId, (name) => given(name.toLowerCase()) !== undefined),
    ...own
      .filter(({ name }) => !/^(?:message-id|date)$/i.test(name))
      .map(({ name, value }): [string, string] => [name, words(value)]),
    ["MIME-Version", "1.0"],
    ["Content-Type", `text/plain; charset=${ASCII.test(draft.text) ? "us-ascii" : "utf-8"}; format=flowed`],
    ["Content-Transfer-Encoding", encoding],
  ];
  const header = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return {
    messageId,
    from: from.address,
    groups,
    octets: Buffer.concat([Buffer.from(`${header}\r\n`), body]),
  };
}

/** RFC 8315, 3: a key for what is withdrawn, and a lock for what may be withdrawn later. A cancellation is not. */
function locks(
  { cancels, supersedes, cancelSecret }: Draft,
  messageId: string,
  isGiven: (name: string) => boolean,
): [string, string][] {
  if (cancelSecret === undefined) return [];
  const withdrawn = cancels ?? supersedes;
  const fields: [string, string][] = [];
  if (cancels === undefined) fields.push([LOCK, cancelLock(cancelSecret, messageId)]);
  if (withdrawn !== undefined) fields.push([KEY, cancelKey(cancelSecret, checkMessageId(withdrawn))]);
  return fields.filter(([name]) => !isGiven(name));
}

/** RFC 5536, 3.1.3. */
function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return domain.startsWith("[") ? "localhost" : domain;
}

function optional(name: string, value: string | undefined): [string, string][] {
  return value === undefined || value === "" ? [] : [[name, value]];
}

function followup(text: string): string {
  if (text.toLowerCase() === "poster") return "poster";
  return text
    .split(",")
    .map((name) => checkGroup(name.trim()))
    .join(",");
}

function references(ids: readonly string[]): string {
  const checked = ids.map(checkMessageId);
  const [first, ...rest] = checked;
  if (first === undefined) return "";
  // One a line: no line grows too long.
  return [first, ...rest.slice(-(MOST_REFERENCES - 1))].join("\r\n ");
}

function checkField({ name, value }: { name: string; value: string }): { name: string; value: string } {
  if (!FIELD_NAME.test(name)) {
    throw new PortholeError("usage", `'${name}' is not the name of a header`, {
      hint: 'write it as "Name: value"',
    });
  }
  if (TAKEN.test(name)) {
    throw new PortholeError(
      "usage",
      `the header ${name} has an option of its own, or is the server's to make`,
    );
  }
  return { name, value: line(value.trim(), `the header ${name}`) };
}

/** A line break would begin another field. */
function line(text: string, where: string): string {
  if (!CONTROLS.test(text)) return text;
  throw new PortholeError("usage", `${where} holds a line break or another control character`, {
    hint: "take it out",
  });
}

/** RFC 5322, 3.2.5: a name with marks in it stands in quotes. */
function phrase(name: string): string {
  if (!ASCII.test(name)) return words(name);
  return /^[\w !#$%&'*+\-/=?^`{|}~]+$/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
}

/** Octets of an encoded word's text: with its frame, 75 characters at most (RFC 2047, 2). */
const WORD_OCTETS = 45;

/** RFC 2047, when there is something beyond ASCII: words in base64, cut between characters. */
function words(text: string): string {
  if (ASCII.test(text)) return text;
  const pieces: string[] = [];
  let piece = "";
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > WORD_OCTETS) {
      pieces.push(piece);
      piece = "";
    }
    piece += character;
  }
  return [...pieces, piece].map((one) => `=?UTF-8?B?${Buffer.from(one).toString("base64")}?=`).join("\r\n ");
}

/** RFC 5322, 3.3. */
function dateField(date: Date): string {
  return date.toUTCString().replace("GMT", "+0000");
}

function bodyOf(text: string): { encoding: string; octets: Buffer } {
  const octets = Buffer.from(flowed(text), "utf8");
  let start = 0;
  for (let end = octets.indexOf("\r\n"); end >= 0; end = octets.indexOf("\r\n", start)) {
    // A word of a thousand letters cannot be wrapped, and would not arrive.
    if (end - start > LONGEST_LINE) return { encoding: "base64", octets: base64(octets) };
    start = end + 2;
  }
  return { encoding: ASCII.test(text) ? "7bit" : "8bit", octets };
}

function base64(octets: Buffer): Buffer {
  return Buffer.from(octets.toString("base64").replace(/.{1,76}/g, "$&\r\n"), "latin1");
}
