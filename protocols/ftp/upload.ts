/** Octets to the server: all of them and the server's word for it, or an error. */
import { pipeline } from "node:stream/promises";
import type { Control } from "./control.js";
import { ToNetworkLines } from "./network-lines.js";
import { Refusal } from "./refusal.js";
import type { Transfer } from "./transfer.js";

export interface UploadOptions {
  /** Lines end as here, and are to end as the network has them (RFC 959, 3.1.1.1). */
  readonly text?: boolean | undefined;
  /** Is shown what goes over the wire. */
  readonly seen?: ((octets: Uint8Array) => void) | undefined;
}

/**
 * @returns octets sent
 * @throws PortholeError; what `source` throws, after the server was told to forget the transfer
 */
export async function upload(
  transfer: Transfer,
  source: AsyncIterable<Uint8Array>,
  { text = false, seen }: UploadOptions = {},
): Promise<number> {
  const lines = text ? new ToNetworkLines() : undefined;
  let octets = 0;
  let sourceFailed = false;
  async function* outgoing(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of source) {
        const piece = lines?.write(chunk) ?? chunk;
        octets += piece.length;
        seen?.(piece);
        yield piece;
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

/** @throws Refusal with its way out: a server may take whole files alone (ProFTPD unless AllowStoreRestart is on) */
export async function append(control: Control, pathname: string): Promise<Transfer> {
  try {
    return await control.transfer(`APPE ${pathname}`, { takesFile: true });
  } catch (thrown) {
    const { status = 0, reply = "" } = thrown instanceof Refusal ? thrown : {};
    const isAboutAppending = /\b(?:append|restart|resume)/i.test(reply) || [500, 502, 504].includes(status);
    if (thrown instanceof Refusal && isAboutAppending) thrown.hint ??= WHOLE_ALONE;
    throw thrown;
  }
}

const WHOLE_ALONE = "it takes no rest of a file: --force sends the whole anew, without --resume";
