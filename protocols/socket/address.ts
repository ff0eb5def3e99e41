/** Where a socket's URL leads: hosts and ports in all the forms that socket programs take. */
import { readFile } from "node:fs/promises";
import { PortholeError } from "../../src/errors.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { ListenRequest } from "../../src/net/listener.js";
import type { Target } from "../../src/plugin.js";
import { decodeOctets } from "../../src/url.js";

/** RFC 919, 7: all hosts of this network. */
const BROADCAST = "255.255.255.255";

/** Known without /etc/services (IANA's registry of service names). */
const SERVICES: Readonly<Record<string, number>> = {
  echo: 7,
  discard: 9,
  daytime: 13,
  chargen: 19,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  time: 37,
  domain: 53,
  gopher: 70,
  finger: 79,
  http: 80,
  pop3: 110,
  nntp: 119,
  ntp: 123,
  imap: 143,
  snmp: 161,
  irc: 194,
  https: 443,
  submissions: 465,
  syslog: 514,
  submission: 587,
  imaps: 993,
  pop3s: 995,
};

/**
 * `tcp://host:http` with the service's number, `udp://<broadcast>:9` with the address it stands for.
 * @throws PortholeError `usage` when no service has the name
 */
export async function withPlainAddress(url: string): Promise<string> {
  const [, scheme = "", host = "", port = "", rest = ""] =
    /^(tcp|tls|udp):\/\/(.*?)(?::([A-Za-z][\w-]*))?(\/.*)?$/is.exec(
      url.replace(/^(udp:\/\/)<broadcast>/i, `$1${BROADCAST}`),
    ) ?? [];
  if (scheme === "") return url;
  return `${scheme}://${host}${port === "" ? "" : `:${await servicePort(port, scheme)}`}${rest}`;
}

async function servicePort(name: string, scheme: string): Promise<number> {
  const lower = name.toLowerCase();
  const known = SERVICES[lower] ?? (await systemServices(scheme === "udp" ? "udp" : "tcp")).get(lower);
  if (known !== undefined) return known;
  throw new PortholeError("usage", `no service is named '${name}'`, { hint: "give the port's number" });
}

/** What services(5) lists. */
async function systemServices(transport: string): Promise<Map<string, number>> {
  const text = await readFile("/etc/services", "utf8").catch(() => "");
  const services = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, place = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const [port, of] = place.split("/");
    if (name === undefined || of !== transport) continue;
    for (const each of [name, ...aliases]) services.set(each.toLowerCase(), Number(port));
  }
  return services;
}

/** The place as messages name it. */
export function shownPlace(target: Target): string {
  if (target.url.scheme === "unix") return pathOf(target);
  return target.host.includes(":") ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

/** Where to connect to: no host means this machine. @throws PortholeError `usage` without a port */
export function dialPlace(target: Target): Endpoint {
  const scheme = target.url.scheme;
  if (scheme === "unix") return { host: "", port: 0, socketPath: pathOf(target), scheme };
  if (target.port === 0) throw noPort(target);
  return {
    host: target.host === "" ? "localhost" : target.host,
    port: target.port,
    scheme,
    ...(target.tls === "always" ? { tls: {} } : {}),
  };
}

/** Where to listen: no host means all addresses, port 0 any free one. @throws PortholeError `usage` without a port */
export function listenPlace(target: Target): ListenRequest {
  if (target.url.scheme === "unix") return { host: "", port: 0, socketPath: pathOf(target) };
  if (target.url.port === undefined) throw noPort(target);
  return { host: target.host, port: target.port, ...(target.tls === "always" ? { tls: true } : {}) };
}

/** One peer cannot be connected to there: many may answer, each from an address of its own. */
export function isManyfold(host: string): boolean {
  const first = Number(host.split(".")[0]);
  return (
    host === BROADCAST ||
    /^\d+\.\d+\.\d+\.255$/.test(host) ||
    (first >= 224 && first < 240) ||
    /^ff/i.test(host)
  );
}

function pathOf(target: Target): string {
  const path = decodeOctets(target.path, "the socket's path").toString("utf8");
  if (path !== "") return path;
  throw new PortholeError("usage", "the URL names no socket", { hint: "write unix:/path/to/socket" });
}

function noPort(target: Target): PortholeError {
  return new PortholeError("usage", `which port of ${target.host === "" ? "this machine" : target.host}?`, {
    hint: `write ${target.url.scheme}://HOST:PORT; the port may be a service's name`,
  });
}
