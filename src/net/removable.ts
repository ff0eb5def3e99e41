/**
 * What stands between a socket and TLS that may be taken off it again (CCC, RFC 4217, 5). Node gives no socket back that
 * TLS was started on: TLS gets this in its place, and ends with it.
 */
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { TlsRecords } from "./tls-records.js";

/** Milliseconds that the other side has to say that TLS ends. */
const FAREWELL_MS = 2000;
/** Octets that the other side may say while TLS ends; the rest is not heard. */
const MOST_BEHIND = 65_536;

type Done = (error?: Error | null) => void;

export class Removable extends Duplex {
  readonly #socket: Duplex;
  /** TLS ends, and the socket lives on. */
  #isLeft = false;
  readonly #records = new TlsRecords();
  /** What was said under TLS while it ended, and in clear behind that. */
  readonly #behind: Buffer[] = [];
  readonly #inClear: Buffer[] = [];
  #room = MOST_BEHIND;

  constructor(socket: Duplex) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.pause();
  }

  /** From now on TLS may end, and the socket lives on. */
  outliveTls(): void {
    this.#isLeft = true;
  }

  /**
   * Both sides say that TLS ends (RFC 8446, 6.1); what comes over the socket after that is in clear.
   * @returns what was said meanwhile, under TLS or behind it
   * @throws Error of TLS
   */
  async takeOff(secured: TLSSocket): Promise<Buffer> {
    let timer: NodeJS.Timeout | undefined;
    try {
      if (secured.errored) throw secured.errored;
      await new Promise<void>((resolve, reject) => {
        if (secured.closed) resolve();
        secured.once("close", resolve);
        secured.once("error", reject);
        timer = setTimeout(resolve, FAREWELL_MS);
        secured.on("data", (octets: Buffer) => this.#keep(octets));
        secured.end();
      });
    } finally {
      clearTimeout(timer);
      const socket = this.#socket;
      socket.pause();
      socket.off("data", this.#onData);
      socket.off("end", this.#onEnd);
      socket.off("error", this.#onError);
      socket.off("close", this.#onClose);
      secured.on("error", () => {});
      secured.destroy();
    }
    return Buffer.concat([...this.#behind, ...this.#inClear]);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: Done): void {
    if (this.#isLeft) done();
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.#isLeft) this.#socket.destroy();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    // OpenSSL would drop what follows the word that TLS ends.
    const own = this.#inClear.length > 0 ? 0 : this.#records.take(chunk);
    if (own < chunk.length) this.#keep(chunk.subarray(own), this.#inClear);
    if (own > 0 && !this.push(chunk.subarray(0, own))) this.#socket.pause();
  };

  #keep(octets: Buffer, where = this.#behind): void {
    const kept = octets.subarray(0, this.#room);
    this.#room -= kept.length;
    if (kept.length > 0) where.push(kept);
  }

  readonly #onEnd = (): void => {
    this.push(null);
  };

  readonly #onError = (error: Error): void => {
    this.destroy(error);
  };

  readonly #onClose = (): void => {
    this.destroy();
  };
}
