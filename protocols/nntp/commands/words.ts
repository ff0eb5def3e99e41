/** What people type after a command of NNTP. */
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, JsonObject, Options, Output } from "../../../src/plugin.js";
import { openNews } from "../opened.js";
import { type NewsPath, parsePath } from "../path.js";
import type { NewsSession } from "../session.js";

export interface Asked {
  readonly session: NewsSession;
  readonly path: NewsPath;
  /** What followed the URL. */
  readonly rest: readonly string[];
}

/** Opens the URL that a command begins with. @throws PortholeError `usage` when there is none */
export async function asked(invocation: Invocation, usage: string): Promise<Asked> {
  const [url, ...rest] = invocation.words;
  if (url === undefined) throw wrongUsage(usage);
  const { session, target } = await openNews(invocation, url);
  return { session, path: parsePath(target.path), rest };
}

export function wrongUsage(usage: string): PortholeError {
  return new PortholeError("usage", "something is missing on the command line", {
    hint: `porthole nntp ${usage}`,
  });
}

export function record(text: string, data: JsonObject): Output {
  return { kind: "record", text, data };
}

export function optionText(options: Options, flag: string): string | undefined {
  const value = options[flag];
  return typeof value === "string" ? value : undefined;
}

export function optionList(options: Options, flag: string): readonly string[] {
  const value = options[flag];
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

export function optionNumber(options: Options, flag: string): number | undefined {
  const value = options[flag];
  return typeof value === "number" ? value : undefined;
}

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
