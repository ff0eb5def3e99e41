/** Octets from one stream into another, at the pace of the slower. */
import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Connection } from "../../src/net/connection.js";

/** Milliseconds that a peer has for its last words, after we said ours. */
const FAREWELL = 2000;

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
  const left = new AbortController();
  try {
    await Promise.race([
      once(to, "drain", { signal: left.signal }),
      once(to, "close", { signal: left.signal }),
    ]);
  } finally {
    left.abort();
  }
}

/** After the last was sent: takes what still comes, until the peer closes or has been silent for a while. */
export async function takeRest(
  connection: Connection,
  take: (octets: Uint8Array) => Promise<void> = async () => {},
): Promise<void> {
  let timer = setTimeout(() => connection.destroy(), FAREWELL);
  try {
    for await (const piece of connection) {
      clearTimeout(timer);
      await take(piece);
      timer = setTimeout(() => connection.destroy(), FAREWELL);
    }
  } catch (thrown) {
    // Our own end of waiting is none of the peer's failures.
    if (connection.errored) throw thrown;
  } finally {
    clearTimeout(timer);
  }
}
