/** The engine on node:http: quick to load, strict, for one request or a few in a row. */
import { Agent, type ClientRequest, type IncomingMessage, request as startRequest } from "node:http";
import { Duplex } from "node:stream";
import { PortholeError } from "../../../src/errors.js";
import type { Connector } from "../connector.js";
import {
  type HttpEngine,
  type HttpRequest,
  type HttpResponse,
  headersOf,
  keyOf,
  MAX_HEADER_OCTETS,
  type Origin,
} from "../engine.js";
import { bodyFailure, closedMeanwhile } from "../failures.js";
import { headersAsSent } from "../head-text.js";
import { overLiveConnection } from "../stale-connection.js";
import { WordedBody } from "../worded-body.js";
import { sendBody } from "./node-upload.js";

const ALPN = ["http/1.1"] as const;

export class NodeEngine implements HttpEngine {
  readonly alpn = ALPN;
  readonly #connector: Connector;
  readonly #agents = new Map<string, OriginAgent>();
  #closed = false;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const agent = this.#agentFor(request.origin);
    return overLiveConnection(this.#connector, request, () => this.#exchange(request, agent));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const agent of this.#agents.values()) agent.destroy();
    this.#connector.destroyAll();
  }

  #agentFor(origin: Origin): OriginAgent {
    const key = keyOf(origin);
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = new OriginAgent(origin, this.#connector);
    this.#agents.set(key, agent);
    return agent;
  }

  #exchange(request: HttpRequest, agent: Agent): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const outgoing = startRequest({
        agent,
        // The dialer has put TLS on already: to node:http every connection is plain.
        protocol: "http:",
        host: request.origin.host,
        port: request.origin.port,
        method: request.method,
        path: request.path,
        // Node takes a flat list as the raw headers: order, case and duplicates stay, and nothing is added but Connection.
        headers: headersAsSent(request).flat(),
        maxHeaderSize: MAX_HEADER_OCTETS,
        signal: request.signal,
      });
      // The request hears why its connection failed (a deadline, a reset, bad chunks); the body only that it did.
      let failure: Error | undefined;
      outgoing.on("error", (error) => {
        failure ??= error;
        reject(error);
      });
      outgoing.on("information", ({ statusCode, statusMessage, rawHeaders }) =>
        request.onInformation?.({
          status: statusCode,
          reason: statusMessage,
          headers: headersOf(rawHeaders),
        }),
      );
      outgoing.once("response", (incoming) => {
        if ((incoming.statusCode ?? 0) < 200) {
          outgoing.destroy(
            new PortholeError("protocol", `the server answers with status ${incoming.statusCode}`),
          );
          return;
        }
        const word = (thrown: unknown) =>
          this.#closed ? closedMeanwhile() : bodyFailure(failure ?? thrown, request.signal);
        resolve(responseOf(incoming, outgoing, word));
      });
      outgoing.once("upgrade", (_incoming, socket) => {
        socket.destroy();
        reject(new PortholeError("protocol", "the server changes to another protocol without being asked"));
      });
      if (request.body === undefined) outgoing.end();
      else sendBody(outgoing, request.body).catch((error: Error) => outgoing.destroy(error));
    });
  }
}

/** Node's agent with our dialer beneath: it keeps connections to one origin. */
class OriginAgent extends Agent {
  readonly #origin: Origin;
  readonly #connector: Connector;

  constructor(origin: Origin, connector: Connector) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#origin = origin;
    this.#connector = connector;
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#connector.dial(this.#origin, ALPN).then(
      (connection) => done?.(null, connection),
      // Node takes the error, and looks at no stream then.
      (error: Error) => done?.(error, new Duplex()),
    );
    return undefined;
  }
}

function responseOf(
  incoming: IncomingMessage,
  outgoing: ClientRequest,
  word: (thrown: unknown) => PortholeError,
): HttpResponse {
  incoming.once("close", () => {
    // Answered before all was sent: the connection is in the middle of a body, and of no more use.
    if (!outgoing.writableFinished) outgoing.destroy();
  });
  const body = new WordedBody(incoming, word);
  return {
    status: incoming.statusCode ?? 0,
    reason: incoming.statusMessage ?? "",
    headers: headersOf(incoming.rawHeaders),
    body,
    version: incoming.httpVersion,
    trailers: () => headersOf(incoming.rawTrailers),
    octets: () => body.octets,
  };
}
