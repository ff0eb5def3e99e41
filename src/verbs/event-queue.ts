/** Events of several workers as one iterable, no faster than they are taken. */

/** Events that may wait for their reader before the workers do. */
const MOST_WAITING = 64;

export class EventQueue<T> {
  readonly #waiting: T[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #wakeReader: () => void = () => undefined;
  #wakeWriters: (() => void)[] = [];

  /** Waits while too many events wait; what comes after the end is forgotten. */
  async push(event: T): Promise<void> {
    while (this.#waiting.length >= MOST_WAITING && !this.#ended) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    if (this.#ended) return;
    this.#waiting.push(event);
    this.#wakeReader();
  }

  /** What waits is still given out. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The reader gets what waits, then this. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.end();
  }

  async *events(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.#letWritersOn();
        yield next;
      }
      if (this.#ended) break;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #wake(): void {
    this.#wakeReader();
    this.#letWritersOn();
  }

  #letWritersOn(): void {
    const writers = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of writers) wake();
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
    yield* queue.events();
  } finally {
    queue.end();
    leaving.abort();
    await working;
    signal?.removeEventListener("abort", leave);
  }
}
