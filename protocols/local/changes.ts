/** Watching places on this machine: the system tells that something happened, a second look tells what. */
import { type FSWatcher, watch } from "node:fs";
import { abortReason } from "../../src/errors.js";
import type { Entry, WatchEvent } from "../../src/plugin.js";

export interface Watched {
  /** Folders and files whose changes the system is asked to tell. */
  readonly places: readonly Buffer[];
  /** What is there: a mark for each key, which is another one when the thing has changed. */
  look(): Promise<ReadonlyMap<string, string>>;
  /** Undefined when it is gone already. */
  entry(key: string): Promise<Entry | undefined>;
  /** As much as can be said of what is no longer there. */
  gone(key: string): Entry;
}

/** Milliseconds in which what belongs together happens: a file is made, then written. */
const SETTLE_MS = 50;
/** Between looks where the system tells nothing: network file systems, too many watches. */
const POLL_MS = 2000;
/** And where it does: what happens on another machine's side of a shared folder is told by nobody. */
const SAFETY_MS = 30_000;

/** Goes on until it is left or the signal fires. @throws PortholeError the signal's reason */
export async function* changesOf(
  watched: Watched,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const bell = new Bell(watched.places, signal);
  try {
    let known = await watched.look();
    for (;;) {
      await bell.wait();
      if (signal.aborted) throw abortReason(signal);
      const now = await watched.look();
      for (const [key, mark] of now) {
        const before = known.get(key);
        if (before === mark) continue;
        const entry = await watched.entry(key);
        if (entry !== undefined) {
          yield { event: before === undefined ? "new" : "changed", entry, at: new Date() };
        }
      }
      for (const key of known.keys()) {
        if (!now.has(key)) yield { event: "gone", entry: watched.gone(key), at: new Date() };
      }
      known = now;
    }
  } finally {
    bell.close();
  }
}

/** Rings when something happened, and now and then all the same. */
class Bell {
  readonly #watchers: FSWatcher[] = [];
  readonly #signal: AbortSignal;
  #polling = false;
  #rung = false;
  #wake: () => void = () => undefined;

  constructor(places: readonly Buffer[], signal: AbortSignal) {
    this.#signal = signal;
    for (const place of places) {
      try {
        const watcher = watch(place, () => this.#ring());
        watcher.on("error", () => {
          this.#polling = true;
          this.#ring();
        });
        this.#watchers.push(watcher);
      } catch {
        this.#polling = true;
      }
    }
  }

  async wait(): Promise<void> {
    if (!this.#rung) await this.#pause(this.#polling ? POLL_MS : SAFETY_MS);
    this.#rung = true;
    // From here on ringing only delays nothing: the look that follows sees it.
    await this.#pause(SETTLE_MS);
    this.#rung = false;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #ring(): void {
    if (this.#rung) return;
    this.#rung = true;
    this.#wake();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#signal.aborted) {
        resolve();
        return;
      }
      const done = () => {
        clearTimeout(timer);
        this.#signal.removeEventListener("abort", done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#signal.addEventListener("abort", done, { once: true });
      this.#wake = done;
    });
  }
}
