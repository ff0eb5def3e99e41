/**
 * The containers of a tree, listed by several sessions at once: whoever walks the tree gets the entries of each when its
 * turn comes, and each session that is free meanwhile lists one of those that come next.
 */
import { PortholeError } from "../errors.js";
import type { Entry, ListQuery } from "../plugin.js";
import { type Door, sessionHolds } from "./doors.js";
import { EventQueue } from "./event-queue.js";

/** A container that is still to be listed. */
export interface ToList {
  readonly path: string;
}

/** Entries of one container that may wait for its turn; whoever lists it then waits, too. */
const MOST_HELD = 10_000;
/** Containers that may be listed, or be on their way, before their turn. */
const MOST_AHEAD = 64;

export class ListAhead<T extends ToList> implements AsyncDisposable {
  readonly #own: Door;
  readonly #free: Door[];
  readonly #query: ListQuery;
  readonly #waiting: readonly T[];
  /** Those whose turn has not come yet. */
  readonly #begun = new Map<T, Listing>();
  #isClosed = false;
  readonly #underWay = new Map<Door, Promise<void>>();

  /**
   * @param own lists what nobody has begun to list when its turn comes
   * @param helpers list ahead; opened when there is something for them
   * @param waiting what is still to be listed, the next one last; it changes while it is worked through
   */
  constructor(own: Door, helpers: readonly Door[], query: ListQuery, waiting: readonly T[]) {
    this.#own = own;
    this.#free = [...helpers];
    this.#query = query;
    this.#waiting = waiting;
  }

  /** @param spared so many of those that come next are not for the helpers */
  look(spared: number): void {
    for (let at = this.#waiting.length - 1 - spared; at >= 0; at--) {
      if (this.#isClosed || this.#free.length === 0 || this.#begun.size >= MOST_AHEAD) return;
      const next = this.#waiting[at];
      if (next === undefined || this.#begun.has(next)) continue;
      const door = this.#free.pop();
      if (door !== undefined) this.#begin(door, next);
    }
  }

  /** The entries of one whose turn it is. @throws PortholeError what its session fails with */
  async *entriesOf(one: T): AsyncGenerator<Entry, void, undefined> {
    const begun = this.#begun.get(one);
    this.#begun.delete(one);
    if (begun !== undefined) yield* begun.entries();
    if (begun === undefined || begun.isPutBack) yield* entriesAt(this.#own, one.path, this.#query);
  }

  /** Nothing more is wanted: what is under way is broken off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const listing of this.#begun.values()) listing.leave();
    await Promise.all([...this.#underWay].map(([door, over]) => door.close().then(() => over)));
  }

  #begin(door: Door, one: T): void {
    const listing = new Listing();
    this.#begun.set(one, listing);
    const over = listing.fill(door, one.path, this.#query).then(() => {
      this.#underWay.delete(door);
      // A session that cannot be had is not asked for again: the others do its work.
      if (listing.isPutBack) return;
      this.#free.push(door);
      this.look(0);
    });
    this.#underWay.set(door, over);
  }
}

/** One container, listed before its turn. */
class Listing {
  /** Its session could not be had: somebody else is to list it. */
  isPutBack = false;
  readonly #entries = new EventQueue<Entry>(MOST_HELD);
  #isLeft = false;

  /** Settles when it is at its end, or has failed. */
  async fill(door: Door, path: string, query: ListQuery): Promise<void> {
    try {
      await door.session();
    } catch {
      this.isPutBack = true;
      this.#entries.end();
      return;
    }
    try {
      for await (const entry of entriesAt(door, path, query)) {
        if (this.#isLeft) break;
        await this.#entries.push(entry);
      }
      this.#entries.end();
    } catch (thrown) {
      this.#entries.fail(thrown);
    }
  }

  async *entries(): AsyncGenerator<Entry, void, undefined> {
    try {
      do {
        for (let next = this.#entries.take(); next !== undefined; next = this.#entries.take()) yield next;
      } while (await this.#entries.more());
    } finally {
      this.leave();
    }
  }

  leave(): void {
    this.#isLeft = true;
    this.#entries.end();
  }
}

async function* entriesAt(
  door: Door,
  path: string,
  query: ListQuery,
): AsyncGenerator<Entry, void, undefined> {
  try {
    const session = await door.session();
    if (session.list === undefined) throw new PortholeError("usage", "there is nothing to list here");
    yield* session.list(path, query);
  } catch (thrown) {
    if (!sessionHolds(thrown)) await door.close();
    throw thrown;
  }
}
