/**
 * Waiting for connections on TCP, TLS and Unix sockets. What is accepted is a Connection like a dialed one: with
 * the transcript, the limits and the counts on it.
 */
import { lstat, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { hostname } from "node:os";
import type { TLSSocket, TlsOptions } from "node:tls";
import { abortReason, messageOf, PortholeError, systemCode } from "../errors.js";
import { Connection } from "./connection.js";
import { connectionError, where } from "./failures.js";
import { ownerOfPort } from "./port-owner.js";
import type { RateLimit } from "./rate.js";
import { resolveHost } from "./resolve.js";
import type { NetworkSettings } from "./settings.js";
import { readPem, type TlsFacts } from "./tls.js";
import type { Transcript } from "./transcript.js";
import { connectUnix } from "./unix.js";

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
  #waiter: Waiter | undefined;
  #failure: PortholeError | undefined;
  #closed = false;

  /** @param server listening; the listener owns it from here on */
  constructor(server: Server, place: ListeningPlace, request: ListenRequest, wiring: ListenWiring) {
    this.#server = server;
    this.place = place;
    this.#request = request;
    this.#wiring = wiring;
    server.on(request.tls === true ? "secureConnection" : "connection", this.#onConnection);
    // Who does not trust the certificate, or speaks no TLS, leaves during the handshake.
    server.on("tlsClientError", (error) => {
      wiring.transcript.note(`a client gave up during the TLS handshake: ${messageOf(error)}`);
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

  readonly #onConnection = (socket: Socket): void => {
    // It may be gone again before anybody looks at it.
    socket.on("error", () => {});
    if (this.#closed || this.#queue.length >= MOST_WAITING) {
      socket.destroy();
      return;
    }
    const connection = this.#connectionOf(socket);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#queue.push(connection);
    else waiter.resolve(connection);
  };

  #connectionOf(socket: Socket): Connection {
    const { settings, transcript, rate, signal } = this.#wiring;
    const tap = transcript.tap(this.#request.purpose);
    // A listener of both families sees IPv4 addresses in their IPv6 form (RFC 4291, 2.5.5.2).
    const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, "");
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
        startTls: () => {
          throw new PortholeError("usage", "TLS is not started in place on a connection that was accepted");
        },
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

/**
 * @throws PortholeError `connect` when the place is taken or not this machine's, `resolve` for a name without
 * address, `local` for unreadable PEM files, the signal's reason
 */
export async function listen(request: ListenRequest, wiring: ListenWiring): Promise<Listener> {
  const { settings, signal } = wiring;
  if (signal.aborted) throw abortReason(signal);
  const secret = request.tls === true ? await certificate(settings) : undefined;
  const bindTo = await bindAddress(request, settings, signal);
  let server = await makeServer(request, secret, settings);
  try {
    await bind(server, bindTo);
  } catch (thrown) {
    if (!(await isStale(thrown, request, signal))) throw await listenError(thrown, request);
    server = await makeServer(request, secret, settings);
    await bind(server, bindTo).catch(async (again: unknown) => {
      throw await listenError(again, request);
    });
  }
  const address = server.address();
  const place: ListeningPlace =
    typeof address === "object" && address !== null
      ? { address: address.address, port: address.port }
      : { address: "", port: 0, socketPath: address ?? request.socketPath ?? "" };
  const fingerprint = secret?.fingerprint;
  const listener = new Listener(
    server,
    fingerprint === undefined ? place : { ...place, fingerprint },
    request,
    wiring,
  );
  wiring.transcript.note(`listening on ${listener.shown}`);
  return listener;
}

interface Secret {
  readonly options: TlsOptions;
  readonly fingerprint?: string;
}

async function certificate({ tls = {}, connectTimeout }: NetworkSettings): Promise<Secret> {
  const shared: TlsOptions = {
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(connectTimeout > 0 ? { handshakeTimeout: connectTimeout } : {}),
  };
  const [cert, key] = await Promise.all([readPem(tls.certFile), readPem(tls.keyFile ?? tls.certFile)]);
  if (cert !== undefined && key !== undefined) return { options: { ...shared, cert, key } };
  const { makeCertificate } = await import("./made-certificate.js");
  const own = hostname();
  const made = await makeCertificate(["localhost", ...(/^[\w.-]+$/.test(own) ? [own] : []), "127.0.0.1"]);
  return { options: { ...shared, cert: made.cert, key: made.key }, fingerprint: made.fingerprint };
}

async function makeServer(
  request: ListenRequest,
  secret: Secret | undefined,
  settings: NetworkSettings,
): Promise<Server> {
  const options = { allowHalfOpen: true, pauseOnConnect: secret === undefined };
  const server =
    secret === undefined
      ? createServer(options)
      : await secureServer({ ...secret.options, ...options }, settings);
  if (request.mostConnections !== undefined) server.maxConnections = request.mostConnections;
  return server;
}

/** @throws PortholeError `local` when OpenSSL cannot use the PEM files */
async function secureServer(options: TlsOptions, settings: NetworkSettings): Promise<Server> {
  const { createServer: createSecureServer } = await import("node:tls");
  try {
    return createSecureServer(options);
  } catch (thrown) {
    throw new PortholeError(
      "local",
      `${settings.tls?.certFile ?? "the certificate"}: not usable for TLS: ${messageOf(thrown)}`,
      { hint: "--cert and --key take PEM files, the key without a password", cause: thrown },
    );
  }
}

type BindTo =
  | { readonly path: string }
  | { readonly port: number; readonly host?: string; readonly ipv6Only?: boolean };

async function bindAddress(
  { host, port, socketPath }: ListenRequest,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<BindTo> {
  if (socketPath !== undefined) return { path: socketPath };
  const name = host === "" ? (settings.localAddress ?? "") : host;
  if (name !== "") {
    const [first] = await resolveHost(name, port, settings, signal);
    return first === undefined ? { port, host: name } : { port, host: first.address };
  }
  // Node's own choice for no host: all addresses of both families, or of IPv4 where there is no other.
  if (settings.family === undefined) return { port };
  return settings.family === 4 ? { port, host: "0.0.0.0" } : { port, host: "::", ipv6Only: true };
}

function bind(server: Server, to: BindTo): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...to, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A Unix socket whose owner died is left as a file, and is in nobody's way. It is removed then. */
async function isStale(thrown: unknown, request: ListenRequest, signal: AbortSignal): Promise<boolean> {
  const { socketPath } = request;
  if (socketPath === undefined || systemCode(thrown) !== "EADDRINUSE") return false;
  // A file of any other kind refuses a connection just so.
  if (!(await lstat(socketPath)).isSocket()) return false;
  try {
    const socket = await connectUnix(socketPath, signal);
    socket.destroy();
    return false;
  } catch (refused) {
    const cause: unknown = refused instanceof PortholeError ? refused.cause : refused;
    if (systemCode(cause) !== "ECONNREFUSED") return false;
    await unlink(socketPath);
    return true;
  }
}

/** Why nothing can listen there; who does, where the system tells. Exit 4. */
export async function listenError(
  thrown: unknown,
  request: ListenRequest,
  transport: "tcp" | "udp" = "tcp",
): Promise<PortholeError> {
  if (thrown instanceof PortholeError) return thrown;
  const place = placeOf(request);
  const code = systemCode(thrown);
  if (code === "EADDRINUSE") {
    const owner = request.socketPath === undefined ? await ownerOfPort(request.port, transport) : undefined;
    const who = owner === undefined ? "" : ` by ${owner.program} (process ${owner.pid})`;
    return new PortholeError("connect", `${where(place)}: in use${who}`, {
      hint: "end that program, or choose another port",
      cause: thrown,
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new PortholeError("connect", `${where(place)}: not allowed to listen there`, {
      hint:
        request.socketPath === undefined
          ? "ports below 1024 are for the system; take a higher one"
          : undefined,
      cause: thrown,
    });
  }
  if (code === "EADDRNOTAVAIL") {
    return new PortholeError("connect", `${where(place)}: not an address of this machine`, { cause: thrown });
  }
  return connectionError(thrown, place);
}

function placeOf({ host, port, socketPath }: ListenRequest): { host: string; port: number } {
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
