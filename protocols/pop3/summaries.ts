/** Headers of many messages, by TOP (RFC 1939, 7), sent ahead where the server takes them so. */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { LONGEST_HEADER, type MessageSummary, parseHeader, summaryOf } from "../../src/message/headers.js";
import type { Answer } from "../../src/net/dialogue.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import type { Message } from "./maildrop.js";
import { DEPTH, type Peer } from "./peer.js";

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
  const depth = peer.pipelines ? DEPTH : 1;
  const asked: Answer<StatusReply>[] = [];
  let next = 0;
  const ask = () => {
    for (; asked.length < depth; next++) {
      const message = messages[next];
      if (message === undefined) return;
      asked.push(peer.say(["TOP", message.number, 0], { sequel: "block" }));
    }
  };
  try {
    for (const message of messages) {
      ask();
      const answer = asked.shift();
      if (answer === undefined) return;
      yield { message, summary: await summaryFrom(answer) };
    }
  } finally {
    await passOver(asked);
  }
}

async function summaryFrom(answer: Answer<StatusReply>): Promise<MessageSummary | undefined> {
  const reply = await answer.reply();
  if (reply.status !== "ok") return undefined;
  const parts: Buffer[] = [];
  let kept = 0;
  let passed = 0;
  for await (const chunk of chunksOf(answer.block())) {
    passed += chunk.length;
    if (passed > MOST_PASSED) {
      throw new PortholeError("protocol", `a header is longer than the bound of ${MOST_PASSED} octets`);
    }
    if (kept >= LONGEST_HEADER) continue;
    // A copy: the chunk is a view of all that came with it.
    parts.push(Buffer.from(chunk.subarray(0, LONGEST_HEADER - kept)));
    kept += chunk.length;
  }
  return summaryOf(parseHeader(Buffer.concat(parts)));
}

async function* chunksOf(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of body) if (Buffer.isBuffer(chunk)) yield chunk;
}

async function passOver(answers: readonly Answer<StatusReply>[]): Promise<void> {
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
