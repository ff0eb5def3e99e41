/** Failures of a job with many parts: each as it happens as long as they are few, then their sum. */
import { EXIT_STATUS, PortholeError } from "../errors.js";
import type { Desk } from "./command.js";
import { reportError } from "./errors.js";

/** Failures that are told one by one; of ten thousand nobody reads more. */
const MOST_TOLD = 20;

/** What fails again however often it is tried: nothing is left that could be done. */
const FINAL: ReadonlySet<string> = new Set(["missing", "refused", "usage"]);

export class FailuresView {
  readonly #desk: Desk;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** @param subject the URL of what failed */
  tell(error: PortholeError, subject: string): void {
    this.#total += 1;
    this.#counts.set(error.code, (this.#counts.get(error.code) ?? 0) + 1);
    // Of a session that was opened at the folder above, the error knows that folder alone.
    error.url = subject;
    if (this.#total <= MOST_TOLD) reportError(error, this.#desk.terminal, { ...this.#desk.voice, subject });
  }

  /**
   * Says what was not told one by one.
   * @param next what does the rest, if another try can
   * @returns the exit status when anything failed
   */
  sum(done: number, next = "the same command again does the rest"): number | undefined {
    if (this.#total === 0) return undefined;
    const kinds = [...this.#counts].map(([code, count]) => `${count} ${code}`).join(", ");
    const text = `${this.#total} failed (${kinds}), ${done} done`;
    const isFinal = [...this.#counts.keys()].every((code) => FINAL.has(code));
    const error = new PortholeError("partial", text, isFinal ? {} : { hint: next });
    return reportError(error, this.#desk.terminal, this.#desk.voice) || EXIT_STATUS.partial;
  }
}
