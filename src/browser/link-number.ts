/** Digits that name a link of the page: it opens as soon as no longer number could be meant. */

export interface Numbered {
  /** Links of the page that is shown. */
  readonly count: () => number;
  readonly open: (number: number) => void;
  readonly tell: (words: string) => void;
}

export class LinkNumber {
  readonly #parts: Numbered;
  #digits = "";

  constructor(parts: Numbered) {
    this.#parts = parts;
  }

  /** As far as it is typed. */
  get digits(): string {
    return this.#digits;
  }

  /** @returns whether the key was a number's: it means nothing else then */
  take(key: string): boolean {
    const typed = this.#digits;
    if (/^\d$/.test(key) && (typed !== "" || key !== "0")) {
      this.#digit(key);
      return true;
    }
    this.#digits = "";
    if (typed === "") return false;
    if (key === "Enter") this.#parts.open(Number(typed));
    return ["Enter", "Escape", "Backspace"].includes(key);
  }

  #digit(digit: string): void {
    const count = this.#parts.count();
    const number = Number(this.#digits + digit);
    if (number < 1 || number > count) {
      this.#digits = "";
      this.#parts.tell(count === 0 ? "there are no links here" : `the links are numbered 1 to ${count}`);
    } else if (number * 10 > count) {
      this.#digits = "";
      this.#parts.open(number);
    } else this.#digits += digit;
  }
}
