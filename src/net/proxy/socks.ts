/** Tunnels through SOCKS proxies: version 5 (RFC 1928, RFC 1929) and 4a. */
import { isIP, type Socket } from "node:net";
import { PortholeError } from "../../errors.js";
import type { Address } from "../resolve.js";
import type { ProxyServer } from "./choose.js";
import { readAnswer } from "./octets.js";

const NO_LOGIN = 0;
const USER_PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;

/** RFC 1928, 6: REP. */
const REFUSALS: readonly string[] = [
  "succeeded",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
];

/**
 * @param target a name for the proxy to look up (socks5h), or the address that was looked up here (socks5)
 * @throws PortholeError `auth`, `connect` or `protocol`
 */
export async function connectThroughSocks5(
  socket: Socket,
  proxy: ProxyServer,
  target: { host: string; port: number },
  signal: AbortSignal,
): Promise<void> {
  const read = (measure: (octets: Buffer) => number) => readAnswer(socket, proxy, signal, measure);
  const methods = proxy.user === undefined ? [NO_LOGIN] : [NO_LOGIN, USER_PASSWORD];
  socket.write(Buffer.from([5, methods.length, ...methods]));
  const choice = await read(() => 2);
  if (choice[0] !== 5) throw notSocks(proxy, "5");
  if (choice[1] === NONE_ACCEPTABLE) throw wantsLogin(proxy);
  if (choice[1] === USER_PASSWORD && proxy.user !== undefined) {
    socket.write(Buffer.concat([Buffer.of(1), field(proxy.user, proxy), field(proxy.password ?? "", proxy)]));
    const verdict = await read(() => 2);
    if (verdict[1] !== 0) {
      throw new PortholeError("auth", `the proxy ${proxy.shown} refused user and password`);
    }
  } else if (choice[1] !== NO_LOGIN) {
    throw new PortholeError("protocol", `the proxy ${proxy.shown} chose a login method that was not offered`);
  }
  socket.write(Buffer.concat([Buffer.of(5, 1, 0), addressOf(target.host, proxy), portOf(target.port)]));
  const reply = await read(replyLength);
  if (reply[0] !== 5) throw notSocks(proxy, "5");
  const code = reply[1] ?? 1;
  if (code !== 0) throw refusal(proxy, target, REFUSALS[code] ?? `code ${code}`);
  if (reply.length === UNREADABLE) {
    throw new PortholeError("protocol", `the proxy ${proxy.shown} answers with an address of no known type`);
  }
}

/** The length of a reply whose address cannot be read. */
const UNREADABLE = 4;

/** RFC 1928, 6: the bound address follows the reply, in one of three forms. */
function replyLength(octets: Buffer): number {
  if (octets[0] !== 5) return 1;
  if (octets.length < 4) return -1;
  const type = octets[3];
  if (type === 1) return 4 + 4 + 2;
  if (type === 4) return 4 + 16 + 2;
  if (type === 3) return octets.length < 5 ? -1 : 4 + 1 + (octets[4] ?? 0) + 2;
  return UNREADABLE;
}

function addressOf(host: string, proxy: ProxyServer): Buffer {
  const family = isIP(host);
  if (family === 4) return Buffer.from([1, ...host.split(".").map(Number)]);
  if (family === 6) return Buffer.concat([Buffer.of(4), ipv6Octets(host)]);
  return Buffer.concat([Buffer.of(3), field(host, proxy)]);
}

function ipv6Octets(text: string): Buffer {
  const plain = text
    .replace(/%.*$/, "")
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
      const [a, b, c, d] = parts.map(Number);
      return `${(((a ?? 0) << 8) | (b ?? 0)).toString(16)}:${(((c ?? 0) << 8) | (d ?? 0)).toString(16)}`;
    });
  const [head = "", tail] = plain.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(8 - front.length - back.length).fill("0");
  const octets = Buffer.alloc(16);
  for (const [index, group] of [...front, ...zeros, ...back].entries()) {
    octets.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  }
  return octets;
}

function field(text: string, proxy: ProxyServer): Buffer {
  const octets = Buffer.from(text, "utf8");
  if (octets.length > 255) {
    throw new PortholeError(
      "usage",
      `a name or password of more than 255 octets does not fit the proxy ${proxy.shown}`,
    );
  }
  return Buffer.concat([Buffer.of(octets.length), octets]);
}

function portOf(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}

/**
 * SOCKS 4, with 4a's extension when `target` is a name.
 * @param address the target's IPv4 address when it is known here
 */
export async function connectThroughSocks4a(
  socket: Socket,
  proxy: ProxyServer,
  target: { host: string; port: number },
  address: Address | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (address?.family === 6) {
    throw new PortholeError("usage", `SOCKS 4 knows no IPv6 addresses, and ${target.host} is one`, {
      hint: "use a socks5 proxy",
    });
  }
  const user = Buffer.from(`${proxy.user ?? ""}\0`, "utf8");
  // 0.0.0.x, x not 0: the name follows (SOCKS 4a).
  const numbers = address === undefined ? [0, 0, 0, 1] : address.address.split(".").map(Number);
  const name = address === undefined ? Buffer.from(`${target.host}\0`, "utf8") : Buffer.alloc(0);
  socket.write(Buffer.concat([Buffer.of(4, 1), portOf(target.port), Buffer.from(numbers), user, name]));
  const reply = await readAnswer(socket, proxy, signal, () => 8);
  if (reply[0] !== 0) throw notSocks(proxy, "4");
  const code = reply[1] ?? 0;
  if (code === 90) return;
  if (code === 92 || code === 93) throw wantsLogin(proxy);
  throw refusal(proxy, target, `code ${code}`);
}

function notSocks(proxy: ProxyServer, version: string): PortholeError {
  return new PortholeError("protocol", `the proxy ${proxy.shown} does not speak SOCKS ${version}`, {
    hint: "is it an HTTP proxy? then write http://",
  });
}

function wantsLogin(proxy: ProxyServer): PortholeError {
  return new PortholeError("auth", `the proxy ${proxy.shown} wants a login`, {
    hint: "put user and password into the proxy's URL",
  });
}

function refusal(proxy: ProxyServer, target: { host: string; port: number }, words: string): PortholeError {
  return new PortholeError(
    "connect",
    `the proxy ${proxy.shown} does not connect to ${target.host}:${target.port}`,
    {
      reply: words,
    },
  );
}
