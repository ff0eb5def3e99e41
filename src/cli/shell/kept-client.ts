/** A Client that keeps one session open from command to command: what every verb opens and closes is the same one. */
import { Client, type ClientSettings } from "../../client.js";
import type { Session, Target } from "../../plugin.js";
import { formatUrl } from "../../url.js";

interface Kept {
  readonly target: Target;
  readonly session: Session;
  readonly life: AbortController;
  busy: boolean;
}

export class KeptClient extends Client implements AsyncDisposable {
  readonly #inner: Client;
  /** Where the session that is kept is open. */
  readonly #home: Target;
  #kept: Kept | undefined;
  readonly #lent = new WeakMap<Session, Target>();
  /** Sessions under way, the kept one among them. */
  readonly #lives = new Set<AbortController>();

  /** @param home its session is kept; its password is that of every place there */
  constructor(inner: Client, home: Target) {
    super({
      registry: inner.registry,
      transcript: inner.transcript,
      signal: inner.signal,
      policy: inner.policy,
    });
    this.#inner = inner;
    this.#home = home;
  }

  /** There was a session before the command that runs now. */
  get holds(): boolean {
    return this.#kept !== undefined;
  }

  /** URLs that were listed, or typed, have no password: it is the one that the shell was begun with. */
  override target(url: string): Target {
    const target = this.#inner.target(url);
    const { password } = this.#home.url;
    if (password === undefined || target.url.password !== undefined || !this.#isHome(target)) return target;
    return this.#inner.target(formatUrl({ ...target.url, password }, { withPassword: true }));
  }

  override openedFor(session: Session, target: Target): Target {
    return this.#lent.get(session) ?? target;
  }

  override with(changes: ClientSettings): Client {
    return this.#inner.with(changes);
  }

  override addressesOf(target: Target, signal?: AbortSignal): Promise<string[]> {
    return this.#inner.addressesOf(target, signal);
  }

  override async open(target: Target): Promise<Session> {
    const kept = this.#kept;
    if (kept !== undefined && !kept.busy && isSamePlace(kept.target, target)) return this.#lend(kept);
    const life = new AbortController();
    this.#lives.add(life);
    const session = await this.#inner.open(target, life.signal).catch((thrown: unknown) => {
      this.#lives.delete(life);
      throw thrown;
    });
    const opened: Kept = { target, session, life, busy: false };
    if (this.#kept === undefined && this.#isHome(target)) this.#kept = opened;
    return this.#lend(opened);
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

  #lend(kept: Kept): Session {
    kept.busy = true;
    const session: Session = {
      ...kept.session,
      [Symbol.asyncDispose]: async () => {
        kept.busy = false;
        if (this.#kept !== kept) await this.#close(kept);
      },
    };
    this.#lent.set(session, kept.target);
    return session;
  }

  #isHome(target: Target): boolean {
    return isSamePlace(target, this.#home);
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

/** The same server, and the same user there. */
function isSamePlace(one: Target, other: Target): boolean {
  return placeOf(one) === placeOf(other);
}

function placeOf({ protocol, url, host, port, path }: Target): string {
  // Each file or mailbox of this machine is a place of its own.
  const own = host === "" ? path : "";
  return JSON.stringify([protocol, url.scheme, url.user ?? "", host, port, own]);
}
