/** Handing articles over: POST (RFC 3977, 6.3.1) and IHAVE (6.3.2). */

import type { Readable } from "node:stream";
import { messageOf, PortholeError } from "../../src/errors.js";
import { handOver } from "../../src/net/message-data.js";
import type { Reply } from "../../src/wire/replies.js";
import type { CommandWords } from "./command.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

export interface Posted {
  readonly reply: Reply;
  /** Octets of the article, dots not counted. */
  readonly size: number;
}

/**
 * POST. Never repeated: when the answer is lost, the error says that the fate of the article is not known.
 * @param messageId for that error
 * @throws PortholeError `refused` (440, 441 in the server's words), `auth`, `busy`, and when the connection is lost
 */
export function post(peer: Peer, raw: Readable, messageId: string): Promise<Posted> {
  return offer(peer, ["POST"], raw, messageId, { go: 340, done: 240 });
}

/** IHAVE: offers an article to a server that may have it already (435), or want it later (436). */
export function ihave(peer: Peer, raw: Readable, messageId: string): Promise<Posted> {
  return offer(peer, ["IHAVE", messageId], raw, messageId, { go: 335, done: 235 });
}

async function offer(
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
      size = await handOver(peer.dialogue, raw);
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
