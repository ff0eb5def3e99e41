/** A Client that keeps one session open from command to command: what every verb opens and closes is the same one. */
import { Client, type ClientSettings } from "../../client.js";
import type { Session, Target } from "../../plugin.js";

interface Kept {
  /** That the session was opened for: a protocol's own commands know their sessions by it. */
  readonly target: Target;
  readonly key: string;
  readonly session: Session;
  readonly life: AbortController;
  busy: boolean;
}

export class KeptClient extends Client implements AsyncDisposable {
  readonly #inner: Client;
  #kept: Kept | undefined;
  /** Sessions under way, the kept one among them. */
  readonly #lives = new Set<AbortController>();

  constructor(inner: Client) {
    super({
      registry: inner.registry,
      transcript: inner.transcript,
      signal: inner.signal,
      policy: inner.policy,
    });
    this.#inner = inner;
  }

  /** There was a session before the command that runs now. */
  get holds(): boolean {
    return this.#kept !== undefined;
  }

  override target(url: string): Target {
    const target = this.#inner.target(url);
    const kept = this.#kept?.target;
    return kept !== undefined && isSame(kept, target) ? kept : target;
  }

  /** True when this very target's session is the one that is kept. */
  keeps(target: Target): boolean {
    return this.#kept?.target === target && !this.#kept.busy;
  }

  override with(changes: ClientSettings): Client {
    return this.#inner.with(changes);
  }

  override addressesOf(target: Target, signal?: AbortSignal): Promise<string[]> {
    return this.#inner.addressesOf(target, signal);
  }

  override async open(target: Target): Promise<Session> {
    const key = placeOf(target);
    const kept = this.#kept;
    if (kept !== undefined && !kept.busy && kept.key === key) return this.#lent(kept);
    const life = new AbortController();
    this.#lives.add(life);
    const session = await this.#inner.open(target, life.signal);
    const opened: Kept = { target, key, session, life, busy: false };
    if (this.#kept === undefined) this.#kept = opened;
    return this.#lent(opened);
  }

  /** Ends what is under way at once, as Ctrl-C wants it. */
  interrupt(): void {
    for (const life of this.#lives) life.abort();
    this.#lives.clear();
    this.#kept = undefined;
  }

  /** Closes the kept session: it has failed, or is not wanted any more. */
  async drop(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) await this.#close(kept);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }

  #lent(kept: Kept): Session {
    kept.busy = true;
    return {
      ...kept.session,
      [Symbol.asyncDispose]: async () => {
        kept.busy = false;
        if (this.#kept !== kept) await this.#close(kept);
      },
    };
  }

  async #close({ session, life }: Kept): Promise<void> {
    this.#lives.delete(life);
    try {
      await session[Symbol.asyncDispose]();
    } catch {
      // It has done its work, or has failed with an error that says more.
    }
  }
}

function isSame(one: Target, other: Target): boolean {
  return placeOf(one) === placeOf(other) && one.path === other.path;
}

function placeOf({ protocol, url, host, port, path }: Target): string {
  // Each file or mailbox of this machine is a place of its own.
  const own = host === "" ? path : "";
  return JSON.stringify([protocol, url.scheme, url.user ?? "", url.password ?? "", host, port, own]);
}
