/**
 * The engine that speaks HTTP/1.1 itself, over the platform's connection: nothing to load, and a body's octets go from
 * the socket's one buffer to where they are wanted. What it makes of an answer is in src/wire/http-head.ts.
 */
import { Readable } from "node:stream";
import { whenAborted } from "../../../src/abort.js";
import { abortReason, PortholeError } from "../../../src/errors.js";
import type { Connection } from "../../../src/net/connection.js";
import { type AnswerHead, framingOf, HeadReader, isKept } from "../../../src/wire/http-head.js";
import type { Connector } from "../connector.js";
import {
  type HttpEngine,
  type HttpRequest,
  type HttpResponse,
  isRepeatable,
  keyOf,
  MAX_HEADER_OCTETS,
  type Origin,
} from "../engine.js";
import { bodyFailure, closedMeanwhile, responseFailure } from "../failures.js";
import { PouredBody } from "../poured-body.js";
import { framed } from "./direct-body.js";
import { DirectRequest } from "./direct-request.js";

const ALPN = ["http/1.1"] as const;
/** Answers of 1xx before the one that counts. */
const MOST_INFORMATION = 1000;

export class DirectEngine implements HttpEngine {
  readonly alpn = ALPN;
  readonly #connector: Connector;
  readonly #idle = new Map<string, Connection[]>();
  #closed = false;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    // What cannot be sent needs no connection.
    let sending = new DirectRequest(request);
    for (;;) {
      if (request.signal.aborted) throw abortReason(request.signal);
      const kept = this.#take(request.origin);
      const connection = kept ?? (await this.#connector.dial(request.origin, ALPN));
      const exchange = new Exchange(connection, request, this);
      try {
        return await exchange.run(sending);
      } catch (thrown) {
        connection.destroy();
        const failure = responseFailure(thrown, request.signal);
        // The server closed a kept connection while the request was on its way (RFC 9112, 9.3.1).
        const again = kept !== undefined && failure.code === "connect" && !exchange.begun;
        if (!again || sending.failure !== undefined || !isRepeatable(request)) throw failure;
        sending = new DirectRequest(request);
      }
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A connection whose answer has come whole, for the next request. */
  keep(origin: Origin, connection: Connection): void {
    // What came beyond the answer would be taken for the next one's (RFC 9112, 9.2).
    if (this.#closed || connection.readableLength > 0 || connection.destroyed || connection.ended) {
      connection.destroy();
      return;
    }
    const key = keyOf(origin);
    this.#idle.set(key, [...(this.#idle.get(key) ?? []), connection]);
    // Whatever comes is the end or not meant for anybody.
    connection.layAside(() => connection.destroy());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connector.destroyAll();
  }

  #take(origin: Origin): Connection | undefined {
    const waiting = this.#idle.get(keyOf(origin)) ?? [];
    for (let connection = waiting.pop(); connection !== undefined; connection = waiting.pop()) {
      if (connection.destroyed || connection.ended) continue;
      connection.takeUp();
      return connection;
    }
    return undefined;
  }
}

/** An answer that was there at once: of hundreds of small files, a stream for each is a part of the cost. */
function heldResponse({ status, reason, fields, version }: AnswerHead, held: Buffer): HttpResponse {
  let body: Readable | undefined;
  return {
    status,
    reason,
    headers: fields,
    version,
    held,
    get body() {
      body ??= streamOf(held);
      return body;
    },
    trailers: () => [],
    octets: () => held.length,
  };
}

function streamOf(octets: Buffer): Readable {
  const body = new Readable({ read: () => undefined });
  if (octets.length > 0) body.push(octets);
  body.push(null);
  return body;
}

/** One request and its answer on a connection. */
class Exchange {
  readonly #connection: Connection;
  readonly #request: HttpRequest;
  readonly #engine: DirectEngine;
  readonly #head = new HeadReader(MAX_HEADER_OCTETS);
  /** The signal is heeded no more. */
  #unheeded: () => void = () => undefined;

  constructor(connection: Connection, request: HttpRequest, engine: DirectEngine) {
    this.#connection = connection;
    this.#request = request;
    this.#engine = engine;
  }

  /** Octets of an answer have come. */
  begun = false;

  /** @throws PortholeError, and what the request's body throws */
  async run(sending: DirectRequest): Promise<HttpResponse> {
    const { signal } = this.#request;
    this.#unheeded = whenAborted(signal, () => {
      this.#connection.destroy(abortReason(signal));
    });
    try {
      sending.begin(this.#connection);
      const head = await this.#finalHead(sending);
      return this.#response(head, sending);
    } catch (thrown) {
      this.#unheeded();
      throw sending.failure ?? thrown;
    }
  }

  async #finalHead(sending: DirectRequest): Promise<AnswerHead> {
    for (let count = 0; count < MOST_INFORMATION; count++) {
      const head = await this.#nextHead();
      const { status, reason, fields } = head;
      if (status === 101) {
        throw new PortholeError("protocol", "the server changes to another protocol without being asked");
      }
      if (status < 100) throw new PortholeError("protocol", `the server answers with status ${status}`);
      if (status >= 200) {
        sending.answered(status);
        return head;
      }
      if (status === 100) sending.agreed();
      this.#request.onInformation?.({ status, reason, headers: fields });
    }
    throw new PortholeError(
      "protocol",
      `the server sends more than ${MOST_INFORMATION} answers before the answer`,
    );
  }

  async #nextHead(): Promise<AnswerHead> {
    const connection = this.#connection;
    for (;;) {
      const head = this.#head.next();
      if (head !== undefined) return head;
      const octets = await connection.next();
      if (octets === undefined) throw this.#ended();
      this.begun = true;
      this.#head.feed(octets);
    }
  }

  #ended(): PortholeError {
    const { errored } = this.#connection;
    if (
      this.begun &&
      (errored === null || (errored instanceof PortholeError && errored.code === "connect"))
    ) {
      return new PortholeError("protocol", "the connection ended within the answer's headers", {
        ...(errored === null ? {} : { cause: errored }),
      });
    }
    if (errored instanceof PortholeError) return errored;
    // RFC 9112, 3.2.2: a proxy is given the whole URL.
    if (!this.#request.path.startsWith("/") && this.#request.path !== "*") {
      return new PortholeError("connect", "the proxy closed the connection without an answer", {
        hint: "does it speak HTTP on this port?",
      });
    }
    return new PortholeError("connect", "the server closed the connection without an answer", {
      hint:
        this.#request.origin.scheme === "http"
          ? "does it want TLS on this port? then write https:"
          : undefined,
    });
  }

  #response(head: AnswerHead, sending: DirectRequest): HttpResponse {
    const { signal, method, origin } = this.#request;
    const framing = framingOf(method, head);
    const early = this.#head.rest();
    const release = () => {
      this.#unheeded();
      // Answered before all was sent: the connection is in the middle of a body, and of no more use.
      if (sending.sent && isKept(head, framing)) this.#engine.keep(origin, this.#connection);
      else this.#connection.destroy();
    };
    const held = (octets: number) => {
      // It shows, when the connection is to serve again, that the server went on.
      if (octets < early.length) this.#connection.unshift(early.subarray(octets));
      release();
      return heldResponse(head, early.subarray(0, octets));
    };
    if (framing.by === "nothing") return held(0);
    if (framing.by === "length" && framing.octets <= early.length) return held(framing.octets);
    const source = framed(this.#connection, framing, early);
    const body = new PouredBody({
      run: async (take) => {
        await source.pour(take);
        release();
      },
      leave: () => {
        this.#unheeded();
        this.#connection.destroy();
      },
      word: (thrown) =>
        this.#engine.closed && !signal.aborted
          ? closedMeanwhile()
          : bodyFailure(sending.failure ?? thrown, signal),
    });
    return {
      status: head.status,
      reason: head.reason,
      headers: head.fields,
      body,
      version: head.version,
      trailers: () => source.trailers(),
      octets: () => body.octets,
      pour: (take) => body.pour(take),
    };
  }
}
