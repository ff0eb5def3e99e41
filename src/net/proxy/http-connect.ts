/** A tunnel through an HTTP proxy (RFC 9110, 9.3.6). */
import type { Socket } from "node:net";
import { PortholeError } from "../../errors.js";
import { formatHost } from "../../url.js";
import { type AnswerHead, type Field, fieldOf } from "../../wire/http-head.js";
import type { ProxyServer } from "./choose.js";
import type { ForwardProxy } from "./login.js";
import { readAnswer } from "./octets.js";

const HTTP = "HTTP/1.";

/**
 * @returns whether the tunnel is open; false: the proxy wants a login that can be made now, on another connection
 * @throws PortholeError `auth` for a 407 that has no answer and for a 401, `connect` for every other refusal, `protocol` for what is
 *   not HTTP
 */
export async function connectThroughHttp(
  socket: Socket,
  proxy: ProxyServer,
  target: { host: string; port: number },
  login: ForwardProxy,
  signal: AbortSignal,
): Promise<boolean> {
  const authority = `${formatHost(target.host)}:${target.port}`;
  const authorization = login.authorization({ method: "CONNECT", uri: authority });
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
  let fields: readonly Field[];
  do {
    // A 2xx to CONNECT has no body: the tunnel begins after the empty line.
    const answer = await readAnswer(socket, proxy, signal, endOfHead);
    ({ line, status, fields } = headOf(answer, proxy));
    // RFC 9110, 15.2: interim answers may come first.
  } while (status < 200);
  if (status < 300) {
    login.heed(fields);
    return true;
  }
  // tinyproxy refuses a wrong password by 401, as if it were the server: but nobody has asked that yet.
  if (status === 407 || status === 401) {
    if (status === 407 && (await login.answers(fields, authorization))) return false;
    const refused = proxy.user !== undefined;
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

function headOf(
  answer: Buffer,
  proxy: ProxyServer,
): Pick<AnswerHead, "status" | "fields"> & { readonly line: string } {
  const [line = "", ...rest] = answer.toString("latin1").split(/\r?\n/);
  const digits = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
  if (digits === undefined) {
    throw new PortholeError("protocol", `the proxy ${proxy.shown} does not answer in HTTP`, { reply: line });
  }
  const status = Number(digits);
  // Of other answers nothing but the status counts, however their fields are written.
  const read = status === 407 || status < 300 ? rest.filter((field) => field !== "") : [];
  return { line, status, fields: read.flatMap(readable) };
}

/** Proxies end lines by LF alone, and fold them; what cannot be read is passed over. */
function readable(line: string): Field[] {
  try {
    return [fieldOf(Buffer.from(line, "latin1"))];
  } catch {
    return [];
  }
}

/** The head's length, or all there is as soon as it cannot be one: whoever speaks no HTTP need not be waited for. */
function endOfHead(octets: Buffer): number {
  const text = octets.toString("latin1");
  if (!HTTP.startsWith(text.slice(0, HTTP.length))) return octets.length;
  const end = /\n\r?\n/.exec(text);
  return end === null ? -1 : end.index + end[0].length;
}
