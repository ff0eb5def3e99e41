/** Doing again what failed for now: only for what may be done twice, with growing pauses. */
import { abortReason, type ErrorCode, PortholeError } from "./errors.js";

const WORTH_REPEATING: ReadonlySet<ErrorCode> = new Set(["busy", "timeout", "connect", "protocol"]);
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** A server that wants to be left alone for longer is left alone (seconds). */
const LONGEST_WISH = 15 * 60;

/**
 * Runs `act` until it succeeds, fails for good, or has been repeated `retries` times.
 * @param tell says what failed and how long the pause is
 * @throws whatever the last attempt threw
 */
export async function repeatWhilePossible<T>(
  retries: number,
  signal: AbortSignal,
  tell: (text: string) => void,
  act: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await act();
    } catch (thrown) {
      const hopeful = thrown instanceof PortholeError && WORTH_REPEATING.has(thrown.code);
      if (!hopeful || attempt >= retries || signal.aborted) throw thrown;
      if (!isWorthWaiting(thrown)) throw thrown;
      const { retryAfter = 0 } = thrown;
      // No sooner than the server said, whatever would be usual.
      const pause = Math.max(retryAfter * 1000, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
      const reply = thrown.reply === undefined ? "" : ` (${thrown.reply.trim()})`;
      tell(`${thrown.message}${reply}; trying again in ${pause / 1000} s (${attempt + 1} of ${retries})`);
      await sleep(pause, signal);
    }
  }
}

/** The server does not want to be left alone for longer than anybody waits. */
export function isWorthWaiting({ retryAfter = 0 }: Pick<PortholeError, "retryAfter">): boolean {
  return retryAfter <= LONGEST_WISH;
}

/** Until the time is over. @throws PortholeError the signal's reason */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(abortReason(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
  });
}
