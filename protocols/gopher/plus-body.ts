/** The body of a Gopher+ reply: as long as its first line says. */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Take } from "../../src/plugin.js";
import type { Answer } from "./answer.js";
import { endOfHead, type PlusLength, parsePlusHead } from "./plus.js";
import { textOf } from "./text.js";

/** Octets in which the first line ends, and an error's words after it. */
const LONGEST_HEAD = 2048;

/**
 * @returns without a length when the server has answered without Gopher+: all that came, as it came
 * @throws PortholeError for a reply that is an error, and what the connection fails with
 */
export async function plusBody(
  chunks: AsyncGenerator<Buffer, void, undefined>,
  connection: Connection,
): Promise<{ chunks: AsyncGenerator<Buffer, void, undefined>; length: PlusLength | undefined }> {
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (!ended && head.length < LONGEST_HEAD && endOfHead(head) < 0) {
    const next = await chunks.next();
    if (next.done) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  const end = endOfHead(head);
  const line = end < 0 ? "" : head.toString("latin1", 0, end).replace(/\r$/, "");
  const after = head.subarray(end + 1);
  let length: PlusLength | undefined;
  try {
    length = parsePlusHead(line, after.toString("utf8", 0, LONGEST_HEAD));
  } catch (thrown) {
    connection.destroy();
    throw thrown;
  }
  if (length === undefined) return { chunks: from(head, chunks), length };
  const rest = from(after, chunks);
  if (typeof length === "number") return { chunks: exactly(rest, length), length };
  return { chunks: length === "dot" ? textOf(rest) : rest, length };
}

async function* from(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* exactly(
  chunks: AsyncIterable<Buffer>,
  length: number,
): AsyncGenerator<Buffer, void, undefined> {
  let left = length;
  if (left === 0) return;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) return;
  }
  throw new PortholeError("protocol", `the server closed ${left} octets before the end that it announced`);
}

/** See Document.pour: what was looked at first, then the rest from the socket's own buffer. */
export async function pourBody(answer: Answer, body: Readable, take: Take): Promise<void> {
  try {
    await answer.pour(take);
  } finally {
    body.destroy();
  }
}
