/** A listing of messages as threads: answers behind what they answer, indented for people and with their depth for programs. */
import type { Entry, JsonValue } from "../plugin.js";
import { threadsOf, walk } from "./threading.js";

/** Levels that are shown; deeper ones stand on the last. */
const DEEPEST = 40;

/** What is no message stays before them all. @param entries the oldest first, all of which are held */
export function inThreads(entries: readonly Entry[]): Entry[] {
  const others = entries.filter(({ kind }) => kind !== "message");
  const messages = entries.flatMap((entry) =>
    entry.kind !== "message"
      ? []
      : [
          {
            entry,
            id: textOf(entry.meta["messageId"]) ?? entry.url,
            references: idsOf(entry.meta["references"]),
            subject: textOf(entry.meta["subject"]) ?? "",
          },
        ],
  );
  const threads: Entry[] = [];
  for (const { node, depth } of walk(threadsOf(messages))) {
    const entry = node.article?.entry;
    if (entry !== undefined) threads.push(atDepth(entry, depth));
  }
  return [...others, ...threads];
}

export function atDepth(entry: Entry, depth: number): Entry {
  const shown = Math.min(depth, DEEPEST);
  return { ...entry, name: `${"  ".repeat(shown)}${entry.name}`, meta: { ...entry.meta, depth: shown } };
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function idsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
