/** Sessions that serve several URLs of one server, one after the other: a connection and a login for each are saved. */
import type { SessionKeeper } from "../client.js";
import type { Session, Target } from "../plugin.js";

/** What there is of one server. */
interface Kept {
  readonly free: Session[];
  inUse: number;
  opening: number;
  /** Those whom the server let no more in, in the order they came. */
  readonly waiting: ((next: Session | "again" | "none") => void)[];
}

export class KeptSessions implements SessionKeeper, AsyncDisposable {
  readonly #kept = new Map<string, Kept>();

  async take(target: Target, open: () => Promise<Session>): Promise<Session> {
    const kept = this.#at(target);
    for (;;) {
      const free = kept.free.pop();
      if (free !== undefined) {
        kept.inUse += 1;
        return free;
      }
      let failure: unknown;
      kept.opening += 1;
      try {
        const opened = await open();
        kept.inUse += 1;
        return opened;
      } catch (thrown) {
        failure = thrown;
      } finally {
        kept.opening -= 1;
      }
      if (kept.inUse === 0 && kept.opening === 0) {
        for (const wake of kept.waiting.splice(0)) wake("none");
        throw failure;
      }
      const next = await new Promise<Session | "again" | "none">((resolve) => kept.waiting.push(resolve));
      if (next === "none") throw failure;
      if (next !== "again") return next;
      kept.opening -= 1;
    }
  }

  give(target: Target, session: Session): boolean {
    const kept = this.#at(target);
    // Where there are no paths the session is the thing itself: a socket, a document in its URL.
    if (session.list === undefined || target.host === "") {
      this.lost(target);
      return false;
    }
    const wake = kept.waiting.shift();
    if (wake !== undefined) {
      wake(session);
      return true;
    }
    kept.inUse -= 1;
    kept.free.push(session);
    return true;
  }

  lost(target: Target): void {
    const kept = this.#at(target);
    kept.inUse -= 1;
    const wake = kept.waiting.shift();
    if (wake === undefined) return;
    // There is room for another in its place, which counts from now on.
    kept.opening += 1;
    wake("again");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#kept.values()].flatMap(({ free }) => free.splice(0));
    const ended = await Promise.allSettled(all.map((session) => session[Symbol.asyncDispose]()));
    const failed = ended.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #at(target: Target): Kept {
    const key = keyOf(target);
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const kept: Kept = { free: [], inUse: 0, opening: 0, waiting: [] };
    this.#kept.set(key, kept);
    return kept;
  }
}

/** The same server, and the same user there. */
function keyOf({ url: { scheme, user, password, host }, port }: Target): string {
  return JSON.stringify([scheme, user, password, host, port]);
}
