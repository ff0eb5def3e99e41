/**
 * A message on its way into a Maildir: written in tmp, synced, then named in new or cur (maildir(5)). Its name in tmp is
 * nobody else's. Calls that the system answers from its cache are made on the spot: handing each to another thread took
 * most of the time of a backup.
 */
import { closeSync, futimesSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { localError, systemCode } from "../../src/errors.js";
import { existsAlready, renameOnto } from "../../src/files/atomic-file.js";
import { syncFile, syncFolder } from "../../src/files/disk.js";

export interface Naming {
  readonly path: Buffer;
  /** The folder that `path` is in. */
  readonly folder: Buffer;
  /** Whether the name may be taken: `replace` what is there, `refuse` then, or `fresh`, which none other has. */
  readonly taken: "replace" | "refuse" | "fresh";
  readonly modified: Date | undefined;
}

export class Delivery {
  /** Octets so far. */
  size = 0;
  readonly #tmp: Buffer;
  readonly #shown: string;
  readonly #fd: number;
  #state: "open" | "closed" | "named" = "open";

  /**
   * @param tmp where it is written
   * @param shown the mailbox as messages name it
   * @throws PortholeError `local`
   */
  constructor(tmp: Buffer, shown: string) {
    this.#tmp = tmp;
    this.#shown = shown;
    try {
      this.#fd = openSync(tmp, "wx", 0o600);
    } catch (thrown) {
      throw localError(thrown, shown);
    }
  }

  /** @throws PortholeError `local` */
  write(block: Uint8Array): void {
    try {
      for (let written = 0; written < block.length; ) written += writeSync(this.#fd, block, written);
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
    this.size += block.length;
  }

  /** Synced, dated and under its name. @throws PortholeError `local` */
  async name({ path, folder, taken, modified }: Naming): Promise<void> {
    try {
      if (modified !== undefined) futimesSync(this.#fd, modified, modified);
      await syncFile(this.#fd);
      this.#close();
      if (taken === "refuse") await renameOnto(this.#tmp, path);
      else renameSync(this.#tmp, path);
      this.#state = "named";
      await syncFolder(folder);
    } catch (thrown) {
      throw systemCode(thrown) === "EEXIST" ? existsAlready(this.#shown) : localError(thrown, this.#shown);
    }
  }

  /** Leaves nothing in tmp; does nothing once it has its name. */
  discard(): void {
    if (this.#state === "named") return;
    this.#close();
    try {
      unlinkSync(this.#tmp);
    } catch (thrown) {
      if (systemCode(thrown) !== "ENOENT") throw localError(thrown, this.#shown);
    }
  }

  #close(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    closeSync(this.#fd);
  }
}
