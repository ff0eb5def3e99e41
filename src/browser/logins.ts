/** What a person has typed to log in with: asked for once a run and server, and again when it was refused. Memory alone. */
import { PortholeError } from "../errors.js";
import type { Credentials, Target } from "../plugin.js";

export class Logins {
  readonly #known = new Map<string, Promise<Credentials | undefined>>();

  /** @param ask the person; undefined when they gave it up */
  of(
    target: Target,
    user: string | undefined,
    ask: () => Promise<Credentials | undefined>,
  ): Promise<Credentials | undefined> {
    const key = keyOf(target, user);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const asked = ask().then(
      (given) => {
        if (given === undefined) this.#known.delete(key);
        return given;
      },
      (thrown: unknown) => {
        this.#known.delete(key);
        throw thrown;
      },
    );
    this.#known.set(key, asked);
    return asked;
  }

  /** The server would not have it. */
  forget(target: Target): void {
    this.#known.delete(keyOf(target, target.url.user));
  }
}

function keyOf({ url, host, port }: Target, user: string | undefined): string {
  return JSON.stringify([url.scheme, host, port, user ?? ""]);
}

export function isRefusedLogin(thrown: unknown): boolean {
  return thrown instanceof PortholeError && thrown.code === "auth";
}
