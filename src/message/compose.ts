/**
 * A mail made from its parts, by nodemailer's MailComposer (loaded when wanted): MIME, encodings and folding are its
 * work. What it is too generous about (addresses, line breaks in headers, files and URLs named by a caller) is
 * refused here, before.
 */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type MailComposer from "nodemailer/lib/mail-composer";
import { PortholeError } from "../errors.js";
import { checkAddress, type Mailbox, parseMailbox } from "./address.js";
import { checkDkim, type DkimKey, signed } from "./dkim.js";
import { type ReadyMail, withoutDoubles } from "./mail.js";
import { plainMail } from "./plain-mail.js";
import { mark, Splice } from "./splice.js";

/** Addresses are mailboxes as people write them: `a@b`, `Ann <a@b>`. */
export interface Mail {
  readonly from: string;
  readonly to?: readonly string[];
  readonly cc?: readonly string[];
  /** In the envelope, never in the message. */
  readonly bcc?: readonly string[];
  /** Where answers are to go. */
  readonly replyTo?: readonly string[];
  /** The Message-ID of the mail that this one answers, with its angle brackets; it stands in References, too. */
  readonly inReplyTo?: string;
  /**
   * Where notices go that the mail was not delivered: an address, or empty for nowhere, as what answers by itself has it
   * (RFC 5321, 4.5.5); the sender when absent.
   */
  readonly returnPath?: string;
  readonly priority?: Priority;
  readonly subject?: string;
  readonly text?: string;
  /** Without a text, one is made from it; an empty text leaves it alone. */
  readonly html?: string;
  /** An invitation (iCalendar, RFC 5545), shown by mail programs as such, and attached as invite.ics. */
  readonly calendar?: string;
  readonly attachments?: readonly Attachment[];
  /** Further fields. Those that say who and when (From, To, Cc, Date, Message-ID, Subject) replace the made ones. */
  readonly headers?: readonly HeaderField[];
  /** Signs the message (RFC 6376). Its size is not known beforehand then. */
  readonly dkim?: DkimKey;
}

export type Priority = "high" | "normal" | "low";

export interface Attachment {
  readonly filename: string;
  /** The HTML shows it as `<img src="cid:...">`: it stands within the text and not below it. */
  readonly cid?: string;
  /** Octets, when known: then the size of the mail is, too. */
  readonly size?: number;
  /** Media type; from the file's name when absent. */
  readonly type?: string;
  /** The octets, from the start at each call. Called when their turn comes. */
  open(): Readable;
}

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

type ComposerOptions = ConstructorParameters<typeof MailComposer>[0];
type ComposerAttachment = {
  filename: string;
  contentType?: string;
  cid?: string;
  contentDisposition: "attachment" | "inline";
  content: Buffer | Readable;
};

/** What nodemailer makes of the parts; a caller's own would contradict it. */
const STRUCTURE = /^(?:content-|mime-version$)/i;
const BLIND = /^(?:resent-)?bcc$/i;
/** RFC 5322, 2.2: printable ASCII without the colon. */
const FIELD_NAME = /^[!-9;-~]+$/;
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/;
/** Columns of a text that is made from HTML. */
const TEXT_COLUMNS = 76;
/** What an identifier of a part may hold (RFC 2392: as a Message-ID, without what a URL would escape). */
const CONTENT_ID = /^[A-Za-z0-9!#$&'*+./=?^_`{|}~@-]+$/;
const MESSAGE_ID = /^<[^\s<>]+>$/;
/** As mail programs write it: there is no standard, and each reads one of the three. */
const PRIORITIES: Readonly<Record<Priority, readonly HeaderField[]>> = {
  high: priorityFields("1 (Highest)", "High"),
  normal: [],
  low: priorityFields("5 (Lowest)", "Low"),
};
/** Stands for an attachment where its content does not matter. */
const PLACEHOLDER = Buffer.from("AAA");

/**
 * @throws PortholeError `usage` for an address that is not one mailbox, a line break in a header, a header that cannot
 *   be given, or when there is no recipient
 */
export async function compose(mail: Mail): Promise<ReadyMail> {
  const from = parseMailbox(mail.from, "the sender");
  const [to, cc, bcc] = [mail.to, mail.cc, mail.bcc].map((list) =>
    (list ?? []).map((address) => parseMailbox(address, "the recipient")),
  );
  const replyTo = (mail.replyTo ?? []).map((address) => parseMailbox(address, "the address for answers"));
  const recipients = [...(to ?? []), ...(cc ?? []), ...(bcc ?? [])].map(({ address }) => address);
  if (recipients.length === 0) {
    throw new PortholeError("usage", "the mail has no recipient", { hint: "--to says who gets it" });
  }
  const headers = [...(mail.headers ?? []).map(checkField), ...PRIORITIES[mail.priority ?? "normal"]];
  const given = (name: string) => headers.find((field) => field.name.toLowerCase() === name)?.value;
  const messageId = given("message-id") ?? `<${randomUUID()}@${domainOf(from.address, recipients)}>`;
  for (const id of [messageId, mail.inReplyTo]) if (id !== undefined) checkMessageId(id);
  if (mail.dkim !== undefined) checkDkim(mail.dkim);
  const now = new Date();
  const attachments = mail.attachments ?? [];
  for (const { filename, cid } of attachments) {
    refuseControls(filename, "the name of an attachment");
    if (cid !== undefined && !CONTENT_ID.test(cid)) {
      throw new PortholeError("usage", `'${cid}' cannot name a picture within the text`, {
        hint: "use letters, digits, dots and hyphens: --inline logo=FILE",
      });
    }
  }
  const envelope = { from: returnPathOf(mail) ?? from.address, to: withoutDoubles(recipients) };
  const own = new Map(headers.map(({ name }) => [name.toLowerCase(), name]));
  const { subject: madeSubject, ...content } = await bodyOf(mail, now);
  const body =
    madeSubject === undefined || own.has("subject") ? content : { ...content, subject: madeSubject };
  const { dkim } = mail;
  const isText = attachments.length === 0 && dkim === undefined;
  if (isText && headers.length === 0 && body.text !== undefined && mail.inReplyTo === undefined) {
    const { text } = body;
    const parts = {
      from,
      to: to ?? [],
      cc: cc ?? [],
      replyTo,
      subject: madeSubject,
      text,
      messageId,
      date: now,
    };
    const octets = body.html === undefined && mail.calendar === undefined ? plainMail(parts) : undefined;
    if (octets !== undefined) return ready(envelope, messageId, octets);
  }
  const fixed = {
    ...body,
    headers: headers.map(({ name, value }) => ({ key: name, value })),
    ...shown(own, "from", from),
    ...shown(own, "to", to),
    ...shown(own, "cc", cc),
    ...shown(own, "replyTo", replyTo, "reply-to"),
    ...(mail.inReplyTo === undefined || own.has("in-reply-to")
      ? {}
      : { inReplyTo: mail.inReplyTo, ...(own.has("references") ? {} : { references: mail.inReplyTo }) }),
    ...(mail.calendar === undefined ? {} : { icalEvent: invitation(mail.calendar) }),
    ...(own.has("date") ? {} : { date: now }),
    messageId,
    baseBoundary: randomUUID(),
    boundaryPrefix: "--porthole",
    disableFileAccess: true,
    disableUrlAccess: true,
    normalizeHeaderKey: (key: string) => own.get(key.toLowerCase()) ?? key,
  } satisfies ComposerOptions;
  const { default: Composer } = await import("nodemailer/lib/mail-composer");
  const build = (content: (attachment: Attachment, at: number) => Buffer | Readable) =>
    new Composer({
      ...fixed,
      attachments: attachments.map((attachment, at) => partOf(attachment, content(attachment, at))),
    });
  if (isText) {
    const node = build(() => PLACEHOLDER).compile();
    return ready(envelope, messageId, textOctets(node) ?? (await octetsOf(node.createReadStream())));
  }
  const types = build(() => PLACEHOLDER)
    .getAttachments()
    .attached.map(({ contentType }) => contentType ?? "");
  // A message within the mail is not encoded (RFC 2046, 5.2.1): what it holds goes out as it is.
  if (types.some((type) => /^message\//i.test(type))) {
    const raw = () =>
      build((attachment) => Readable.from(opened(attachment), { objectMode: false }))
        .compile()
        .createReadStream();
    return { envelope, messageId, eightBit: true, raw: signing(raw, dkim) };
  }
  const marks = attachments.map(mark);
  const shape = await octetsOf(
    build((_, at) => marks[at] ?? PLACEHOLDER)
      .compile()
      .createReadStream(),
  );
  const splice = new Splice(
    shape,
    attachments.map((attachment, at) => ({ mark: marks[at] ?? PLACEHOLDER, open: () => attachment.open() })),
  );
  const size =
    dkim === undefined ? splice.sizeWith(attachments.map((attachment) => attachment.size)) : undefined;
  const raw = () => Readable.from(splice.octets(), { objectMode: false });
  return {
    envelope,
    messageId,
    ...(size === undefined ? {} : { size }),
    eightBit: false,
    raw: signing(raw, dkim),
  };
}

/** A mail that is whole in memory. */
function ready(envelope: ReadyMail["envelope"], messageId: string, octets: Buffer): ReadyMail {
  const raw = () => Readable.from([octets], { objectMode: false });
  return { envelope, messageId, size: octets.length, eightBit: false, raw, octets };
}

function signing(raw: () => Readable, dkim: DkimKey | undefined): () => Readable {
  return dkim === undefined ? raw : () => signed(raw, dkim);
}

/** Without anything to say, a mail that its reader recognises as a test. */
async function bodyOf(
  mail: Mail,
  now: Date,
): Promise<{ readonly subject?: string; readonly text?: string; readonly html?: string }> {
  const { subject, html } = mail;
  if (subject !== undefined) refuseControls(subject, "the subject");
  const text = mail.text ?? (html === undefined ? undefined : await textFrom(html));
  const nothing = text === undefined && mail.calendar === undefined && (mail.attachments ?? []).length === 0;
  if (nothing) {
    return {
      subject: subject ?? "Porthole test mail",
      text: `This is a test mail.\r\n\r\nIt was made by Porthole (porthole send) on ${now.toUTCString()}.\r\n`,
    };
  }
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : { text: withCrlf(text) }),
    ...(html === undefined ? {} : { html: withCrlf(html) }),
  };
}

async function textFrom(html: string): Promise<string> {
  const { htmlAsText, pageWithLinks } = await import("../text/html.js");
  return pageWithLinks(await htmlAsText(html, { columns: TEXT_COLUMNS }));
}

/** RFC 6047, 2.4: the part's type says the method that the calendar's own line says (RFC 5546, 1.4). */
function invitation(calendar: string): { content: string; method: string } {
  const method = /^METHOD:([A-Za-z-]{1,40})\r?$/m.exec(calendar)?.[1] ?? "PUBLISH";
  return { content: withCrlf(calendar), method };
}

function priorityFields(number: string, word: string): HeaderField[] {
  return [
    { name: "X-Priority", value: number },
    { name: "X-MSMail-Priority", value: word },
    { name: "Importance", value: word },
  ];
}

function returnPathOf({ returnPath }: Mail): string | undefined {
  return returnPath === undefined || returnPath === ""
    ? returnPath
    : checkAddress(returnPath, "the return path");
}

function checkMessageId(id: string): void {
  if (MESSAGE_ID.test(id) && !CONTROLS.test(id)) return;
  throw new PortholeError("usage", `'${id}' is not a Message-ID`, {
    hint: "it looks like <words@example.org>",
  });
}

/** A field of the header, unless the caller gave it as text. */
function shown<K extends string>(
  own: ReadonlyMap<string, string>,
  key: K,
  value: Mailbox | readonly Mailbox[] | undefined,
  name: string = key,
): Partial<Record<K, Mailbox[]>> {
  const list = value === undefined ? [] : "address" in value ? [value] : [...value];
  if (own.has(name) || list.length === 0) return {};
  const field: Partial<Record<K, Mailbox[]>> = {};
  field[key] = list;
  return field;
}

function checkField({ name, value }: HeaderField): HeaderField {
  if (!FIELD_NAME.test(name)) {
    throw new PortholeError("usage", `'${name}' is not the name of a header`, {
      hint: 'write it as "Name: value"',
    });
  }
  refuseControls(value, `the header ${name}`);
  if (BLIND.test(name)) {
    throw new PortholeError("usage", `a ${name} header would show what it should hide`, {
      hint: "use --bcc",
    });
  }
  if (STRUCTURE.test(name)) {
    throw new PortholeError("usage", `the header ${name} follows from the mail's parts and cannot be given`, {
      hint: "--eml sends a message as it stands",
    });
  }
  return { name, value: value.trim() };
}

/** A line break would begin another header, and a NUL end one for some receivers. */
function refuseControls(text: string, where: string): void {
  if (CONTROLS.test(text)) {
    throw new PortholeError("usage", `${where} holds a line break or another control character`, {
      hint: "take it out",
    });
  }
}

/** A Message-ID's right side: of the sender, or of who gets it; never this machine's name (RFC 5322, 3.6.4). */
function domainOf(from: string, recipients: readonly string[]): string {
  for (const address of [from, ...recipients]) {
    const at = address.endsWith("]") ? address.lastIndexOf("@[") : address.lastIndexOf("@");
    if (at >= 0) return address.slice(at + 1);
  }
  return "localhost";
}

function partOf({ filename, type, cid }: Attachment, content: Buffer | Readable): ComposerAttachment {
  return {
    filename,
    ...(type === undefined ? {} : { contentType: type }),
    ...(cid === undefined ? {} : { cid }),
    // The package would show an attached mail within the text.
    contentDisposition: cid === undefined ? "attachment" : "inline",
    content,
  };
}

/** Opened at the first read: a mail that is refused opens nothing, and one with many files has one open at a time. */
async function* opened(attachment: Attachment): AsyncGenerator<Buffer> {
  for await (const chunk of attachment.open()) {
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
  }
}

/**
 * A mail that is one text in ASCII, without the five streams that the package would make for it: a mailing has thousands
 * of such mails, and they took a third of its time. Undefined for any other.
 */
function textOctets(node: ReturnType<MailComposer["compile"]>): Buffer | undefined {
  const { content, childNodes } = node;
  if (childNodes.length > 0 || typeof content !== "string" || node.getTransferEncoding() !== "7bit")
    return undefined;
  const end = content.endsWith("\n") ? "" : "\r\n";
  return Buffer.from(`${node.buildHeaders()}\r\n\r\n${content}${end}`, "latin1");
}

/** Without the detour over a Blob that node:stream/consumers takes: a mailing composes thousands. */
function octetsOf(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    stream.on("data", (piece: Buffer | string) => pieces.push(Buffer.from(piece)));
    stream.once("end", () => resolve(Buffer.concat(pieces)));
    stream.once("error", reject);
  });
}

function withCrlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
