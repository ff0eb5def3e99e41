/** Which proxy a connection goes through: -x, --noproxy and the environment, as curl reads them. */
import { BlockList, isIP } from "node:net";
import { PortholeError } from "../../errors.js";
import { parseUrl } from "../../url.js";
import type { ProxySettings } from "../settings.js";

export type ProxyKind = "http" | "https" | "socks4a" | "socks5" | "socks5h";

export interface ProxyServer {
  readonly kind: ProxyKind;
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** For messages: no password. */
  readonly shown: string;
}

const DEFAULT_PORTS: Readonly<Record<ProxyKind, number>> = {
  http: 80,
  https: 443,
  socks4a: 1080,
  socks5: 1080,
  socks5h: 1080,
};

/** Other spellings that people and other programs use. */
const ALIASES: ReadonlyMap<string, ProxyKind> = new Map([
  ["socks", "socks5h"],
  ["socks4", "socks4a"],
]);

/** The proxy for `host` under `scheme`, or undefined for a direct connection. @throws PortholeError `usage` for an unreadable proxy URL. */
export function chooseProxy(
  scheme: string,
  host: string,
  port: number,
  settings: ProxySettings | undefined,
): ProxyServer | undefined {
  if (settings === undefined) return undefined;
  const environment = settings.environment ?? {};
  const [url, source] = wantedProxy(scheme, settings.url, environment);
  if (url === "") return undefined;
  const exempt = settings.exempt ?? lookUp(environment, "NO_PROXY") ?? "";
  return isExempt(host, port, exempt) ? undefined : parseProxy(url, source);
}

/** Its URL, empty for none, and who named it. */
function wantedProxy(
  scheme: string,
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly [url: string, source: string] {
  if (given !== undefined) return [given, "--proxy"];
  const name = `${environmentScheme(scheme)}_PROXY`;
  const own = lookUp(environment, name);
  return own === undefined ? [lookUp(environment, "ALL_PROXY") ?? "", "ALL_PROXY"] : [own, name];
}

/** `wss` travels as `https`, `ws` as `http`; every other scheme has a variable of its own, as FTP_PROXY. */
function environmentScheme(scheme: string): string {
  if (scheme === "ws") return "HTTP";
  if (scheme === "wss") return "HTTPS";
  return scheme.toUpperCase();
}

/** Lower case first, as curl does: some web servers set HTTP_PROXY from a request header. An empty one is none. */
function lookUp(environment: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return environment[name.toLowerCase()] || environment[name] || undefined;
}

export function parseProxy(text: string, source: string): ProxyServer {
  const url = parseUrl(/^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`);
  const kind = ALIASES.get(url.scheme) ?? url.scheme;
  if (!isProxyKind(kind)) {
    throw new PortholeError("usage", `${source}: '${url.scheme}' is not a kind of proxy`, {
      hint: "http, https, socks5, socks5h and socks4a are",
    });
  }
  if (url.host === "") throw new PortholeError("usage", `${source}: the proxy has no host`);
  const port = url.port ?? DEFAULT_PORTS[kind];
  const shown = `${kind}://${url.host.includes(":") ? `[${url.host}]` : url.host}:${port}`;
  return { kind, host: url.host, port, user: url.user, password: url.password, shown };
}

function isProxyKind(kind: string): kind is ProxyKind {
  return Object.hasOwn(DEFAULT_PORTS, kind);
}

/** Spoken to in HTTP, through TLS or not. */
export function isHttp(proxy: ProxyServer): boolean {
  return proxy.kind === "http" || proxy.kind === "https";
}

/** Value of Proxy-Authorization for the proxy's user, or undefined. */
export function proxyAuthorization(proxy: ProxyServer): string | undefined {
  if (proxy.user === undefined) return undefined;
  return `Basic ${Buffer.from(`${proxy.user}:${proxy.password ?? ""}`).toString("base64")}`;
}

/** NO_PROXY: names and their subdomains, addresses, CIDR blocks, each with a port if wanted, or `*` for all. */
export function isExempt(host: string, port: number, list: string): boolean {
  return list
    .split(/[\s,]+/)
    .filter((item) => item !== "")
    .some((item) => matches(withoutDot(host.toLowerCase()), port, item.toLowerCase()));
}

/** `example.org.` is `example.org`. */
function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

function matches(host: string, port: number, item: string): boolean {
  if (item === "*") return true;
  if (item.includes("/")) return inBlock(host, item);
  const [, name = "", itemPort] = /^(\[[^\]]+\]|[^:]*|[0-9a-f:]+)(?::(\d+))?$/.exec(item) ?? [];
  if (itemPort !== undefined && Number(itemPort) !== port) return false;
  const bare = withoutDot(name.replace(/^\[|\]$/g, "").replace(/^\*?\./, ""));
  if (bare === "") return false;
  const family = isIP(bare);
  if (family !== 0) return inBlock(host, `${bare}/${family === 4 ? 32 : 128}`);
  return host === bare || host.endsWith(`.${bare}`);
}

function inBlock(host: string, item: string): boolean {
  const [written = "", bits = ""] = item.split("/");
  const network = written.replace(/^\[|\]$/g, "");
  const family = isIP(network);
  const address = host.replace(/%.*$/, "");
  const hostFamily = isIP(address);
  const prefix = Number(bits);
  if (family === 0 || family !== hostFamily || !/^\d+$/.test(bits) || prefix > (family === 4 ? 32 : 128))
    return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(network, prefix, type);
  return block.check(address, type);
}
