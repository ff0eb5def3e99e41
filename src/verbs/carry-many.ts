/**
 * Many things from one place to another: the source is asked ahead where it can be, small documents are taken whole,
 * and several writers put them down meanwhile, so that neither side waits for the other's round trips or disks.
 */
import { Readable } from "node:stream";
import { whenAborted } from "../abort.js";
import { abortReason } from "../errors.js";
import type { Document, ManyRead, PortholeError, Session } from "../plugin.js";
import type { Door, Pair } from "./doors.js";
import { asError } from "./walk.js";
import { Writers } from "./writers.js";

export interface Carriage<T> {
  readonly items: Iterable<T> | AsyncIterable<T>;
  /** The URL's path at the source. */
  readonly pathOf: (item: T) => string;
  /** Whether it may be asked for ahead; what may not is carried by itself. */
  readonly ahead: (item: T) => boolean;
  /** Sessions at the source. */
  readonly jobs: number;
  readonly open: () => Pair;
  /** Sessions at the target that write what was read ahead. */
  readonly writers: number;
  readonly openTarget: () => Door;
  /** Carries one from its beginning to its end, and tells what became of it. @throws only what ends the whole */
  readonly one: (pair: Pair, item: T) => Promise<void>;
  /**
   * Writes one that was read ahead, and tells it. @throws what went wrong
   * @param held all of its octets, where they have been taken from it
   */
  readonly write: (target: Door, item: T, document: Document, held: Buffer | undefined) => Promise<void>;
  /** Tells what went wrong with one. @throws what ends the whole */
  readonly failed: (item: T, error: PortholeError) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Octets of a document that is taken whole, before it is written. */
const SMALL = 1024 * 1024;

/** @throws what ends the whole, after all that was under way has stopped; the rest is not begun */
export async function carryMany<T>(carriage: Carriage<T>): Promise<void> {
  const { items } = carriage;
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const writers = new Writers(Math.max(1, carriage.writers), carriage.openTarget);
  const stop = new AbortController();
  const work = async (_: unknown, at: number) => {
    const worker = new Worker(carriage, queue, writers, stop.signal);
    try {
      // Where the server lets fewer in than are wanted, those that are in do the work.
      if (at === 0 || (await worker.isLetIn())) await worker.run();
    } catch (thrown) {
      stop.abort();
      throw thrown;
    } finally {
      await worker.close();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.max(1, carriage.jobs) }, work));
  await queue.return?.();
  const written = await Promise.allSettled([writers.finish()]);
  const failed = [...ended, ...written].find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

type Queue<T> = Iterator<T> | AsyncIterator<T>;

function itemOf<T>(result: IteratorResult<T, unknown>): T | undefined {
  return result.done === true ? undefined : result.value;
}

class Worker<T> {
  readonly #carriage: Carriage<T>;
  readonly #queue: Queue<T>;
  readonly #writers: Writers;
  readonly #stop: AbortSignal;
  readonly #pair: Pair;
  /** For what is carried by itself while the first pair's source is being read. */
  #aside: Pair | undefined;
  /** Asked for and not answered, in order. */
  #asked: T[] = [];

  constructor(carriage: Carriage<T>, queue: Queue<T>, writers: Writers, stop: AbortSignal) {
    this.#carriage = carriage;
    this.#queue = queue;
    this.#writers = writers;
    this.#stop = stop;
    this.#pair = carriage.open();
  }

  async close(): Promise<void> {
    await Promise.all([this.#pair.close(), this.#aside?.close()]);
  }

  /** False: its sessions cannot be had. Nothing has been taken for it yet. @throws the signal's reason */
  async isLetIn(): Promise<boolean> {
    const { from, to } = this.#pair;
    try {
      // What is read ahead is written by others.
      if ((await from.session()).readMany === undefined) await to.session();
      return true;
    } catch {
      const { signal } = this.#carriage;
      if (signal.aborted) throw abortReason(signal);
      return false;
    }
  }

  async run(): Promise<void> {
    const { one } = this.#carriage;
    for (let next = await this.#next(); next !== undefined; next = await this.#next()) {
      const source = this.#carriage.ahead(next) ? await this.#sourceAhead() : undefined;
      if (source === undefined) {
        await one(this.#pair, next);
        continue;
      }
      let again: T[] = [next];
      while (again.length > 0) {
        const session = await this.#sourceAhead();
        const lost = session === undefined ? again : await this.#readAhead(session, again);
        // The session was lost. The first is carried by itself, so that its failure is told; the rest is asked for anew.
        const [first, ...rest] = lost;
        if (first !== undefined) await one(this.#pair, first);
        again = rest;
      }
    }
  }

  #next(): Promise<T | undefined> | T | undefined {
    if (this.#stop.aborted) return undefined;
    const next = this.#queue.next();
    return next instanceof Promise ? next.then(itemOf) : itemOf(next);
  }

  /** The source's session, when it can be asked ahead. Where it cannot be opened, `one` tells why. */
  async #sourceAhead(): Promise<Session | undefined> {
    try {
      const session = await this.#pair.from.session();
      return session.readMany === undefined ? undefined : session;
    } catch {
      return undefined;
    }
  }

  /** @returns what is left to do, when the session was lost on the way */
  async #readAhead(session: Session, first: readonly T[]): Promise<T[]> {
    this.#asked = [];
    const results = session.readMany?.(this.#paths(first))[Symbol.asyncIterator]();
    if (results === undefined) return [...first];
    try {
      for (;;) {
        const got = await this.#take(results);
        if (got === "end") return [];
        if (got === "lost") break;
        await this.#put(got);
      }
    } finally {
      await results.return?.()?.catch(() => undefined);
    }
    await this.#pair.close();
    return this.#asked;
  }

  async *#paths(first: readonly T[]): AsyncGenerator<string, void, undefined> {
    const { pathOf, ahead, one, open } = this.#carriage;
    for (const item of first) {
      this.#asked.push(item);
      yield pathOf(item);
    }
    for (let item = await this.#next(); item !== undefined; item = await this.#next()) {
      if (!ahead(item)) {
        this.#aside ??= open();
        await one(this.#aside, item);
        continue;
      }
      this.#asked.push(item);
      yield pathOf(item);
    }
  }

  /** The next answer, small documents whole. */
  async #take(results: AsyncIterator<ManyRead>): Promise<Got<T> | "end" | "lost"> {
    try {
      const next = await results.next();
      if (next.done === true) return this.#asked.length === 0 ? "end" : "lost";
      const item = this.#asked[0];
      // An answer to nothing: what comes after it cannot be told apart either.
      if (item === undefined) return "end";
      if ("error" in next.value) return { item, error: next.value.error };
      return { item, ...(await wholeIfSmall(next.value.document, this.#carriage.signal)) };
    } catch (thrown) {
      if (this.#carriage.signal.aborted) throw abortReason(this.#carriage.signal);
      // What is no failure of the source's is a fault of ours, and not to be hidden by another attempt.
      if (this.#asked.length === 0) throw thrown;
      return "lost";
    }
  }

  async #put(got: Got<T>): Promise<void> {
    const { write, failed } = this.#carriage;
    const { item } = got;
    if ("error" in got) {
      this.#asked.shift();
      await failed(item, got.error);
      return;
    }
    const { document, held, leave } = got;
    if (held !== undefined) {
      this.#asked.shift();
      await this.#writers.begin(async (target) => {
        try {
          await write(target, item, document, held);
        } catch (thrown) {
          await failed(item, asError(thrown));
        }
      }, held.length);
      return;
    }
    // The source goes on when this one is written.
    await this.#writers.run(async (target) => {
      try {
        await write(target, item, document, undefined);
        this.#asked.shift();
      } catch (thrown) {
        // A source that failed is asked again; the answer that follows says that it is lost.
        if (document.body.errored !== null) return;
        this.#asked.shift();
        // What the target refused, nobody reads: the source would wait for that, and we for the source.
        leave();
        await failed(item, asError(thrown));
      }
    });
  }
}

type Got<T> = { readonly item: T; readonly error: PortholeError } | ({ readonly item: T } & Taken);

interface Taken {
  readonly document: Document;
  /** All of it. */
  readonly held?: Buffer;
  /** Ends the body at its source, whether it was begun to be read or not. */
  readonly leave: () => void;
}

/** @throws what the body fails with */
async function wholeIfSmall(document: Document, signal: AbortSignal): Promise<Taken> {
  const leave = () => {
    document.body.destroy();
  };
  const { total, entry, whole, held } = document;
  if (held !== undefined) return { document, leave, held };
  if ((total ?? entry.size ?? 0) > SMALL) return { document, leave };
  if (whole !== undefined) {
    const held = await whole(SMALL);
    return { document, leave, ...(held === undefined ? {} : { held }) };
  }
  return gathered(document, leave, signal);
}

/** @throws what the body fails with */
async function gathered(document: Document, leave: () => void, signal: AbortSignal): Promise<Taken> {
  const { body, pour: _short, ...rest } = document;
  const stop = () => {
    body.destroy(abortReason(signal));
  };
  const unheeded = whenAborted(signal, stop);
  const held: Buffer[] = [];
  let size = 0;
  const octets = body.iterator({ destroyOnReturn: false });
  try {
    for await (const chunk of octets) {
      if (!(chunk instanceof Buffer))
        throw new TypeError("a document's body holds something that is no octets");
      held.push(chunk);
      size += chunk.length;
      if (size > SMALL) {
        const joined = Readable.from(heldThenRest(held, body), { objectMode: false });
        return { document: { ...rest, body: joined }, leave };
      }
    }
  } finally {
    unheeded();
  }
  return { document, held: Buffer.concat(held, size), leave };
}

async function* heldThenRest(
  held: readonly Buffer[],
  body: Readable,
): AsyncGenerator<unknown, void, undefined> {
  yield* held;
  yield* body;
}
