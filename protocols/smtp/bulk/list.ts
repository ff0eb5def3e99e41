/**
 * The list of a mailing. It is read to its end before the first mail goes out, and then row by row: what comes through a pipe
 * is kept meanwhile, in a file that nobody else sees.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { localError } from "../../../src/errors.js";
import { formByBeginning, formByName, type ListForm, type Row, rowsOf } from "./rows.js";

export class MailingList implements AsyncDisposable {
  readonly shown: string;
  /** What the journal knows it by: where it lies, or what came through the pipe. */
  readonly mark: string;
  readonly #form: ListForm;
  readonly #kept: FileHandle | undefined;

  private constructor(shown: string, mark: string, form: ListForm, kept?: FileHandle) {
    this.shown = shown;
    this.mark = mark;
    this.#form = form;
    this.#kept = kept;
  }

  /**
   * @param word the name of a file, or of a pipe; `-` is standard input
   * @throws PortholeError `local` when it cannot be read, `usage` when it does not tell what it is
   */
  static async open(word: string, stdin: AsyncIterable<Uint8Array>): Promise<MailingList> {
    if (word === "-") return MailingList.#keep("standard input", stdin);
    try {
      const facts = await stat(word);
      const isPipe = !facts.isFile() && !facts.isDirectory();
      if (isPipe || word.startsWith("/dev/")) return await MailingList.#keep(word, createReadStream(word));
    } catch (thrown) {
      throw localError(thrown, word);
    }
    return new MailingList(word, resolve(word), formByName(word));
  }

  static async #keep(shown: string, source: AsyncIterable<Uint8Array>): Promise<MailingList> {
    let kept: FileHandle | undefined;
    try {
      kept = await nameless();
      const digest = createHash("sha256");
      let head = Buffer.alloc(0);
      for await (const piece of source) {
        digest.update(piece);
        if (head.length < HEAD) head = Buffer.concat([head, piece.subarray(0, HEAD)]);
        await kept.writeFile(piece);
      }
      return new MailingList(shown, `sha256:${digest.digest("hex")}`, formByBeginning(head), kept);
    } catch (thrown) {
      await kept?.close();
      throw localError(thrown, shown);
    }
  }

  /** @throws PortholeError `local` for a file that cannot be read, `usage` with the line for what is no row */
  rows(): AsyncGenerator<Row, void, undefined> {
    return rowsOf(this.#stream(), this.#form, this.shown);
  }

  #stream(): Readable {
    return this.#kept?.createReadStream({ start: 0, autoClose: false }) ?? createReadStream(this.shown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept?.close();
  }
}

/** Octets that tell what a list is. */
const HEAD = 1024;

/** A file without a name, gone when it is closed, whatever happens. */
async function nameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `porthole-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
