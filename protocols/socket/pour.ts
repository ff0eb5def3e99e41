/** Octets from one stream into another, at the pace of the slower. */
import type { Writable } from "node:stream";
import type { Connection } from "../../src/net/connection.js";
import { roomIn } from "../../src/net/room.js";

/** Milliseconds that a peer has for its last words, after we said ours. */
const FAREWELL = 2000;

/**
 * What comes, to the peer's end. The connection stays: who has said all it had to say may still be listening.
 * (Node's own iteration of a stream destroys it at its end, with what was still to be sent.)
 */
export function comingFrom(connection: Connection): AsyncIterable<Buffer> {
  return connection.iterator({ destroyOnReturn: false });
}

/** Ends our half, and waits until all is out, or there is no way any more. */
export async function endSending(connection: Connection): Promise<void> {
  if (connection.destroyed || connection.writableFinished) return;
  await new Promise<void>((resolve) => {
    connection.once("finish", resolve).once("close", resolve);
    connection.end();
  });
}

/** Writes all of `from`. @throws what the stream failed with @returns octets written */
export async function pour(from: AsyncIterable<Uint8Array>, to: Writable): Promise<number> {
  let octets = 0;
  for await (const piece of from) {
    octets += piece.length;
    await writeTo(to, piece);
  }
  return octets;
}

/** Writes a piece, and waits while there is no room. @throws what the stream failed with */
export async function writeTo(to: Writable, piece: Uint8Array): Promise<void> {
  if (to.errored) throw to.errored;
  // Who has stopped listening gets no more, and that is no failure of ours.
  if (to.destroyed || to.writableEnded) return;
  if (to.write(piece)) return;
  await roomIn(to);
  if (to.errored) throw to.errored;
}

/** Says that no more will come, and takes what still does, until the peer closes or has been silent for a while. */
export async function takeRest(
  connection: Connection,
  take: (octets: Uint8Array) => Promise<void> = async () => {},
): Promise<void> {
  const ended = endSending(connection);
  let timer: NodeJS.Timeout | undefined;
  // Silence counts from when all is out: a slow peer may need its time to take it.
  const restart = () => {
    clearTimeout(timer);
    timer = setTimeout(() => connection.destroy(), FAREWELL);
  };
  const waiting = ended.then(restart);
  try {
    for await (const piece of comingFrom(connection)) {
      clearTimeout(timer);
      await take(piece);
      if (connection.writableFinished) restart();
    }
    await waiting;
  } catch (thrown) {
    // Our own end of waiting is none of the peer's failures.
    if (connection.errored) throw thrown;
  } finally {
    clearTimeout(timer);
  }
}
