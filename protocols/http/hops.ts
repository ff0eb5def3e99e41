/** The way to an answer, request by request, and how long each part of it took. */
import type { Connection } from "../../src/net/connection.js";
import type { ConnectionFacts } from "../../src/net/wiring.js";
import type { Connector } from "./connector.js";
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
  readonly connection?: ConnectionFacts & {
    readonly localAddress?: string;
    readonly localPort?: number;
    /** Of the proxy, where there is one. */
    readonly remotePort?: number;
  };
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
    const latest = this.#connector.latestTo(this.#origin);
    const facts = latest?.facts;
    // One that was made ahead, to learn whether a password may travel on it, counts as made now.
    const ahead = connected ? this.#connector.aheadMs(this.#origin) : 0;
    return {
      startedAt: this.#now - ahead,
      connected,
      resolveMs: connected ? (facts?.resolveMs ?? 0) : 0,
      connectMs: connected ? (facts?.connectMs ?? 0) : 0,
      tlsMs: connected ? (facts?.tlsMs ?? 0) : 0,
      answeredMs: performance.now() - this.#now + ahead,
      ...(latest === undefined ? {} : { connection: withEnds(latest) }),
    };
  }
}

const known = new WeakMap<Connection, NonNullable<HopTimes["connection"]>>();

/** Looked up once: a connection serves many hops. */
function withEnds(connection: Connection): NonNullable<HopTimes["connection"]> {
  const before = known.get(connection);
  // TLS may have been started since.
  if (before !== undefined && before.tls === connection.facts.tls) return before;
  const { facts, localAddress, localPort, remotePort } = connection;
  const told = {
    ...facts,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
    ...(remotePort === undefined ? {} : { remotePort }),
  };
  known.set(connection, told);
  return told;
}
