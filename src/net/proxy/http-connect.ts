/** A tunnel through an HTTP proxy (RFC 9110, 9.3.6). */
import type { Socket } from "node:net";
import { PortholeError } from "../../errors.js";
import { formatHost } from "../../url.js";
import { type ProxyServer, proxyAuthorization } from "./choose.js";
import { readAnswer } from "./octets.js";

/** @throws PortholeError `auth` for 407, `connect` for every other refusal, `protocol` for what is not HTTP. */
export async function connectThroughHttp(
  socket: Socket,
  proxy: ProxyServer,
  target: { host: string; port: number },
  signal: AbortSignal,
): Promise<void> {
  const authority = `${formatHost(target.host)}:${target.port}`;
  const authorization = proxyAuthorization(proxy);
  const head = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    ...(authorization === undefined ? [] : [`Proxy-Authorization: ${authorization}`]),
    "",
    "",
  ];
  socket.write(head.join("\r\n"));
  // A 2xx to CONNECT has no body: the tunnel begins after the empty line.
  const answer = await readAnswer(socket, proxy, signal, endOfHead);
  const line = answer.toString("latin1").split(/\r?\n/, 1)[0] ?? "";
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) {
    throw new PortholeError("protocol", `the proxy ${proxy.shown} does not answer in HTTP`, { reply: line });
  }
  if (status >= 200 && status < 300) return;
  if (status === 407) {
    throw new PortholeError("auth", `the proxy ${proxy.shown} wants a login`, {
      reply: line,
      hint: "put user and password into the proxy's URL",
    });
  }
  throw new PortholeError("connect", `the proxy ${proxy.shown} does not connect to ${authority}`, {
    reply: line,
  });
}

function endOfHead(octets: Buffer): number {
  const strict = octets.indexOf("\r\n\r\n");
  if (strict >= 0) return strict + 4;
  const loose = octets.indexOf("\n\n");
  return loose < 0 ? -1 : loose + 2;
}
