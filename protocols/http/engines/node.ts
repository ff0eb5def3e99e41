/** The engine on node:http: quick to load, strict, for one request or a few in a row. */
import { Agent, type ClientRequest, type IncomingMessage, request as startRequest } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PortholeError } from "../../../src/errors.js";
import type { Connector } from "../connector.js";
import {
  authorityOf,
  type Header,
  type HttpEngine,
  type HttpRequest,
  type HttpResponse,
  MAX_HEADER_OCTETS,
  type Origin,
} from "../engine.js";
import { responseFailure } from "../failures.js";

export class NodeEngine implements HttpEngine {
  readonly #connector: Connector;
  readonly #agents = new Map<string, OriginAgent>();

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const agent = this.#agentFor(request.origin);
    // A kept connection may have been closed by the server a moment ago: that is no failure of this request,
    // as long as nothing of it can have been acted on (RFC 9112, 9.3.1).
    const repeatable = request.body === undefined;
    for (;;) {
      const kept = agent.hasIdle;
      try {
        return await exchange(request, agent);
      } catch (thrown) {
        if (!(kept && repeatable && closedBeforeAnswer(thrown)) || request.signal.aborted) throw thrown;
      }
    }
  }

  async close(): Promise<void> {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#connector.destroyAll();
  }

  #agentFor(origin: Origin): OriginAgent {
    const key = `${origin.scheme}://${authorityOf(origin)}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = new OriginAgent(origin, this.#connector);
    this.#agents.set(key, agent);
    return agent;
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

  get hasIdle(): boolean {
    return Object.values(this.freeSockets).some((sockets) => (sockets?.length ?? 0) > 0);
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#connector.dial(this.#origin, ["http/1.1"]).then(
      (connection) => done?.(null, connection),
      // Node takes the error and looks at no stream then.
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  }
}

function exchange(request: HttpRequest, agent: Agent): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const authority = authorityOf(request.origin);
    const outgoing = startRequest({
      agent,
      // The dialer has put TLS on already: to node:http every connection is plain.
      protocol: "http:",
      host: request.origin.host,
      port: request.origin.port,
      method: request.method,
      path: request.path,
      headers: flat([["Host", authority], ...request.headers]),
      maxHeaderSize: MAX_HEADER_OCTETS,
      signal: request.signal,
    });
    outgoing.once("response", (incoming) => resolve(responseOf(incoming)));
    outgoing.on("error", (error) => reject(responseFailure(error, request.signal)));
    send(outgoing, request).catch((error: Error) => outgoing.destroy(error));
  });
}

async function send(outgoing: ClientRequest, request: HttpRequest): Promise<void> {
  if (request.body === undefined) outgoing.end();
  else await pipeline(request.body, outgoing);
}

function responseOf(incoming: IncomingMessage): HttpResponse {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.push([incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? ""]);
  }
  return {
    status: incoming.statusCode ?? 0,
    reason: incoming.statusMessage ?? "",
    headers,
    body: incoming,
  };
}

/** Node takes a flat list as the raw headers: order, case and duplicates stay. */
function flat(headers: readonly Header[]): string[] {
  return headers.flatMap(([name, value]) => [name, value]);
}

function closedBeforeAnswer(thrown: unknown): boolean {
  return thrown instanceof PortholeError && thrown.code === "connect";
}
