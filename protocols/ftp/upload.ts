/** Octets to the server: all of them and the server's word for it, or an error. */
import { pipeline } from "node:stream/promises";
import type { Transfer } from "./transfer.js";

/**
 * @returns octets sent
 * @throws PortholeError; what `source` throws, after the server was told to forget the transfer
 */
export async function upload(transfer: Transfer, source: AsyncIterable<Uint8Array>): Promise<number> {
  let octets = 0;
  let sourceFailed = false;
  async function* outgoing(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of source) {
        octets += chunk.length;
        yield chunk;
      }
    } catch (thrown) {
      sourceFailed = true;
      // Before the data connection is closed, which the server would take for the end of the file.
      await transfer.cancel();
      throw thrown;
    }
  }
  const refused = new AbortController();
  transfer.ended.then(
    (reply) => {
      // A refusal before all was sent: disc full, quota.
      if (reply.code >= 300) refused.abort();
    },
    (lost: unknown) => refused.abort(lost),
  );
  try {
    await pipeline(outgoing, transfer.data, { signal: refused.signal });
  } catch (thrown) {
    if (sourceFailed) throw thrown;
    throw await transfer.explain(refused.signal.aborted ? refused.signal.reason : thrown);
  }
  await transfer.finish();
  return octets;
}
