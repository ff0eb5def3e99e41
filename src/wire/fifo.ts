/** A queue that stays fast when it is long: taking from an array's front moves all that is behind. */
export class Fifo<T> {
  #items: T[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest, left in place. */
  first(): T | undefined {
    return this.#items[this.#first];
  }

  /** The newest, left in place. */
  last(): T | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1);
  }

  take(): T | undefined {
    const item = this.#items[this.#first];
    if (this.length > 0) this.#first++;
    // What was taken is let go once it is half of what is kept: each item is moved once on average.
    if (this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** All, oldest first; the queue is then empty. */
  takeAll(): T[] {
    const all = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    return all;
  }

  /** All, oldest first, left in place. */
  all(): T[] {
    return this.#items.slice(this.#first);
  }
}
