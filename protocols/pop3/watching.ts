/** New mail, asked for again and again: a maildrop shows to each connection what was there when it logged in. */
import { setTimeout as sleep } from "node:timers/promises";
import { abortReason, type ErrorCode, PortholeError } from "../../src/errors.js";
import type { WatchEvent } from "../../src/plugin.js";
import { messageEntry } from "./entry.js";
import type { Line } from "./line.js";
import type { Maildrop, Message } from "./maildrop.js";
import { summaries } from "./summaries.js";

/** Seconds between two looks, when nothing else was asked for. */
const USUAL_INTERVAL = 60;
const SHORTEST_INTERVAL = 0.05;
const LONGEST_PAUSE = 15 * 60;

/** What may pass by itself: another look is worth while. */
const PASSING: ReadonlySet<ErrorCode> = new Set(["resolve", "connect", "timeout", "busy", "protocol"]);

/**
 * Messages that come and go from now on. Between two looks the connection is closed, for a maildrop that is open is
 * locked to others, and shows nothing new.
 */
export async function* watchMaildrop(
  line: Line,
  closed: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const wanted = intervalOf(line);
  const first = await line.maildrop();
  let known = await look(first);
  const delay = Math.max(wanted, first.peer.capabilities?.loginDelay ?? 0);
  await line.rest();
  let failures = 0;
  for (;;) {
    await pause(Math.min(delay * 2 ** failures, Math.max(delay, LONGEST_PAUSE)), line, closed);
    const events: WatchEvent[] = [];
    try {
      const maildrop = await line.maildrop();
      const now = await look(maildrop);
      for (const [uid, message] of known) {
        if (!now.has(uid)) events.push(eventOf("gone", line, message));
      }
      const fresh = [...now].filter(([uid]) => !known.has(uid)).map(([, message]) => message);
      for await (const { message, summary } of summaries(maildrop.peer, fresh)) {
        events.push({ event: "new", entry: messageEntry(line.target, message, summary), at: new Date() });
      }
      await line.rest();
      known = now;
      failures = 0;
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || !PASSING.has(thrown.code) || closed.aborted) throw thrown;
      if (failures === 0) line.context.warn(`${thrown.message}; looking again`);
      failures = Math.min(failures + 1, 10);
      await line.rest();
      continue;
    }
    yield* events;
  }
}

async function look(maildrop: Maildrop): Promise<ReadonlyMap<string, Message>> {
  const messages = await maildrop.messages();
  if (!(await maildrop.hasUids())) {
    throw new PortholeError("refused", "the server has no unique identifiers: what is new cannot be told");
  }
  return new Map(messages.flatMap((message) => (message.uid === undefined ? [] : [[message.uid, message]])));
}

function eventOf(event: "gone", line: Line, message: Message): WatchEvent {
  return { event, entry: messageEntry(line.target, message, undefined), at: new Date() };
}

/** Seconds. */
function intervalOf({ context }: Line): number {
  const wanted = context.options["interval"];
  const seconds = typeof wanted === "number" ? wanted : USUAL_INTERVAL;
  if (seconds >= SHORTEST_INTERVAL) return seconds;
  throw new PortholeError("usage", `--interval wants ${SHORTEST_INTERVAL} seconds or more`);
}

async function pause(seconds: number, { context }: Line, closed: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([context.signal, closed]);
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch {
    throw abortReason(signal);
  }
}
