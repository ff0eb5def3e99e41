/** A ready message (an .eml file): its envelope, and its octets without the blind copies' addresses. */
import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import { addressesIn, checkAddress } from "./address.js";
import { type ReadyMail, withoutDoubles } from "./mail.js";
import { Measure } from "./measure.js";

export interface Eml {
  /** For messages: the file's name. */
  readonly name: string;
  /** The octets, from the start at each call. */
  open(): Readable;
  /** `open` gives them once only (standard input, a pipe): the size stays unknown. */
  readonly once?: boolean;
}

/** What is said instead of the message's own headers. */
export interface EmlEnvelope {
  /** An address; empty for the null return path. */
  readonly from?: string;
  readonly to?: readonly string[];
}

interface Head {
  /** The header with its empty line, CRLF at each line's end, without Bcc. */
  readonly octets: Buffer;
  /** Octets of the header in the file. */
  readonly length: number;
  readonly field: (name: string) => string[];
}

const MAX_HEADER = 1024 * 1024;
const LINE_END = "(?:\\r\\n|\\n|\\r(?!\\n))";
// As DotWriter will send it, a CR alone is a line end, too: a Bcc behind one must not slip through.
const HEADER_END = new RegExp(`^${LINE_END}|${LINE_END}${LINE_END}`);
const LINE_ENDS = new RegExp(LINE_END);
const FIELD = /^([!-9;-~]+)[ \t]*:(.*)$/s;
const RECIPIENTS = ["to", "cc", "bcc"] as const;
const BLIND = /^(?:resent-)?bcc$/i;

/**
 * The body is not touched. Lines of the header are ended by CRLF, as the wire wants them anyway.
 * @throws PortholeError `usage` when it has no header, one above 1 MiB, or neither it nor `given` says who sends it to
 *   whom; what reading the file throws
 */
export async function readEml(eml: Eml, given: EmlEnvelope = {}): Promise<ReadyMail> {
  const first = chunksOf(eml.open());
  try {
    return await readyMail(eml, given, first);
  } catch (thrown) {
    await first.return();
    throw thrown;
  }
}

async function readyMail(
  eml: Eml,
  given: EmlEnvelope,
  first: AsyncGenerator<Buffer, void>,
): Promise<ReadyMail> {
  const { head, rest } = await readHead(first, eml.name);
  const envelope = {
    from: given.from === undefined ? senderOf(head, eml.name) : checkSender(given.from),
    to: withoutDoubles(
      given.to?.map((address) => checkAddress(address, "the recipient")) ?? recipientsOf(head, eml.name),
    ),
  };
  if (envelope.to.length === 0) {
    throw new PortholeError("usage", `${eml.name} names no recipient`, { hint: "--to says who gets it" });
  }
  const messageId = /<[^\s<>]+>/.exec(head.field("message-id")[0] ?? "")?.[0] ?? "";
  if (eml.once === true) {
    const raw = () => Readable.from(joined(head.octets, rest, first), { objectMode: false });
    return { envelope, messageId, eightBit: true, once: true, raw };
  }
  const measure = new Measure();
  for await (const chunk of joined(head.octets, rest, first)) measure.add(chunk);
  const raw = () =>
    Readable.from(joined(head.octets, undefined, behind(chunksOf(eml.open()), head.length)), {
      objectMode: false,
    });
  return { envelope, messageId, size: measure.size, eightBit: measure.eightBit, raw };
}

async function readHead(
  chunks: AsyncIterator<Buffer, void>,
  name: string,
): Promise<{ head: Head; rest: Buffer | undefined }> {
  let text = "";
  for (;;) {
    const { done, value } = await chunks.next();
    if (!done) text += value.toString("latin1");
    // A CR at the end may be the first half of a line end.
    const end = HEADER_END.exec(done || !text.endsWith("\r") ? text : text.slice(0, -1));
    const length = end === null ? text.length : end.index + end[0].length;
    if (length > MAX_HEADER) {
      throw new PortholeError("usage", `${name} has a header above ${MAX_HEADER} octets`, {
        hint: "is it a message?",
      });
    }
    if (end === null && !done) continue;
    const rest = Buffer.from(text.slice(length), "latin1");
    return { head: headOf(text.slice(0, length), length, name), rest };
  }
}

/** @param text one character for each octet */
function headOf(text: string, length: number, name: string): Head {
  const fields: string[] = [];
  for (const line of text.split(LINE_ENDS)) {
    const last = fields.length - 1;
    if (/^[ \t]/.test(line) && last >= 0) fields[last] += `\r\n${line}`;
    else if (line !== "") fields.push(line);
  }
  // What a mailbox file keeps before each message is not of the message.
  if (fields[0]?.startsWith("From ") === true) fields.shift();
  if (fields[0] === undefined || !FIELD.test(fields[0])) {
    throw new PortholeError("usage", `${name} does not begin with the header of a message`);
  }
  const kept = fields.filter((field) => !BLIND.test(FIELD.exec(field)?.[1] ?? ""));
  return {
    octets: Buffer.from(`${kept.join("\r\n")}\r\n\r\n`, "latin1"),
    length,
    field: (wanted) =>
      fields.flatMap((field) => {
        const [, key = "", value = ""] = FIELD.exec(field) ?? [];
        return key.toLowerCase() === wanted ? [wordsOf(value)] : [];
      }),
  };
}

/**
 * What stands before To and From where it counts: a message that was sent on (RFC 5322, 3.6.6) goes to whom that was to, and
 * not once more to whom it was to at first.
 * @throws PortholeError `usage` when that was done more than once: which of them is meant does not show
 */
function prefixOf(head: Head, name: string): "" | "resent-" {
  const counts = RECIPIENTS.map((key) => head.field(`resent-${key}`).length);
  if (counts.some((count) => count > 1)) {
    throw new PortholeError("usage", `${name} was sent on more than once, and does not say to whom now`, {
      hint: "--from and --to say it",
    });
  }
  return counts.some((count) => count > 0) ? "resent-" : "";
}

/** RFC 5322, 3.6.2: with several authors, Sender is who sent it. */
function senderOf(head: Head, name: string): string {
  const before = prefixOf(head, name);
  for (const key of [`${before}sender`, `${before}from`]) {
    const [address] = head.field(key).flatMap((value) => addressesIn(value, `the ${key} of ${name}`));
    if (address !== undefined) return address;
  }
  throw new PortholeError("usage", `${name} names no sender`, { hint: "--from says who sends it" });
}

function recipientsOf(head: Head, name: string): string[] {
  const before = prefixOf(head, name);
  return RECIPIENTS.flatMap((key) =>
    head.field(`${before}${key}`).flatMap((value) => addressesIn(value, `the ${before}${key} field's`)),
  );
}

function checkSender(from: string): string {
  return from === "" ? "" : checkAddress(from, "the sender");
}

/** A field's value unfolded, as UTF-8 where it is that (RFC 6532). */
function wordsOf(value: string): string {
  const octets = Buffer.from(value.replace(/\r\n(?=[ \t])/g, ""), "latin1");
  return (isUtf8(octets) ? octets.toString("utf8") : value).trim();
}

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
}

/** What stands behind the first `skip` octets. */
async function* behind(chunks: AsyncIterable<Buffer>, skip: number): AsyncGenerator<Buffer, void, undefined> {
  let left = skip;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

async function* joined(
  head: Buffer,
  rest: Buffer | undefined,
  more: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield head;
  if (rest !== undefined && rest.length > 0) yield rest;
  yield* more;
}
