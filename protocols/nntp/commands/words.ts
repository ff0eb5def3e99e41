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

/** One line of many. */
export interface Row {
  readonly text: string;
  /** Called where it is wanted. */
  data(): JsonObject;
}

/** Rows that are written together: a group has a million, and each would be a write of its own. */
export const TOGETHER = 100;

/** Records for `--json`; for people lines of text, each batch in one write. */
export async function* rows(
  invocation: Invocation,
  batches: AsyncIterable<readonly Row[]>,
): AsyncGenerator<Output> {
  const json = invocation.options["json"] === true;
  for await (const batch of batches) {
    if (json) for (const row of batch) yield record(row.text, row.data());
    else if (batch.length > 0) {
      const lines = batch.map(
        ({ text }) => `${LINE_BREAK.test(text) ? text.replace(LINE_BREAKS, " ") : text}\n`,
      );
      yield { kind: "octets", octets: Buffer.from(lines.join(""), "utf8") };
    }
  }
}

const LINE_BREAK = /[\r\n]/;
const LINE_BREAKS = /[\r\n]/g;

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
