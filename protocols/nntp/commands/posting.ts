/** Commands that hand articles over: post, ihave, feed. */
import { createReadStream } from "node:fs";
import { stat as fileFacts } from "node:fs/promises";
import { Readable } from "node:stream";
import { localError, PortholeError } from "../../../src/errors.js";
import { parseHeader } from "../../../src/message/headers.js";
import type { Command, Invocation, Options, Output } from "../../../src/plugin.js";
import { decodeWords } from "../../../src/wire/words.js";
import { answering, headerOf } from "../answering.js";
import { lockedBy } from "../cancel-lock.js";
import { readCancelSecret } from "../cancel-secret.js";
import { type Article, compose } from "../draft.js";
import { messageIdIn } from "../entry.js";
import { feedArticles } from "../feeding.js";
import { checkMessageId, type NewsPath } from "../path.js";
import { ihave as offer, post as postOctets } from "../posting.js";
import { wordsOf } from "../refusal.js";
import type { NewsSession } from "../session.js";
import { asked, optionList, optionText, record, wrongUsage } from "./words.js";

/** An article, or its text, that is read whole. */
const LARGEST = 64 * 1024 * 1024;

/** POST: an article made from options, or one that stands in a file. */
export const post: Command = async function* (invocation): AsyncGenerator<Output> {
  const { options } = invocation;
  const { session, path } = await asked(
    invocation,
    "post URL --group GROUP --from ADDRESS --subject TEXT --text TEXT",
  );
  const article = await articleOf(session, path, invocation);
  if (options["dry-run"] === true) {
    yield record(decodeWords(article.octets).replaceAll("\r\n", "\n").trimEnd(), {
      event: "dry-run",
      messageId: article.messageId,
      groups: article.groups,
      size: article.octets.length,
      article: decodeWords(article.octets),
    });
    return;
  }
  const peer = await session.line.peer();
  const raw = Readable.from([article.octets], { objectMode: false });
  const { reply, size } = await postOctets(peer, raw, article.messageId);
  yield record(`posted to ${article.groups.join(", ")}: ${article.messageId} (${wordsOf(reply)})`, {
    event: "posted",
    groups: article.groups,
    messageId: article.messageId,
    reply: wordsOf(reply),
    size,
  });
};

async function articleOf(session: NewsSession, path: NewsPath, invocation: Invocation): Promise<Article> {
  const { options } = invocation;
  const eml = optionText(options, "eml");
  if (eml !== undefined) return readyArticle(await readAll(eml, invocation), eml);
  const secret = await readCancelSecret(options, (text) => invocation.warn(text));
  const cancelled = optionText(options, "cancel");
  if (cancelled !== undefined) return cancelOf(session, checkMessageId(cancelled), invocation, secret);
  const reply = optionText(options, "reply");
  const parent =
    reply === undefined
      ? undefined
      : await answering(await session.line.peer(), checkMessageId(reply), session.text);
  const named = optionList(options, "group");
  const here = path.what === "group" ? [path.group] : [];
  const groups = named.length > 0 ? named : (parent?.groups ?? here);
  const followupTo = optionText(options, "followup-to");
  const supersedes = optionText(options, "supersedes");
  return compose({
    from: senderOf(options),
    subject: optionText(options, "subject") ?? parent?.subject ?? "",
    groups,
    text: await textOf(invocation),
    headers: optionList(options, "header").map(headerOption),
    cancelSecret: secret,
    ...(followupTo === undefined ? {} : { followupTo }),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(parent === undefined ? {} : { references: parent.references }),
  });
}

/** RFC 5537, 5.3. Who posted it is who may take it back; the server decides. */
async function cancelOf(
  session: NewsSession,
  id: string,
  invocation: Invocation,
  secret: string | undefined,
): Promise<Article> {
  const { options } = invocation;
  const header = await headerOf(await session.line.peer(), id);
  if (secret !== undefined && lockedBy(header, secret, id) === "other") {
    invocation.warn(
      `the Cancel-Lock of ${id} is of another secret: servers that look at it will not take the article back`,
    );
  }
  return compose({
    from: optionText(options, "from") ?? (await session.text(header.raw("from") ?? "")),
    subject: `cmsg cancel ${id}`,
    groups: decodeWords(Buffer.from(header.raw("newsgroups") ?? "", "latin1")).split(","),
    text: optionText(options, "text") ?? "This article was cancelled by its author.\n",
    cancels: id,
    headers: optionList(options, "header").map(headerOption),
    cancelSecret: secret,
  });
}

function senderOf(options: Options): string {
  const from = optionText(options, "from");
  if (from !== undefined) return from;
  throw new PortholeError("usage", "an article wants a sender", { hint: "--from says who posts it" });
}

function headerOption(text: string): { name: string; value: string } {
  const colon = text.indexOf(":");
  if (colon <= 0) {
    throw new PortholeError("usage", `'${text}' is not a header`, { hint: 'write it as "Name: value"' });
  }
  return { name: text.slice(0, colon).trimEnd(), value: text.slice(colon + 1) };
}

async function textOf(invocation: Invocation): Promise<string> {
  const { options } = invocation;
  const file = optionText(options, "text-file");
  if (file !== undefined) return decodeWords(await readAll(file, invocation));
  const text = optionText(options, "text");
  if (text !== undefined) return text;
  throw new PortholeError("usage", "an article wants a text", {
    hint: "--text TEXT, or --text-file FILE (- for standard input)",
  });
}

/** An article as it stands in a file: its header says all. */
function readyArticle(octets: Buffer, name: string): Article {
  const header = parseHeader(octets);
  const groups = decodeWords(Buffer.from(header.raw("newsgroups") ?? "", "latin1"))
    .split(",")
    .map((group) => group.trim())
    .filter((group) => group !== "");
  if (groups.length === 0) {
    throw new PortholeError("usage", `${name} has no Newsgroups header`, { hint: "is it an article?" });
  }
  const messageId = messageIdIn(header.raw("message-id")) ?? "";
  return { messageId, from: decodeWords(Buffer.from(header.raw("from") ?? "", "latin1")), groups, octets };
}

/** IHAVE (RFC 3977, 6.3.2): offers an article to a server as another server would. */
export const ihave: Command = async function* (invocation): AsyncGenerator<Output> {
  const usage = "ihave URL FILE";
  const { session, rest } = await asked(invocation, usage);
  const [file] = rest;
  if (file === undefined) throw wrongUsage(usage);
  const octets = await readAll(file, invocation);
  const messageId = offeredId(octets, file);
  const raw = Readable.from([octets], { objectMode: false });
  const { reply, size } = await offer(await session.line.peer(), raw, messageId).catch(asTransit(invocation));
  yield record(`taken: ${messageId} (${wordsOf(reply)})`, {
    event: "taken",
    messageId,
    reply: wordsOf(reply),
    size,
  });
};

/** Servers that read and servers that feed are different ones, and some are both in turn. */
function asTransit({ options }: Invocation): (thrown: unknown) => never {
  return (thrown) => {
    const elsewhere =
      thrown instanceof PortholeError &&
      options["transit"] !== true &&
      /^(?:480|50[0-3]) /.test(thrown.reply ?? "");
    if (!elsewhere) throw thrown;
    throw new PortholeError(thrown.code, thrown.message, {
      reply: thrown.reply,
      hint: "--transit speaks to the server as another server does",
      cause: thrown,
    });
  };
}

function offeredId(octets: Buffer, name: string): string {
  const id = messageIdIn(parseHeader(octets).raw("message-id"));
  if (id !== undefined) return id;
  throw new PortholeError("usage", `${name} has no Message-ID`, {
    hint: "an article that is offered must have one",
  });
}

/** CHECK and TAKETHIS (RFC 4644): many articles, one behind the other. */
export const feed: Command = async function* (invocation): AsyncGenerator<Output> {
  const usage = "feed URL FILE...";
  const { session, rest } = await asked(invocation, usage);
  if (rest.length === 0) throw wrongUsage(usage);
  const articles = async function* () {
    for (const file of rest) {
      const octets = await readAll(file, invocation);
      yield { messageId: offeredId(octets, file), octets };
    }
  };
  let refused = 0;
  for await (const { messageId, taken, reply } of feedArticles(await session.line.peer(), articles())) {
    if (!taken) refused += 1;
    const words = wordsOf(reply);
    yield record(`${taken ? "taken" : "not taken"}: ${messageId} (${words})`, {
      event: taken ? "taken" : "refused",
      messageId,
      reply: words,
    });
  }
  if (refused > 0) throw new PortholeError("partial", `${refused} of ${rest.length} articles were not taken`);
};

/** @param path or `-` for standard input */
async function readAll(path: string, invocation: Invocation): Promise<Buffer> {
  try {
    if (path === "-") return await bounded(invocation.stdin, "standard input");
    if ((await fileFacts(path)).size > LARGEST) throw tooLarge(path);
    return await bounded(createReadStream(path), path);
  } catch (thrown) {
    throw localError(thrown, path);
  }
}

async function bounded(stream: AsyncIterable<unknown>, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const piece of stream) {
    const chunk = piece instanceof Uint8Array ? piece : Buffer.from(String(piece));
    size += chunk.length;
    if (size > LARGEST) throw tooLarge(name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(name: string): PortholeError {
  return new PortholeError("usage", `${name} is larger than ${LARGEST} octets`, {
    hint: "is it an article?",
  });
}
