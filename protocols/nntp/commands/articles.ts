/** Commands about articles: article, head, body, stat, next, last, over, hdr. */
import { PortholeError } from "../../../src/errors.js";
import type { Command, Document, Invocation, JsonObject, Output } from "../../../src/plugin.js";
import { articleMeta, bareArticle, messageIdIn } from "../entry.js";
import type { FieldText } from "../field-text.js";
import { hdrValues } from "../fields.js";
import type { Overview } from "../overview.js";
import { inOrder } from "../overviews.js";
import { articlePath, messagePath, type NewsPath, type Range } from "../path.js";
import { discard } from "../peer.js";
import { type OneArticle, readArticle } from "../reading.js";
import { refusal } from "../refusal.js";
import type { NewsSession } from "../session.js";
import { threaded } from "../thread-listing.js";
import { asked, optionNumber, type Row, record, rows, TOGETHER, wrongUsage } from "./words.js";

function oneArticle(path: NewsPath): OneArticle {
  if (path.what === "article" || path.what === "message") return path;
  throw new PortholeError("usage", "the URL names no article", {
    hint: "write nntp://HOST/GROUP/NUMBER or nntp://HOST/<message-id>",
  });
}

/** The group and range that a URL names. @throws PortholeError `usage` */
function articlesIn(path: NewsPath): { group: string; range: Range } {
  switch (path.what) {
    case "group":
      return { group: path.group, range: { low: 1 } };
    case "range":
      return { group: path.group, range: path.range };
    case "article":
      return { group: path.group, range: { low: path.number, high: path.number } };
    default:
      throw new PortholeError("usage", "the URL names no group", { hint: "write nntp://HOST/GROUP/FROM-TO" });
  }
}

export const article: Command = async function* (invocation) {
  const { session, path } = await asked(invocation, "article URL");
  yield* given(invocation, await readArticle(session.line, oneArticle(path)));
};

/** Rendered for people, unless they want it byte for byte. */
async function* given({ options }: Invocation, document: Document): AsyncGenerator<Output> {
  if (options["raw"] !== true) yield { kind: "document", document };
  else for await (const octets of document.body) yield { kind: "octets", octets, raw: true };
}

const PARTS = {
  HEAD: { code: 221, type: "text/rfc822-headers" },
  BODY: { code: 222, type: "text/plain" },
} as const;

function part(verb: keyof typeof PARTS): Command {
  return async function* (invocation): AsyncGenerator<Output> {
    const { session, path } = await asked(invocation, `${verb.toLowerCase()} URL`);
    const place = oneArticle(path);
    const peer = await session.line.peer();
    const { code, type } = PARTS[verb];
    const opened =
      place.what === "article"
        ? await peer.openIn(place.group, [verb, place.number])
        : await peer.open([verb, place.id]);
    if (opened.reply.code !== code) {
      await discard(opened);
      throw refusal(opened.reply, "the article cannot be fetched");
    }
    const where = place.what === "article" ? articlePath(place.group, place.number) : messagePath(place.id);
    const name = place.what === "article" ? String(place.number) : place.id;
    const document: Document = {
      entry: bareArticle(session.line.target, where, name),
      type,
      offset: 0,
      body: opened.answer.block(),
    };
    yield* given(invocation, document);
  };
}

export const head = part("HEAD");
export const body = part("BODY");

/** STAT (RFC 3977, 6.2.4): number and Message-ID. */
export const stat: Command = async function* (invocation) {
  const { session, path } = await asked(invocation, "stat URL");
  const place = oneArticle(path);
  const peer = await session.line.peer();
  const { reply } =
    place.what === "article"
      ? await peer.openIn(place.group, ["STAT", place.number])
      : await peer.open(["STAT", place.id]);
  if (reply.code !== 223) throw refusal(reply, "the article cannot be found");
  yield pointed(reply.text);
};

/** NEXT and LAST (RFC 3977, 6.1.3 and 6.1.4), from the article that the URL names. */
function step(verb: "NEXT" | "LAST"): Command {
  return async function* (invocation): AsyncGenerator<Output> {
    const { session, path } = await asked(invocation, `${verb.toLowerCase()} URL`);
    if (path.what !== "article") {
      throw new PortholeError("usage", "the URL names no article of a group", {
        hint: "write nntp://HOST/GROUP/NUMBER",
      });
    }
    const peer = await session.line.peer();
    const here = await peer.openIn(path.group, ["STAT", path.number]);
    if (here.reply.code !== 223) throw refusal(here.reply, `article ${path.number} cannot be found`);
    const there = await peer.ask([verb]);
    if (there.code !== 223) {
      throw refusal(there, `there is no article ${verb === "NEXT" ? "after" : "before"} ${path.number}`);
    }
    const [, number = "0"] = /^(\d+)/.exec(there.text) ?? [];
    const url = session.line.target.href(articlePath(path.group, Number(number)));
    yield pointed(there.text, { url });
  };
}

export const next = step("NEXT");
export const last = step("LAST");

function pointed(text: string, more: JsonObject = {}): Output {
  const [, number = "0"] = /^(\d+)/.exec(text) ?? [];
  const id = messageIdIn(text) ?? "";
  return record(`${number} ${id}`.trimEnd(), { number: Number(number), messageId: id, ...more });
}

/** OVER (RFC 3977, 8.3), in the server's order. */
export const over: Command = async function* (invocation) {
  const { session, path } = await asked(invocation, "over URL");
  const { group, range } = articlesIn(path);
  const json = invocation.options["json"] === true;
  const peer = await session.line.peer();
  // A group that is not there is said so, rather than found empty.
  const facts = await peer.selectToList(group);
  for await (const batch of inOrder(peer, facts, range)) {
    if (!json) yield await shownOverviews(batch, session.text);
    else {
      for (const overview of batch) {
        const meta = await articleMeta(overview, session.text);
        const url = session.line.target.href(articlePath(group, overview.number));
        yield record(String(overview.number), { ...meta, url });
      }
    }
  }
};

/** What stands between tabs, after the number. */
const COLUMNS = ["subject", "from", "date", "message-id", "references", ":bytes", ":lines"] as const;

/** Lines of text, each batch in one write: a group may have a million. */
async function shownOverviews(batch: readonly Overview[], text: FieldText): Promise<Output> {
  let lines = "";
  for (const { number, fields } of batch) {
    lines += number;
    for (const column of COLUMNS) {
      const raw = fields.get(column);
      const value = raw === undefined ? "" : text(raw);
      lines += `\t${typeof value === "string" ? value : await value}`;
    }
    lines += "\n";
  }
  return { kind: "octets", octets: Buffer.from(lines, "utf8") };
}

/** The articles of a group as threads: answers below what they answer, drawn as a tree. */
export const thread: Command = async function* (invocation) {
  const { session, path } = await asked(invocation, "thread URL");
  const { group, range } = articlesIn(path);
  for await (const { depth, entry } of threaded(
    session,
    group,
    range,
    optionNumber(invocation.options, "limit"),
  )) {
    const indent = "  ".repeat(depth);
    if (entry === undefined) {
      yield record(`${indent}(not here)`, { depth });
      continue;
    }
    const { name, url, meta } = entry;
    const number = typeof meta["number"] === "number" ? meta["number"] : "";
    const from = typeof meta["from"] === "string" ? meta["from"] : "";
    yield record(`${indent}${number} ${name} - ${from}`, { depth, url, ...meta });
  }
};

/** HDR (RFC 3977, 8.5): one field of many articles. */
export const hdr: Command = async function* (invocation) {
  const usage = "hdr URL FIELD";
  const { session, path, rest } = await asked(invocation, usage);
  const [field] = rest;
  if (field === undefined || !/^:?[!-9;-~]+$/.test(field)) throw wrongUsage(usage);
  const byId = path.what === "message";
  const { group, range } = byId ? { group: undefined, range: undefined } : articlesIn(path);
  const which = byId ? path.id : `${range?.low ?? 1}-${range?.high ?? ""}`;
  yield* rows(invocation, fieldRows(session, group, field, which));
};

async function* fieldRows(
  session: NewsSession,
  group: string | undefined,
  field: string,
  which: string,
): AsyncGenerator<readonly Row[]> {
  const peer = await session.line.peer();
  if (group !== undefined) await peer.select(group);
  let shown: Row[] = [];
  for await (const { number, raw } of hdrValues(peer, group, field, which)) {
    const value = await session.text(raw);
    shown.push({ text: `${number} ${value}`, data: () => ({ number, field: field.toLowerCase(), value }) });
    if (shown.length < TOGETHER) continue;
    yield shown;
    shown = [];
  }
  yield shown;
}
