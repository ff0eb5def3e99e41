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

/**
 * Hands the message over chunk by chunk.
 * @param sequel how the answer to the last chunk goes on
 * @returns the answer to the last chunk, and the octets of the message
 * @throws PortholeError by the first chunk that is refused; what reading the message throws, after which the connection is
 *   gone and the server keeps nothing
 */
export async function handOverChunks(
  peer: Peer,
  message: AsyncIterable<Buffer>,
  sequel: (reply: Reply) => Sequel,
  tell: (done: number) => void,
): Promise<{ readonly answer: Answer<Reply>; readonly size: number }> {
  const ahead = peer.extensions.has("PIPELINING") ? AHEAD : 1;
  const waiting: Answer<Reply>[] = [];
  let size = 0;
  const settle = async (most: number) => {
    while (waiting.length > most) {
      const next = waiting.shift();
      const reply = next === undefined ? undefined : await heard(next);
      if (reply === undefined || isPositive(reply)) continue;
      // What was sent behind is refused as well, and the transaction is over.
      for (const answer of waiting.splice(0)) await heard(answer);
      throw refusal(reply, "the server refused the message");
    }
  };
  try {
    for await (const chunk of chunksOf(message, CHUNK)) {
      size += chunk.length;
      waiting.push(peer.dialogue.say({ command: commandLine("BDAT", chunk.length), payload: chunk }));
      await settle(ahead - 1);
      tell(size);
    }
    await settle(0);
  } catch (thrown) {
    if (peer.dialogue.failure === undefined && !(thrown instanceof PortholeError)) peer.connection.destroy();
    throw peer.dialogue.failure ?? sourceFailure(thrown);
  }
  return { answer: peer.dialogue.say({ command: commandLine("BDAT", 0, "LAST"), sequel }), size };
}

/** Lines ended by CRLF, in pieces of about `size` octets. */
async function* chunksOf(
  message: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<Buffer, void, undefined> {
  const writer = new CrlfWriter();
  let held: Buffer[] = [];
  let holding = 0;
  for await (const piece of message) {
    const octets = writer.write(piece);
    held.push(octets);
    holding += octets.length;
    if (holding < size) continue;
    yield Buffer.concat(held);
    held = [];
    holding = 0;
  }
  held.push(writer.end());
  const last = Buffer.concat(held);
  if (last.length > 0) yield last;
}
