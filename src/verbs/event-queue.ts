/** Events of several workers as one iterable, no faster than they are taken. */

const MOST_WAITING = 64;
const DONE = Promise.resolve();

export class EventQueue<T> {
  readonly #most: number;
  readonly #waiting: T[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #wakeReader: () => void = () => undefined;
  #wakeWriters: (() => void)[] = [];

  /** @param most so many may wait for their reader before the writers do */
  constructor(most = MOST_WAITING) {
    this.#most = most;
  }

  /** Waits while too many events wait; what comes after the end is forgotten. */
  push(event: T): Promise<void> {
    if (this.#waiting.length >= this.#most && !this.#ended) return this.#pushLater(event);
    this.#add(event);
    return DONE;
  }

  async #pushLater(event: T): Promise<void> {
    while (this.#waiting.length >= this.#most && !this.#ended) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    this.#add(event);
  }

  #add(event: T): void {
    if (this.#ended) return;
    this.#waiting.push(event);
    this.#wakeReader();
  }

  /** What waits is still given out. */
  end(): void {
    this.#ended = true;
    this.#wakeReader();
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }

  /** The reader gets what waits, then this. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.end();
  }

  /** The event that has waited longest; there is room for another then. */
  take(): T | undefined {
    const next = this.#waiting.shift();
    if (next !== undefined) this.#wakeWriters.shift()?.();
    return next;
  }

  /** Waits for the next event: false when there will be none. @throws what the queue failed with */
  async more(): Promise<boolean> {
    while (this.#waiting.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.reason;
      if (this.#ended) return false;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    return true;
  }
}

/**
 * Runs `work`, which tells its events, as an iterable. Leaving the iterable early fires the signal that `work` is
 * given, and waits for its end; so does `signal`.
 * @throws whatever `work` throws
 */
export async function* eventsOf<T>(
  signal: AbortSignal | undefined,
  work: (tell: (event: T) => Promise<void>, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<T, void, undefined> {
  const queue = new EventQueue<T>();
  const leaving = new AbortController();
  const leave = () => leaving.abort(signal?.reason);
  signal?.addEventListener("abort", leave, { once: true });
  if (signal?.aborted) leave();
  const working = work((event) => queue.push(event), leaving.signal).then(
    () => queue.end(),
    (thrown: unknown) => queue.fail(thrown),
  );
  try {
    do {
      for (let next = queue.take(); next !== undefined; next = queue.take()) yield next;
    } while (await queue.more());
  } finally {
    queue.end();
    leaving.abort();
    await working;
    signal?.removeEventListener("abort", leave);
  }
}
