/** One line on standard error that says how far a transfer is. */
import type { Progress } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import { humanDuration, humanSize } from "../text/units.js";
import { truncate } from "../text/width.js";
import type { Terminal } from "./terminal.js";

/** What is over sooner needs no progress line. */
const SHOW_AFTER_MS = 500;
const REDRAW_MS = 200;
/** A log is no screen: where standard error is no terminal, and progress was asked for, a line a second. */
const LOG_MS = 1000;
/** The rate is that of the last few seconds, so that it follows what happens. */
const RATE_WINDOW_MS = 5000;

/** Transfers that are told one by one; the line would not hold more. */
const MOST_TOLD = 8;

/** `3 transfers: a.iso 12%, b.iso 50%`: how many there are, and how far each is that is under way. */
function several(count: number, moving: readonly Progress[]): string {
  const each = moving.slice(0, MOST_TOLD).map(({ what, done, total }) => {
    const far = total === undefined || total === 0 ? humanSize(done) : `${Math.floor((done / total) * 100)}%`;
    return `${safeLine(what)} ${far}`;
  });
  return each.length === 0 ? `${count} transfers` : `${count} transfers: ${each.join(", ")}`;
}

/** What stands in the line. */
export interface TransferState {
  /** A name, or how many things there are. */
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
  /** Octets a second; undefined until something is known. */
  readonly rate: number | undefined;
}

/** `big.iso  45%  12M of 27M  1.2M/s  0:12 left`, at most `columns` wide. */
export function progressLine(state: TransferState, columns: number): string {
  const { what, done, total, rate } = state;
  const share =
    total === undefined || total === 0 ? [] : [`${Math.min(100, Math.floor((done / total) * 100))}%`];
  const amount = total === undefined ? humanSize(done) : `${humanSize(done)} of ${humanSize(total)}`;
  const speed = rate === undefined ? [] : [`${humanSize(rate)}/s`];
  const left =
    rate === undefined || rate <= 0 || total === undefined || done >= total
      ? []
      : [`${humanDuration((total - done) / rate)} left`];
  const facts = [...share, amount, ...speed, ...left].join("  ");
  return truncate(`${truncate(what, Math.max(8, columns - facts.length - 2))}  ${facts}`, columns);
}

export interface ProgressOptions {
  /** `--progress` and `--no-progress`; undefined: on a terminal, unless quiet. */
  readonly wanted?: boolean | undefined;
}

/**
 * Takes reports of any number of transfers, shows their sum after half a second, and clears the line at the end. What
 * comes soon after the last has ended belongs to the same lot.
 */
export class ProgressView implements Disposable {
  readonly #terminal: Terminal;
  readonly #enabled: boolean;
  readonly #transfers = new Map<string, Progress>();
  #samples: { at: number; done: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #ending: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, options: ProgressOptions = {}) {
    this.#terminal = terminal;
    this.#enabled = options.wanted ?? (terminal.errorIsTerminal && !terminal.quiet);
  }

  /** To be handed on as it is: `progress: view.report`. */
  readonly report = (progress: Progress): void => {
    if (!this.#enabled) return;
    this.#transfers.set(progress.what, progress);
    clearTimeout(this.#ending);
    if (!this.#isMoving) {
      // What is told next, about the whole, must not have the line below it once more.
      this.#terminal.clearStatus();
      this.#ending = setTimeout(this.over, SHOW_AFTER_MS).unref();
    }
    this.#timer ??= setTimeout(() => this.#begin(), SHOW_AFTER_MS).unref();
    if (this.#samples.length === 0) this.#sample();
  };

  /** Nothing is under way any more, whether it has ended well or not: takes the line away. */
  readonly over = (): void => {
    clearTimeout(this.#timer);
    clearTimeout(this.#ending);
    this.#timer = undefined;
    this.#transfers.clear();
    this.#samples = [];
    this.#terminal.clearStatus();
  };

  [Symbol.dispose](): void {
    this.over();
  }

  get #isMoving(): boolean {
    return [...this.#transfers.values()].some(({ finished }) => finished !== true);
  }

  #begin(): void {
    const interval = this.#terminal.errorIsTerminal ? REDRAW_MS : LOG_MS;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), interval).unref();
  }

  #draw(): void {
    this.#sample();
    if (!this.#isMoving) return;
    const line = progressLine(this.#state(), this.#terminal.columns - 1);
    if (this.#terminal.errorIsTerminal) this.#terminal.showStatus(line);
    else this.#terminal.say(line);
  }

  #sample(): void {
    const at = performance.now();
    this.#samples.push({ at, done: this.#done() });
    this.#samples = this.#samples.filter((sample) => at - sample.at <= RATE_WINDOW_MS);
  }

  #done(): number {
    return [...this.#transfers.values()].reduce((sum, transfer) => sum + transfer.done, 0);
  }

  #state(): TransferState {
    const transfers = [...this.#transfers.values()];
    const moving = transfers.filter((transfer) => transfer.finished !== true);
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const seconds = first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000;
    const one = moving.length === 1 ? moving[0] : transfers.at(-1);
    return {
      what:
        transfers.length === 1 || moving.length === 1
          ? safeLine(one?.what ?? "")
          : several(transfers.length, moving),
      done: this.#done(),
      total: transfers.reduce<number | undefined>(
        (sum, { total }) => (sum === undefined || total === undefined ? undefined : sum + total),
        0,
      ),
      rate: seconds > 0 ? ((last?.done ?? 0) - (first?.done ?? 0)) / seconds : undefined,
    };
  }
}
