/** The rest of an answer that nobody wants. */
import { addAbortSignal, type Readable } from "node:stream";
import { finished } from "node:stream/promises";

/** More than this is not read only to keep a connection: octets, and milliseconds. */
const MOST_OCTETS = 64 * 1024;
const LONGEST_MS = 1000;

/** Reads a small body to its end, so that the connection can serve again; gives up a large or slow one. */
export async function drain(body: Readable): Promise<void> {
  addAbortSignal(AbortSignal.timeout(LONGEST_MS), body);
  let octets = 0;
  body.on("data", (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > MOST_OCTETS) body.destroy();
  });
  // However it ends, it was not wanted.
  await finished(body).catch(() => undefined);
}
