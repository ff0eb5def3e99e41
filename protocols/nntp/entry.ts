/** Groups and articles as entries. */
import { parseDate } from "../../src/message/headers.js";
import type { Entry, JsonObject, Target } from "../../src/plugin.js";
import { newsDate } from "./date.js";
import type { FieldText } from "./field-text.js";
import type { GroupFacts, ListedGroup } from "./group-facts.js";
import type { Overview } from "./overview.js";
import { articlePath, groupPath, messagePath } from "./path.js";

const ARTICLE_TYPE = "message/rfc822";
/** Fields that have a place of their own in an entry. */
const PLACED: ReadonlySet<string> = new Set([
  "subject",
  "from",
  "date",
  "message-id",
  "references",
  ":bytes",
  ":lines",
  "xref",
]);

export function groupEntry(target: Target, group: GroupFacts | ListedGroup, description?: string): Entry {
  const { name, low, high, count } = group;
  return {
    url: target.href(groupPath(name)),
    name,
    kind: "group",
    meta: {
      count,
      low,
      high,
      ...("status" in group ? { status: group.status, ...(group.estimated ? { estimated: true } : {}) } : {}),
      ...(description === undefined ? {} : { description }),
    },
  };
}

/** @param group the number's; absent for an article that was asked for by its Message-ID */
export async function articleEntry(
  target: Target,
  overview: Overview,
  group: string | undefined,
  text: FieldText,
): Promise<Entry> {
  const { number, fields } = overview;
  const raw = (name: string) => fields.get(name);
  const subject = await text(raw("subject") ?? "");
  const from = await text(raw("from") ?? "");
  const date = raw("date");
  const modified = date === undefined ? undefined : (parseDate(date) ?? newsDate(date));
  const id = messageIdIn(raw("message-id"));
  const path = group !== undefined && number > 0 ? articlePath(group, number) : messagePath(id ?? "");
  const size = countIn(raw(":bytes"));
  return {
    url: target.href(path),
    name: subject.trim() === "" ? (id ?? `article ${number}`) : subject,
    kind: "article",
    ...(size === undefined ? {} : { size }),
    ...(modified === undefined ? {} : { modified }),
    type: ARTICLE_TYPE,
    meta: {
      ...(number > 0 ? { number } : {}),
      ...(subject === "" ? {} : { subject }),
      ...(from === "" ? {} : { from }),
      ...(date === undefined ? {} : { date }),
      ...(id === undefined ? {} : { messageId: id }),
      ...given("references", messageIdsIn(raw("references"))),
      ...(size === undefined ? {} : { bytes: size }),
      ...(countIn(raw(":lines")) === undefined ? {} : { lines: countIn(raw(":lines")) }),
      ...(raw("xref") === undefined ? {} : { xref: raw("xref") }),
      ...(await otherFields(fields, text)),
    },
  };
}

/** An article of which no more is known than where it is. */
export function bareArticle(target: Target, path: string, name: string, number?: number, id?: string): Entry {
  return {
    url: target.href(path),
    name,
    kind: "article",
    type: ARTICLE_TYPE,
    meta: { ...(number === undefined ? {} : { number }), ...(id === undefined ? {} : { messageId: id }) },
  };
}

async function otherFields(fields: ReadonlyMap<string, string>, text: FieldText): Promise<JsonObject> {
  const others: Record<string, string> = {};
  for (const [name, raw] of fields) if (!PLACED.has(name)) others[name] = await text(raw);
  return Object.keys(others).length === 0 ? {} : { fields: others };
}

function given(name: string, values: readonly string[]): JsonObject {
  return values.length === 0 ? {} : { [name]: values };
}

export function messageIdIn(raw: string | undefined): string | undefined {
  return /<[^\s<>]+>/.exec(raw ?? "")?.[0];
}

/** Junk words between them are passed over (RFC 5536, 3.2.10 has none; the wild has). */
export function messageIdsIn(raw: string | undefined): string[] {
  return raw?.match(/<[^\s<>]+>/g) ?? [];
}

function countIn(raw: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,15})\s*$/.exec(raw ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
