/** Connections for the engines: dialed by the platform, remembered by origin for as long as they last. */
import type { Connection } from "../../src/net/connection.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { ForwardProxy } from "../../src/net/proxy/choose.js";
import type { Context } from "../../src/plugin.js";
import type { Origin } from "./engine.js";
import { authorityOf } from "./engine.js";

export class Connector {
  readonly #context: Context;
  readonly #open = new Map<Connection, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  async dial(origin: Origin, alpn: readonly string[]): Promise<Connection> {
    const connection = await this.#context.dial({
      ...endpointOf(origin),
      ...(origin.scheme === "https" ? { tls: { alpn } } : {}),
    });
    this.#open.set(connection, authorityOf(origin));
    connection.once("close", () => this.#open.delete(connection));
    return connection;
  }

  /** The proxy that requests to this origin are handed to, if there is one. */
  forwardProxy(origin: Origin): ForwardProxy | undefined {
    return origin.scheme === "http" ? this.#context.forwardProxy(endpointOf(origin)) : undefined;
  }

  /** A connection to the origin that is open now: it tells whether a password may travel there. */
  openTo(origin: Origin): Connection | undefined {
    const authority = authorityOf(origin);
    for (const [connection, known] of this.#open) {
      if (known === authority && connection.secure === (origin.scheme === "https")) return connection;
    }
    return undefined;
  }

  destroyAll(): void {
    for (const connection of this.#open.keys()) connection.destroy();
  }
}

function endpointOf({ host, port, scheme }: Origin): Endpoint {
  // Only plain http is asked of a proxy by absolute-form; https always gets a tunnel (RFC 9110, 7.3.2).
  return { host, port, scheme, forwardsThroughProxy: scheme === "http" };
}
