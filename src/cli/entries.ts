/** Listings, as they come: for a terminal, for a pipe, for a script. */
import type { Entry, EntryKind, JsonValue } from "../plugin.js";
import { isHarmful, safeLine } from "../text/safe.js";
import { inColumns } from "../text/table.js";
import { humanSize, listingDate } from "../text/units.js";
import { displayWidth, pad, truncate } from "../text/width.js";
import { type Color, type Paint, painter } from "./colors.js";
import { joined } from "./joined.js";
import { entryJson, jsonLine } from "./json-line.js";
import type { Terminal } from "./terminal.js";

/**
 * `names`: one a line; `columns`: a grid, for `ls` on a terminal; `long`: `-l`; `numbered`: an opened menu or
 * folder on a terminal, notes included; `json`: NDJSON.
 */
export type ListingStyle = "names" | "columns" | "long" | "numbered" | "json";

/** The style that suits what the user asked for and who reads it. `open` is the bare URL, without verb. */
export function listingStyle(
  asked: { readonly json?: boolean; readonly long?: boolean; readonly open?: boolean },
  isTerminal: boolean,
): ListingStyle {
  if (asked.json) return "json";
  if (asked.long) return "long";
  if (!isTerminal) return "names";
  return asked.open ? "numbered" : "columns";
}

export interface ListingOptions {
  readonly style: ListingStyle;
  /** The key under which `json` puts what only the protocol knows. */
  readonly protocol: string;
  /** Columns of the terminal; 80 when absent. */
  readonly columns?: number;
  readonly paint?: Paint;
  /** What "half a year ago" counts from. */
  readonly now?: Date;
}

/** Writes each entry as it comes. @returns how many there were, notes not counted */
export async function showEntries(
  entries: AsyncIterable<Entry>,
  terminal: Terminal,
  options: Pick<ListingOptions, "style" | "protocol">,
): Promise<number> {
  let count = 0;
  const counted = async function* (): AsyncGenerator<Entry, void, undefined> {
    for await (const entry of entries) {
      if (entry.kind !== "note") count += 1;
      yield entry;
    }
  };
  const { columns, paint } = terminal;
  const texts = listing(counted(), { ...options, columns, paint });
  for await (const text of joined(texts)) await terminal.write(text);
  return count;
}

/** The listing as text, lines ended by LF, in pieces as entries come. */
export async function* listing(
  entries: AsyncIterable<Entry>,
  options: ListingOptions,
): AsyncGenerator<string, void, undefined> {
  if (options.style === "columns") {
    for await (const batch of batches(withoutNotes(entries))) yield grid(batch, options);
    return;
  }
  let number = 0;
  for await (const entry of entries) {
    if (options.style === "json") yield jsonLine(entryJson(entry, options.protocol));
    else if (entry.kind !== "note" && !(entry.kind === "line" && options.style === "numbered")) {
      number += 1;
      yield `${line(entry, number, options)}\n`;
    } else if (options.style === "numbered") yield `      ${safeLine(entry.name)}`.trimEnd().concat("\n");
  }
}

function line(entry: Entry, number: number, options: ListingOptions): string {
  const paint = options.paint ?? painter(false);
  switch (options.style) {
    case "names":
      return oneLine(entry.name);
    case "numbered": {
      const facts = [
        shownSize(entry) ?? "",
        entry.modified === undefined ? "" : listingDate(entry.modified, options.now),
      ].filter((fact) => fact !== "");
      const tail = facts.length === 0 ? "" : `  ${paint("dim", facts.join("  "))}`;
      return `${paint("dim", String(number).padStart(4))}  ${shownName(entry, paint)}${tail}`;
    }
    default: {
      const size = shownSize(entry) ?? shownCount(entry) ?? "-";
      const date = entry.modified === undefined ? "-".padStart(12) : listingDate(entry.modified, options.now);
      const { target } = entry.meta;
      const leads = entry.kind === "link" && typeof target === "string" ? ` -> ${safeLine(target)}` : "";
      return `${entry.kind.padEnd(9)}  ${size.padStart(5)}  ${date}  ${shownName(entry, paint)}${leads}${shownDescription(entry, paint)}`;
    }
  }
}

/** How much a container holds, where the listing tells (articles of a group). */
function shownCount({ meta: { count } }: Entry): string | undefined {
  return typeof count === "number" ? String(count) : undefined;
}

function shownDescription({ meta: { description } }: Entry, paint: Paint): string {
  return typeof description === "string" && description !== ""
    ? `  ${paint("dim", safeLine(description))}`
    : "";
}

function shownSize({ size, about }: Entry): string | undefined {
  if (size !== undefined) return humanSize(size);
  return about === undefined ? undefined : `~${humanSize(about)}`;
}

const KIND_COLORS: Partial<Record<EntryKind, Color>> = {
  directory: "blue",
  menu: "blue",
  mailbox: "blue",
  group: "blue",
  link: "cyan",
  page: "cyan",
  search: "magenta",
  session: "magenta",
};

/** Columns for who wrote a message or an article. */
const SENDER_COLUMNS = 24;

function shownName(entry: Entry, paint: Paint): string {
  const color = KIND_COLORS[entry.kind];
  const name = safeLine(entry.name);
  const { from, flags, messages, unseen } = entry.meta;
  if (entry.kind === "message" || entry.kind === "article") {
    const marks = Array.isArray(flags) ? `${marksOf(flags)}  ` : "";
    if (typeof from !== "string") return `${marks}${name}`;
    return `${marks}${pad(truncate(safeLine(from), SENDER_COLUMNS), SENDER_COLUMNS)}  ${name}`;
  }
  const shown = color === undefined ? name : paint(color, name);
  if (entry.kind !== "mailbox" || typeof messages !== "number") return shown;
  const unread = typeof unseen === "number" && unseen > 0 ? `, ${unseen} unseen` : "";
  return `${shown}  ${paint("dim", `${messages}${unread}`)}`;
}

/** `N` not read yet, `r` answered, `d` a draft, `D` to be removed, `!` flagged; as mail readers have them. */
function marksOf(flags: readonly JsonValue[]): string {
  const has = (flag: string) => flags.some((one) => typeof one === "string" && one.toLowerCase() === flag);
  const state = has("\\deleted") ? "D" : has("\\draft") ? "d" : has("\\answered") ? "r" : " ";
  return `${has("\\seen") ? " " : "N"}${state}${has("\\flagged") ? "!" : " "}`;
}

/** As it is, for programs; only what would end the line early is made visible. */
function oneLine(name: string): string {
  return isHarmful(name) ? name.replace(/[\r\n\u2028\u2029]/g, (character) => safeLine(character)) : name;
}

function grid(batch: readonly Entry[], options: ListingOptions): string {
  const paint = options.paint ?? painter(false);
  const names = batch.map((entry) => safeLine(entry.name));
  if (batch.some(({ meta }) => typeof meta["description"] === "string"))
    return described(batch, names, paint);
  const painted = (name: string, at: number): string => {
    const color = KIND_COLORS[batch[at]?.kind ?? "other"];
    return color === undefined ? name : paint(color, name);
  };
  return inColumns(names, options.columns ?? 80, painted)
    .map((row) => `${row}\n`)
    .join("");
}

/** What somebody asked to be described stands with its description, one a line. */
function described(batch: readonly Entry[], names: readonly string[], paint: Paint): string {
  const columns = Math.max(...names.map(displayWidth));
  return batch
    .map((entry, at) => {
      const name = names[at] ?? "";
      const color = KIND_COLORS[entry.kind];
      const gap = " ".repeat(columns - displayWidth(name));
      const shown = color === undefined ? name : paint(color, name);
      return `${`${shown}${gap}${shownDescription(entry, paint)}`.trimEnd()}\n`;
    })
    .join("");
}

async function* withoutNotes(entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void, undefined> {
  for await (const entry of entries) if (entry.kind !== "note") yield entry;
}

/** A grid needs many names at once, but nobody waits longer than this for the first of them. */
const BATCH_MS = 200;
const BATCH_LENGTH = 1000;

async function* batches(entries: AsyncIterable<Entry>): AsyncGenerator<Entry[], void, undefined> {
  const iterator = entries[Symbol.asyncIterator]();
  let batch: Entry[] = [];
  let next = iterator.next();
  try {
    for (;;) {
      const result = batch.length === 0 ? await next : await nextWithin(next, BATCH_MS);
      if (result === "late") {
        yield batch;
        batch = [];
        continue;
      }
      if (result.done) break;
      batch.push(result.value);
      next = iterator.next();
      if (batch.length >= BATCH_LENGTH) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  } catch (thrown) {
    // What came before a failure is shown before it.
    if (batch.length > 0) yield batch;
    throw thrown;
  } finally {
    next.catch(() => undefined);
    await iterator.return?.();
  }
}

async function nextWithin<T>(next: Promise<T>, ms: number): Promise<T | "late"> {
  const { promise, resolve } = deferred<"late">();
  const timer = setTimeout(() => resolve("late"), ms);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
