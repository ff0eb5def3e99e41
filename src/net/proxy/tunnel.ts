/** From a socket connected to a proxy to one that reaches the target. */
import { isIP, type Socket } from "node:net";
import type { Endpoint } from "../endpoint.js";
import { type Address, resolveHost } from "../resolve.js";
import type { NetworkSettings } from "../settings.js";
import { handshake } from "../tls.js";
import { isHttp, type ProxyServer } from "./choose.js";
import { connectThroughHttp } from "./http-connect.js";
import { connectThroughSocks4a, connectThroughSocks5 } from "./socks.js";

/**
 * The socket to talk to the proxy on: an https proxy is spoken to through TLS of its own, whose certificate is its
 * own host's.
 * @throws PortholeError `tls`
 */
export async function reachProxy(
  socket: Socket,
  proxy: ProxyServer,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<Socket> {
  if (proxy.kind !== "https") return socket;
  const agreed = await handshake(socket, { servername: proxy.host }, forProxy(settings), {
    ...proxy,
    signal,
  });
  return agreed.socket;
}

/**
 * Asks the proxy for a tunnel to the endpoint; afterwards the socket carries the endpoint's octets.
 * @throws PortholeError `auth`, `connect`, `protocol`, `resolve`
 */
export async function openTunnel(
  socket: Socket,
  proxy: ProxyServer,
  endpoint: Endpoint,
  settings: NetworkSettings,
  signal: AbortSignal,
): Promise<void> {
  if (isHttp(proxy)) {
    await connectThroughHttp(socket, proxy, endpoint, signal);
  } else if (proxy.kind === "socks4a") {
    await connectThroughSocks4a(socket, proxy, endpoint, ipLiteral(endpoint.host), signal);
  } else {
    // socks5 looks the name up here, socks5h and socks4a leave it to the proxy.
    const addresses =
      proxy.kind === "socks5" ? await resolveHost(endpoint.host, endpoint.port, settings, signal) : [];
    const host = addresses[0]?.address ?? endpoint.host;
    await connectThroughSocks5(socket, proxy, { host, port: endpoint.port }, signal);
  }
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
