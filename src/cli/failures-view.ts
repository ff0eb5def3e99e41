/** Failures of a job with many parts: each as it happens as long as they are few, then their sum. */
import { EXIT_STATUS, PortholeError } from "../errors.js";
import type { Desk } from "./command.js";
import { reportError } from "./errors.js";

/** Failures that are told one by one; of ten thousand nobody reads more. */
const MOST_TOLD = 20;

export class FailuresView {
  readonly #desk: Desk;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  tell(error: PortholeError): void {
    this.#total += 1;
    this.#counts.set(error.code, (this.#counts.get(error.code) ?? 0) + 1);
    if (this.#total <= MOST_TOLD)
      reportError(error, this.#desk.terminal, { ...this.#desk.voice, among: true });
  }

  /** Says what was not told one by one. @returns the exit status when anything failed */
  sum(done: number): number | undefined {
    if (this.#total === 0) return undefined;
    const kinds = [...this.#counts].map(([code, count]) => `${count} ${code}`).join(", ");
    const text = `${this.#total} failed (${kinds}), ${done} done`;
    const error = new PortholeError("partial", text, { hint: "the same command again does the rest" });
    return reportError(error, this.#desk.terminal, this.#desk.voice) || EXIT_STATUS.partial;
  }
}
