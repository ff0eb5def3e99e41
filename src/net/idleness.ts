/** How long the other side may be silent while somebody waits for it. */
export class IdleWatch {
  #lastActivity = performance.now();
  /** There was a sign of life since the last look: when exactly, nobody wants to know, and the clock need not be read each time. */
  #alive = false;
  readonly #timer: NodeJS.Timeout | undefined;

  /**
   * @param limit milliseconds; 0 for none
   * @param waiting whether somebody waits for the other side: only then does time count
   * @param expire called when the limit is over
   */
  constructor(limit: number, waiting: () => boolean, expire: () => void) {
    if (limit <= 0) return;
    const look = () => {
      if (this.#alive || !waiting()) this.#lastActivity = performance.now();
      else if (performance.now() - this.#lastActivity >= limit) expire();
      this.#alive = false;
    };
    // Unreferenced: an idle watch never keeps the process alive, and the socket does.
    this.#timer = setInterval(look, Math.min(1000, Math.max(10, limit / 4))).unref();
  }

  /** There was a sign of life. */
  alive(): void {
    this.#alive = true;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
