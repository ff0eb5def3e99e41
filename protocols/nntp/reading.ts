/** Documents: an article, or all of a range as one mbox file. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Document } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { fetchAll, numbersIn } from "./articles.js";
import { bareArticle } from "./entry.js";
import type { Line } from "./line.js";
import { MboxQuoting, separator } from "./mbox.js";
import type { NewsPath, Range } from "./path.js";
import { articlePath, formatRange, groupPath, messagePath } from "./path.js";
import { discard, type Opened } from "./peer.js";
import { refusal } from "./refusal.js";

export type OneArticle = Extract<NewsPath, { what: "article" | "message" }>;

/**
 * An article, octet for octet. A connection that is lost within it is made anew as often as `--retry` allows, and
 * the article asked for again, without what was given already.
 */
export async function readArticle(line: Line, path: OneArticle): Promise<Document> {
  const opened = await openArticle(line, path);
  const body = line.context.policy.retries > 0 ? resumed(line, path, opened) : opened.answer.block();
  return articleDocument(line, path, opened.reply, leavable(line, body));
}

/** @param reply to the command that the article came with */
export function articleDocument(line: Line, path: OneArticle, reply: Reply, body: Readable): Document {
  const id = /<[^\s<>]+>/.exec(reply.text)?.[0];
  const where = path.what === "article" ? articlePath(path.group, path.number) : messagePath(path.id);
  const name = path.what === "article" ? String(path.number) : path.id;
  const entry =
    path.what === "article"
      ? bareArticle(line.target, where, id ?? name, path.number, id)
      : bareArticle(line.target, where, path.id, undefined, path.id);
  return {
    entry,
    type: "message/rfc822",
    offset: 0,
    filename: `${name.replace(/[<>]/g, "")}.eml`,
    body,
  };
}

async function openArticle(line: Line, path: OneArticle): Promise<Opened> {
  const peer = await line.peer();
  const opened =
    path.what === "article"
      ? await peer.openIn(path.group, ["ARTICLE", path.number])
      : await peer.open(["ARTICLE", path.id]);
  if (opened.reply.code === 220) return opened;
  await discard(opened);
  throw articleRefused(path, opened.reply);
}

export function articleRefused(path: OneArticle, reply: Reply): PortholeError {
  const what = path.what === "article" ? `article ${path.number} of ${path.group}` : `the article ${path.id}`;
  return refusal(reply, `${what} cannot be fetched`);
}

function resumed(line: Line, path: OneArticle, first: Opened): Readable {
  return Readable.from(octetsOf(line, path, first), { objectMode: false });
}

async function* octetsOf(
  line: Line,
  path: OneArticle,
  first: Opened,
): AsyncGenerator<Buffer, void, undefined> {
  let opened = first;
  let given = 0;
  for (let left = line.context.policy.retries; ; left--) {
    let skip = given;
    try {
      for await (const piece of opened.answer.block()) {
        const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
        const rest = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - rest.length;
        if (rest.length === 0) continue;
        given += rest.length;
        yield rest;
      }
      return;
    } catch (thrown) {
      if (left <= 0 || !isLoss(thrown)) throw thrown;
      line.context.warn(`the connection was lost after ${given} octets; asking for the article again`);
    }
    opened = await openArticle(line, path);
  }
}

function isLoss(thrown: unknown): boolean {
  return thrown instanceof PortholeError && ["connect", "protocol", "timeout"].includes(thrown.code);
}

/** The articles of a range, those that are there, as one mbox. */
export async function readRange(line: Line, group: string, range: Range): Promise<Document> {
  const peer = await line.peer();
  const { name } = await peer.select(group);
  const where = `${groupPath(name)}/${formatRange(range)}`;
  return {
    entry: {
      url: line.target.href(where),
      name: `${name} ${formatRange(range)}`,
      kind: "other",
      type: "application/mbox",
      meta: {},
    },
    type: "application/mbox",
    offset: 0,
    filename: `${name}.${formatRange(range)}.mbox`,
    body: leavable(line, Readable.from(mboxOf(line, group, range), { objectMode: false })),
  };
}

/** A body that may be left before its end. */
export function leavable(line: Line, body: Readable): Readable {
  return body.once("close", () => {
    if (!body.readableEnded) line.leftEarly();
  });
}

async function* mboxOf(line: Line, group: string, range: Range): AsyncGenerator<Buffer, void, undefined> {
  let from = range.low;
  let left = line.context.policy.retries;
  for (;;) {
    let given = false;
    try {
      const peer = await line.peer();
      const numbers = numbersIn(peer, group, { ...range, low: from });
      for await (const { which, body } of fetchAll(peer, group, numbers)) {
        if (body !== undefined) {
          given = true;
          yield* message(body);
          given = false;
        }
        from = Number(which) + 1;
      }
      return;
    } catch (thrown) {
      // Half an article cannot be taken back from a stream.
      if (given || left-- <= 0 || !isLoss(thrown)) throw thrown;
      line.context.warn(`the connection was lost; going on at article ${from}`);
    }
  }
}

async function* message(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  const quoting = new MboxQuoting();
  yield separator(new Date());
  for await (const piece of body)
    yield quoting.write(Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece)));
  yield quoting.end();
}
