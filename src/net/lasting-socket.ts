/** A socket that goes on reading when it can no longer write. */
import { type OnReadOpts, Socket } from "node:net";
import { isClosedByPeer } from "./failures.js";

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
