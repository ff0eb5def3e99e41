/** A message by BDAT (RFC 3030): in chunks whose length is said before, without dots, and some sent ahead. */

import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import { sourceFailure } from "../../src/net/message-data.js";
import { commandLine } from "../../src/wire/command.js";
import { CrlfWriter } from "../../src/wire/crlf-writer.js";
import type { Sequel } from "../../src/wire/exchange.js";
import type { Reply } from "../../src/wire/replies.js";
import { heard, type Peer } from "./peer.js";
import { isPositive, refusal } from "./refusal.js";

/** Octets of a chunk. */
const CHUNK = 256 * 1024;
/** Chunks that are under way and not answered: what a message takes of memory. */
const AHEAD = 4;

export interface HandedOver {
  /** To the message, once all chunks are taken. */
  readonly answer: Answer<Reply>;
  /** Octets of the message. */
  readonly size: number;
  /** Waits for the answers to the chunks that are not answered yet. @throws PortholeError by the first that is refused */
  readonly taken: () => Promise<void>;
}

/**
 * Hands the message over chunk by chunk, the word that it is whole behind the last of them.
 * @param sequel how the answer to that word goes on
 * @throws PortholeError by the first chunk that is refused; what reading the message throws, after which the connection is
 *   gone and the server keeps nothing
 */
export async function handOverChunks(
  peer: Peer,
  message: AsyncIterable<Buffer>,
  sequel: (reply: Reply) => Sequel,
  tell: (done: number) => void,
): Promise<HandedOver> {
  const ahead = peer.extensions.has("PIPELINING") ? AHEAD : 1;
  const waiting: { readonly answer: Answer<Reply>; readonly chunk: Buffer }[] = [];
  // Few, and used again and again: what waits for its answer grows old, and would long not be collected.
  const free: Buffer[] = Array.from({ length: ahead }, () => Buffer.allocUnsafeSlow(CHUNK));
  let size = 0;
  const settle = async (most: number, behind: readonly Answer<Reply>[] = []) => {
    while (waiting.length > most) {
      const next = waiting.shift();
      if (next === undefined) break;
      const reply = await heard(next.answer);
      free.push(next.chunk);
      if (isPositive(reply)) continue;
      // What was sent behind is refused as well, and the transaction is over.
      for (const { answer } of waiting.splice(0)) await heard(answer);
      for (const answer of behind) await heard(answer);
      throw refusal(reply, "the server refused the message", "content");
    }
  };
  try {
    for await (const { chunk, length } of chunksOf(
      message,
      () => free.pop() ?? Buffer.allocUnsafeSlow(CHUNK),
    )) {
      size += length;
      const payload = chunk.subarray(0, length);
      waiting.push({ answer: peer.dialogue.say({ command: commandLine("BDAT", length), payload }), chunk });
      await settle(ahead - 1);
      tell(size);
    }
    // LMTP answers it once for each recipient, or once: which, shows only when the chunks are answered.
    if (peer.lmtp || ahead === 1) await settle(0);
  } catch (thrown) {
    if (peer.dialogue.failure === undefined && !(thrown instanceof PortholeError)) peer.connection.destroy();
    throw peer.dialogue.failure ?? sourceFailure(thrown);
  }
  const answer = peer.dialogue.say({ command: commandLine("BDAT", 0, "LAST"), sequel });
  return { answer, size, taken: () => settle(0, [answer]) };
}

/** Lines ended by CRLF, in chunks that are full but for the last. */
async function* chunksOf(
  message: AsyncIterable<Buffer>,
  room: () => Buffer,
): AsyncGenerator<{ readonly chunk: Buffer; readonly length: number }, void, undefined> {
  const writer = new CrlfWriter();
  let chunk = room();
  let length = 0;
  for await (const piece of endedBy(message, writer)) {
    for (let from = 0; from < piece.length; ) {
      const taken = piece.copy(chunk, length, from);
      from += taken;
      length += taken;
      if (length < chunk.length) continue;
      yield { chunk, length };
      chunk = room();
      length = 0;
    }
  }
  if (length > 0) yield { chunk, length };
}

async function* endedBy(
  message: AsyncIterable<Buffer>,
  writer: CrlfWriter,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of message) yield writer.write(piece);
  yield writer.end();
}
