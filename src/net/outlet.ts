/** What several connections have to tell, one after the other, to one reader at its own pace. */
interface Waiting<T> {
  readonly output: T;
  readonly taken: () => void;
}

/** Iterate once. Leaving the loop early frees all who wait. */
export class Outlet<T> implements AsyncIterable<T> {
  readonly #waiting: Waiting<T>[] = [];
  #ended = false;
  #failure: unknown;
  #failed = false;
  #stir: () => void = () => {};

  /** Resolves when the output has been taken, or nobody takes any more. */
  put(output: T): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ output, taken: resolve });
      this.#stir();
    });
  }

  end(): void {
    this.#ended = true;
    this.#stir();
  }

  /** The iteration throws, after what was put before. */
  fail(thrown: unknown): void {
    if (this.#ended) return;
    this.#failed = true;
    this.#failure = thrown;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          yield next.output;
          next.taken();
        } else if (this.#ended) {
          if (this.#failed) throw this.#failure;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#stir = resolve;
          });
        }
      }
    } finally {
      this.#ended = true;
      for (const { taken } of this.#waiting.splice(0)) taken();
    }
  }
}

/** Runs `act` beside the iteration of what it puts out. */
export async function* outputsOf<T>(
  act: (outlet: Outlet<T>) => Promise<void>,
): AsyncGenerator<T, void, undefined> {
  const outlet = new Outlet<T>();
  const acting = act(outlet).then(
    () => outlet.end(),
    (thrown: unknown) => outlet.fail(thrown),
  );
  yield* outlet;
  await acting;
}
