/**
 * A mirror that goes on for as long as somebody wants it: round after round, as soon as the source tells that something is
 * new, and every so many seconds. A round that fails is tried again, with growing pauses.
 */
import { abortReason, type ErrorCode, PortholeError } from "../errors.js";
import { isWorthWaiting, sleep } from "../repeat.js";
import { type MirrorEvent, type MirrorRequest, mirror } from "./mirror.js";
import { USUAL_INTERVAL, wantInterval, watch } from "./watch.js";

export interface MirrorWatchRequest extends MirrorRequest {
  /** Seconds from the end of a round to the next at most; 60 when absent. */
  readonly interval?: number;
  /** Milliseconds of the first pause after a round that failed; 1000 when absent. Each further one is twice as long. */
  readonly firstPause?: number;
}

export type MirrorWatchEvent =
  | MirrorEvent
  /** A round came to no end; the next begins in so many seconds. */
  | { readonly event: "broken"; readonly error: PortholeError; readonly seconds: number };

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15 * 60_000;

/** What may pass by itself: a disk that is full is made room on, another run of the same mirror ends. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "resolve",
  "connect",
  "timeout",
  "busy",
  "protocol",
  "local",
  "partial",
]);

/**
 * Goes on until it is left, or the signal fires. Each round ends with `done`, or with `broken`.
 * @throws PortholeError what the first round throws, and later what does not pass by itself (a login refused); the
 *   signal's reason
 */
export async function* mirrorOnAndOn(
  request: MirrorWatchRequest,
): AsyncGenerator<MirrorWatchEvent, void, undefined> {
  const { interval = USUAL_INTERVAL, firstPause = FIRST_PAUSE_MS } = request;
  wantInterval(interval);
  if (request.dryRun === true) {
    throw new PortholeError("usage", "a plan is printed once", { hint: "--dry-run without --watch" });
  }
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(request.signal === undefined ? [] : [request.signal])]);
  const news = new News();
  // Before the first round, so that nothing falls between the two.
  const listening = listen(request, news, signal);
  try {
    await Promise.race([news.begun, sleep(interval * 1000, signal)]);
    // Not to be tried twice: servers count what they refuse.
    if (news.refused !== undefined) throw news.refused;
    for (let failures = 0, isFirst = true; ; isFirst = false) {
      news.forget();
      let pause = interval * 1000;
      try {
        yield* mirror(request);
        failures = 0;
      } catch (thrown) {
        if (signal.aborted) throw abortReason(signal);
        if (isFirst || !(thrown instanceof PortholeError) || !PASSING.has(thrown.code)) throw thrown;
        if (!isWorthWaiting(thrown)) throw thrown;
        const usual = Math.min(LONGEST_PAUSE_MS, firstPause * 2 ** Math.min(failures, 20));
        pause = Math.max(usual, (thrown.retryAfter ?? 0) * 1000);
        failures += 1;
        yield { event: "broken", error: thrown, seconds: pause / 1000 };
        await sleep(pause, signal);
        continue;
      }
      await news.orSleep(pause, signal);
    }
  } finally {
    ending.abort(new PortholeError("aborted", "the mirror was left"));
    await listening;
  }
}

/** Listens beside the rounds, where the source tells by itself. When it cannot any more, rounds go by the clock. */
async function listen(request: MirrorWatchRequest, news: News, signal: AbortSignal): Promise<void> {
  const { client, interval = USUAL_INTERVAL } = request;
  try {
    const source = client.target(request.from);
    const first = await client.open(source, signal);
    if (first.hears !== true) {
      await first[Symbol.asyncDispose]();
      return;
    }
    let held: typeof first | undefined = first;
    const open = async (ends: AbortSignal) => {
      const session = held ?? (await client.open(source, ends));
      held = undefined;
      return session;
    };
    const begun = () => news.begin();
    for await (const _event of watch(source, open, { interval, signal, begun })) news.come();
  } catch (thrown) {
    // All else the next round meets, and tells.
    if (thrown instanceof PortholeError && thrown.code === "auth") news.refused = thrown;
  } finally {
    news.begin();
  }
}

/** Whether something has come since the last round began. */
class News {
  /** The source was not to be listened to: it did not take the login. */
  refused: PortholeError | undefined;
  /** Settles when the source is listened to, or it is known that it tells nothing by itself. */
  readonly begun: Promise<void>;
  begin: () => void = () => undefined;
  #has = false;
  #wake: () => void = () => undefined;

  constructor() {
    this.begun = new Promise((resolve) => {
      this.begin = resolve;
    });
  }

  come(): void {
    this.#has = true;
    this.#wake();
  }

  forget(): void {
    this.#has = false;
  }

  /** @throws the signal's reason */
  async orSleep(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#has) return;
    const over = new AbortController();
    this.#wake = () => over.abort();
    try {
      await sleep(ms, AbortSignal.any([signal, over.signal]));
    } catch (thrown) {
      if (signal.aborted) throw abortReason(signal);
      if (!over.signal.aborted) throw thrown;
    }
  }
}
