/** Sessions that serve several URLs of one server, one after the other: a connection and a login for each are saved. */
import type { SessionKeeper } from "../client.js";
import type { Session, Target } from "../plugin.js";

export class KeptSessions implements SessionKeeper, AsyncDisposable {
  readonly #free = new Map<string, Session[]>();

  take(target: Target): Session | undefined {
    return this.#free.get(keyOf(target))?.pop();
  }

  give(target: Target, session: Session): boolean {
    // Where there are no paths the session is the thing itself: a socket, a document in its URL.
    if (session.list === undefined || target.host === "") return false;
    const key = keyOf(target);
    const free = this.#free.get(key) ?? [];
    this.#free.set(key, [...free, session]);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#free.values()].flat();
    this.#free.clear();
    const ended = await Promise.allSettled(all.map((session) => session[Symbol.asyncDispose]()));
    const failed = ended.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

/** The same server, and the same user there. */
function keyOf({ url: { scheme, user, password, host }, port }: Target): string {
  return JSON.stringify([scheme, user, password, host, port]);
}
