/** Numbers of octets as people type them. */
import { PortholeError } from "../errors.js";

/** `200k`, `1.5M`, `2GiB`, `1048576`: powers of 1024, as curl and wget read them. @throws PortholeError `usage` */
export function octetsOf(text: string, flag: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (parts === null) {
    throw new PortholeError("usage", `${flag} takes a number of octets, not '${text}'`, {
      hint: "200k, 1.5M and 2G are understood",
    });
  }
  const power = parts[2] === "" ? 0 : "kmgt".indexOf((parts[2] ?? "").toLowerCase()) + 1;
  return Math.floor(Number(parts[1]) * 1024 ** power);
}
