/**
 * The one way to a connection: names, proxies, TLS, limits and the transcript, the same for every protocol.
 */
import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { PortholeError } from "../errors.js";
import {
  Connection,
  type ConnectionFacts,
  type ConnectionWiring,
  describeTls,
  type StartTls,
} from "./connection.js";
import type { Endpoint } from "./endpoint.js";
import { connectionError, where } from "./failures.js";
import { type Attempt, raceToConnect } from "./happy-eyeballs.js";
import { chooseProxy, type ForwardProxy, type ProxyServer, proxyAuthorization } from "./proxy/choose.js";
import { RateLimit } from "./rate.js";
import { type Address, resolveHost } from "./resolve.js";
import { DEFAULT_NETWORK, type NetworkSettings } from "./settings.js";
import { handshake, type TlsFacts } from "./tls.js";
import { Transcript } from "./transcript.js";

/** A connected socket and how it came about, before TLS to the target. */
interface Reached {
  readonly socket: Socket;
  readonly address?: string;
  readonly resolveMs: number;
  readonly connectMs: number;
  readonly attempts: readonly Attempt[];
}

export class Dialer {
  readonly settings: NetworkSettings;
  readonly transcript: Transcript;
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
    const place = { host: endpoint.host, port: endpoint.port };
    const limit = this.#limitTime(signal, place);
    let socket: Socket | undefined;
    try {
      const proxy = this.#proxyFor(endpoint);
      const reached = await this.#reach(endpoint, proxy, limit.signal);
      socket = reached.socket;
      tap.note(`connected to ${reached.address ?? endpoint.socketPath ?? endpoint.host}`);
      const forwarded = proxy !== undefined && endpoint.forwardsThroughProxy === true && isHttp(proxy);
      if (proxy !== undefined) {
        socket = await this.#openTunnel(socket, proxy, endpoint, forwarded, limit.signal);
        tap.note(`${forwarded ? "forwarded by" : "through"} the proxy ${proxy.shown}`);
      }
      const startTls = (plain: Socket, request: StartTls) =>
        handshake(plain, { servername: endpoint.host, ...request }, this.settings.tls ?? {}, {
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
          this.settings.tls ?? {},
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
      };
      return new Connection(socket, wiring, endpoint.patient, secured);
    } catch (thrown) {
      socket?.destroy();
      const error = signal.aborted || limit.signal.aborted ? (limit.signal.reason ?? signal.reason) : thrown;
      tap.note(`no connection: ${error instanceof Error ? error.message : String(error)}`);
      throw error instanceof PortholeError ? error : connectionError(error, place);
    } finally {
      limit.end();
    }
  }

  /**
   * The HTTP proxy that plain http requests to this place are handed to, in absolute-form (RFC 9112, 3.2.2),
   * or undefined when they go straight there or through a tunnel.
   */
  forwardProxy(endpoint: Endpoint): ForwardProxy | undefined {
    const proxy = this.#proxyFor(endpoint);
    if (proxy === undefined || !isHttp(proxy)) return undefined;
    const authorization = proxyAuthorization(proxy);
    if (authorization === undefined) return {};
    this.transcript.mask(authorization);
    return { authorization };
  }

  /** One clock over name, connection, proxy and TLS. */
  #limitTime(outer: AbortSignal, place: { host: string; port: number }) {
    const controller = new AbortController();
    const onOuter = () => controller.abort(outer.reason);
    outer.addEventListener("abort", onOuter, { once: true });
    if (outer.aborted) onOuter();
    const { connectTimeout } = this.settings;
    const timer =
      connectTimeout > 0
        ? setTimeout(() => {
            controller.abort(
              new PortholeError(
                "timeout",
                `${where(place)}: no connection within ${connectTimeout / 1000} s`,
                {
                  hint: "--connect-timeout sets how long to wait",
                },
              ),
            );
          }, connectTimeout)
        : undefined;
    return {
      signal: controller.signal,
      end: () => {
        clearTimeout(timer);
        outer.removeEventListener("abort", onOuter);
      },
    };
  }

  /** A server that agrees to TLS and then says nothing must not hold the user. */
  async #timedStartTls(
    socket: Socket,
    request: StartTls,
    start: (socket: Socket, request: StartTls) => Promise<{ socket: TLSSocket; facts: TlsFacts }>,
  ) {
    const { connectTimeout } = this.settings;
    if (connectTimeout <= 0) return start(socket, request);
    const timer = setTimeout(() => {
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
      return { socket, resolveMs: 0, connectMs: performance.now() - began, attempts: [] };
    }
    const { host, port } = proxy ?? endpoint;
    const addresses = await resolveHost(host, port, this.settings, signal);
    const resolved = performance.now();
    const { socket, attempts } = await raceToConnect(addresses, {
      host,
      port,
      localAddress: this.settings.localAddress,
      signal,
    });
    const address = attempts.at(-1)?.address;
    return {
      socket,
      ...(address === undefined ? {} : { address }),
      resolveMs: resolved - began,
      connectMs: performance.now() - resolved,
      attempts,
    };
  }

  async #openTunnel(
    socket: Socket,
    proxy: ProxyServer,
    endpoint: Endpoint,
    forwarded: boolean,
    signal: AbortSignal,
  ): Promise<Socket> {
    // An https proxy is spoken to through TLS of its own, whose certificate is its own host's.
    const outer =
      proxy.kind === "https"
        ? (
            await handshake(socket, { servername: proxy.host }, withoutSni(this.settings), {
              ...proxy,
              signal,
            })
          ).socket
        : socket;
    if (forwarded) return outer;
    if (isHttp(proxy)) {
      const { connectThroughHttp } = await import("./proxy/http-connect.js");
      await connectThroughHttp(outer, proxy, endpoint, signal);
      return outer;
    }
    const { connectThroughSocks4a, connectThroughSocks5 } = await import("./proxy/socks.js");
    // socks5 looks the name up here, socks5h and socks4a leave it to the proxy.
    const addresses =
      proxy.kind === "socks5" ? await resolveHost(endpoint.host, endpoint.port, this.settings, signal) : [];
    if (proxy.kind === "socks4a") {
      await connectThroughSocks4a(outer, proxy, endpoint, ipLiteral(endpoint.host), signal);
    } else {
      const host = addresses[0]?.address ?? endpoint.host;
      await connectThroughSocks5(outer, proxy, { host, port: endpoint.port }, signal);
    }
    return outer;
  }
}

function isHttp(proxy: ProxyServer): boolean {
  return proxy.kind === "http" || proxy.kind === "https";
}

/** --sni names the target, never the proxy. */
function withoutSni(settings: NetworkSettings) {
  const { servername: _targets, ...rest } = settings.tls ?? {};
  return rest;
}

function ipLiteral(host: string): Address | undefined {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return { address: host, family: 4 };
  return host.includes(":") ? { address: host, family: 6 } : undefined;
}

function factsOf(endpoint: Endpoint, reached: Reached, proxy: ProxyServer | undefined): ConnectionFacts {
  return {
    host: endpoint.host,
    port: endpoint.port,
    ...(reached.address === undefined ? {} : { address: reached.address }),
    resolveMs: reached.resolveMs,
    connectMs: reached.connectMs,
    attempts: reached.attempts,
    ...(proxy === undefined ? {} : { proxy: proxy.shown }),
  };
}

function connectUnix(path: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    const aborted = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    socket.once("connect", () => {
      signal.removeEventListener("abort", aborted);
      socket.removeAllListeners("error");
      socket.on("error", () => {});
      resolve(socket);
    });
    socket.once("error", (error) => {
      signal.removeEventListener("abort", aborted);
      reject(connectionError(error, { host: path, port: 0 }));
    });
    if (signal.aborted) aborted();
  });
}
