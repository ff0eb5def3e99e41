/** Messages, whole (RETR), one or many. */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { askedAhead } from "../../src/net/ahead.js";
import type { Answer } from "../../src/net/dialogue.js";
import type { Document, ManyRead } from "../../src/plugin.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import { fileNameOf, MESSAGE_TYPE, messageEntry } from "./entry.js";
import type { Line } from "./line.js";
import type { Message } from "./maildrop.js";
import { parsePath } from "./path.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";
import { passOver } from "./summaries.js";

export function retrieve(peer: Peer, message: Message): Answer<StatusReply> {
  return peer.say(["RETR", message.number], { sequel: "block" });
}

/**
 * A message, octet for octet with its last line end. Its size stands in the entry and not in `total`: servers
 * announce one number of octets and send another.
 * @throws PortholeError `missing` when the server does not give it
 */
export async function retrieved(
  line: Line,
  message: Message,
  answer: Answer<StatusReply>,
): Promise<Document> {
  const reply = await answer.reply();
  if (reply.status !== "ok") throw refusal(reply, `message ${message.number} cannot be fetched`, "missing");
  let body: Readable | undefined;
  return {
    entry: messageEntry(line.target, message, undefined),
    type: MESSAGE_TYPE,
    offset: 0,
    filename: fileNameOf(message),
    whole: (most) => answer.whole(most),
    get body() {
      body ??= watched(line, answer.block());
      return body;
    },
  };
}

function watched(line: Line, body: Readable): Readable {
  return body.once("close", () => {
    if (!body.readableEnded) line.leftEarly();
  });
}

/** What a path of many names: a message that was asked for, or why it was not. */
type Wanted =
  | { readonly message: Message; readonly answer: Answer<StatusReply> }
  | { readonly error: PortholeError };

/** Many messages, sent ahead where the server takes commands so. */
export async function* retrieveMany(
  line: Line,
  paths: AsyncIterable<string>,
): AsyncGenerator<ManyRead, void, undefined> {
  const maildrop = await line.maildrop();
  // Asked before any message: an answer in between would wait for all messages that were asked for.
  const known = await maildrop.known();
  const { peer } = maildrop;
  const ask = (path: string): Wanted => {
    try {
      const asked = parsePath(path);
      if (asked.what === "maildrop") throw new PortholeError("usage", "a mailbox cannot be read as a whole");
      const message = known(asked);
      return { message, answer: retrieve(peer, message) };
    } catch (thrown) {
      if (!(thrown instanceof PortholeError)) throw thrown;
      return { error: thrown };
    }
  };
  const leave = (those: readonly Wanted[]) =>
    passOver(those.flatMap((one) => ("answer" in one ? [one.answer] : [])));
  for await (const { item: path, answer: wanted } of askedAhead(paths, peer.depth, ask, leave)) {
    if ("error" in wanted) {
      yield { path, error: wanted.error };
      continue;
    }
    const { message, answer } = wanted;
    const got = await retrievedOrRefused(line, message, answer);
    if (got instanceof PortholeError) {
      yield { path, error: got };
      continue;
    }
    let isLeft = true;
    try {
      yield { path, document: got };
      isLeft = false;
    } finally {
      if (isLeft) answer.leave();
    }
  }
}

async function retrievedOrRefused(
  line: Line,
  message: Message,
  answer: Answer<StatusReply>,
): Promise<Document | PortholeError> {
  try {
    return await retrieved(line, message, answer);
  } catch (thrown) {
    // With the server's words it is this message alone; without them the connection is gone.
    if (!(thrown instanceof PortholeError && thrown.reply !== undefined && line.holds)) throw thrown;
    return thrown;
  }
}
