/** Streaming (RFC 4644): articles offered by CHECK, those that are wanted sent by TAKETHIS, none waiting for another. */

import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import { commandLine } from "../../src/wire/command.js";
import { DotWriter } from "../../src/wire/dot-writer.js";
import type { Reply } from "../../src/wire/replies.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

export interface Offered {
  readonly messageId: string;
  readonly octets: Buffer;
}

export interface Fed {
  readonly messageId: string;
  readonly taken: boolean;
  readonly reply: Reply;
}

/** Articles that are held while the server thinks about them. */
const AHEAD = 20;
const STREAMING = 203;
const WANTED = 238;
const TAKEN = 239;

/**
 * What became of each, in order.
 * @throws PortholeError `refused` when the server takes no streams
 */
export async function* feedArticles(
  peer: Peer,
  articles: AsyncIterable<Offered>,
): AsyncGenerator<Fed, void, undefined> {
  const mode = await peer.ask(["MODE", "STREAM"]);
  if (mode.code !== STREAMING) throw refusal(mode, "the server takes no stream of articles");
  const waiting: { readonly article: Offered; readonly check: Answer<Reply> }[] = [];
  const settle = async (): Promise<Fed | undefined> => {
    const next = waiting.shift();
    return next === undefined ? undefined : take(peer, next.article, await next.check.reply());
  };
  for await (const article of articles) {
    waiting.push({ article, check: peer.say(["CHECK", article.messageId]) });
    if (waiting.length < AHEAD) continue;
    const fed = await settle();
    if (fed !== undefined) yield fed;
  }
  for (let fed = await settle(); fed !== undefined; fed = await settle()) yield fed;
}

async function take(peer: Peer, { messageId, octets }: Offered, checked: Reply): Promise<Fed> {
  if (checked.code !== WANTED) return { messageId, taken: false, reply: checked };
  const writer = new DotWriter();
  const payload = Buffer.concat([writer.write(octets), writer.end()]);
  const reply = await peer.dialogue.ask({ command: commandLine("TAKETHIS", messageId), payload });
  if (reply.code === 400)
    throw new PortholeError("busy", "the server stops taking articles", { reply: reply.text });
  return { messageId, taken: reply.code === TAKEN, reply };
}
