/** The engine on undici: pools, HTTP/2, many requests at once. Slow to load, so only for those. */
import { type Duplex, Readable } from "node:stream";
import type Agent from "undici/lib/dispatcher/agent.js";
import type { Origin as UndiciOrigin } from "undici/lib/dispatcher/agent.js";
import { abortReason } from "../../../src/errors.js";
import type { Connector } from "../connector.js";
import {
  authorityOf,
  type Header,
  type HttpEngine,
  type HttpRequest,
  type HttpResponse,
  MAX_HEADER_OCTETS,
} from "../engine.js";
import { responseFailure } from "../failures.js";
import { PausingSocket } from "./pausing-socket.js";

export interface UndiciSettings {
  /** Connections to one origin at most. */
  readonly connections: number;
}

export class UndiciEngine implements HttpEngine {
  readonly #connector: Connector;
  readonly #settings: UndiciSettings;
  #agent: Agent | undefined;

  constructor(connector: Connector, settings: UndiciSettings) {
    this.#connector = connector;
    this.#settings = settings;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const [{ default: start }, agent] = await Promise.all([
      import("undici/lib/api/api-request.js"),
      this.#loadAgent(),
    ]);
    if (request.signal.aborted) throw abortReason(request.signal);
    try {
      const response = await start.call(agent, {
        origin: `${request.origin.scheme}://${authorityOf(request.origin)}`,
        method: request.method,
        path: request.path,
        headers: request.headers.flatMap(([name, value]) => [name, value]),
        body: request.body === undefined ? null : Readable.from(request.body, { objectMode: false }),
        signal: request.signal,
        responseHeaders: "raw",
      });
      return {
        status: response.statusCode,
        reason: response.statusText,
        headers: paired(response.headers),
        body: response.body,
      };
    } catch (thrown) {
      throw responseFailure(thrown, request.signal);
    }
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
    this.#connector.destroyAll();
  }

  async #loadAgent(): Promise<Agent> {
    if (this.#agent !== undefined) return this.#agent;
    const [{ default: UndiciAgent }, v8] = await Promise.all([
      import("undici/lib/dispatcher/agent.js"),
      import("node:v8"),
    ]);
    // Its parser is WebAssembly, and a process that is done would wait for V8 to finish optimising it.
    v8.setFlagsFromString("--liftoff-only");
    this.#agent ??= new UndiciAgent({
      connections: this.#settings.connections,
      connect: (options, done) => this.#connect(options, done),
      allowH2: true,
      maxHeaderSize: MAX_HEADER_OCTETS,
      // The platform's idle limit holds; undici's own would end a slow reader.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return this.#agent;
  }

  #connect(options: UndiciOrigin, done: (error: Error | null, socket: Duplex | null) => void): void {
    const scheme = options.protocol === "https:" ? "https" : "http";
    const host = options.hostname.replace(/^\[|\]$/g, "");
    const port = Number(options.port) || (scheme === "https" ? 443 : 80);
    this.#connector.dial({ scheme, host, port }, ["h2", "http/1.1"]).then(
      (connection) => done(null, new PausingSocket(connection)),
      (error: Error) => done(error, null),
    );
  }
}

function paired(list: readonly string[]): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < list.length; at += 2) headers.push([list[at] ?? "", list[at + 1] ?? ""]);
  return headers;
}
