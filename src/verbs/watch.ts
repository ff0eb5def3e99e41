/**
 * `watch`: what is new, changed or gone, for as long as somebody wants to know. The session tells by itself where it
 * can; elsewhere it is asked now and then. What breaks is taken up again, with growing pauses.
 */
import { abortReason, type ErrorCode, PortholeError } from "../errors.js";
import type { Session, Target, WatchEvent } from "../plugin.js";
import { sleep } from "../repeat.js";
import { eventsBetween, type Seen, seenAt } from "./watch-looks.js";

export interface WatchOptions {
  /** Seconds between two looks where the server does not tell by itself; 60 when absent. */
  readonly interval?: number;
  readonly signal?: AbortSignal;
  /** A line for people: what broke, and when it is tried again. */
  readonly tell?: (text: string) => void;
  /** Called when a session that hears knows what there is: what comes from then on is told. */
  readonly begun?: () => void;
  /** Milliseconds of the first pause after a failure; 1000 when absent. Each further one is twice as long. */
  readonly firstPause?: number;
}

/** Seconds. */
export const USUAL_INTERVAL = 60;
const SHORTEST_INTERVAL = 0.05;
/** Seconds: where looks are further apart, the connection is not kept between them. */
const KEPT_OPEN = 30;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15 * 60_000;
/** A session that lasted so long was well: pauses begin anew. */
const WELL_MS = 60_000;

/** What may pass by itself. */
const PASSING: ReadonlySet<ErrorCode> = new Set(["resolve", "connect", "timeout", "busy", "protocol"]);

/**
 * Goes on until it is left, the signal fires, or the server says that there is nothing more.
 * @param open a new session; called again after a failure
 * @throws PortholeError what the first attempt throws, and later what does not pass by itself (a login refused); the
 * signal's reason
 */
export async function* watch(
  target: Target,
  open: (signal: AbortSignal) => Promise<Session>,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent, void, undefined> {
  const interval = options.interval ?? USUAL_INTERVAL;
  wantInterval(interval);
  const signal = options.signal ?? new AbortController().signal;
  const watching = new Watching(target.path, open, { interval, begun: options.begun }, signal);
  let failures = 0;
  let isFirst = true;
  for (;;) {
    const began = performance.now();
    try {
      for await (const event of watching.events()) {
        failures = 0;
        yield event;
      }
      return;
    } catch (thrown) {
      if (signal.aborted) throw abortReason(signal);
      if (!(thrown instanceof PortholeError) || !PASSING.has(thrown.code) || !watching.begun) throw thrown;
      // Some sessions connect when they first look: a name that nobody has was never right.
      const wasNeverThere = isFirst && performance.now() - began < interval * 1000;
      if (thrown.code === "resolve" && wasNeverThere) {
        thrown.url ??= target.href(target.path);
        throw thrown;
      }
      isFirst = false;
      if (performance.now() - began > Math.max(WELL_MS, 2000 * interval)) failures = 0;
      const pause = Math.min(LONGEST_PAUSE_MS, (options.firstPause ?? FIRST_PAUSE_MS) * 2 ** failures);
      options.tell?.(`${thrown.message}; trying again in ${Math.ceil(pause / 1000)} s`);
      failures += 1;
      await sleep(pause, signal);
    }
  }
}

/** @throws PortholeError `usage` */
export function wantInterval(seconds: number): void {
  if (seconds >= SHORTEST_INTERVAL) return;
  throw new PortholeError("usage", `--interval wants ${SHORTEST_INTERVAL} seconds or more`);
}

class Watching {
  readonly #path: string;
  readonly #open: (signal: AbortSignal) => Promise<Session>;
  readonly #interval: number;
  readonly #begun: (() => void) | undefined;
  readonly #signal: AbortSignal;
  /** What the last look saw: it outlives a connection, so that nothing between two of them is missed. */
  #known: ReadonlyMap<string, Seen> | undefined;
  /** There was a session, or a look: the target is right. */
  begun = false;

  constructor(
    path: string,
    open: (signal: AbortSignal) => Promise<Session>,
    { interval, begun }: { readonly interval: number; readonly begun: (() => void) | undefined },
    signal: AbortSignal,
  ) {
    this.#path = path;
    this.#open = open;
    this.#interval = interval;
    this.#begun = begun;
    this.#signal = signal;
  }

  /** Until something breaks. */
  async *events(): AsyncGenerator<WatchEvent, void, undefined> {
    for (;;) {
      const session = await this.#open(this.#signal);
      try {
        if (session.watch !== undefined) {
          this.begun = true;
          const begun = this.#begun === undefined ? {} : { begun: this.#begun };
          yield* session.watch(this.#path, { interval: this.#interval, ...begun });
          return;
        }
        do yield* this.#look(session);
        while (await this.#staysOpen());
      } finally {
        await session[Symbol.asyncDispose]();
      }
      await sleep(this.#interval * 1000, this.#signal);
    }
  }

  async *#look(session: Session): AsyncGenerator<WatchEvent, void, undefined> {
    const now = await seenAt(session, this.#path, this.#known);
    const before = this.#known;
    this.#known = now;
    this.begun = true;
    if (before !== undefined) yield* eventsBetween(before, now);
  }

  /** Where the next look is near, it is waited for. */
  async #staysOpen(): Promise<boolean> {
    if (this.#interval >= KEPT_OPEN) return false;
    await sleep(this.#interval * 1000, this.#signal);
    return true;
  }
}
