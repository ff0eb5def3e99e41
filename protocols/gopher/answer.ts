/** A server's answer: its octets as they come, with a look at the first line ahead of all else. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { octetsOf } from "../../src/net/next-octets.js";
import type { Take } from "../../src/plugin.js";
import { LF } from "../../src/wire/octets.js";
import { decodeWords } from "../../src/wire/words.js";
import { parseMenuLine } from "./menu.js";
import type { Transfer } from "./types.js";

/** Octets among which a first line is looked for that says that something is not there. */
const LONGEST_REFUSAL = 4096;

const DIGIT_3 = 0x33;
const LETTER_E = 0x45;

export interface Answer {
  /** What came first: never empty unless the server closed without a word. */
  readonly beginning: Buffer;
  /** All of it, the beginning included. */
  readonly chunks: AsyncGenerator<Buffer, void, undefined>;
  /** The same by the short way, in place of reading `chunks`. @throws what the connection fails with, and `take` */
  readonly pour: (take: Take) => Promise<void>;
}

/**
 * @throws PortholeError `missing` when the answer is an error; what the connection threw
 */
export async function answerOf(connection: Connection, transfer: Transfer): Promise<Answer> {
  const rest = octetsOf(connection);
  let beginning: Buffer = Buffer.alloc(0);
  while (beginning.length < LONGEST_REFUSAL && mayBeRefusal(beginning) && !beginning.includes(LF)) {
    const next = await rest.next();
    if (next.done) break;
    beginning = beginning.length === 0 ? next.value : Buffer.concat([beginning, next.value]);
  }
  const words = refusalIn(beginning, transfer);
  if (words !== undefined)
    throw new PortholeError("missing", "the server has no such item", { reply: words });
  return {
    beginning,
    chunks: withBeginning(beginning, rest),
    pour: async (take) => {
      if (beginning.length > 0) await take(beginning);
      await connection.pour(take);
    },
  };
}

function mayBeRefusal(beginning: Buffer): boolean {
  return beginning.length === 0 || beginning[0] === DIGIT_3 || beginning[0] === LETTER_E;
}

/**
 * The server's words when the first line says that there is nothing. Where a document was asked for, an item of
 * type 3 must be whole to be told from a text that begins with a 3.
 */
function refusalIn(beginning: Buffer, transfer: Transfer): string | undefined {
  if (!mayBeRefusal(beginning)) return undefined;
  const end = beginning.indexOf(LF);
  const line = (end < 0 ? beginning : beginning.subarray(0, end)).subarray(0, LONGEST_REFUSAL);
  const words = decodeWords(line).replace(/\r$/, "");
  const isWhole = /^3[^\t]+\t[^\t]*\t[^\t]*\t[ ]*\d*[ ]*(?:\t.*)?$/.test(words);
  if (isWhole || (transfer === "menu" && parseMenuLine(line).type === "3"))
    return parseMenuLine(line).display;
  // Gophernicus answers with text where it takes the selector for that of a text.
  const isText = transfer === "text" || transfer === "menu";
  return isText && /^Error: (?:File or directory not found|User not found|Access denied)!/.test(words)
    ? words
    : undefined;
}

async function* withBeginning(
  beginning: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  if (beginning.length > 0) yield beginning;
  yield* rest;
}

/** An answer as a stream, for as long as its connection lives: one ends with the other. */
export function streamOf(chunks: AsyncGenerator<Buffer, void, undefined>, connection: Connection): Readable {
  const stream = new Readable({
    read() {
      chunks.next().then(
        (next) => stream.push(next.done ? null : next.value),
        (error: Error) => stream.destroy(error),
      );
    },
    destroy(error, done) {
      connection.destroy();
      done(error);
    },
  });
  // Also while nobody reads.
  connection.once("error", (error) => stream.destroy(error));
  return stream;
}
