/** What is sent: `--send TEXT` with its escapes, line ends and hexadecimal; or a file; or standard input. */
import { constants, createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { localError, PortholeError } from "../../src/errors.js";
import { talkSteps } from "../../src/net/steps.js";
import { type Invocation, type Options, stepsOf } from "../../src/plugin.js";

const FILE_CHUNK = 256 * 1024;

const ESCAPES: Readonly<Record<string, string>> = {
  r: "\r",
  n: "\n",
  t: "\t",
  "0": "\0",
  e: "\x1b",
  "\\": "\\",
};

/** The octets of one TEXT. @throws PortholeError `usage` for what is no hexadecimal */
export function octetsOf(text: string, options: Options): Buffer {
  if (options["hex"] === true) return hexOctets(text);
  const plain = options["escapes"] === true ? unescaped(text) : Buffer.from(text, "utf8");
  return options["crlf"] === true ? withCrlf(plain, true) : plain;
}

/** `48 65 6c6c:6f` in any case, with blanks, colons and 0x as people paste it. */
function hexOctets(text: string): Buffer {
  const digits = text.replace(/0x|[\s:,]/gi, "");
  if (/^(?:[0-9a-f]{2})*$/i.test(digits)) return Buffer.from(digits, "hex");
  throw new PortholeError("usage", `'${text}' is not hexadecimal`, { hint: "two digits an octet: 48 65 6C" });
}

function unescaped(text: string): Buffer {
  const pieces = text.split(/(\\x[0-9a-f]{2}|\\[rnte0\\])/i).map((piece) => {
    const [, hex] = /^\\x([0-9a-f]{2})$/i.exec(piece) ?? [];
    if (hex !== undefined) return Buffer.from(hex, "hex");
    const letter = /^\\(.)$/s.exec(piece)?.[1]?.toLowerCase();
    return Buffer.from(letter === undefined ? piece : (ESCAPES[letter] ?? piece), "utf8");
  });
  return Buffer.concat(pieces);
}

/** Each LF, with or without a CR before it, as CR LF. */
function withCrlf(octets: Buffer, line: boolean): Buffer {
  const text = octets.toString("latin1").replace(/\r?\n/g, "\r\n");
  return Buffer.from(line && !text.endsWith("\r\n") ? `${text}\r\n` : text, "latin1");
}

/** The texts of `--send`, in order. */
export function textsToSend(options: Options): Buffer[] {
  return stepsOf(options, ["send", "expect"])
    .filter(({ flag }) => flag === "send")
    .map(({ value }) => octetsOf(value, options));
}

/** What is wrong with it on this side is found before a peer is troubled. @throws PortholeError `usage`, `local` */
export async function checkGiven(options: Options): Promise<void> {
  textsToSend(options);
  talkSteps(stepsOf(options, ["send", "expect"]));
  const file = options["file"];
  if (typeof file !== "string") return;
  await access(file, constants.R_OK).catch((thrown: unknown) => {
    throw localError(thrown, file);
  });
}

/** What the user gave to send, or undefined for standard input. */
export function givenToSend(options: Options): AsyncIterable<Uint8Array> | undefined {
  const texts = textsToSend(options);
  const file = options["file"];
  if (texts.length === 0 && typeof file !== "string") return undefined;
  return given(texts, typeof file === "string" ? file : undefined);
}

async function* given(texts: readonly Buffer[], file: string | undefined): AsyncGenerator<Uint8Array> {
  yield* texts;
  if (file === undefined) return;
  try {
    yield* createReadStream(file, { highWaterMark: FILE_CHUNK });
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

/** Standard input, its line ends as the user wants them. */
export async function* fromStandardInput({ stdin, options }: Invocation): AsyncGenerator<Uint8Array> {
  let endedInCr = false;
  for await (const chunk of stdin) {
    const octets = Buffer.from(chunk);
    if (options["crlf"] !== true) {
      yield octets;
      continue;
    }
    // A CR at the end of a piece and the LF at the beginning of the next are one line end.
    const text = octets.toString("latin1").replace(/\r?\n/g, "\r\n");
    yield Buffer.from(endedInCr && text.startsWith("\r\n") ? text.slice(1) : text, "latin1");
    endedInCr = text.endsWith("\r");
  }
}
