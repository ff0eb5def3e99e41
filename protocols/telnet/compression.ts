/** MCCP: one direction of a session as a zlib stream, from a point within it to its end. */
import { constants, createInflate } from "node:zlib";
import { PortholeError } from "../../src/errors.js";
import { roomIn } from "../../src/net/room.js";

/**
 * The octets of a source whose rest is compressed. Where the compressed part ends, what follows is plain again.
 * A little that inflates to a lot comes out at the reader's pace, and is never held whole.
 * @param first what had come already of the compressed part
 * @throws PortholeError `protocol` when it is no zlib stream
 */
export async function* inflated(
  first: Buffer,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
  let given = 0;
  let last: Buffer = first;
  let over = false;
  const feed = async () => {
    let chunk: Buffer | undefined = first;
    while (chunk !== undefined && !over) {
      last = chunk;
      given += chunk.length;
      if (!inflate.write(chunk)) await roomIn(inflate);
      if (over) return;
      const next: IteratorResult<Buffer, unknown> = await rest.next();
      chunk = next.done === true ? undefined : next.value;
      if (over && chunk !== undefined) last = Buffer.concat([last, chunk]);
    }
    inflate.end();
  };
  let failure: unknown;
  const feeding = feed().catch((thrown: unknown) => {
    failure = thrown;
    inflate.destroy();
  });
  try {
    for await (const piece of inflate) yield piece;
  } catch (thrown) {
    if (failure === undefined) {
      throw new PortholeError("protocol", "what the server compressed cannot be read", { cause: thrown });
    }
  }
  const unused = given - inflate.bytesWritten;
  over = true;
  if (failure !== undefined) throw failure;
  // The stream's own end came before the connection's.
  if (unused > 0) yield last.subarray(last.length - unused);
  await feeding;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
