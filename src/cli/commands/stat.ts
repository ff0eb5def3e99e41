/** `porthole stat URL...` */
import type { Entry, JsonValue } from "../../plugin.js";
import { safeLine } from "../../text/safe.js";
import type { Desk } from "../command.js";
import { entryJson, jsonLine } from "../json-line.js";
import { someUrls, workThrough } from "../targets.js";
import { visit } from "../visit.js";

export async function run(desk: Desk): Promise<number | undefined> {
  return workThrough(desk, someUrls(desk), ["stat"], (target) =>
    visit(desk, target, async (session) => {
      const entry = await session.stat?.(target.path);
      if (entry === undefined) return undefined;
      return desk.options["json"] === true ? jsonLine(entryJson(entry, target.protocol)) : facts(entry);
    }),
  );
}

function facts(entry: Entry): string {
  const rows: [string, string][] = [
    ["name", entry.name],
    ["kind", entry.kind],
    ["url", entry.url],
    ...(entry.size === undefined ? [] : [["size", String(entry.size)] satisfies [string, string]]),
    ...(entry.modified === undefined
      ? []
      : [["modified", entry.modified.toISOString()] satisfies [string, string]]),
    ...(entry.type === undefined ? [] : [["media type", entry.type] satisfies [string, string]]),
    ...(entry.hollow === true
      ? [["holds", "nothing itself: there for what lies within it"] satisfies [string, string]]
      : []),
    ...Object.entries(entry.meta).flatMap(([key, value]) => metaRows(key, value)),
  ];
  const width = Math.max(...rows.map(([key]) => key.length));
  return rows.map(([key, value]) => `${key.padEnd(width)}  ${safeLine(value)}\n`).join("");
}

/** One level of what only the protocol knows: HTTP's headers are a row each. */
function metaRows(key: string, value: JsonValue | undefined): [string, string][] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object") return [[key, String(value)]];
  if (Array.isArray(value)) {
    const words = value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one)));
    return words.length === 0 ? [] : [[key, words.join(", ")]];
  }
  return Object.entries(value).map(([name, inner]) => [
    name,
    typeof inner === "object" ? JSON.stringify(inner) : String(inner),
  ]);
}
