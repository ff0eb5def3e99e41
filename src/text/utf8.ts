/** Octets that may be UTF-8, or may not. */
import { isUtf8 } from "node:buffer";

/** The text, a byte order mark left in; undefined when the octets are no UTF-8. */
export function utf8Of(octets: Uint8Array): string | undefined {
  if (!isUtf8(octets)) return undefined;
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("utf8");
}
