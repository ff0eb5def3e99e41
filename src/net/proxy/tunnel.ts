/** From a socket connected to a proxy to one that reaches the target. */
import { isIP, type Socket } from "node:net";
import { PortholeError } from "../../errors.js";
import type { Endpoint } from "../endpoint.js";
import { type Address, resolveHost } from "../resolve.js";
import type { NetworkSettings } from "../settings.js";
import { handshake } from "../tls.js";
import { isHttp, type ProxyServer } from "./choose.js";
import { connectThroughHttp } from "./http-connect.js";
import type { ForwardProxy } from "./login.js";
import { connectThroughSocks4a, connectThroughSocks5 } from "./socks.js";

/** A second time for the login, a third for a nonce that has become stale meanwhile. */
const MOST_TRIES = 3;

export interface Way {
  readonly proxy: ProxyServer;
  readonly endpoint: Endpoint;
  /** Requests are handed to the proxy: there is no tunnel. */
  readonly forwarded: boolean;
  readonly login: ForwardProxy;
  readonly settings: NetworkSettings;
  readonly signal: AbortSignal;
}

/**
 * The way to the endpoint: the socket carries its octets afterwards, or requests to the proxy.
 * @param reach connects to the proxy; anew where the proxy has to be asked a second time
 * @throws PortholeError `tls`, `auth`, `connect`, `protocol`, `resolve`, and what `reach` throws
 */
export async function throughProxy<R extends { readonly socket: Socket }>(
  reach: () => Promise<R>,
  way: Way,
): Promise<R> {
  for (let tries = 1; ; tries++) {
    const reached = await reachProxy(reach, way.proxy);
    let { socket } = reached;
    try {
      socket = await speakableTo(socket, way);
      if (way.forwarded || (await openTunnel(socket, way))) return { ...reached, socket };
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    }
    // Proxies close after a 407, or have the rest of its page on the way.
    socket.destroy();
    if (tries >= MOST_TRIES) {
      throw new PortholeError("auth", `the proxy ${way.proxy.shown} refuses one login after the other`);
    }
  }
}

/** Who reads that a connection is refused would look for the server, which was not even asked. */
async function reachProxy<R>(reach: () => Promise<R>, { shown }: ProxyServer): Promise<R> {
  try {
    return await reach();
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || (thrown.code !== "connect" && thrown.code !== "resolve"))
      throw thrown;
    throw new PortholeError(thrown.code, `the proxy ${shown} is not reached: ${thrown.message}`, {
      hint: "-x and the environment's *_proxy name it; --noproxy HOST goes straight there",
      cause: thrown,
    });
  }
}

/** An https proxy is spoken to through TLS of its own, whose certificate is its own host's. */
async function speakableTo(socket: Socket, { proxy, settings, signal }: Way): Promise<Socket> {
  if (proxy.kind !== "https") return socket;
  const agreed = await handshake(socket, { servername: proxy.host }, forProxy(settings), {
    ...proxy,
    signal,
  });
  return agreed.socket;
}

/** Asks the proxy for a tunnel to the endpoint. @returns false when it has to be asked again, on another socket */
async function openTunnel(socket: Socket, way: Way): Promise<boolean> {
  const { proxy, endpoint, settings, signal } = way;
  if (isHttp(proxy)) return connectThroughHttp(socket, proxy, endpoint, way.login, signal);
  if (proxy.kind === "socks4a") {
    await connectThroughSocks4a(socket, proxy, endpoint, ipLiteral(endpoint.host), signal);
    return true;
  }
  // socks5 looks the name up here, socks5h and socks4a leave it to the proxy.
  const addresses =
    proxy.kind === "socks5" ? await resolveHost(endpoint.host, endpoint.port, settings, signal) : [];
  const host = addresses[0]?.address ?? endpoint.host;
  await connectThroughSocks5(socket, proxy, { host, port: endpoint.port }, signal);
  return true;
}

/** --sni, --cert and --key are meant for the target, never for the proxy. */
function forProxy(settings: NetworkSettings) {
  const { servername: _name, certFile: _cert, keyFile: _key, ...rest } = settings.tls ?? {};
  return rest;
}

function ipLiteral(host: string): Address | undefined {
  const family = isIP(host);
  return family === 4 || family === 6 ? { address: host, family } : undefined;
}
