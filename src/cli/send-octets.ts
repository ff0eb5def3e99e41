/** `porthole send URL` where plain octets are taken: a text, a file, or what comes in. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { isLocalFailure, localError, PortholeError } from "../errors.js";
import { mediaTypeOf } from "../files/media-type.js";
import type { Source, Target } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import type { Desk } from "./command.js";
import { jsonLine } from "./json-line.js";

const FILE_CHUNK = 256 * 1024;
/** What only a message has. */
const FOR_MAILS = [
  "from",
  "to",
  "cc",
  "bcc",
  "subject",
  "html",
  "html-file",
  "attach",
  "eml",
  "dry-run",
] as const;

export async function sendOctets(desk: Desk, target: Target): Promise<undefined> {
  const { client, options, terminal } = desk;
  const [stranger] = FOR_MAILS.filter((flag) => options[flag] !== undefined);
  if (stranger !== undefined) {
    throw new PortholeError("usage", `--${stranger} is for mails`, {
      hint: "--text, --text-file or standard input is what is sent",
    });
  }
  const source = await sourceOf(desk);
  const report = await client.use(target, async (session) => {
    if (session.send === undefined) throw new PortholeError("usage", "nothing can be sent here");
    return session.send({ kind: "octets", source });
  });
  const { accepted, reply, size } = report;
  if (options["json"] === true) await terminal.write(jsonLine({ event: "sent", accepted, reply, size }));
  else if (!terminal.quiet)
    await terminal.write(`sent to ${safeLine(accepted[0] ?? target.host)}: ${safeLine(reply)}\n`);
  return undefined;
}

async function sourceOf({ options, terminal }: Desk): Promise<Source> {
  const [text, file] = [options["text"], options["text-file"]];
  if (typeof text === "string") {
    if (file !== undefined)
      throw new PortholeError("usage", "--text and --text-file say the same thing twice");
    const octets = Buffer.from(text, "utf8");
    return { body: only(octets), size: octets.length, type: "text/plain; charset=utf-8" };
  }
  if (typeof file !== "string" || file === "-") return { body: asOctets(terminal.stdin, "standard input") };
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new PortholeError("local", `${file}: is a folder`);
    const type = mediaTypeOf(file);
    const size = facts.isFile() ? { size: facts.size } : {};
    const body = asOctets(createReadStream(file, { highWaterMark: FILE_CHUNK }), file);
    return { body, ...size, ...(type === undefined ? {} : { type }) };
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

async function* only(octets: Buffer): AsyncGenerator<Uint8Array> {
  if (octets.length > 0) yield octets;
}

async function* asOctets(
  source: AsyncIterable<Uint8Array | string>,
  name: string,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  } catch (thrown) {
    throw isLocalFailure(thrown) ? localError(thrown, name) : thrown;
  }
}
