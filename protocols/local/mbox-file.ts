/** The messages of an mbox file, found by reading it from its beginning, in blocks that are used anew. */
import type { FileHandle } from "node:fs/promises";
import type { Life } from "./life.js";
import { FromLines, unquote } from "./mbox-quoting.js";
import { isFromLine, type Located, located, type MboxFormat, MboxScanner } from "./mbox-scanner.js";
import { HEADER_OCTETS } from "./message-entry.js";
import { octetsOf } from "./octets.js";

/** Octets that are searched at once. */
const BLOCK = 1024 * 1024;
const PEEK = 512;

/** One that is asked for, or `auto`: mboxcl2 when the first message's Content-Length is right, else mboxrd. */
export type AskedFormat = MboxFormat | "auto";

export async function formatOf(handle: FileHandle, size: number, asked: AskedFormat): Promise<MboxFormat> {
  if (asked !== "auto") return asked;
  return (await byContentLength(handle, 0, size)) === undefined ? "mboxrd" : "mboxcl2";
}

/**
 * The messages from an octet on, where a From_ line begins.
 * @param size of the file when it was opened: what is added meanwhile is for the next time
 */
export async function* messagesIn(
  handle: FileHandle,
  size: number,
  format: MboxFormat,
  life: Life,
  from = 0,
): AsyncGenerator<Located, void, undefined> {
  if (format !== "mboxcl2") {
    yield* scanned(handle, size, new MboxScanner(format, from), life, from);
    return;
  }
  for (let at = from; at < size; ) {
    life.check();
    // One that says nothing, or something wrong, ends where the next From_ line begins.
    const message =
      (await byContentLength(handle, at, size)) ??
      (await first(scanned(handle, size, new MboxScanner(format, at), life, at)));
    if (message === undefined) return;
    yield message;
    at = message.next;
  }
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

async function* scanned(
  handle: FileHandle,
  size: number,
  scanner: MboxScanner,
  life: Life,
  from: number,
): AsyncGenerator<Located, void, undefined> {
  const blocks = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)] as const;
  const readAt = (block: Buffer, position: number) =>
    handle.read(block, 0, Math.max(0, Math.min(BLOCK, size - position)), position);
  let position = from;
  let turn = 0;
  // The next block is read while this one is searched.
  let reading = readAt(blocks[0], position);
  try {
    for (;;) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) break;
      life.check();
      position += bytesRead;
      turn = 1 - turn;
      reading = readAt(turn === 0 ? blocks[0] : blocks[1], position);
      yield* scanner.feed(buffer.subarray(0, bytesRead));
    }
  } finally {
    await reading.catch(() => undefined);
  }
  yield* scanner.end();
}

/** The message at an octet, when its Content-Length leads to the next one or to the end of the file. */
async function byContentLength(handle: FileHandle, at: number, size: number): Promise<Located | undefined> {
  const head = await octetsAt(handle, at, HEADER_OCTETS, size);
  const fromEnd = head.indexOf("\n") + 1;
  const fromLine = head.toString("latin1", 0, Math.max(0, fromEnd - 1)).trimEnd();
  if (!isFromLine(fromLine)) return undefined;
  const body = [head.indexOf("\n\n", fromEnd - 1), head.indexOf("\n\r\n", fromEnd - 1)]
    .map((found, which) => (found < 0 ? Number.POSITIVE_INFINITY : found + 2 + which))
    .reduce((one, other) => Math.min(one, other));
  if (!Number.isFinite(body)) return undefined;
  const start = at + fromEnd;
  const message = located({
    offset: at,
    start,
    end: at + body,
    next: at + body,
    quoted: 0,
    fromLine,
    head: head.subarray(fromEnd, body),
  });
  const told = /^\d{1,15}$/.exec(message.header.raw("content-length") ?? "")?.[0];
  if (told === undefined) return undefined;
  const end = at + body + Number(told);
  if (end > size) return undefined;
  const next = await nextFrom(handle, end, size);
  return next === undefined ? undefined : { ...message, end, next, size: end - start };
}

/** Where the next message begins when one ends here: at once, or after an empty line. */
async function nextFrom(handle: FileHandle, end: number, size: number): Promise<number | undefined> {
  const peek = (await octetsAt(handle, end, PEEK, size)).toString("latin1");
  const [gap = ""] = /^(?:\r?\n)?/.exec(peek) ?? [];
  if (peek.length === gap.length && end + gap.length >= size) return size;
  return isFromLine(peek.slice(gap.length).split("\n")[0] ?? "") ? end + gap.length : undefined;
}

async function octetsAt(handle: FileHandle, at: number, length: number, size: number): Promise<Buffer> {
  const room = Math.max(0, Math.min(length, size - at));
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(room), 0, room, at);
  return buffer.subarray(0, bytesRead);
}

/** A message as it was before it was put into the file. */
export async function* contentOf(
  handle: FileHandle,
  message: Pick<Located, "start" | "end">,
  format: MboxFormat,
  shown: string,
): AsyncGenerator<Buffer, void, undefined> {
  const lines = new FromLines(unquote(format));
  for await (const block of octetsOf(handle, message, shown)) yield lines.write(block);
  const rest = lines.end();
  if (rest.length > 0) yield rest;
}
