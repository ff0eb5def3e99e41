/**
 * A socket that undici 7 cannot be killed with.
 *
 * When a server closes while undici's parser is paused by back-pressure, undici asserts `!this.paused` outside
 * of any promise and the process dies (nodejs/undici issue 5360; fixed in 8, which needs Node 22). This stream
 * stands between the connection and undici and tells of the end only when all was read and the parser runs.
 */
import { Duplex } from "node:stream";
import type { Connection } from "../../../src/net/connection.js";

export class PausingSocket extends Duplex {
  readonly #connection: Connection;
  /** The connection has ended, and undici has not been told. */
  #endHeld = false;
  #checking = false;

  constructor(connection: Connection) {
    // autoDestroy would close as soon as both sides ended, whatever the parser is at.
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#connection = connection;
    connection.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) connection.pause();
    });
    connection.on("end", () => {
      this.#endHeld = true;
      this.#tellWhenSafe();
    });
    connection.on("error", (error) => this.destroy(error));
    connection.on("close", () => {
      this.#endHeld = true;
      this.#tellWhenSafe();
    });
    connection.pause();
  }

  /** undici asks for it to find out whether HTTP/2 was agreed on. */
  get alpnProtocol(): string | undefined {
    return this.#connection.alpnProtocol;
  }

  get encrypted(): boolean {
    return this.#connection.encrypted;
  }

  /** Every resumption of the parser begins with a read: the moment to look again. */
  override read(size?: number): Buffer | null {
    const chunk: Buffer | null = super.read(size);
    if (this.#endHeld) this.#tellWhenSafe();
    return chunk;
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#connection.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.destroy();
    done(error);
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(enable?: boolean): this {
    this.#connection.setNoDelay(enable);
    return this;
  }

  setKeepAlive(enable?: boolean, delay?: number): this {
    this.#connection.setKeepAlive(enable, delay);
    return this;
  }

  ref(): this {
    this.#connection.ref();
    return this;
  }

  unref(): this {
    this.#connection.unref();
    return this;
  }

  #tellWhenSafe(): void {
    if (this.#checking) return;
    this.#checking = true;
    // Not within read(): undici has not looked at what it just got.
    setImmediate(() => {
      this.#checking = false;
      if (!this.#endHeld || this.destroyed || this.readableEnded) return;
      if (this.readableLength > 0 || this.#parserPaused) return;
      this.#endHeld = false;
      this.push(null);
      // Nobody calls read() any more on an empty stream: this one makes 'end' come.
      super.read(0);
    });
  }

  get #parserPaused(): boolean {
    const key = Object.getOwnPropertySymbols(this).find((symbol) => symbol.description === "parser");
    const parser: unknown = key === undefined ? undefined : Reflect.get(this, key);
    return typeof parser === "object" && parser !== null && "paused" in parser && parser.paused === true;
  }
}
