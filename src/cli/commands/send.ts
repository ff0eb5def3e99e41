/** `porthole send URL --to ADDRESS ...` */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { localError, PortholeError } from "../../errors.js";
import type { Attachment, HeaderField } from "../../message/compose.js";
import { outgoingMail, type ReadyMail } from "../../message/mail.js";
import type { Options, SendReport, Target } from "../../plugin.js";
import { safeLine } from "../../text/safe.js";
import { decodeWords } from "../../wire/words.js";
import type { Desk } from "../command.js";
import { jsonLine } from "../json-line.js";
import { oneUrl } from "../targets.js";

/** A text is looked through whole, for the coding it needs. */
const MAX_TEXT = 32 * 1024 * 1024;
/** `--dry-run --json` shows no message larger than this. */
const MAX_SHOWN = 1024 * 1024;
const FILE_CHUNK = 256 * 1024;
const PARTLY_DONE = 13;
/** What a ready message has already. */
const PARTS = ["subject", "text", "text-file", "html", "html-file", "attach", "header"] as const;

export async function run(desk: Desk): Promise<number | undefined> {
  const { client } = desk;
  const target = client.target(oneUrl(desk));
  client.require(target, "send", ["send"]);
  if (client.manifestOf(target).sends === "octets")
    return (await import("../send-octets.js")).sendOctets(desk, target);
  const eml = word(desk.options, "eml");
  // All that may be wrong on this side is found before the server is troubled.
  const mail = eml === undefined ? await composed(desk) : await ready(desk, eml);
  if (desk.options["dry-run"] === true) {
    await showMail(desk, target, mail);
    return undefined;
  }
  const report = await client.use(target, async (session) => {
    if (session.send === undefined) throw new PortholeError("usage", "nothing can be sent here");
    return await session.send(outgoingMail(mail));
  });
  await showReport(desk, target, report);
  return report.refused.length === 0 ? undefined : PARTLY_DONE;
}

// --- What is sent ---------------------------------------------------------------------------------------------

async function composed(desk: Desk): Promise<ReadyMail> {
  const { options } = desk;
  const [text, html] = [await textOf(desk, "text"), await textOf(desk, "html")];
  const subject = word(options, "subject");
  const attachments = await Promise.all(words(options, "attach").map(attachmentOf));
  const { compose } = await import("../../message/compose.js");
  return compose({
    from: word(options, "from") ?? ownAddress(desk),
    to: words(options, "to"),
    cc: words(options, "cc"),
    bcc: words(options, "bcc"),
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    attachments,
    headers: words(options, "header").map(headerOf),
  });
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
    // `<>` is how the null return path of a bounce is written (RFC 5321, 4.5.5).
    ...(from === undefined
      ? {}
      : { from: /^(?:<>)?$/.test(from.trim()) ? "" : parseMailbox(from, "the sender").address }),
    ...(to.length === 0 ? {} : { to }),
  };
  if (file === "-") return readEml({ name: "standard input", open: () => terminal.stdin, once: true }, given);
  await sizeOf(file);
  try {
    return await readEml({ name: file, open: () => reading(file) }, given);
  } catch (thrown) {
    throw thrown instanceof PortholeError ? thrown : localError(thrown, file);
  }
}

async function attachmentOf(file: string): Promise<Attachment> {
  const size = await sizeOf(file);
  return { filename: basename(file), size, open: () => reading(file) };
}

/** @throws PortholeError `local` when it is no file that can be read */
async function sizeOf(file: string): Promise<number> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new PortholeError("local", `${file}: is a folder`);
    return facts.size;
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

function reading(file: string): Readable {
  return createReadStream(file, { highWaterMark: FILE_CHUNK });
}

/** `--text`, or what is in `--text-file`; the same for HTML. */
async function textOf(desk: Desk, flag: "text" | "html"): Promise<string | undefined> {
  const [given, file] = [word(desk.options, flag), word(desk.options, `${flag}-file`)];
  if (file === undefined) return given;
  if (given !== undefined) {
    throw new PortholeError("usage", `--${flag} and --${flag}-file say the same thing twice`);
  }
  const source = file === "-" ? desk.terminal.stdin : reading(file);
  const name = file === "-" ? "standard input" : file;
  const stop = () => source.destroy();
  desk.signal.addEventListener("abort", stop, { once: true });
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source) {
      const octets = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += octets.length;
      if (size > MAX_TEXT) {
        throw new PortholeError("usage", `${name} is too large for a text`, {
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
  return decodeWords(Buffer.concat(chunks));
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

// --- What is shown --------------------------------------------------------------------------------------------

async function showMail(desk: Desk, target: Target, mail: ReadyMail): Promise<void> {
  const { terminal } = desk;
  const { from, to } = mail.envelope;
  if (desk.options["json"] === true) {
    await terminal.write(
      jsonLine({
        event: "dry-run",
        envelope: { from, to },
        messageId: mail.messageId,
        ...(mail.size === undefined ? {} : { size: mail.size }),
        url: target.href(""),
        ...(await messageIn(mail)),
      }),
    );
    return;
  }
  terminal.say(`envelope: ${safeLine(from === "" ? "<>" : from)} -> ${safeLine(to.join(", "))}`);
  for await (const chunk of mail.raw()) await terminal.write(Buffer.isBuffer(chunk) ? chunk : String(chunk));
}

async function messageIn(mail: ReadyMail): Promise<{ message?: string }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of mail.raw()) {
    const octets = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += octets.length;
    if (size > MAX_SHOWN) return {};
    chunks.push(octets);
  }
  return { message: decodeWords(Buffer.concat(chunks)) };
}

async function showReport(desk: Desk, target: Target, report: SendReport): Promise<void> {
  const { terminal } = desk;
  const { accepted, refused, reply, messageId, size } = report;
  if (desk.options["json"] === true) {
    await terminal.write(
      jsonLine({
        event: "sent",
        accepted,
        refused: refused.map(({ recipient, code, reply: words }) => ({ recipient, code, reply: words })),
        reply,
        ...(messageId === undefined ? {} : { messageId }),
        size,
        url: target.href(""),
      }),
    );
    return;
  }
  for (const one of refused) terminal.say(`refused: ${safeLine(one.recipient)} (${safeLine(one.reply)})`);
  const count = accepted.length === 1 ? "1 recipient" : `${accepted.length} recipients`;
  if (!terminal.quiet) {
    await terminal.write(`accepted by ${safeLine(target.host)}: ${count} (${safeLine(reply)})\n`);
  }
}
