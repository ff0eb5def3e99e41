/** The server's side of a recording, served again on loopback: `porthole replay`. */
import { messageOf, PortholeError } from "../errors.js";
import type { Connection } from "./connection.js";
import { Dialer } from "./dialer.js";
import type { Listener } from "./listen.js";
import type { Recording } from "./recording.js";
import { playsOf, schemeOf } from "./replay-plan.js";
import { Player } from "./replay-player.js";

export interface ReplayOptions {
  /** 0, or absent, for any free one. */
  readonly port?: number;
  /** End when every connection of the recording has been played; without it, it begins anew. */
  readonly once?: boolean;
  readonly signal?: AbortSignal;
  /** A line for people: a client that says something else than the recorded one. */
  readonly tell?: (text: string) => void;
}

const HOST = "127.0.0.1";

/** A recording that is being served. */
export class Replay implements AsyncDisposable {
  /** What opens it: `ftp://127.0.0.1:40123/`. */
  readonly url: string;
  readonly port: number;
  /** Resolves when it was closed, or everything was played and `once` was asked for. Rejects when it cannot go on. */
  readonly done: Promise<void>;
  readonly #listener: Listener;
  readonly #stop = new AbortController();
  readonly #dialer: Dialer;

  /** Use `replay`. */
  constructor(listener: Listener, dialer: Dialer, recording: Recording, options: ReplayOptions) {
    const plays = playsOf(recording.events);
    this.port = listener.place.port;
    this.url = `${schemeOf(plays)}://${HOST}:${this.port}/`;
    this.#listener = listener;
    this.#dialer = dialer;
    this.done = this.#serve(plays, options);
    this.done.catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#stop.abort(new PortholeError("aborted", "the replay was ended"));
    this.#listener.close();
    await this.done.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(plays: ReturnType<typeof playsOf>, options: ReplayOptions): Promise<void> {
    const playing = new Set<Promise<void>>();
    let next = 0;
    const onAbort = () => {
      this.#stop.abort(options.signal?.reason);
      this.#listener.close();
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted === true) onAbort();
    try {
      for await (const connection of this.#listener) {
        const play = plays[next % plays.length];
        next += 1;
        if (play === undefined) break;
        const work = this.#play(
          new Player(play, connection, this.#hall(options)),
          options,
          connection,
        ).finally(() => playing.delete(work));
        playing.add(work);
        if (options.once === true && next >= plays.length) break;
      }
    } finally {
      this.#listener.close();
      await Promise.all(playing);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  #hall(options: ReplayOptions) {
    const signal = this.#stop.signal;
    return {
      listen: () => this.#dialer.listen({ host: HOST, port: 0, patient: true }, signal),
      tell: options.tell ?? (() => {}),
      signal,
    };
  }

  /** A client that leaves or says what cannot be answered ends its own play, and no other. */
  async #play(player: Player, options: ReplayOptions, connection: Connection): Promise<void> {
    const leave = () => player.leave();
    this.#stop.signal.addEventListener("abort", leave, { once: true });
    try {
      await player.play();
    } catch (thrown) {
      if (!this.#stop.signal.aborted) options.tell?.(messageOf(thrown));
    } finally {
      this.#stop.signal.removeEventListener("abort", leave);
      player.leave();
      connection.destroy();
    }
  }
}

/**
 * Serves a recording on 127.0.0.1.
 * @throws PortholeError `usage` when it holds nothing to serve, `connect` when the port is taken
 */
export async function replay(recording: Recording, options: ReplayOptions = {}): Promise<Replay> {
  // Before the port is taken.
  playsOf(recording.events);
  const dialer = new Dialer({ idleTimeout: 0 });
  const listener = await dialer.listen(
    { host: HOST, port: options.port ?? 0, patient: true },
    new AbortController().signal,
  );
  return new Replay(listener, dialer, recording, options);
}
