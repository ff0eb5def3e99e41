/** What the path of a URL names (RFC 5092): the account, a mailbox, a message by its UID, or a part of it. */
import { PortholeError } from "../../src/errors.js";
import { decodeOctets, encodeOctets } from "../../src/url.js";

export interface MailPath {
  /** The levels of the mailbox's name as people write them; none for the account. */
  readonly levels: readonly string[];
  readonly uidValidity?: number;
  readonly uid?: number;
  /** `1.2`, `HEADER`, `TEXT`. */
  readonly section?: string;
  /** The first octet wanted, and how many. */
  readonly partial?: { readonly offset: number; readonly length?: number };
  /** A search, as IMAP writes it. */
  readonly query?: string;
}

const UID = /\/;UID=(\d{1,10})(?=[/;]|$)/i;
const SECTION = /\/?;SECTION=([^/;]+)/i;
const PARTIAL = /\/?;PARTIAL=(\d{1,15})(?:\.(\d{1,15}))?/i;
const UIDVALIDITY = /;UIDVALIDITY=(\d{1,10})/i;
const SECTION_TEXT =
  /^(?:(?:[1-9]\d{0,4})(?:\.[1-9]\d{0,4}){0,199}(?:\.(?:MIME|HEADER|TEXT))?|HEADER|TEXT)$/i;

/** @throws PortholeError `usage` for what names nothing */
export function parsePath(path: string): MailPath {
  const mark = path.indexOf("?");
  const query = mark < 0 ? "" : decodeOctets(path.slice(mark + 1)).toString("utf8");
  let rest = mark < 0 ? path : path.slice(0, mark);
  const take = (pattern: RegExp) => {
    const found = pattern.exec(rest);
    if (found !== null) rest = rest.slice(0, found.index) + rest.slice(found.index + found[0].length);
    return found;
  };
  const partial = take(PARTIAL);
  const section = take(SECTION)?.[1];
  const uid = take(UID)?.[1];
  const validity = take(UIDVALIDITY)?.[1];
  if (/\/;|;(?:UID|SECTION|PARTIAL|UIDVALIDITY)=/i.test(rest)) throw unknown(path);
  const levels = rest
    .split("/")
    .filter((level) => level !== "")
    .map((level) => decodeOctets(level).toString("utf8"));
  const name = section === undefined ? undefined : decodeOctets(section).toString("latin1");
  if (name !== undefined && !SECTION_TEXT.test(name)) {
    throw new PortholeError("usage", `'${name}' is no part of a message`, { hint: "write it as 1.2" });
  }
  if ((uid === undefined && section !== undefined) || (levels.length === 0 && uid !== undefined)) {
    throw unknown(path);
  }
  return {
    levels,
    ...(validity === undefined ? {} : { uidValidity: Number(validity) }),
    ...(uid === undefined ? {} : { uid: Number(uid) }),
    ...(name === undefined ? {} : { section: name.toUpperCase() }),
    ...(partial === null
      ? {}
      : {
          partial: {
            offset: Number(partial[1]),
            ...(partial[2] === undefined ? {} : { length: Number(partial[2]) }),
          },
        }),
    ...(query === "" ? {} : { query }),
  };
}

function unknown(path: string): PortholeError {
  return new PortholeError("usage", `'${path}' names no mailbox and no message`, {
    hint: "write /INBOX for a mailbox, /INBOX/;UID=7 for a message as `ls` shows it",
  });
}

/** Of a mailbox by the levels of its name: a slash parts them, whatever the server has there. */
export function mailboxPath(levels: readonly string[]): string {
  return `/${levels.map((level) => encodeOctets(Buffer.from(level, "utf8"))).join("/")}`;
}

export function messagePath(levels: readonly string[], uidValidity: number | undefined, uid: number): string {
  const validity = uidValidity === undefined ? "" : `;UIDVALIDITY=${uidValidity}`;
  return `${mailboxPath(levels)}${validity}/;UID=${uid}`;
}

export function sectionPath(message: string, section: string): string {
  return `${message}/;SECTION=${section}`;
}
