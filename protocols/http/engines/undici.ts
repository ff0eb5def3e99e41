/** The engine on undici: HTTP/2, and a second opinion on HTTP/1.1. Slow to load. */
import { STATUS_CODES } from "node:http";
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
  headersOf,
  MAX_HEADER_OCTETS,
  type Origin,
} from "../engine.js";
import { bodyFailure, closedMeanwhile } from "../failures.js";
import { overLiveConnection } from "../stale-connection.js";
import { WordedBody } from "../worded-body.js";
import { PausingSocket } from "./pausing-socket.js";

export class UndiciEngine implements HttpEngine {
  readonly alpn: readonly string[];
  readonly #connector: Connector;
  /** By the URL that undici knows them by, which has no zone of an IPv6 address. */
  readonly #origins = new Map<string, Origin>();
  readonly #unanswered = new Set<HttpRequest>();
  #agent: Agent | undefined;
  #closed = false;

  /** @param second offers HTTP/2 (RFC 9113, 3.2) */
  constructor(connector: Connector, second = true) {
    this.#connector = connector;
    this.alpn = second ? ["h2", "http/1.1"] : ["http/1.1"];
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const agent = await this.#loadAgent();
    this.#unanswered.add(request);
    try {
      return await overLiveConnection(this.#connector, request, () => this.#exchange(request, agent));
    } finally {
      this.#unanswered.delete(request);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connector.destroyAll();
    await this.#agent?.destroy();
  }

  async #exchange(request: HttpRequest, agent: Agent): Promise<HttpResponse> {
    const { default: start } = await import("undici/lib/api/api-request.js");
    if (request.signal.aborted) throw abortReason(request.signal);
    const origin = `${request.origin.scheme}://${authorityOf(request.origin)}`;
    this.#origins.set(new URL(origin).origin, request.origin);
    const { onInformation } = request;
    const { statusCode, statusText, headers, trailers, body } = await start.call(agent, {
      origin,
      method: request.method,
      path: request.path,
      headers: sentHeaders(request),
      body: sentBody(request),
      signal: request.signal,
      responseHeaders: "raw",
      onInfo: (information) =>
        onInformation?.({
          status: information.statusCode,
          reason: STATUS_CODES[information.statusCode] ?? "",
          headers: headersOf(information.headers),
        }),
    });
    const content = this.#worded(
      hasContent(request.method, statusCode) ? body : emptied(body),
      request.signal,
    );
    const second = this.#connector.latestTo(request.origin)?.alpnProtocol === "h2";
    return {
      status: statusCode,
      reason: statusText,
      headers: headersOf(headers),
      body: content,
      ...(second ? { version: "2" } : {}),
      trailers: () =>
        Object.entries(trailers).flatMap(([name, value]) =>
          [value].flat().map((one): Header => [name, String(one)]),
        ),
      octets: () => content.octets,
    };
  }

  #worded(body: Readable, signal: AbortSignal): WordedBody {
    return new WordedBody(body, (thrown) => (this.#closed ? closedMeanwhile() : bodyFailure(thrown, signal)));
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
      // A session asks one thing at a time, and undici would open a second one rather than wait a tick.
      connections: 1,
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
    const origin = this.#origins.get(`${options.protocol}//${options.host}`);
    // undici connects anew after a request was aborted or a body left, with nothing to ask.
    const wanted = [...this.#unanswered].some(({ signal }) => !signal.aborted);
    if (origin === undefined || !wanted) {
      done(new Error("no request wants this connection"), null);
      return;
    }
    this.#connector.dial(origin, this.alpn).then(
      (connection) => done(null, new PausingSocket(connection)),
      (error: Error) => done(error, null),
    );
  }
}

function sentHeaders({ headers, body }: HttpRequest): string[] {
  const framing = body?.size === undefined ? [] : ["Content-Length", String(body.size)];
  return [...headers.flat(), ...framing];
}

function sentBody({ body }: HttpRequest): Readable | null {
  if (body === undefined || body.size === 0) return null;
  return Readable.from(body.octets, { objectMode: false });
}

/** RFC 9112, 6.3: these have none, whatever their headers say. */
function hasContent(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** undici takes a 304's Content-Length for its own and fails; what comes of that concerns nobody. */
function emptied(body: Readable): Readable {
  body.on("error", () => undefined).resume();
  return Readable.from([], { objectMode: false });
}
