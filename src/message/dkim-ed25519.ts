/**
 * DKIM signatures by Ed25519 (RFC 8463), which the package's signer does not make: header and body relaxed (RFC 6376, 3.4).
 * The message is read twice, once for the body's hash, which stands before the body.
 */
import { createHash, type KeyObject, sign } from "node:crypto";
import type { Readable } from "node:stream";
import { PortholeError } from "../errors.js";

/** What RFC 6376, 5.4.1 names, as far as a mail has it: the same that the package signs with RSA. */
const FIELDS = [
  ..."from sender reply-to subject date message-id to cc mime-version content-type".split(" "),
  ..."content-transfer-encoding content-id content-description".split(" "),
  ..."resent-date resent-from resent-sender resent-to resent-cc resent-message-id".split(" "),
  ..."in-reply-to references list-id list-help list-unsubscribe list-subscribe list-post".split(" "),
  ..."list-owner list-archive".split(" "),
];
const NAMES_A_LINE = 5;
const END = "\r\n\r\n";
const LINE_END = /\r\n|\r|\n/g;
/** A header is made here, and not long. */
const MAX_HEADER = 1024 * 1024;

export interface Signer {
  readonly domain: string;
  readonly selector: string;
  readonly key: KeyObject;
}

/**
 * The message with its signature on top.
 * @param open gives the message from the start at each call
 * @throws PortholeError `local`, at the end, when the second reading is not what the first was
 */
export async function* signedByEd25519(
  open: () => Readable,
  { domain, selector, key }: Signer,
): AsyncGenerator<Buffer, void, undefined> {
  const { fields, bodyHash } = await readThrough(open());
  const names = FIELDS.filter((name) => fields.some((field) => nameOf(field) === name));
  const unsigned =
    `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=${domain};\r\n q=dns/txt; s=${selector};\r\n` +
    ` bh=${bodyHash};\r\n h=${folded(names)};\r\n b=`;
  const signature = signatureOf(fields, names, unsigned, key);
  yield Buffer.from(`${unsigned}${signature.replace(/.{72}/, "$&\r\n ")}\r\n`, "latin1");
  const again = new MessageHash();
  for await (const chunk of open()) {
    const octets = octetsOf(chunk);
    again.write(octets);
    yield octets;
  }
  if (again.bodyHash() !== bodyHash) {
    throw new PortholeError("local", "a file changed while the message was signed", {
      hint: "send it again",
    });
  }
}

/** Names with colons between, in lines of a few. */
function folded(names: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += NAMES_A_LINE)
    lines.push(names.slice(at, at + NAMES_A_LINE).join(":"));
  return lines.join(":\r\n  ");
}

async function readThrough(message: Readable): Promise<{ fields: readonly string[]; bodyHash: string }> {
  const hash = new MessageHash();
  for await (const chunk of message) hash.write(octetsOf(chunk));
  return { fields: hash.fields(), bodyHash: hash.bodyHash() };
}

function octetsOf(chunk: unknown): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}

/**
 * Base64.
 * @param names of fields, as `h=` has them: one that is named again stands for the next one above it (RFC 6376, 5.4.2)
 * @param unsigned the DKIM-Signature field up to its `b=`
 */
export function signatureOf(
  fields: readonly string[],
  names: readonly string[],
  unsigned: string,
  key: KeyObject,
): string {
  const left = [...fields];
  const hash = createHash("sha256");
  for (const name of names) {
    const at = left.findLastIndex((field) => nameOf(field) === name.toLowerCase());
    const [field] = at < 0 ? [] : left.splice(at, 1);
    if (field !== undefined) hash.update(`${relaxedField(field)}\r\n`, "latin1");
  }
  // RFC 8463, 3: it is the hash that is signed.
  return sign(null, hash.update(relaxedField(unsigned), "latin1").digest(), key).toString("base64");
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(":")).trimEnd().toLowerCase();
}

/** RFC 6376, 3.4.2. */
function relaxedField(field: string): string {
  const value = field.slice(field.indexOf(":") + 1).replace(/\r\n/g, "");
  return `${nameOf(field)}:${value.replace(/[ \t]+/g, " ").replace(/^ | $/g, "")}`;
}

/**
 * Takes a message apart as it comes: the header's fields, one character for each octet, and the body's hash. A CR alone and a
 * LF alone end a line: as CRLF both will go out.
 */
export class MessageHash {
  readonly #hash = createHash("sha256");
  #header = "";
  #inBody = false;
  #cr = "";
  /** The line that has not ended. */
  #line = "";
  /** Empty lines, which do not count at the body's end (RFC 6376, 3.4.4). */
  #empty = 0;

  write(octets: Buffer): void {
    const text = `${this.#cr}${octets.toString("latin1")}`;
    // A CR at the end may be the first half of a line end.
    this.#cr = text.endsWith("\r") ? "\r" : "";
    this.#take((this.#cr === "" ? text : text.slice(0, -1)).replace(LINE_END, "\r\n"));
  }

  #take(text: string): void {
    if (this.#inBody) {
      this.#body(text);
      return;
    }
    this.#header += text;
    const end = this.#header.indexOf(END);
    if (end < 0) {
      if (this.#header.length > MAX_HEADER)
        throw new PortholeError("usage", "the header is too long to be signed");
      return;
    }
    this.#inBody = true;
    this.#body(this.#header.slice(end + END.length));
    this.#header = this.#header.slice(0, end);
  }

  fields(): string[] {
    return this.#header.split(/\r\n(?![ \t])/).filter((field) => field !== "");
  }

  /** Base64. Once. */
  bodyHash(): string {
    if (this.#cr !== "") this.#take("\r\n");
    if (this.#line !== "") this.#body("\r\n");
    return this.#hash.digest("base64");
  }

  #body(text: string): void {
    const lines = `${this.#line}${text}`.split("\r\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      const relaxed = line.replace(/[ \t]+/g, " ").replace(/ $/, "");
      if (relaxed === "") {
        this.#empty += 1;
        continue;
      }
      this.#hash.update(`${"\r\n".repeat(this.#empty)}${relaxed}\r\n`, "latin1");
      this.#empty = 0;
    }
  }
}
