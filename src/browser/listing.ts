/** Entries as lines of a page: numbered, with a word for what each is, and the facts people look for. */
import { baseSubject, threadsOf, walk } from "../message/threading.js";
import type { Entry, EntryKind } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import { humanSize, listingDate } from "../text/units.js";
import { pad, truncate } from "../text/width.js";
import type { Page } from "./page.js";

const WORDS: Readonly<Partial<Record<EntryKind, string>>> = {
  directory: "dir",
  menu: "menu",
  mailbox: "box",
  group: "grp",
  search: "find",
  session: "tty",
  page: "web",
  message: "mail",
  article: "art",
  link: "link",
};
const MEDIA: readonly (readonly [RegExp, string])[] = [
  [/^image\//, "img"],
  [/^audio\//, "snd"],
  [/^video\//, "vid"],
  [/^text\/html/, "web"],
  [/^text\//, "text"],
];
/** Columns for who wrote a message. */
const SENDER_COLUMNS = 16;
const DATE_COLUMNS = 12;
/** Number, two blanks, kind, a blank: what wrapped names hang below. */
const HANGING = 11;
/** Characters of one name that are shown. */
const LONGEST_NAME = 1000;

/** A word of at most four letters for what an entry is. */
export function wordOf({ kind, type }: Pick<Entry, "kind" | "type">): string {
  const word = WORDS[kind];
  if (word !== undefined) return word;
  return MEDIA.find(([media]) => media.test(type ?? ""))?.[1] ?? (kind === "file" ? "file" : "?");
}

export function addEntry(page: Page, entry: Entry, now = new Date()): void {
  const name = safeLine(entry.name.slice(0, LONGEST_NAME));
  if (entry.kind === "line") {
    page.add(`${" ".repeat(HANGING)}${name}`.trimEnd(), "text", HANGING);
    return;
  }
  if (entry.kind === "note") {
    const { type: itemType, selector } = entry.meta;
    // Gopher's type for errors, and the selector by which menus mark their titles.
    const style = itemType === "3" ? "error" : selector === "TITLE" ? "heading" : "note";
    if (style === "heading" && page.lines.length === 0 && name.trim() !== "") page.title = name.trim();
    page.add(`${" ".repeat(HANGING)}${name}`.trimEnd(), style, HANGING);
    return;
  }
  const facts = [
    entry.size === undefined ? "" : humanSize(entry.size),
    entry.modified === undefined ? "" : listingDate(entry.modified, now).trim(),
  ].filter((fact) => fact !== "");
  const isLetter = entry.kind === "message" || entry.kind === "article";
  if (isLetter) addLink(page, entry, { before: letterHead(entry, now), name, after: "" });
  else addLink(page, entry, { before: "", name, after: facts.length === 0 ? "" : `  ${facts.join("  ")}` });
}

function addLink(page: Page, entry: Entry, shown: { before: string; name: string; after: string }): void {
  if (page.full) return;
  const { url, kind, type, size } = entry;
  const link = page.link({
    url,
    name: shown.name,
    kind,
    ...(type === undefined ? {} : { type }),
    ...(size === undefined ? {} : { size }),
    ...(entry.meta["asks"] === true ? { asks: true } : {}),
  });
  const head = `${String(link + 1).padStart(4)}  ${wordOf(entry).padEnd(4)} ${shown.before}`;
  const name = shown.name === "" ? "(no name)" : shown.name;
  const span = { from: head.length, to: head.length + name.length, link };
  page.add(`${head}${name}${shown.after}`, "text", HANGING, [span]);
}

/** Articles as threads: each beneath what it answers, and without its subject where that is the same. */
export function addThreads(page: Page, entries: readonly Entry[]): void {
  const threads = threadsOf(
    entries.map((entry) => ({
      entry,
      id: textOf(entry.meta["messageId"]) || entry.url,
      references: idsOf(entry.meta["references"]),
      subject: textOf(entry.meta["subject"]),
    })),
  );
  let above = "";
  for (const { node, depth } of walk(threads)) {
    const entry = node.article?.entry;
    const indent = "  ".repeat(Math.min(depth, 10));
    if (entry === undefined) {
      const first = node.children.find((child) => child.article !== undefined)?.article;
      above = baseSubject(first?.subject ?? "");
      page.add(
        `${" ".repeat(HANGING)}${indent}(not here) ${safeLine(first?.subject ?? "")}`,
        "note",
        HANGING,
      );
      continue;
    }
    const subject = textOf(entry.meta["subject"]);
    const isSame = depth > 0 && baseSubject(subject) === above;
    if (!isSame) above = baseSubject(subject);
    addLink(page, entry, {
      before: `${letterHead(entry)}${indent}${depth > 0 ? "└ " : ""}`,
      name: isSame ? "Re" : safeLine(entry.name.slice(0, LONGEST_NAME)),
      after: "",
    });
  }
}

/** When it was written, and by whom. */
function letterHead({ modified, meta }: Entry, now?: Date): string {
  const date = modified === undefined ? " ".repeat(DATE_COLUMNS) : listingDate(modified, now);
  const from = textOf(meta["from"]);
  // The name says more than the address, where there is one.
  const name = /^\s*"?([^"<]*[^"<\s])"?\s*</.exec(from)?.[1] ?? from;
  return `${date}  ${pad(truncate(safeLine(name), SENDER_COLUMNS), SENDER_COLUMNS)}  `;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function idsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((id): id is string => typeof id === "string") : [];
}
