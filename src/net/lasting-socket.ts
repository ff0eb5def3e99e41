/** A socket that goes on reading when it can no longer write. */
import { type OnReadOpts, Socket } from "node:net";
import type { Readable } from "node:stream";
import { isClosedByPeer } from "./failures.js";

/** Milliseconds for the rest of what a side that has closed had said: it lies here already. */
const HEARD_OUT_MS = 1000;

type Done = (error?: Error | null) => void;

/**
 * Whoever closes a connection before having read all of it resets it, and the next write fails. What they said before they
 * closed - why, as a rule - may still lie unread here, and Node throws it away with the socket. So such a write is neither
 * done nor failed: `onLost` is told, and the owner destroys the socket when it has read what there is.
 */
export class LastingSocket extends Socket {
  onLost: ((error: Error) => void) | undefined;

  /** @param options.onread the buffer that it reads into again and again */
  constructor(options: { readonly onread?: OnReadOpts } = {}) {
    super({ ...options, allowHalfOpen: true });
    this.setNoDelay(true);
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, this.#unlessClosed(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, this.#unlessClosed(done));
  }

  #unlessClosed(done: Done): Done {
    return (error) => {
      if (error && this.onLost !== undefined && isClosedByPeer(error)) this.onLost(error);
      else done(error);
    };
  }
}

/** Calls `tell` when what the other side had said has been read, or nobody has read it for a while. */
export function whenHeardOut(stream: Readable, tell: () => void): void {
  const over = () => {
    clearTimeout(timer);
    tell();
  };
  const timer = setTimeout(over, HEARD_OUT_MS);
  timer.unref();
  if (stream.readableEnded) over();
  else stream.once("end", over);
}
