/** A message whose beginning is read, so that a small one can be sent in one go and be sent again after a login. */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { octetsOf, sourceFailure } from "../../src/net/message-data.js";
import { CrlfWriter } from "../../src/wire/crlf-writer.js";

export class OpenedMessage {
  readonly #head: Buffer[] = [];
  readonly #pieces: AsyncIterator<unknown>;
  #whole = false;

  private constructor(raw: Readable) {
    this.#pieces = raw[Symbol.asyncIterator]();
  }

  /**
   * Reads up to `most` octets, and a piece.
   * @throws PortholeError `local` when the message cannot be read
   */
  static async open(raw: Readable, most: number): Promise<OpenedMessage> {
    const message = new OpenedMessage(raw);
    let size = 0;
    while (size <= most && !message.#whole) {
      const piece = await message.#next();
      if (piece === undefined) message.#whole = true;
      else {
        message.#head.push(piece);
        size += piece.length;
      }
    }
    return message;
  }

  /** All of it has been read. */
  get whole(): boolean {
    return this.#whole;
  }

  /** The whole message, lines ended by CRLF, the last one too. */
  octets(): Buffer {
    const writer = new CrlfWriter();
    return Buffer.concat([...this.#head.map((piece) => writer.write(piece)), writer.end()]);
  }

  /** From the beginning; once, unless it is whole. */
  async *pieces(): AsyncGenerator<Buffer, void, undefined> {
    if (this.#whole) yield* this.#head;
    else for (const piece of this.#head.splice(0)) yield piece;
    while (!this.#whole) {
      const piece = await this.#next();
      if (piece === undefined) return;
      yield piece;
    }
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.#pieces.next();
      if (done === true) return undefined;
      const octets = octetsOf(value);
      return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    } catch (thrown) {
      const failure = sourceFailure(thrown);
      throw failure instanceof Error ? failure : new PortholeError("local", String(failure));
    }
  }
}
