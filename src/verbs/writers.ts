/** Several sessions at one target, each with one thing to write at a time. */
import type { Door } from "./doors.js";

type Act = (target: Door) => Promise<void>;

/** Octets that may be held for writers in all. */
const MOST_HELD = 16 * 1024 * 1024;

export class Writers {
  #most: number;
  readonly #open: () => Door;
  readonly #free: Door[] = [];
  readonly #busy = new Set<Promise<void>>();
  #opened = 0;
  /** Those whose session is known to be there, and the first, which is never done without. */
  readonly #letIn = new Set<Door>();
  #held = 0;
  #failure: { readonly reason: unknown } | undefined;
  /** Who waits until one of the busy is done. */
  #waiting: (() => void)[] = [];

  /** @param open a door to the target; called up to `most` times */
  constructor(most: number, open: () => Door) {
    this.#most = most;
    this.#open = open;
  }

  /**
   * Returns as soon as a session is at work on it. @throws what an earlier act threw
   * @param octets that it holds until it is done
   */
  async begin(act: Act, octets: number): Promise<void> {
    while (this.#held > 0 && this.#held + octets > MOST_HELD) await this.#oneDone();
    this.#held += octets;
    try {
      await this.#start(act, octets);
    } catch (thrown) {
      this.#held -= octets;
      throw thrown;
    }
  }

  /** Returns when it is done. @throws what it, or an earlier one, threw */
  async run(act: Act): Promise<void> {
    await (await this.#start(act)).done;
    this.#check();
  }

  /** Waits for what is under way and closes all sessions. @throws what an act threw */
  async finish(): Promise<void> {
    await Promise.all(this.#busy);
    await Promise.all(this.#free.map((door) => door.close()));
    this.#check();
  }

  async #start(act: Act, octets = 0): Promise<{ readonly done: Promise<void> }> {
    let door = await this.#door();
    const isLetIn = this.#letIn.has(door);
    const acting = isLetIn
      ? act(door)
      : this.#letInOr(door).then((one) => {
          door = one;
          return act(one);
        });
    const done = acting
      .catch((thrown: unknown) => {
        this.#failure ??= { reason: thrown };
      })
      .then(() => {
        this.#busy.delete(done);
        this.#held -= octets;
        this.#free.push(door);
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const wake of waiting) wake();
      });
    this.#busy.add(done);
    return { done };
  }

  /** The door when its session can be had, else one that is there: the target lets fewer in than are wanted. */
  async #letInOr(door: Door): Promise<Door> {
    try {
      await door.session();
      this.#letIn.add(door);
      return door;
    } catch {
      this.#opened -= 1;
      this.#most = Math.min(this.#most, this.#opened);
      return this.#door();
    }
  }

  async #door(): Promise<Door> {
    for (;;) {
      this.#check();
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#opened < this.#most) {
        this.#opened += 1;
        const door = this.#open();
        if (this.#letIn.size === 0) this.#letIn.add(door);
        return door;
      }
      await this.#oneDone();
    }
  }

  /** A race of all that are busy would leave something with each of them, every time. */
  #oneDone(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }
}
