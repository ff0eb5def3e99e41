/** What a name is called by that is too long to be part of another: its SHA-256, in hexadecimal. */
import { createRequire } from "node:module";

// node:crypto takes some milliseconds to load, and hardly any name is that long.
const builtin = createRequire("file:///");

export function nameDigest(name: string | Uint8Array): string {
  const { createHash }: typeof import("node:crypto") = builtin("node:crypto");
  return createHash("sha256").update(name).digest("hex");
}
