/** Changing an mbox file under its lock: a message at its end, or one taken out. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { abortReason, PortholeError } from "../../src/errors.js";
import { AtomicFile } from "../../src/files/atomic-file.js";
import { parseHeader } from "../../src/message/headers.js";
import type { Source } from "../../src/plugin.js";
import { orFail } from "./failures.js";
import { MailboxLock } from "./mailbox-lock.js";
import { FromLines, quote } from "./mbox-quoting.js";
import type { Located } from "./mbox-scanner.js";
import { octetsOf } from "./octets.js";
import { folderOf, type LocalPath } from "./path.js";
import { gather, partOf } from "./place-file.js";

const LF = 0x0a;
/** A message up to this size is taken whole before the lock is: a slow source must not keep others from the mailbox. */
const TAKEN_WHOLE = 8 * 1024 * 1024;
/** Octets by which the sender is found for the From_ line. */
const HEADER = 16 * 1024;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/**
 * Adds a message as mboxrd has it, and syncs. When the source fails, the file is as it was.
 * @returns where its From_ line is
 * @throws PortholeError
 */
export async function appendMessage(place: LocalPath, source: Source, signal: AbortSignal): Promise<number> {
  const pieces = source.body[Symbol.asyncIterator]();
  const begun: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  while (!ended && size < TAKEN_WHOLE) {
    const { done, value } = await pieces.next();
    if (done === true) ended = true;
    else {
      begun.push(value);
      size += value.length;
    }
    if (signal.aborted) {
      await pieces.return?.();
      throw abortReason(signal);
    }
  }
  const whole = Buffer.concat(begun);
  const lock = await MailboxLock.take(place, signal);
  try {
    await using handle = await orFail(place.shown, () => open(place.octets, "a+", 0o600));
    const before = (await handle.stat()).size;
    try {
      const start = await endLine(handle, before);
      await put(handle, Buffer.from(`${start}${fromLine(whole.subarray(0, HEADER), source.modified)}\n`));
      const lines = new FromLines(quote);
      let last = LF;
      const add = async (octets: Buffer): Promise<void> => {
        last = octets.at(-1) ?? last;
        await put(handle, octets);
      };
      await add(lines.write(whole));
      if (!ended) {
        ended = true;
        const rest = { [Symbol.asyncIterator]: () => pieces };
        await gather({ body: rest }, signal, (block) => add(lines.write(block)));
      }
      await add(lines.end());
      await put(handle, Buffer.from(last === LF ? "\n" : "\n\n"));
      await handle.sync();
      return before + start.length;
    } catch (thrown) {
      await handle.truncate(before);
      throw thrown;
    }
  } finally {
    if (!ended) await pieces.return?.();
    await lock.release();
  }
}

/** What must come before a From_ line: other programs may have left the file without a line's end, or without an empty line. */
async function endLine(handle: FileHandle, size: number): Promise<string> {
  if (size === 0) return "";
  const room = Math.min(4, size);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(room), 0, room, size - room);
  const tail = buffer.toString("latin1", 0, bytesRead);
  if (/\n\r?\n$/.test(tail)) return "";
  return tail.endsWith("\n") ? "\n" : "\n\n";
}

async function put(handle: FileHandle, octets: Buffer): Promise<void> {
  for (let written = 0; written < octets.length; ) {
    written += (await handle.write(octets, written, octets.length - written)).bytesWritten;
  }
}

/** RFC 4155: the sender as far as the header tells, and the time of arrival in UTC. */
function fromLine(head: Uint8Array, arrived: Date | undefined): string {
  const header = parseHeader(head);
  const from = header.raw("return-path") ?? header.raw("sender") ?? header.raw("from") ?? "";
  const address = /<([^<>\s]+@[^<>\s]+)>/.exec(from)?.[1] ?? /[^\s<>"(),;:]+@[^\s<>"(),;:]+/.exec(from)?.[0];
  const sender = address !== undefined && /^[\x21-\x7e]{1,200}$/.test(address) ? address : "MAILER-DAEMON";
  const date = arrived ?? new Date();
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  const day = String(date.getUTCDate()).padStart(2);
  const [weekday, month] = [DAYS[date.getUTCDay()] ?? "Thu", MONTHS[date.getUTCMonth()] ?? "Jan"];
  return `From ${sender} ${weekday} ${month} ${day} ${time} ${date.getUTCFullYear()}`;
}

/**
 * Takes messages out: what stays is written beside the file, which is then replaced.
 * @param find gives those to go, while the lock is held
 */
export async function removeMessages(
  place: LocalPath,
  signal: AbortSignal,
  find: (handle: FileHandle, size: number) => Promise<readonly Located[]>,
): Promise<void> {
  const lock = await MailboxLock.take(place, signal);
  try {
    await using handle = await orFail(place.shown, () => open(place.octets, "r"));
    const facts = await handle.stat();
    const gone = await find(handle, facts.size);
    const file = AtomicFile.open(partOf(place), place.shown);
    try {
      let from = 0;
      for (const { offset, next } of [...gone, { offset: facts.size, next: facts.size }]) {
        if (offset > from) {
          for await (const block of octetsOf(handle, { start: from, end: offset }, place.shown)) {
            if (signal.aborted) throw abortReason(signal);
            file.write(block);
          }
        }
        from = next;
      }
      if ((await stat(place.octets)).size !== facts.size) {
        throw new PortholeError("busy", `${place.shown} was written to by a program that heeds no lock`, {
          hint: "try again",
        });
      }
      await file.name({
        path: place.octets,
        folder: folderOf(place),
        replace: true,
        mode: facts.mode & 0o7777,
      });
    } finally {
      file.discard();
    }
  } finally {
    await lock.release();
  }
}
