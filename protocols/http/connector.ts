/** Connections for the engines: dialed by the platform, and what can be told about them. */
import type { Connection } from "../../src/net/connection.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { ForwardProxy } from "../../src/net/proxy/login.js";
import type { ConnectionFacts } from "../../src/net/wiring.js";
import type { Context } from "../../src/plugin.js";
import { keyOf, type Origin } from "./engine.js";

/** The part of a Context that connections come from. */
export type Dialing = Pick<Context, "dial" | "forwardProxy">;

/** What is known of a connection, and of both its ends. */
export interface ConnectionEnds extends ConnectionFacts {
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Of the proxy, where there is one. */
  readonly remotePort?: number;
}

export class Connector {
  readonly #context: Dialing;
  readonly #open = new Set<Connection>();
  readonly #latest = new Map<string, Connection>();
  readonly #latestEnds = new Map<string, ConnectionEnds>();
  /** Made ahead, not yet handed to an engine. */
  readonly #ready = new Map<string, Connection>();
  /** How long those took that were made ahead, in milliseconds. */
  readonly #aheadMs = new Map<string, number>();
  readonly #bulk: boolean;
  /** By origin, looked up once: it is the environment that tells as a rule, and each look at it is one at the system. */
  readonly #forward = new Map<string, ForwardProxy | undefined>();
  #dialed = 0;
  #receivedByClosed = 0;

  /** @param bulk the engine pours bodies: sockets in clear read into one large buffer */
  constructor(context: Dialing, bulk = false) {
    this.#context = context;
    this.#bulk = bulk;
  }

  /** A connection for an engine: the one that was made ahead, or a new one. */
  async dial(origin: Origin, alpn: readonly string[]): Promise<Connection> {
    this.#dialed += 1;
    const key = keyOf(origin);
    const ready = this.#ready.get(key);
    this.#ready.delete(key);
    if (ready !== undefined && !ready.destroyed && !ready.readableEnded) return ready;
    this.#aheadMs.delete(key);
    return this.#connect(origin, alpn);
  }

  /** Makes the connection that the next `dial` gives, to learn what it is like; the latest one when there is one. */
  async ahead(origin: Origin, alpn: readonly string[]): Promise<Connection> {
    const latest = this.latestTo(origin);
    if (latest !== undefined) return latest;
    const began = performance.now();
    const connection = await this.#connect(origin, alpn);
    this.#ready.set(keyOf(origin), connection);
    this.#aheadMs.set(keyOf(origin), performance.now() - began);
    return connection;
  }

  /** A connection of its own, through a tunnel where a proxy stands between, and patient: it is no longer HTTP. */
  async tunnel(origin: Origin): Promise<Connection> {
    return this.#connect(origin, ["http/1.1"], { forwardsThroughProxy: false, patient: true, bulk: false });
  }

  /** How long the connection took that was made ahead and is in use now, in milliseconds; 0 for others. */
  aheadMs(origin: Origin): number {
    return this.#aheadMs.get(keyOf(origin)) ?? 0;
  }

  async #connect(
    origin: Origin,
    alpn: readonly string[],
    differing: Partial<Endpoint> = {},
  ): Promise<Connection> {
    const connection = await this.#context.dial({
      ...endpointOf(origin),
      bulk: this.#bulk,
      ...differing,
      ...(origin.scheme === "https" ? { tls: { alpn } } : {}),
    });
    // RFC 7541, 5.2: passwords and tokens go in Huffman's code, which no mask sees through.
    if (connection.alpnProtocol === "h2") connection.withhold("HTTP/2: what is sent is not shown");
    this.#open.add(connection);
    this.#latest.set(keyOf(origin), connection);
    // Once it is closed the system tells its ends no more.
    this.#latestEnds.set(keyOf(origin), endsOf(connection));
    connection.once("close", () => {
      this.#open.delete(connection);
      this.#receivedByClosed += connection.bytesRead;
    });
    return connection;
  }

  /** How many connections have been asked for. */
  get dialed(): number {
    return this.#dialed;
  }

  /** Octets that came over all connections. */
  get received(): number {
    let octets = this.#receivedByClosed;
    for (const connection of this.#open) octets += connection.bytesRead;
    return octets;
  }

  /** The proxy that requests to this origin are handed to, if there is one. */
  forwardProxy(origin: Origin): ForwardProxy | undefined {
    if (origin.scheme !== "http") return undefined;
    const key = keyOf(origin);
    if (!this.#forward.has(key)) this.#forward.set(key, this.#context.forwardProxy(endpointOf(origin)));
    return this.#forward.get(key);
  }

  /**
   * The latest connection to this origin: it tells whether a password may travel there. It may be closed already:
   * servers of HTTP/1.0 close after a 401.
   */
  latestTo(origin: Origin): Connection | undefined {
    return this.#latest.get(keyOf(origin));
  }

  latestEnds(origin: Origin): ConnectionEnds | undefined {
    return this.#latestEnds.get(keyOf(origin));
  }

  destroyAll(): void {
    for (const connection of this.#open) connection.destroy();
  }
}

function endpointOf({ host, port, scheme }: Origin): Endpoint {
  // Only plain http is asked of a proxy by absolute-form; https always gets a tunnel (RFC 9110, 7.3.2).
  return { host, port, scheme, forwardsThroughProxy: scheme === "http" };
}

function endsOf({ facts, localAddress, localPort, remotePort }: Connection): ConnectionEnds {
  return {
    ...facts,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
    ...(remotePort === undefined ? {} : { remotePort }),
  };
}
