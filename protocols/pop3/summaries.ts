/** Headers of many messages, by TOP (RFC 1939, 7), sent ahead where the server takes them so. */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { LONGEST_HEADER, type MessageSummary, parseHeader, summaryOf } from "../../src/message/headers.js";
import { askedAhead } from "../../src/net/ahead.js";
import type { Answer } from "../../src/net/dialogue.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import type { Message } from "./maildrop.js";
import type { Peer } from "./peer.js";

/** Octets of a header that are let pass; beyond that a server does not mean to end. */
const MOST_PASSED = 64 * 1024 * 1024;

export interface Summarised {
  readonly message: Message;
  /** Absent where the server has no TOP, or no such message any more. */
  readonly summary: MessageSummary | undefined;
}

/** In the order given. Leaving early lets what is under way pass. */
export async function* summaries(
  peer: Peer,
  messages: readonly Message[],
): AsyncGenerator<Summarised, void, undefined> {
  if (peer.capabilities !== undefined && !peer.capabilities.has("TOP")) {
    for (const message of messages) yield { message, summary: undefined };
    return;
  }
  const top = ({ number }: Message) => peer.say(["TOP", number, 0], { sequel: "block" });
  for await (const { item, answer } of askedAhead(messages, peer.depth, top, passOver)) {
    yield { message: item, summary: await summaryFrom(answer) };
  }
}

async function summaryFrom(answer: Answer<StatusReply>): Promise<MessageSummary | undefined> {
  const reply = await answer.reply();
  if (reply.status !== "ok") return undefined;
  return summaryOf(parseHeader(await beginningOf(answer.block())));
}

/** So much of a header as is read, once all of it has passed. Events, for an iterator a message would cost more. */
function beginningOf(body: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let kept = 0;
    let passed = 0;
    body.on("data", (chunk: Buffer) => {
      passed += chunk.length;
      if (passed > MOST_PASSED) {
        body.destroy(
          new PortholeError("protocol", `a header is longer than the bound of ${MOST_PASSED} octets`),
        );
      } else if (kept < LONGEST_HEADER) {
        parts.push(chunk.subarray(0, LONGEST_HEADER - kept));
        kept += chunk.length;
      }
    });
    body.once("end", () => resolve(Buffer.concat(parts)));
    body.once("error", reject);
  });
}

/** Lets answers with blocks pass that nobody wants any more. */
export async function passOver(answers: readonly Answer<StatusReply>[]): Promise<void> {
  try {
    for (const answer of answers) {
      if ((await answer.reply()).status !== "ok") continue;
      answer
        .block()
        .on("error", () => {})
        .destroy();
    }
  } catch (thrown) {
    // The dialogue has ended, which whoever goes on will be told.
    if (!(thrown instanceof PortholeError)) throw thrown;
  }
}
