/** Groups and articles as entries. */
import { parseDate } from "../../src/message/headers.js";
import type { Entry, JsonObject, Target } from "../../src/plugin.js";
import { newsDate } from "./date.js";
import type { FieldText } from "./field-text.js";
import type { GroupFacts, ListedGroup } from "./group-facts.js";
import type { Overview } from "./overview.js";
import { articlePath, groupPath, messagePath } from "./path.js";

const ARTICLE_TYPE = "message/rfc822";
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
  const { number } = overview;
  const meta = await articleMeta(overview, text);
  const id = meta.messageId ?? "";
  const path = group !== undefined && number > 0 ? articlePath(group, number) : messagePath(id);
  const { date } = meta;
  const modified = date === undefined ? undefined : (parseDate(date) ?? newsDate(date));
  const subject = meta.subject ?? "";
  const name = subject.trim() !== "" ? subject : id !== "" ? id : `article ${number}`;
  const entry: Mutable<Entry> = { url: target.href(path), name, kind: "article", type: ARTICLE_TYPE, meta };
  if (meta.bytes !== undefined) entry.size = meta.bytes;
  if (modified !== undefined) entry.modified = modified;
  return entry;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface OverviewFacts extends JsonObject {
  readonly number?: number;
  readonly subject?: string;
  readonly from?: string;
  readonly date?: string;
  readonly messageId?: string;
  readonly references?: readonly string[];
  readonly bytes?: number;
  readonly lines?: number;
  readonly xref?: string;
  /** Others that the server has in its overview, by name. */
  readonly fields?: JsonObject;
}

/** What the overview says, decoded; a promise only where something has to be decoded: a group has a million of them. */
export function articleMeta(overview: Overview, text: FieldText): OverviewFacts | Promise<OverviewFacts> {
  const { number, fields } = overview;
  const meta: Mutable<OverviewFacts> = {};
  const decoding: Promise<void>[] = [];
  const decode = (raw: string, put: (value: string) => void) => {
    const value = text(raw);
    if (typeof value === "string") put(value);
    else decoding.push(value.then(put));
  };
  if (number > 0) meta.number = number;
  const others: Mutable<JsonObject> = {};
  let more = false;
  for (const [name, raw] of fields) {
    switch (name) {
      case "subject":
        decode(raw, (value) => {
          meta.subject = value;
        });
        break;
      case "from":
        decode(raw, (value) => {
          meta.from = value;
        });
        break;
      case "date":
        meta.date = raw;
        break;
      case "message-id": {
        const id = messageIdIn(raw);
        if (id !== undefined) meta.messageId = id;
        break;
      }
      case "references": {
        const ids = messageIdsIn(raw);
        if (ids.length > 0) meta.references = ids;
        break;
      }
      case ":bytes":
      case ":lines": {
        const count = countIn(raw);
        if (count !== undefined) meta[name === ":bytes" ? "bytes" : "lines"] = count;
        break;
      }
      case "xref":
        meta.xref = raw;
        break;
      default:
        more = true;
        decode(raw, (value) => {
          others[name] = value;
        });
    }
  }
  if (more) meta.fields = others;
  return decoding.length === 0 ? meta : Promise.all(decoding).then(() => meta);
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

const MESSAGE_ID = /<[^\s<>]+>/;

export function messageIdIn(raw: string | undefined): string | undefined {
  return MESSAGE_ID.exec(raw ?? "")?.[0];
}

/** Junk words between them are passed over (RFC 5536, 3.2.10 has none; the wild has). */
export function messageIdsIn(raw: string | undefined): string[] {
  return raw?.match(/<[^\s<>]+>/g) ?? [];
}

function countIn(raw: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,15})\s*$/.exec(raw ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
