/** What went wrong on the way of a job that goes on all the same, and when it does not. */
import { type PortholeError, systemCode } from "../errors.js";
import { asError } from "./walk.js";

/** So many in a row mean that a side is gone, or full; the rest is not tried. */
const MOST_UNREACHED = 5;
const UNREACHED: ReadonlySet<string> = new Set(["resolve", "connect", "tls", "timeout", "auth"]);
/** All would be fetched, and nothing kept. */
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/** @typeParam S what a failure is told of: a URL, a thing to be copied */
export class Failures<S> {
  /** So far. */
  count = 0;
  #unreached = 0;
  readonly #tell: (subject: S, error: PortholeError) => Promise<void>;
  readonly #signal: AbortSignal;

  constructor(tell: (subject: S, error: PortholeError) => Promise<void>, signal: AbortSignal) {
    this.#tell = tell;
    this.#signal = signal;
  }

  async add(subject: S, error: PortholeError): Promise<void> {
    this.count += 1;
    await this.#tell(subject, error);
  }

  /** @throws `thrown` itself when the job was ended, or when a side is gone */
  async addOrStop(subject: S, thrown: unknown): Promise<void> {
    if (this.#signal.aborted) throw thrown;
    const error = asError(thrown);
    await this.add(subject, error);
    const isOver = UNREACHED.has(error.code) || FULL.has(systemCode(error.cause) ?? "");
    this.#unreached = isOver ? this.#unreached + 1 : 0;
    if (this.#unreached >= MOST_UNREACHED) throw error;
  }

  /** Both sides are there. */
  reached(): void {
    this.#unreached = 0;
  }
}
