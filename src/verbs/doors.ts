/** How verbs that work between two places open them: what they need of a Client, and a pair of sessions that heals. */
import { PortholeError } from "../errors.js";
import type { Scheme, Session, Target, Verb } from "../plugin.js";

/** What a verb needs of a Client. */
export interface Doors {
  target(url: string): Target;
  open(target: Target, signal?: AbortSignal): Promise<Session>;
  /** @throws PortholeError `usage` for what the target's protocol cannot do */
  require(target: Target, word: string, needs: readonly Verb[]): void;
  readonly registry: { forScheme(scheme: string): { readonly scheme: Scheme } | undefined };
}

/** Files that are on their way to the disk together (src/files/disk.ts). */
const WAITING_FOR_DISK = 192;

/** Sessions that may write at one place at once, when a job may open `jobs` at a server. */
export function writersAt(doors: Doors, target: Target, jobs: number): number {
  const scheme = doors.registry.forScheme(target.url.scheme)?.scheme;
  if (scheme?.address !== "local-path") return jobs;
  // What they are for is that some write while others wait for the disk, which takes many as fast as a few.
  return scheme.parallel === true ? Math.max(jobs, WAITING_FOR_DISK) : 1;
}

/** True for places on this machine. */
export function isNear(doors: Doors, target: Target): boolean {
  return doors.registry.forScheme(target.url.scheme)?.scheme.address === "local-path";
}

/** True when another request may be made after this failure: the server answered, and the session is as it was. */
export function sessionHolds(thrown: unknown): boolean {
  return (
    thrown instanceof PortholeError &&
    ["usage", "missing", "refused", "busy", "local", "auth", "partial"].includes(thrown.code)
  );
}

/** One session, opened when it is wanted, and opened again after a failure that may have cost it. */
export class Door implements AsyncDisposable {
  readonly target: Target;
  readonly #doors: Doors;
  readonly #signal: AbortSignal;
  #session: Session | undefined;

  constructor(doors: Doors, target: Target, signal: AbortSignal) {
    this.#doors = doors;
    this.target = target;
    this.#signal = signal;
  }

  async session(): Promise<Session> {
    this.#session ??= await this.#doors.open(this.target, this.#signal);
    return this.#session;
  }

  /** Lets `act` work with the session. @throws whatever `act` throws */
  async use<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.session();
    try {
      return await act(session);
    } catch (thrown) {
      if (!sessionHolds(thrown)) await this.close();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    try {
      await session?.[Symbol.asyncDispose]();
    } catch {
      // A session that cannot say goodbye has done its work, or has failed with an error that says more.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Where something is read and where it is written. Two sessions: each does one thing at a time. */
export class Pair implements AsyncDisposable {
  readonly from: Door;
  readonly to: Door;

  constructor(doors: Doors, from: Target, to: Target, signal: AbortSignal) {
    this.from = new Door(doors, from, signal);
    this.to = new Door(doors, to, signal);
  }

  /** After a failure: neither is known to be well. */
  async close(): Promise<void> {
    await Promise.all([this.from.close(), this.to.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
