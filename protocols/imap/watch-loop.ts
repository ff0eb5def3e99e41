/** Watching for as long as somebody wants to know: what breaks is taken up again, with growing pauses. */
import { setTimeout as sleep } from "node:timers/promises";
import { abortReason, type ErrorCode, PortholeError } from "../../src/errors.js";
import type { WatchEvent } from "../../src/plugin.js";
import type { Account } from "./account.js";

/** Seconds between two looks, where the server does not tell by itself. */
const USUAL_INTERVAL = 60;
const SHORTEST_INTERVAL = 0.05;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15 * 60_000;
/** Milliseconds: a server may end a connection that is silent for half an hour (RFC 2177). */
export const SILENCE_MS = 28 * 60_000;

/** What may pass by itself: another look is worth while. */
const PASSING: ReadonlySet<ErrorCode> = new Set(["resolve", "connect", "timeout", "busy", "protocol"]);

/** What is watched; what it knows outlives a connection. */
export interface Watched {
  /** There was a look: what is asked for is right. */
  readonly begun: boolean;
  /** Until something breaks. @param begun called when it is known what there is */
  events(begun?: () => void): AsyncIterable<WatchEvent>;
}

/** @throws PortholeError what fails before the first look, or does not pass by itself; the signal's reason */
export async function* watchOn(
  account: Account,
  watched: Watched,
  signal: AbortSignal,
  begun?: () => void,
): AsyncGenerator<WatchEvent, void, undefined> {
  let failures = 0;
  for (;;) {
    try {
      for await (const event of watched.events(begun)) {
        failures = 0;
        yield event;
      }
    } catch (thrown) {
      if (signal.aborted) throw abortReason(signal);
      if (!(thrown instanceof PortholeError) || !PASSING.has(thrown.code) || !watched.begun) throw thrown;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      if (failures === 0) account.context.warn(`${thrown.message}; connecting again`);
      failures = Math.min(failures + 1, 10);
      await account.rest();
      await pauseFor(pause, signal);
    }
  }
}

/** Seconds. @throws PortholeError `usage` */
export function intervalOf({ context }: Account): number {
  const wanted = context.options["interval"];
  const seconds = typeof wanted === "number" ? wanted : USUAL_INTERVAL;
  if (seconds >= SHORTEST_INTERVAL) return seconds;
  throw new PortholeError("usage", `--interval wants ${SHORTEST_INTERVAL} seconds or more`);
}

export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal, ref: true });
  } catch {
    throw abortReason(signal);
  }
}
