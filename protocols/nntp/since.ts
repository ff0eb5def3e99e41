/** Times as people type them. */
import { PortholeError } from "../../src/errors.js";

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * `2024-03-04`, `2024-03-04T18:05`, or how long ago: `90m`, `12h`, `2d`, `1w`.
 * @throws PortholeError `usage`
 */
export function parseSince(text: string, now = new Date()): Date {
  const [, count, unit = ""] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (UNITS[unit] ?? 0) * 1000);
  const date = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?Z?)?$/.test(text)
    ? new Date(text.includes(":") && !text.endsWith("Z") ? `${text.replace(" ", "T")}Z` : text)
    : undefined;
  if (date !== undefined && !Number.isNaN(date.getTime())) return date;
  throw new PortholeError("usage", `'${text}' is not a time`, {
    hint: "write 2024-03-04, 2024-03-04T18:05, 12h or 2d",
  });
}
