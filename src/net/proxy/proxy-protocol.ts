/**
 * The header by which a proxy tells the server behind it who has connected (HAProxy's PROXY protocol, versions 1 and 2):
 * for testing servers that stand behind one.
 */
import { isIP } from "node:net";
import { PortholeError } from "../../errors.js";

/** Who is said to have connected to what. */
export interface ProxiedRoute {
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
}

export interface ProxyHeader {
  readonly version: 1 | 2;
  /** Absent: the connection is the proxy's own (`LOCAL`, `UNKNOWN`). */
  readonly route?: ProxiedRoute;
}

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const PROXY = 0x21;
const LOCAL = 0x20;
const TCP4 = 0x11;
const TCP6 = 0x21;

/**
 * `v1 192.0.2.1 4000 [198.51.100.2 25]`, `v2 2001:db8::1 4000`, `v1 unknown`, `v2 local`.
 * @param here stands for the target that the text leaves out
 * @throws PortholeError `usage`
 */
export function parseProxyHeader(
  text: string,
  here: { readonly address: string; readonly port: number },
): ProxyHeader {
  const [version = "", source = "", sourcePort = "", target, targetPort, ...more] = text
    .trim()
    .split(/[\s,]+/);
  if (!/^v?[12]$/i.test(version) || more.length > 0) throw noHeader(text);
  const number = version.endsWith("2") ? 2 : 1;
  if (/^(?:local|unknown)$/i.test(source) && sourcePort === "") return { version: number };
  const route = {
    source,
    sourcePort: portOf(sourcePort, text),
    target: target ?? here.address,
    targetPort: targetPort === undefined ? here.port : portOf(targetPort, text),
  };
  if (isIP(route.source) === 0 || isIP(route.target) === 0) throw noHeader(text);
  if (isIP(route.source) !== isIP(route.target)) {
    throw new PortholeError("usage", `${route.source} and ${route.target} are not of one family`, {
      hint: "say the target as well: v1 SOURCE PORT TARGET PORT",
    });
  }
  return { version: number, route };
}

/** The octets that go before all else. */
export function proxyHeader({ version, route }: ProxyHeader): Buffer {
  return version === 1 ? textHeader(route) : binaryHeader(route);
}

function textHeader(route: ProxiedRoute | undefined): Buffer {
  if (route === undefined) return Buffer.from("PROXY UNKNOWN\r\n");
  const { source, sourcePort, target, targetPort } = route;
  return Buffer.from(`PROXY TCP${isIP(source)} ${source} ${target} ${sourcePort} ${targetPort}\r\n`);
}

function binaryHeader(route: ProxiedRoute | undefined): Buffer {
  const addresses =
    route === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([
          addressOctets(route.source),
          addressOctets(route.target),
          Buffer.from([
            route.sourcePort >> 8,
            route.sourcePort & 255,
            route.targetPort >> 8,
            route.targetPort & 255,
          ]),
        ]);
  const family = route === undefined ? 0 : isIP(route.source) === 4 ? TCP4 : TCP6;
  const head = Buffer.from([route === undefined ? LOCAL : PROXY, family, 0, addresses.length]);
  return Buffer.concat([SIGNATURE, head, addresses]);
}

/** An address that `isIP` knows, in network order. */
function addressOctets(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const mapped = address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_all, a: string, b: string, c: string, d: string) => [word(a, b), word(c, d)].join(":"),
  );
  const [head = "", tail] = mapped.replace(/%.*$/, "").split("::");
  const groups = (part: string | undefined) => (part === undefined || part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const octets = Buffer.alloc(16);
  for (const [at, group] of [...before, ...zeros, ...after].entries())
    octets.writeUInt16BE(Number.parseInt(group, 16), at * 2);
  return octets;
}

function word(high: string, low: string): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}

function portOf(text: string, whole: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw noHeader(whole);
  return port;
}

function noHeader(text: string): PortholeError {
  return new PortholeError("usage", `'${text}' says no PROXY header`, {
    hint: "write it as v1 SOURCE PORT [TARGET PORT], or v2 ...; v1 unknown and v2 local name nobody",
  });
}
