/** The way to an answer, request by request, and how long each part of it took. */
import type { ConnectionEnds, Connector } from "./connector.js";
import type { HttpRequest, HttpResponse, Information, Origin } from "./engine.js";
import type { Place } from "./redirects.js";

/** One request and its answer: a redirect, a refusal that led to a login, or the last one. */
export interface Hop {
  readonly place: Place;
  readonly request: HttpRequest;
  readonly response: Omit<HttpResponse, "body">;
  /** What came before the answer, 100 at most. */
  readonly information: readonly Information[];
  readonly times: HopTimes;
}

/** Milliseconds; `startedAt` on the clock of performance.now(). */
export interface HopTimes {
  readonly startedAt: number;
  /** A new connection was made for it: the three that follow are its own. */
  readonly connected: boolean;
  readonly resolveMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
  /** From the start to the answer's headers. */
  readonly answeredMs: number;
  readonly connection?: ConnectionEnds;
}

export class HopClock {
  readonly #connector: Connector;
  readonly #origin: Origin;
  readonly #dialed: number;
  readonly #now: number;

  constructor(connector: Connector, origin: Origin) {
    this.#connector = connector;
    this.#origin = origin;
    this.#dialed = connector.dialed;
    this.#now = performance.now();
  }

  answered(): HopTimes {
    const connected = this.#connector.dialed > this.#dialed;
    const ends = this.#connector.latestEnds(this.#origin);
    // One that was made ahead, to learn whether a password may travel on it, counts as made now.
    const ahead = connected ? this.#connector.aheadMs(this.#origin) : 0;
    return {
      startedAt: this.#now - ahead,
      connected,
      resolveMs: connected ? (ends?.resolveMs ?? 0) : 0,
      connectMs: connected ? (ends?.connectMs ?? 0) : 0,
      tlsMs: connected ? (ends?.tlsMs ?? 0) : 0,
      answeredMs: performance.now() - this.#now + ahead,
      ...(ends === undefined ? {} : { connection: ends }),
    };
  }
}
