/** Where a socket's URL leads: hosts and ports in all the forms that socket programs take. */
import { PortholeError } from "../../src/errors.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { ListenRequest } from "../../src/net/listener.js";
import type { Options, Target } from "../../src/plugin.js";
import { decodeOctets } from "../../src/url.js";

/** RFC 919, 7: all hosts of this network. */
const BROADCAST = "255.255.255.255";

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

/**
 * The port of this side that `--source-port` wants.
 * @throws PortholeError `usage` for what is no port, and for a Unix socket, which has none
 */
export function sourcePort(target: Target, options: Options): { localPort?: number } {
  const port = options["source-port"];
  if (typeof port !== "number") return {};
  if (target.url.scheme === "unix") throw new PortholeError("usage", "a Unix socket has no --source-port");
  if (Number.isInteger(port) && port > 0 && port < 65_536) return { localPort: port };
  throw new PortholeError("usage", `--source-port ${port} is no port`, { hint: "1 to 65535" });
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
    (/^\d+(?:\.\d+){3}$/.test(host) && first >= 224 && first < 240) ||
    // A name may begin so, too.
    (host.includes(":") && /^ff/i.test(host))
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
