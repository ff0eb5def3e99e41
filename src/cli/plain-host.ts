/** Hosts as other programs take them, without a scheme: what to write here instead. */
import type { Manifest } from "../plugin.js";

const HOST = /^(?:[a-z\d_-][a-z\d._-]*|\[[\da-f:.]+(?:%\w+)?\])?(?::[a-z\d-]+)?$/i;

/**
 * `localhost:12345`, `:12345` and `12345`, or `localhost 12345`, as the protocol's URL; undefined for what is none of
 * these.
 */
export function asUrl(manifest: Manifest, host: string, port?: string): string | undefined {
  const [[scheme, { address }] = ["", { address: undefined }]] = Object.entries(manifest.schemes);
  if (scheme === "" || host === "" || !HOST.test(host)) return undefined;
  if (port !== undefined && !/^[a-z\d-]+$/i.test(port)) return undefined;
  // Only sockets have ports that stand for a place of this machine.
  const place = address === "socket" && port === undefined && /^\d+$/.test(host) ? `:${host}` : host;
  return `${scheme}://${place}${port === undefined ? "" : `:${port}`}`;
}
