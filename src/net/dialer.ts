/**
 * The one way to a connection: names, proxies, TLS, limits and the transcript, the same for every protocol.
 */
import { setMaxListeners } from "node:events";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { whenAborted } from "../abort.js";
import { abortReason, PortholeError, systemCode } from "../errors.js";
import { Connection } from "./connection.js";
import type { DatagramChannel, DatagramWiring } from "./datagram.js";
import type { DatagramListener, DatagramListenRequest } from "./datagram-listener.js";
import type { Endpoint } from "./endpoint.js";
import { connectionError, where } from "./failures.js";
import { type Attempt, raceToConnect } from "./happy-eyeballs.js";
import type { Listener, ListenRequest, ListenWiring } from "./listener.js";
import type { ReusedBuffer } from "./pouring.js";
import { chooseProxy, isHttp, type ProxyServer, proxyAuthorization } from "./proxy/choose.js";
import { type ForwardProxy, ProxyLogin } from "./proxy/login.js";
import { RateLimit } from "./rate.js";
import { resolveHost } from "./resolve.js";
import { DEFAULT_NETWORK, type NetworkSettings } from "./settings.js";
import { describeTls, handshake, NO_TLS_SETTINGS, type TlsFacts } from "./tls.js";
import { Transcript } from "./transcript.js";
import { connectUnix } from "./unix.js";
import type { ConnectionFacts, ConnectionWiring, StartTls } from "./wiring.js";

/** A connected socket and how it came about, before TLS to the target. */
interface Reached {
  readonly socket: Socket;
  readonly address?: string;
  readonly socketPath?: string;
  readonly resolveMs: number;
  readonly connectMs: number;
  readonly attempts: readonly Attempt[];
  readonly reused?: ReusedBuffer;
}

export class Dialer {
  readonly settings: NetworkSettings;
  readonly transcript: Transcript;
  readonly #proxyLogins = new Map<string, ProxyLogin>();
  readonly #rate: { incoming: RateLimit; outgoing: RateLimit } | undefined;

  constructor(settings: Partial<NetworkSettings> = {}, transcript = new Transcript()) {
    this.settings = { ...DEFAULT_NETWORK, ...settings };
    this.transcript = transcript;
    const { rateLimit } = this.settings;
    // One pair for the whole run: --limit-rate is about the line, not about one connection.
    if (rateLimit > 0)
      this.#rate = { incoming: new RateLimit(rateLimit), outgoing: new RateLimit(rateLimit) };
  }

  /**
   * @throws PortholeError `resolve`, `connect`, `tls`, `timeout`; the signal's reason when it fires
   */
  async dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    const tap = this.transcript.tap(endpoint.purpose);
    const place = placeOf(endpoint, this.settings.unixSocket);
    const limit = this.#limitTime(signal, place);
    let socket: Socket | undefined;
    try {
      const proxy = this.#proxyFor(endpoint);
      if (proxy !== undefined) limit.leadsThrough(proxy);
      const reach = async () => {
        const found = await this.#reach(endpoint, proxy, limit.signal);
        tap.note(`connected to ${found.address ?? found.socketPath ?? endpoint.host}`);
        return found;
      };
      let reached: Reached;
      if (proxy === undefined) reached = await reach();
      else {
        const { throughProxy } = await import("./proxy/tunnel.js");
        const forwarded = endpoint.forwardsThroughProxy === true && isHttp(proxy);
        const { settings } = this;
        const login = this.#loginTo(proxy);
        const { signal: limited } = limit;
        reached = await throughProxy(reach, { proxy, endpoint, forwarded, login, settings, signal: limited });
        tap.note(`${forwarded ? "forwarded by" : "through"} the proxy ${proxy.shown}`);
      }
      socket = reached.socket;
      const startTls = (plain: Duplex, request: StartTls) =>
        handshake(plain, { servername: endpoint.host, ...request }, this.settings.tls ?? NO_TLS_SETTINGS, {
          ...place,
          signal,
        });
      let facts: ConnectionFacts = factsOf(endpoint, reached, proxy);
      let secured: TLSSocket | undefined;
      if (endpoint.tls !== undefined) {
        const began = performance.now();
        const agreed = await handshake(
          socket,
          { servername: endpoint.host, ...endpoint.tls },
          this.settings.tls ?? NO_TLS_SETTINGS,
          { ...place, signal: limit.signal },
        );
        secured = agreed.socket;
        socket = secured;
        facts = { ...facts, tls: agreed.facts, tlsMs: performance.now() - began };
        tap.note(describeTls(agreed.facts));
      }
      const wiring: ConnectionWiring = {
        facts,
        tap,
        startTls: (plain, request) => this.#timedStartTls(plain, request, startTls),
        idleTimeout: this.settings.idleTimeout,
        signal,
        ...(this.#rate === undefined ? {} : { rate: this.#rate }),
        ...(reached.reused === undefined ? {} : { reused: reached.reused }),
      };
      return new Connection(socket, wiring, endpoint.patient, secured);
    } catch (thrown) {
      socket?.destroy();
      const error = limit.signal.aborted ? abortReason(limit.signal) : connectionError(thrown, place);
      tap.note(`no connection: ${error.message}`);
      throw error;
    } finally {
      limit.end();
    }
  }

  /**
   * A UDP channel to one peer. Which address answers cannot be known beforehand, so the first that there is a way
   * to is taken.
   * @throws PortholeError `resolve`, `connect`, `timeout`; `usage` where a proxy or a Unix socket was asked for,
   * since neither carries datagrams; the signal's reason when it fires
   */
  async dialDatagrams(endpoint: Endpoint, signal: AbortSignal): Promise<DatagramChannel> {
    const { host, port } = endpoint;
    const proxy = this.#proxyFor(endpoint);
    if (proxy !== undefined || this.settings.unixSocket !== undefined) {
      const what = proxy === undefined ? "a Unix socket" : `the proxy ${proxy.shown}`;
      throw new PortholeError("usage", `UDP does not go through ${what}`, {
        hint: proxy === undefined ? "leave out --unix-socket" : `--noproxy ${host} lets it go straight there`,
      });
    }
    const { connectDatagrams, DatagramChannel } = await import("./datagram.js");
    const tap = this.transcript.tap(endpoint.purpose);
    const limit = this.#limitTime(signal, endpoint);
    const began = performance.now();
    try {
      const addresses = await resolveHost(host, port, this.#localSettings(), limit.signal);
      const resolved = performance.now();
      const { socket, address, attempts } = await connectDatagrams(addresses, {
        host,
        port,
        localAddress: this.settings.localAddress,
        localPort: endpoint.localPort,
        signal: limit.signal,
      }).catch(async (thrown: unknown) => {
        throw await this.#localFailure(thrown, endpoint, "udp");
      });
      tap.note(`sends datagrams to ${address}`);
      const connectMs = performance.now() - resolved;
      const wiring: DatagramWiring = {
        facts: { host, port, address, resolveMs: resolved - began, connectMs, attempts },
        tap,
        idleTimeout: this.settings.idleTimeout,
        signal,
        ...(this.#rate === undefined ? {} : { rate: this.#rate }),
      };
      return new DatagramChannel(socket, wiring, endpoint.patient);
    } catch (thrown) {
      const error = limit.signal.aborted ? abortReason(limit.signal) : connectionError(thrown, endpoint);
      tap.note(`no way there: ${error.message}`);
      throw error;
    } finally {
      limit.end();
    }
  }

  /**
   * Waits for connections.
   * @throws PortholeError `connect` when the place is taken, and what `listen` of listen.ts throws besides
   */
  async listen(request: ListenRequest, signal: AbortSignal): Promise<Listener> {
    const { listen } = await import("./listen.js");
    return listen(request, this.#listenWiring(signal));
  }

  /** Waits for datagrams from anybody. @throws PortholeError as `listen` */
  async listenDatagrams(request: DatagramListenRequest, signal: AbortSignal): Promise<DatagramListener> {
    const { listenDatagrams } = await import("./datagram-listener.js");
    return listenDatagrams(request, this.#listenWiring(signal));
  }

  #listenWiring(signal: AbortSignal): ListenWiring {
    setMaxListeners(0, signal);
    const { settings, transcript } = this;
    return { settings, transcript, signal, ...(this.#rate === undefined ? {} : { rate: this.#rate }) };
  }

  /** The settings for names that are connected to from here: only the local address's family is of use. */
  #localSettings(): NetworkSettings {
    const { localAddress } = this.settings;
    if (localAddress === undefined) return this.settings;
    const family = isIP(localAddress);
    if (family !== 4 && family !== 6) {
      throw new PortholeError("usage", `'${localAddress}' is not an address of this machine`, {
        hint: "--interface takes an IP address",
      });
    }
    return { ...this.settings, family: this.settings.family ?? family };
  }

  /**
   * The HTTP proxy that plain http requests to this place are handed to, in absolute-form (RFC 9112, 3.2.2),
   * or undefined when they go straight there or through a tunnel.
   */
  forwardProxy(endpoint: Endpoint): ForwardProxy | undefined {
    const proxy = this.#proxyFor(endpoint);
    return proxy === undefined || !isHttp(proxy) ? undefined : this.#loginTo(proxy);
  }

  #loginTo(proxy: ProxyServer): ProxyLogin {
    const key = JSON.stringify([proxy.shown, proxy.user, proxy.password]);
    const known = this.#proxyLogins.get(key);
    if (known !== undefined) return known;
    const header = proxyAuthorization(proxy);
    if (header !== undefined) this.transcript.mask(header);
    const login = new ProxyLogin(proxy, this.settings.proxy?.login);
    this.#proxyLogins.set(key, login);
    return login;
  }

  /** One clock over name, connection, proxy and TLS. */
  #limitTime(outer: AbortSignal, place: { host: string; port: number }) {
    // Every connection of a run listens to one signal; Node takes more than ten for a leak and warns.
    setMaxListeners(0, outer);
    const controller = new AbortController();
    const onOuter = () => controller.abort(outer.reason);
    const unheeded = whenAborted(outer, onOuter);
    if (outer.aborted) onOuter();
    const { connectTimeout } = this.settings;
    let way = where(place);
    const timer =
      connectTimeout > 0
        ? setTimeout(() => {
            controller.abort(
              new PortholeError("timeout", `${way}: no connection within ${connectTimeout / 1000} s`, {
                hint: "--connect-timeout sets how long to wait",
              }),
            );
          }, connectTimeout)
        : undefined;
    return {
      signal: controller.signal,
      leadsThrough: ({ shown }: ProxyServer) => {
        way = `${where(place)}, through the proxy ${shown}`;
      },
      end: () => {
        clearTimeout(timer);
        unheeded();
      },
    };
  }

  /** A server that agrees to TLS and then says nothing must not hold the user. */
  async #timedStartTls(
    socket: Duplex,
    request: StartTls,
    start: (socket: Duplex, request: StartTls) => Promise<{ socket: TLSSocket; facts: TlsFacts }>,
  ) {
    const { connectTimeout } = this.settings;
    if (connectTimeout <= 0) return start(socket, request);
    const timer = setTimeout(() => {
      // The TLS socket above fails with the same error.
      socket.destroy(
        new PortholeError("timeout", `TLS was not agreed on within ${connectTimeout / 1000} s`, {
          hint: "--connect-timeout sets how long to wait",
        }),
      );
    }, connectTimeout);
    try {
      return await start(socket, request);
    } finally {
      clearTimeout(timer);
    }
  }

  #proxyFor(endpoint: Endpoint): ProxyServer | undefined {
    if (endpoint.socketPath !== undefined || this.settings.unixSocket !== undefined) return undefined;
    const proxy = chooseProxy(endpoint.scheme, endpoint.host, endpoint.port, this.settings.proxy);
    if (proxy?.password !== undefined) this.transcript.mask(proxy.password);
    return proxy;
  }

  async #reach(endpoint: Endpoint, proxy: ProxyServer | undefined, signal: AbortSignal): Promise<Reached> {
    const path = endpoint.socketPath ?? this.settings.unixSocket;
    const began = performance.now();
    if (path !== undefined) {
      const socket = await connectUnix(path, signal);
      return {
        socket,
        socketPath: path,
        resolveMs: 0,
        connectMs: performance.now() - began,
        attempts: [],
      };
    }
    const { host, port } = proxy ?? endpoint;
    const addresses = await resolveHost(host, port, this.#localSettings(), signal);
    const resolved = performance.now();
    const { localAddress } = this.settings;
    // A proxy's words, and TLS from the start, are read from the socket itself.
    const bulk = endpoint.bulk === true && proxy === undefined && endpoint.tls === undefined;
    const { localPort } = endpoint;
    const race = { host, port, localAddress, localPort, signal, bulk };
    const winner = await raceToConnect(addresses, race).catch(async (thrown: unknown) => {
      throw await this.#localFailure(thrown, endpoint, "tcp");
    });
    return { ...winner, resolveMs: resolved - began, connectMs: performance.now() - resolved };
  }

  /** What the user asked of this side and cannot be had is no failure of the other. */
  async #localFailure(thrown: unknown, { localPort }: Endpoint, transport: "tcp" | "udp"): Promise<unknown> {
    const { localAddress } = this.settings;
    const cause = thrown instanceof PortholeError ? thrown.cause : thrown;
    if (localPort !== undefined) {
      const { localPortError } = await import("./local-port.js");
      const failure = await localPortError(cause, localPort, transport);
      if (failure !== undefined) return failure;
    }
    if (localAddress === undefined || systemCode(cause) !== "EADDRNOTAVAIL") return thrown;
    return new PortholeError("connect", `${localAddress} is not an address of this machine`, {
      hint: "--interface takes one that is",
      cause,
    });
  }
}

/** For messages. */
function placeOf({ host, port, socketPath }: Endpoint, unixSocket: string | undefined) {
  const path = socketPath ?? unixSocket;
  return host === "" && path !== undefined ? { host: path, port: 0 } : { host, port };
}

function factsOf(endpoint: Endpoint, reached: Reached, proxy: ProxyServer | undefined): ConnectionFacts {
  return {
    host: endpoint.host,
    port: endpoint.port,
    ...(reached.address === undefined ? {} : { address: reached.address }),
    ...(reached.socketPath === undefined ? {} : { socketPath: reached.socketPath }),
    resolveMs: reached.resolveMs,
    connectMs: reached.connectMs,
    attempts: reached.attempts,
    ...(proxy === undefined ? {} : { proxy: proxy.shown }),
  };
}
