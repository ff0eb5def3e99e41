/**
 * A message on its way to the server. APPEND wants its size before its first octet (RFC 9051, 6.3.12), line ends are
 * CRLF there, and a source that fails in the middle must leave nothing behind: so it is gathered first, in memory as
 * long as it is small, else in a file that nobody else sees.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localError } from "../../src/errors.js";

/** Octets held in memory. */
const IN_MEMORY = 1024 * 1024;
const READ_SIZE = 256 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const CRLF = Buffer.from("\r\n");

export class Spool implements AsyncDisposable {
  #pieces: Buffer[] = [];
  #held = 0;
  #file: FileHandle | undefined;
  #size = 0;
  #binary = false;
  #last = 0;
  /** The beginning of the message, where its header is. */
  #head: Buffer = Buffer.alloc(0);

  /** @throws PortholeError `local` when there is no room; what the source fails with */
  static async of(source: AsyncIterable<Uint8Array>): Promise<Spool> {
    const spool = new Spool();
    try {
      for await (const chunk of source)
        await spool.#take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (spool.#last === CR) await spool.#keep(Buffer.from("\n"));
      return spool;
    } catch (thrown) {
      await spool[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Octets, line ends CRLF. */
  get size(): number {
    return this.#size;
  }

  /** It holds NULs. */
  get binary(): boolean {
    return this.#binary;
  }

  get head(): Buffer {
    return this.#head;
  }

  async *octets(): AsyncGenerator<Buffer, void, undefined> {
    if (this.#file === undefined) {
      yield* this.#pieces;
      return;
    }
    for (let at = 0; at < this.#size; ) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(READ_SIZE), 0, READ_SIZE, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pieces = [];
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** RFC 9051, 2.3.3 has lines end in CRLF alone; what Maildirs hold ends in LF. */
  async #take(chunk: Buffer): Promise<void> {
    if (!this.#binary && chunk.includes(0)) this.#binary = true;
    let start = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      const before = at === 0 ? this.#last : chunk[at - 1];
      if (before === CR) continue;
      if (at > start) await this.#keep(Buffer.from(chunk.subarray(start, at)));
      await this.#keep(CRLF);
      start = at + 1;
    }
    if (start < chunk.length) await this.#keep(Buffer.from(chunk.subarray(start)));
    this.#last = chunk.at(-1) ?? this.#last;
  }

  async #keep(octets: Buffer): Promise<void> {
    if (this.#head.length < HEAD)
      this.#head = Buffer.concat([this.#head, octets.subarray(0, HEAD - this.#head.length)]);
    this.#size += octets.length;
    this.#pieces.push(octets);
    this.#held += octets.length;
    if (this.#held < IN_MEMORY) return;
    try {
      this.#file ??= await nameless();
      await this.#file.write(Buffer.concat(this.#pieces));
    } catch (thrown) {
      throw localError(thrown, tmpdir());
    }
    this.#pieces = [];
    this.#held = 0;
  }

  /** All that is held goes to the file, when there is one. */
  async settle(): Promise<void> {
    if (this.#file === undefined || this.#held === 0) return;
    await this.#file.write(Buffer.concat(this.#pieces));
    this.#pieces = [];
    this.#held = 0;
  }
}

const HEAD = 64 * 1024;

/** A file without a name, gone when it is closed, whatever happens. */
async function nameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `porthole-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
