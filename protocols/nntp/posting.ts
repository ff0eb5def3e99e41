/** Handing articles over: POST (RFC 3977, 6.3.1) and IHAVE (6.3.2). */

import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isLocalFailure, localError, messageOf, PortholeError } from "../../src/errors.js";
import { DotWriter } from "../../src/wire/dot-writer.js";
import type { Reply } from "../../src/wire/replies.js";
import type { CommandWords } from "./command.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

export interface Posted {
  readonly reply: Reply;
  /** Octets of the article, dots not counted. */
  readonly size: number;
}

/** Octets that are put together before they are sent. */
const SEND_FROM = 16 * 1024;

/**
 * POST. Never repeated: when the answer is lost, the error says that the fate of the article is not known.
 * @param messageId for that error
 * @throws PortholeError `refused` (440, 441 in the server's words), `auth`, `busy`, and when the connection is lost
 */
export function post(peer: Peer, raw: Readable, messageId: string): Promise<Posted> {
  return handOver(peer, ["POST"], raw, messageId, { go: 340, done: 240 });
}

/** IHAVE: offers an article to a server that may have it already (435), or want it later (436). */
export function ihave(peer: Peer, raw: Readable, messageId: string): Promise<Posted> {
  return handOver(peer, ["IHAVE", messageId], raw, messageId, { go: 335, done: 235 });
}

async function handOver(
  peer: Peer,
  words: CommandWords,
  raw: Readable,
  messageId: string,
  codes: { readonly go: number; readonly done: number },
): Promise<Posted> {
  // A source that fails before it is wanted is found out when it is read.
  raw.on("error", () => {});
  try {
    const { reply: goAhead, answer } = await peer.open(words);
    if (goAhead.code !== codes.go) throw refusal(goAhead, refusalWords(goAhead));
    let reply: Reply;
    let size: number;
    try {
      size = await supply(peer, raw);
      reply = await answer.reply();
    } catch (thrown) {
      const { standing } = answer;
      if (standing === undefined || standing === "data-unsent") throw thrown;
      throw unknownFate(thrown, messageId);
    }
    if (reply.code !== codes.done) throw refusal(reply, refusalWords(reply));
    return { reply, size };
  } finally {
    raw.destroy();
  }
}

function refusalWords({ code }: Reply): string {
  switch (code) {
    case 435:
      return "the server does not want the article";
    case 436:
      return "the server cannot take the article now";
    case 440:
      return "posting is not allowed here";
    default:
      return "the server refused the article";
  }
}

/** What stops it on our side ends the connection without the last dot, so that the server keeps nothing of it. */
async function supply(peer: Peer, raw: Readable): Promise<number> {
  const { dialogue, connection } = peer;
  const writer = new DotWriter();
  let held: Buffer[] = [];
  let holding = 0;
  let size = 0;
  const stop = () =>
    raw.destroy(dialogue.failure ?? new PortholeError("aborted", "the connection was closed"));
  connection.once("close", stop);
  try {
    for await (const piece of raw) {
      const chunk = octetsOf(piece);
      const octets = writer.write(chunk);
      held.push(octets);
      holding += octets.length;
      size += chunk.length;
      if (holding < SEND_FROM) continue;
      await dialogue.supply(Buffer.concat(held));
      held = [];
      holding = 0;
      // A server that breaks off in the middle is heard before more is sent.
      await sleep(0);
    }
  } catch (thrown) {
    const failure = dialogue.failure ?? sourceFailure(thrown);
    connection.destroy();
    throw failure;
  } finally {
    connection.off("close", stop);
  }
  await dialogue.supplyLast(Buffer.concat([...held, writer.end()]));
  return size;
}

function octetsOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return Buffer.from(piece, "utf8");
  throw new PortholeError("usage", "an article is a stream of octets");
}

function sourceFailure(thrown: unknown): unknown {
  return isLocalFailure(thrown) ? localError(thrown) : thrown;
}

/** The whole article went out, and what the server made of it did not come back. */
function unknownFate(thrown: unknown, messageId: string): PortholeError {
  const own = thrown instanceof PortholeError ? thrown.code : undefined;
  const which = messageId === "" ? "the article" : `the article ${messageId}`;
  return new PortholeError(
    own === "timeout" || own === "aborted" ? own : "protocol",
    `the answer to the article did not come (${messageOf(thrown)}): it is not known whether ${which} was taken`,
    {
      hint:
        messageId === ""
          ? "it was not sent again; look for it in the group before you do"
          : `it was not sent again; \`porthole stat nntp://HOST/${messageId}\` tells whether it is there`,
      cause: thrown,
    },
  );
}
