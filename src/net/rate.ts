/** A rate limit shared by all connections of a run. */

/** Octets that may pass at once after a silence, as a share of a second's allowance. */
const BURST_SECONDS = 0.1;

export class RateLimit {
  readonly #perSecond: number;
  /** When what was let through so far is paid for, in milliseconds of performance.now(). */
  #paidUntil = 0;

  /** @param perSecond octets a second, more than 0 */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Octets that may pass at once; more should be split. */
  get burst(): number {
    return Math.max(1, Math.floor(this.#perSecond * BURST_SECONDS));
  }

  /** Counts `octets` as passed; returns how many milliseconds to wait before the next may. */
  take(octets: number, now = performance.now()): number {
    const free = now - BURST_SECONDS * 1000;
    this.#paidUntil = Math.max(this.#paidUntil, free) + (octets / this.#perSecond) * 1000;
    return Math.max(0, this.#paidUntil - now);
  }
}
