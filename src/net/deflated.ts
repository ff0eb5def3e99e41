/** A deflated stream in place of the socket beneath it (RFC 1951): COMPRESS of RFC 4978 and RFC 8054. */
import { Duplex } from "node:stream";
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import { PortholeError } from "../errors.js";

/** What a Connection stands on: a socket, or a stream over one. */
export interface Beneath extends Duplex {
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  setNoDelay(noDelay?: boolean): unknown;
  setKeepAlive(enable?: boolean, initialDelay?: number): unknown;
  ref(): unknown;
  unref(): unknown;
}

type Done = (error?: Error | null) => void;

export class Deflated extends Duplex implements Beneath {
  readonly #socket: Beneath;
  // The other side may close without ending its stream: what has come is all the same.
  readonly #inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  // Each write must reach the other side; it would wait in the deflater otherwise.
  readonly #deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });

  /** @param early what the other side deflated and was read already */
  constructor(socket: Beneath, early: Uint8Array) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#inflate.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) this.#inflate.pause();
    });
    this.#inflate.on("end", () => this.push(null));
    this.#inflate.on("error", (cause: Error) => {
      this.destroy(new PortholeError("protocol", "what the server compressed cannot be read", { cause }));
    });
    this.#deflate.on("error", (error: Error) => this.destroy(error));
    socket.on("error", (error: Error) => this.destroy(error));
    socket.once("close", () => {
      if (!this.destroyed && !this.#inflate.writableEnded) this.#inflate.end();
    });
    this.#inflate.pause();
    if (early.length > 0) this.#inflate.write(early);
    socket.pipe(this.#inflate);
    this.#deflate.pipe(socket);
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  setNoDelay(noDelay?: boolean): unknown {
    return this.#socket.setNoDelay(noDelay);
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): unknown {
    return this.#socket.setKeepAlive(enable, initialDelay);
  }

  ref(): unknown {
    return this.#socket.ref();
  }

  unref(): unknown {
    return this.#socket.unref();
  }

  override _read(): void {
    this.#inflate.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#deflate.write(chunk, done);
  }

  override _final(done: Done): void {
    this.#deflate.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
    this.#socket.destroy();
    done(error);
  }
}
