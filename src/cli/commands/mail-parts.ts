/** The mail that the options of `send` describe: from its parts, or a ready message. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { localError, PortholeError } from "../../errors.js";
import type { Attachment, HeaderField, Mail, Priority } from "../../message/compose.js";
import type { ReadyMail } from "../../message/mail.js";
import type { Options } from "../../plugin.js";
import { decodeWords } from "../../wire/words.js";
import type { Desk } from "../command.js";

/** A text is looked through whole, for the coding it needs. */
const MAX_TEXT = 32 * 1024 * 1024;
const FILE_CHUNK = 256 * 1024;
/** Octets of a key. */
const MAX_KEY = 64 * 1024;
const STDIN = "-";
/** RFC 6838, 4.2. */
const MEDIA_TYPE = /^[A-Za-z0-9][\w!#$&^.+-]*\/[A-Za-z0-9][\w!#$&^.+-]*$/;
/** What a ready message has already, or cannot be given any more. */
const PARTS = [
  "subject",
  "text",
  "text-file",
  "html",
  "html-file",
  "attach",
  "inline",
  "calendar",
  "header",
  "reply-to",
  "in-reply-to",
  "priority",
  "dkim-key",
] as const;

/**
 * @throws PortholeError `usage` for what makes no mail, `local` for a file that cannot be read: nothing was sent then
 */
export async function mailOf(desk: Desk): Promise<ReadyMail> {
  const eml = word(desk.options, "eml");
  return eml === undefined ? composed(desk) : ready(desk, eml);
}

async function composed(desk: Desk): Promise<ReadyMail> {
  const { options } = desk;
  refuseSharedInput(options);
  const [text, html] = [await textOf(desk, "text"), await textOf(desk, "html")];
  const inline = await Promise.all(words(options, "inline").map((one) => pictureOf(desk, one)));
  if (inline.length > 0 && html === undefined) {
    throw new PortholeError("usage", "--inline puts a picture within HTML, and there is none", {
      hint: "--attach sends it beside the text",
    });
  }
  const attachments = await Promise.all(words(options, "attach").map((one) => describedOf(desk, one)));
  const calendar = word(options, "calendar");
  const said = word(options, "from");
  const from = said === undefined || isNobody(said) ? ownAddress(desk) : said;
  const priority = priorityOf(options);
  const dkim = await dkimOf(options, from);
  const { compose } = await import("../../message/compose.js");
  return compose({
    from,
    ...(said !== undefined && isNobody(said) ? { returnPath: "" } : {}),
    to: words(options, "to"),
    cc: words(options, "cc"),
    bcc: words(options, "bcc"),
    replyTo: words(options, "reply-to"),
    ...given("inReplyTo", word(options, "in-reply-to")),
    ...given("subject", word(options, "subject")),
    ...given("priority", priority),
    ...given("text", text),
    ...given("html", html),
    ...given("calendar", calendar === undefined ? undefined : await contentOf(desk, calendar)),
    ...given("dkim", dkim),
    attachments: [...inline, ...attachments],
    headers: words(options, "header").map(headerOf),
  });
}

function given<K extends keyof Mail>(key: K, value: Mail[K] | undefined): Partial<Pick<Mail, K>> {
  const part: Partial<Pick<Mail, K>> = {};
  if (value !== undefined) part[key] = value;
  return part;
}

/** Standard input is there once. @throws PortholeError `usage` */
function refuseSharedInput(options: Options): void {
  const single = ["text", "text-file", "html", "html-file", "calendar"].filter(
    (flag) => options[flag] === STDIN,
  );
  const readers = [
    ...single,
    ...words(options, "attach").flatMap((one) => (fromInput(one) ? ["attach"] : [])),
  ];
  if (readers.length < 2) return;
  throw new PortholeError("usage", `--${readers[0]} and --${readers[1]} both read standard input`, {
    hint: "put one into a file",
  });
}

/** `-`, or `-;name=report.csv`. */
function fromInput(attached: string): boolean {
  return attached === STDIN || attached.startsWith(`${STDIN};`);
}

function priorityOf(options: Options): Priority | undefined {
  const priority = word(options, "priority");
  return priority === "high" || priority === "normal" || priority === "low" ? priority : undefined;
}

/** `<>` is how the null return path of a bounce is written (RFC 5321, 4.5.5). */
function isNobody(sender: string): boolean {
  return /^(?:<>)?$/.test(sender.trim());
}

/** `--dkim-key FILE --dkim-selector NAME`, for the sender's domain unless another is named. */
async function dkimOf(options: Options, from: string): Promise<Mail["dkim"]> {
  const [file, selector] = [word(options, "dkim-key"), word(options, "dkim-selector")];
  if (file === undefined && selector === undefined) return undefined;
  if (file === undefined || selector === undefined) {
    throw new PortholeError("usage", "a DKIM signature wants both --dkim-key and --dkim-selector");
  }
  if ((await factsOf(file)).size > MAX_KEY)
    throw new PortholeError("usage", `${file} is too large for a key`);
  const privateKey = await readFile(file, "utf8").catch((thrown: unknown) => {
    throw localError(thrown, file);
  });
  const { parseMailbox } = await import("../../message/address.js");
  const { address } = parseMailbox(from, "the sender");
  const domain = word(options, "dkim-domain") ?? address.slice(address.lastIndexOf("@") + 1);
  return { domain, selector, privateKey };
}

/** `--eml FILE`, or `-` for standard input. */
async function ready(desk: Desk, file: string): Promise<ReadyMail> {
  const { options, terminal } = desk;
  const [part] = PARTS.filter((flag) => options[flag] !== undefined);
  if (part !== undefined) {
    throw new PortholeError("usage", `--eml sends a message as it stands; --${part} does not go with it`);
  }
  const [{ readEml }, { parseMailbox }] = await Promise.all([
    import("../../message/eml.js"),
    import("../../message/address.js"),
  ]);
  const to = ["to", "cc", "bcc"]
    .flatMap((flag) => words(options, flag))
    .map((one) => parseMailbox(one, "the recipient").address);
  const from = word(options, "from");
  const given = {
    ...(from === undefined ? {} : { from: isNobody(from) ? "" : parseMailbox(from, "the sender").address }),
    ...(to.length === 0 ? {} : { to }),
  };
  if (file === STDIN)
    return readEml({ name: "standard input", open: () => terminal.stdin, once: true }, given);
  const { isFile } = await factsOf(file);
  try {
    return await readEml({ name: file, open: () => reading(file), once: !isFile }, given);
  } catch (thrown) {
    throw thrown instanceof PortholeError ? thrown : localError(thrown, file);
  }
}

/** A pipe is read whole: what it holds comes once, and how much that is does not show before. */
async function attachmentOf(desk: Desk, file: string): Promise<Attachment> {
  const { size, isFile } = file === STDIN ? { size: 0, isFile: false } : await factsOf(file);
  if (isFile) return { filename: basename(file), size, open: () => reading(file) };
  const octets = await octetsOf(desk, file);
  return {
    filename: file === STDIN ? "stdin" : basename(file),
    size: octets.length,
    open: () => Readable.from([octets], { objectMode: false }),
  };
}

/** `FILE`, or `FILE;type=text/csv;name=report.csv` as curl's -F has it; a file of that very name is meant as such. */
async function describedOf(desk: Desk, text: string): Promise<Attachment> {
  const [, file, facts] = /^(.+?)((?:;(?:type|name)=[^;]*)+)$/s.exec(text) ?? [];
  if (file === undefined || facts === undefined || (await isThere(text))) return attachmentOf(desk, text);
  const type = lastOf(facts, "type");
  const name = lastOf(facts, "name");
  if (type !== undefined && !MEDIA_TYPE.test(type)) {
    throw new PortholeError("usage", `'${type}' is no media type`, { hint: "write it as text/csv" });
  }
  if (name !== undefined && (name === "" || /[/\\]/.test(name))) {
    throw new PortholeError("usage", `'${name}' is no name for an attachment`, { hint: "name=report.csv" });
  }
  return {
    ...(await attachmentOf(desk, file)),
    ...(type === undefined ? {} : { type }),
    ...(name === undefined ? {} : { filename: name }),
  };
}

function lastOf(facts: string, key: "type" | "name"): string | undefined {
  return facts
    .split(";")
    .findLast((fact) => fact.startsWith(`${key}=`))
    ?.slice(key.length + 1);
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** `FILE`, or `ID=FILE`: what the HTML calls it. */
async function pictureOf(desk: Desk, text: string): Promise<Attachment> {
  const [, id, file = text] = /^([^=/\\]+)=(.+)$/s.exec(text) ?? [];
  return { ...(await attachmentOf(desk, file)), cid: id ?? basename(file) };
}

/** @throws PortholeError `local` when it is no file that can be read */
async function factsOf(file: string): Promise<{ readonly size: number; readonly isFile: boolean }> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new PortholeError("local", `${file}: is a folder`);
    return { size: facts.size, isFile: facts.isFile() };
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

function reading(file: string): Readable {
  return createReadStream(file, { highWaterMark: FILE_CHUNK });
}

/** `--text`, or what is in `--text-file`; the same for HTML. */
async function textOf(desk: Desk, flag: "text" | "html"): Promise<string | undefined> {
  const [text, file] = [word(desk.options, flag), word(desk.options, `${flag}-file`)];
  if (file === undefined) return text === STDIN ? contentOf(desk, STDIN) : text;
  if (text === undefined) return contentOf(desk, file);
  throw new PortholeError("usage", `--${flag} and --${flag}-file say the same thing twice`);
}

/** A file that is text, or standard input, whole. */
async function contentOf(desk: Desk, file: string): Promise<string> {
  return decodeWords(await octetsOf(desk, file));
}

async function octetsOf(desk: Desk, file: string): Promise<Buffer> {
  const source = file === STDIN ? desk.terminal.stdin : reading(file);
  const name = file === STDIN ? "standard input" : file;
  const stop = () => source.destroy();
  desk.signal.addEventListener("abort", stop, { once: true });
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source) {
      const octets = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += octets.length;
      if (size > MAX_TEXT) {
        throw new PortholeError("usage", `${name} is too large to be read whole`, {
          hint: "--attach takes files of any size",
        });
      }
      chunks.push(octets);
    }
  } catch (thrown) {
    throw localError(thrown, name);
  } finally {
    desk.signal.removeEventListener("abort", stop);
  }
  desk.signal.throwIfAborted();
  return Buffer.concat(chunks);
}

function headerOf(text: string): HeaderField {
  const colon = text.indexOf(":");
  if (colon <= 0) {
    throw new PortholeError("usage", `'${text}' is not a header`, { hint: 'write it as "Name: value"' });
  }
  return { name: text.slice(0, colon).trimEnd(), value: text.slice(colon + 1) };
}

/** Who sends when nobody is named: this user at this machine, as mail always had it. */
function ownAddress(desk: Desk): string {
  const { environment } = desk.terminal;
  const user = environment["USER"] ?? environment["LOGNAME"] ?? userInfo().username;
  return `${user}@${hostname()}`;
}

function word(options: Options, flag: string): string | undefined {
  const value = options[flag];
  return typeof value === "string" ? value : undefined;
}

function words(options: Options, flag: string): readonly string[] {
  const value = options[flag];
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.map(String) : [];
}
