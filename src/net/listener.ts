/** Who connects to us: what is accepted is a Connection like a dialed one, with the transcript, the limits and the counts on it. */
import type { Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { abortReason, PortholeError } from "../errors.js";
import type { AccessRules, Admits } from "./access.js";
import { Connection } from "./connection.js";
import { connectionError, handshakeFailure, where } from "./failures.js";
import type { RateLimit } from "./rate.js";
import type { NetworkSettings } from "./settings.js";
import { handshake, type TlsFacts } from "./tls.js";
import type { Transcript } from "./transcript.js";

export interface ListenRequest {
  /** An address or a name of this machine; empty for all of its addresses. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Path of a Unix socket to make, instead of host and port. */
  readonly socketPath?: string;
  /** TLS from the first octet, with the user's certificate, or one made for the occasion. */
  readonly tls?: boolean;
  /** Connections at the same time; more are closed at once. */
  readonly mostConnections?: number;
  /** Connections without idle limit. */
  readonly patient?: boolean;
  /** In the transcript, beside each connection. */
  readonly purpose?: string;
  /** Told of each client that is lost before it is a connection, in words: it has no TLS, or does not trust the certificate. */
  readonly onLost?: (words: string) => void;
  /** Who may connect; everybody else is closed at once. */
  readonly access?: AccessRules;
  /** Told of each peer that `access` refuses. */
  readonly onRefused?: (peer: { readonly address: string; readonly port: number }) => void;
}

/** Where a listener waits. */
export interface ListeningPlace {
  /** Empty for a Unix socket. */
  readonly address: string;
  readonly port: number;
  readonly socketPath?: string;
  /** SHA-256 of the certificate that was made, for the other side to compare. */
  readonly fingerprint?: string;
}

/** What a run of Porthole brings to all of its connections. */
export interface ListenWiring {
  readonly settings: NetworkSettings;
  readonly transcript: Transcript;
  readonly rate?: { readonly incoming: RateLimit; readonly outgoing: RateLimit };
  readonly signal: AbortSignal;
}

/** Connections that may wait to be taken. */
const MOST_WAITING = 1024;

interface Waiter {
  readonly resolve: (connection: Connection | undefined) => void;
  readonly reject: (reason: Error) => void;
}

/** Iterating gives connections as they come, until `close`; leaving the loop leaves the listener open. */
export class Listener implements AsyncIterable<Connection>, AsyncDisposable {
  readonly place: ListeningPlace;
  readonly #server: Server;
  readonly #request: ListenRequest;
  readonly #wiring: ListenWiring;
  readonly #queue: Connection[] = [];
  readonly #refused = new WeakSet<Socket>();
  #waiter: Waiter | undefined;
  #failure: PortholeError | undefined;
  #closed = false;

  /** @param server listening; the listener owns it from here on */
  constructor(
    server: Server,
    place: ListeningPlace,
    request: ListenRequest,
    wiring: ListenWiring,
    admits?: Admits,
  ) {
    this.#server = server;
    this.place = place;
    this.#request = request;
    this.#wiring = wiring;
    if (admits !== undefined) this.#guard(admits);
    server.on(request.tls === true ? "secureConnection" : "connection", this.#onConnection);
    // Who does not trust the certificate, or speaks no TLS, leaves during the handshake.
    server.on("tlsClientError", (error) => {
      const words = `a client gave up during the TLS handshake: ${handshakeFailure(error)}`;
      wiring.transcript.note(words);
      request.onLost?.(words);
    });
    server.on("error", (error) => this.#end(connectionError(error, placeOf(request))));
    wiring.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (wiring.signal.aborted) this.#onAbort();
  }

  /** The place as messages name it: `0.0.0.0:12345`, `[::]:12345`, `/run/x.sock`. */
  get shown(): string {
    return this.place.socketPath ?? where({ host: this.place.address, port: this.place.port });
  }

  /**
   * The next connection, or undefined once the listener is closed.
   * @throws PortholeError the signal's reason; `usage` when two calls wait
   */
  accept(): Promise<Connection | undefined> {
    const queued = this.#queue.shift();
    if (queued !== undefined) return Promise.resolve(queued);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.resolve(undefined);
    if (this.#waiter !== undefined) {
      return Promise.reject(new PortholeError("usage", "two calls wait for a connection of one listener"));
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, undefined> {
    for (let next = await this.accept(); next !== undefined; next = await this.accept()) yield next;
  }

  /** Stops listening. Connections that were accepted live on; those that nobody took are closed. */
  close(): void {
    this.#end(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Before TLS sees a peer: what is refused costs no handshake. */
  #guard(admits: Admits): void {
    const server = this.#server;
    const secures = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      const address = plainAddress(socket.remoteAddress);
      if (address !== undefined && admits(address)) {
        for (const secure of secures) secure.call(server, socket);
        return;
      }
      const peer = { address: address ?? "", port: socket.remotePort ?? 0 };
      socket.on("error", () => {}).destroy();
      this.#refused.add(socket);
      this.#wiring.transcript.note(`refused ${where({ host: peer.address, port: peer.port })}`);
      this.#request.onRefused?.(peer);
    });
  }

  readonly #onConnection = (socket: Socket): void => {
    if (this.#refused.has(socket)) return;
    // It may be gone again before anybody looks at it.
    socket.on("error", () => {});
    // Who ends a connection within Node's own event for TLS 1.3 ends it without close_notify (RFC 8446, 6.1), which
    // the other side takes for a truncation.
    if (isSecured(socket)) setImmediate(() => this.#welcome(socket));
    else this.#welcome(socket);
  };

  #welcome(socket: Socket): void {
    if (this.#closed || this.#queue.length >= MOST_WAITING) {
      socket.destroy();
      return;
    }
    const connection = this.#connectionOf(socket);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#queue.push(connection);
    else waiter.resolve(connection);
  }

  #connectionOf(socket: Socket): Connection {
    const { settings, transcript, rate, signal } = this.#wiring;
    const tap = transcript.tap(this.#request.purpose);
    const address = plainAddress(socket.remoteAddress);
    const port = socket.remotePort ?? 0;
    const { socketPath } = this.place;
    tap.note(`accepted ${address === undefined ? "a client" : where({ host: address, port })}`);
    const secured = isSecured(socket) ? socket : undefined;
    return new Connection(
      socket,
      {
        facts: {
          host: address ?? "",
          port,
          ...(address === undefined ? {} : { address }),
          ...(socketPath === undefined ? {} : { socketPath }),
          resolveMs: 0,
          connectMs: 0,
          attempts: [],
          ...(secured === undefined ? {} : { tls: tlsFactsOf(secured) }),
        },
        tap,
        // RFC 4217, 7: who asked for the file is TLS's client, whoever connected.
        startTls: (plain, tls) =>
          handshake(plain, tls, settings.tls ?? {}, { host: address ?? "", port, signal }),
        idleTimeout: settings.idleTimeout,
        signal,
        ...(rate === undefined ? {} : { rate }),
      },
      this.#request.patient,
      secured,
    );
  }

  readonly #onAbort = (): void => {
    this.#end(abortReason(this.#wiring.signal));
  };

  #end(reason: PortholeError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = reason;
    this.#wiring.signal.removeEventListener("abort", this.#onAbort);
    this.#server.close();
    for (const connection of this.#queue.splice(0)) connection.destroy();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (reason === undefined) waiter?.resolve(undefined);
    else waiter?.reject(reason);
  }
}

/** A listener of both families sees IPv4 addresses in their IPv6 form (RFC 4291, 2.5.5.2). */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** For messages. */
export function placeOf({ host, port, socketPath }: ListenRequest): { host: string; port: number } {
  return socketPath === undefined ? { host: host === "" ? "*" : host, port } : { host: socketPath, port: 0 };
}

function isSecured(socket: Socket): socket is TLSSocket {
  return "encrypted" in socket && socket.encrypted === true;
}

/** No certificate is asked of clients, so there is none to distrust. */
function tlsFactsOf(socket: TLSSocket): TlsFacts {
  return {
    version: (socket.getProtocol() ?? "unknown").replace(/^TLSv/, ""),
    cipher: socket.getCipher().name,
    authorized: true,
    resumed: socket.isSessionReused(),
    chain: [],
  };
}
