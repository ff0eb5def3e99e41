/** `--max-size` of what carries many: read, and told of what was passed over for it. */
import type { Options } from "../plugin.js";
import { humanSize, parseSize } from "../text/units.js";

/** Octets, with k, M, G for their powers of 1024. @throws PortholeError `usage` */
export function sizeBound(options: Options): number | undefined {
  const given = options["max-size"];
  return typeof given === "string" ? parseSize(given, "--max-size") : undefined;
}

/** `2 larger than 5.0M passed over` */
export function passedOver(count: number, maxSize: number | undefined): string {
  return `${count} larger than ${maxSize === undefined ? "wanted" : humanSize(maxSize)} passed over`;
}

/** @param size absent where it was found out while it came */
export function largeLine(name: string, { size }: { readonly size?: number }): string {
  return `${name}: passed over, ${size === undefined ? "it came with more than --max-size" : `${humanSize(size)} is more than --max-size`}`;
}
