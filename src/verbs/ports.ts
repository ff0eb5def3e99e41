/** Several ports of one host in one URL: `tcp://host:20-25`, `tcp://host:22,80,https`. */
import { PortholeError } from "../errors.js";

const MOST = 65_535;
/** A number, a range, or a service's name (RFC 6335, 5.1), which is looked up where the URL is read. */
const PORTS =
  /^([a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?(?:\[[^\]/]*\]|[^/:[\]@]*)):([a-z0-9-]+(?:,[a-z0-9-]+)*)(\/.*)?$/is;

/**
 * A URL for each port; one with a single port, or none, as it is.
 * @throws PortholeError `usage` for ports that there are none of
 */
export function eachPort(url: string): string[] {
  const [, place, ports, path = ""] = PORTS.exec(url) ?? [];
  if (place === undefined || ports === undefined || !/^\d+-\d+$|,/.test(ports)) return [url];
  return [...new Set(ports.split(",").flatMap((range) => portsIn(range, url)))].map(
    (port) => `${place}:${port}${path}`,
  );
}

function portsIn(range: string, url: string): (number | string)[] {
  if (!/^\d+(?:-\d+)?$/.test(range)) return [range];
  const [low = 0, high = low] = range.split("-").map(Number);
  if (low < 1 || high > MOST || high < low) {
    throw new PortholeError("usage", `'${range}' in ${url} are no ports`, {
      hint: "ports go from 1 to 65535",
    });
  }
  return Array.from({ length: high - low + 1 }, (_, at) => low + at);
}
