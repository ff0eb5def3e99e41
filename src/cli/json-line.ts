/** `--json`: one object a line, harmless on a terminal too. */

import type { Entry, JsonObject } from "../plugin.js";
import { isHarmful } from "../text/safe.js";

/** The value as one line of JSON with its line end. Characters that a terminal would act on stand as `\uXXXX`, which means the same. */
export function jsonLine(value: object): string {
  const json = JSON.stringify(value);
  return `${isHarmful(json) ? Array.from(json, escapeHarmful).join("") : json}\n`;
}

/** An entry's keys as scripts know them; what only its protocol knows stands under the protocol's name. */
export function entryJson(entry: Entry, protocol: string): JsonObject {
  return {
    type: entry.kind,
    name: entry.name,
    url: entry.url,
    ...(entry.size === undefined ? {} : { size: entry.size }),
    ...(isDate(entry.modified) ? { modified: entry.modified.toISOString() } : {}),
    ...(entry.type === undefined ? {} : { mediaType: entry.type }),
    [protocol]: entry.meta,
  };
}

function isDate(date: Date | undefined): date is Date {
  return date !== undefined && !Number.isNaN(date.getTime());
}

function escapeHarmful(character: string): string {
  if (!isHarmful(character)) return character;
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
