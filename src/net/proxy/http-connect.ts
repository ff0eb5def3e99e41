/** A tunnel through an HTTP proxy (RFC 9110, 9.3.6). */
import type { Socket } from "node:net";
import { PortholeError } from "../../errors.js";
import { formatHost } from "../../url.js";
import { type ProxyServer, proxyAuthorization } from "./choose.js";
import { readAnswer } from "./octets.js";

const HTTP = "HTTP/1.";

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
  let line: string;
  let status: number;
  do {
    // A 2xx to CONNECT has no body: the tunnel begins after the empty line.
    const answer = await readAnswer(socket, proxy, signal, endOfHead);
    line = answer.toString("latin1").split(/\r?\n/, 1)[0] ?? "";
    const digits = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
    if (digits === undefined) {
      throw new PortholeError("protocol", `the proxy ${proxy.shown} does not answer in HTTP`, {
        reply: line,
      });
    }
    status = Number(digits);
    // RFC 9110, 15.2: interim answers may come first.
  } while (status < 200);
  if (status < 300) return;
  if (status === 407) {
    const refused = authorization !== undefined;
    throw new PortholeError(
      "auth",
      `the proxy ${proxy.shown} ${refused ? "refused user and password" : "wants a login"}`,
      { reply: line, hint: refused ? undefined : "put user and password into the proxy's URL" },
    );
  }
  throw new PortholeError("connect", `the proxy ${proxy.shown} does not connect to ${authority}`, {
    reply: line,
  });
}

/** The head's length, or all there is as soon as it cannot be one: whoever speaks no HTTP need not be waited for. */
function endOfHead(octets: Buffer): number {
  const text = octets.toString("latin1");
  if (!HTTP.startsWith(text.slice(0, HTTP.length))) return octets.length;
  const end = /\n\r?\n/.exec(text);
  return end === null ? -1 : end.index + end[0].length;
}
