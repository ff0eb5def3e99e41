/** What is to be sent, in the order of the list, and what waits for another try; taken by several connections. */
import type { Journal } from "../../../src/verbs/journal.js";
import { type Letter, letterFor, notedState, type Outcome, wrong } from "./letter.js";
import { rest } from "./pace.js";
import type { Row } from "./rows.js";
import type { Template } from "./template.js";

export interface OutboxOptions {
  readonly journal: Journal | undefined;
  /** Whoever's fate an earlier run left unknown gets the mail again. */
  readonly resendUnknown: boolean;
  readonly signal: AbortSignal;
  readonly tell: (outcome: Outcome) => void;
}

export class Outbox {
  readonly #rows: AsyncGenerator<Row, void, undefined>;
  readonly #template: Template;
  readonly #options: OutboxOptions;
  /** How often each name was met. */
  readonly #met = new Map<string, number>();
  #waiting: { readonly letter: Letter; readonly at: number }[] = [];
  #returned: Letter[] = [];
  /** One at a time: a row is read once. */
  #turn: Promise<unknown> = Promise.resolve();
  #all = false;

  constructor(rows: AsyncGenerator<Row, void, undefined>, template: Template, options: OutboxOptions) {
    this.#rows = rows;
    this.#template = template;
    this.#options = options;
  }

  /**
   * The next letter; undefined when there is none, or without `patience` none that may go now.
   * @throws PortholeError `usage` and `local` for a list that cannot be read on
   */
  take(patience: boolean): Promise<Letter | undefined> {
    const taken = this.#turn.then(() => this.#take(patience));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** Not sent after all: the next that is taken. */
  giveBack(letters: readonly Letter[]): void {
    this.#returned.unshift(...letters);
  }

  /** Refused for now: may be taken again in so many milliseconds. */
  defer(letter: Letter, milliseconds: number): void {
    this.#waiting.push({ letter, at: performance.now() + milliseconds });
    this.#waiting.sort((one, other) => one.at - other.at);
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#rows.return();
  }

  async #take(patience: boolean): Promise<Letter | undefined> {
    if (this.#options.signal.aborted) return undefined;
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    for (;;) {
      const first = this.#waiting[0];
      if (first !== undefined && first.at <= performance.now()) return this.#waiting.shift()?.letter;
      const fresh = await this.#fresh();
      if (fresh !== undefined) return fresh;
      if (first === undefined || !patience) return undefined;
      await rest(first.at - performance.now(), this.#options.signal);
    }
  }

  async #fresh(): Promise<Letter | undefined> {
    while (!this.#all) {
      const { done, value } = await this.#rows.next();
      if (done === true) {
        this.#all = true;
        return undefined;
      }
      const letter = await this.#letter(value);
      if (letter !== undefined) return letter;
    }
    return undefined;
  }

  /** Undefined when there is nobody to send it to any more. */
  async #letter(row: Row): Promise<Letter | undefined> {
    let letter: Letter;
    try {
      letter = await letterFor(row, this.#template);
    } catch (thrown) {
      this.#options.tell(wrong(row, thrown));
      return undefined;
    }
    const times = (this.#met.get(letter.key) ?? 0) + 1;
    this.#met.set(letter.key, times);
    const key = times === 1 ? letter.key : `${letter.key} #${times}`;
    const { journal, resendUnknown, tell } = this.#options;
    const facts = journal?.facts.get(key);
    const pending = letter.pending.filter((recipient) => {
      const noted = notedState(facts, recipient);
      if (noted === undefined) return true;
      const { line, messageId } = letter;
      const lost = noted.state !== "accepted" && noted.state !== "refused";
      if (lost && resendUnknown) return true;
      tell({
        line,
        recipient,
        state: noted.state === "accepted" || noted.state === "refused" ? noted.state : "unknown",
        reply: noted.reply === "" ? "an earlier run ended before the answer came" : noted.reply,
        messageId,
        before: true,
      });
      return false;
    });
    return pending.length === 0 ? undefined : { ...letter, key, pending };
  }
}
