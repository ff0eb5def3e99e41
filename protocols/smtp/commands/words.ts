/** What SMTP's own commands are given, and give back. */
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, JsonObject, Output, Target } from "../../../src/plugin.js";
import type { Reply } from "../../../src/wire/replies.js";
import { openedAt } from "../opened.js";
import type { Peer } from "../peer.js";

export function record(text: string, data: JsonObject): Output {
  return { kind: "record", text, data };
}

export function wrongUsage(usage: string): PortholeError {
  return new PortholeError("usage", "that is not how it is written", { hint: `porthole smtp ${usage}` });
}

/** Opens the first word, and gives the others. @throws PortholeError */
export async function asked(
  invocation: Invocation,
  usage: string,
): Promise<{ readonly peer: Peer; readonly target: Target; readonly rest: readonly string[] }> {
  const [url, ...rest] = invocation.words;
  if (url === undefined) throw wrongUsage(usage);
  const { target, opened = target } = await invocation.open(url);
  return { peer: openedAt(opened).peer, target, rest };
}

/** The lines of a reply as they came. */
export function replyLines({ code, lines }: Reply): string[] {
  return lines.map((line, at) => `${code}${at === lines.length - 1 ? " " : "-"}${line}`);
}

export function textOption(invocation: Invocation, flag: string): string | undefined {
  const value = invocation.options[flag];
  return typeof value === "string" ? value : undefined;
}

export function listOption(invocation: Invocation, flag: string): readonly string[] {
  const value = invocation.options[flag];
  return Array.isArray(value) ? value.map(String) : [];
}
