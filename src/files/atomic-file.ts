/** A file that comes to be under its name all at once: written beside it, synced, then renamed. */
import { fchmodSync, fstatSync, futimesSync, linkSync, lstatSync, unlinkSync, writeSync } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { localError, PortholeError, systemCode } from "../errors.js";
import { type FilePath, syncFolder } from "./disk.js";

export type { FilePath } from "./disk.js";

export interface Naming {
  /** Where it is to be. */
  readonly path: FilePath;
  /** The folder that `path` is in: synced, so that the name survives a power cut. */
  readonly folder: FilePath;
  /** Replace what is there. */
  readonly replace: boolean;
  readonly modified?: Date | undefined;
  readonly mode?: number | undefined;
}

export class AtomicFile {
  readonly #part: FilePath;
  readonly #shown: string;
  readonly #handle: FileHandle;
  #size: number;
  #state: "open" | "closed" | "named" = "open";

  private constructor(part: FilePath, shown: string, handle: FileHandle, size: number) {
    this.#part = part;
    this.#shown = shown;
    this.#handle = handle;
    this.#size = size;
  }

  /** Octets so far. */
  get size(): number {
    return this.#size;
  }

  /** Whole, and under its final name. */
  get named(): boolean {
    return this.#state === "named";
  }

  /**
   * A fresh one, or the one that is there cut to `keep` octets.
   * @param part where it lies until it is whole, on the same file system as its place
   * @param shown the place as messages name it
   * @throws PortholeError `local`
   */
  static async open(part: FilePath, shown: string, keep = 0): Promise<AtomicFile> {
    try {
      if (keep > 0) {
        const handle = await open(part, "r+");
        await handle.truncate(keep);
        return new AtomicFile(part, shown, handle, keep);
      }
      return new AtomicFile(part, shown, await openOwn(part), 0);
    } catch (thrown) {
      throw localError(thrown, shown);
    }
  }

  /** Writes all of `octets` at `position`. @throws PortholeError `local` */
  async write(octets: Uint8Array, position = this.#size): Promise<void> {
    try {
      for (let written = 0; written < octets.length; ) {
        const rest = octets.subarray(written);
        const { bytesWritten } = await this.#handle.write(rest, 0, null, position + written);
        written += bytesWritten;
        this.#size = Math.max(this.#size, position + written);
      }
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
  }

  /**
   * Writes all of `octets` before it returns. A large block is in the system's cache in less time than it takes to have
   * another thread do it. @throws PortholeError `local`
   */
  writeNow(octets: Uint8Array, position = this.#size): void {
    try {
      for (let written = 0; written < octets.length; ) {
        const rest = octets.length - written;
        written += writeSync(this.#handle.fd, octets, written, rest, position + written);
        this.#size = Math.max(this.#size, position + written);
      }
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
  }

  /** Keeps the first octets alone. @throws PortholeError `local` */
  async cut(octets: number): Promise<void> {
    try {
      await this.#handle.truncate(octets);
      this.#size = octets;
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
  }

  /**
   * Has the system begin to put on disk what was written, so that little is left to wait for at the end. A failure shows
   * when the file gets its name.
   */
  syncAhead(): Promise<void> {
    return this.#handle.datasync().catch(() => undefined);
  }

  /**
   * Synced, dated, and under its final name.
   * @throws PortholeError `local`, also when something is there and `replace` is not set
   */
  async name(naming: Naming): Promise<void> {
    try {
      // What an open file is told takes no longer than to have another thread tell it.
      const { fd } = this.#handle;
      if (naming.mode !== undefined) fchmodSync(fd, naming.mode);
      if (naming.modified !== undefined) futimesSync(fd, naming.modified, naming.modified);
      await this.#handle.sync();
      this.#checkOwnership();
      await this.close();
      await (naming.replace ? rename(this.#part, naming.path) : renameOnto(this.#part, naming.path));
      this.#state = "named";
      await syncFolder(naming.folder);
    } catch (thrown) {
      throw systemCode(thrown) === "EEXIST" ? existsAlready(this.#shown) : localError(thrown, this.#shown);
    }
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    await this.#handle.close();
  }

  /** Leaves nothing behind; does nothing once it has its name. */
  async discard(): Promise<void> {
    if (this.#state === "named") return;
    await this.close();
    await rm(this.#part, { force: true });
  }

  #checkOwnership(): void {
    const [own, there] = [fstatSync(this.#handle.fd), lstatSync(this.#part)];
    if (own.ino !== there.ino) {
      throw new PortholeError("local", `${this.#shown}: another process writes the same file`);
    }
  }
}

/**
 * Renames a file, and not onto another: rename(2) would replace a target that came into being meanwhile, link(2)
 * refuses.
 * @throws the system's error; EEXIST when there is something
 */
export async function renameOnto(from: FilePath, to: FilePath): Promise<void> {
  try {
    linkSync(from, to);
  } catch (thrown) {
    // Some file systems (FAT, network shares) have no hard links; folders never have.
    if (!["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"].includes(systemCode(thrown) ?? "")) throw thrown;
    if (await isThere(to)) throw Object.assign(new Error("exists already"), { code: "EEXIST" });
    await rename(from, to);
    return;
  }
  unlinkSync(from);
}

/** A file of its own: another process that still writes an older one of this name cannot spoil it. */
async function openOwn(part: FilePath): Promise<FileHandle> {
  try {
    return await open(part, "wx");
  } catch (thrown) {
    if (systemCode(thrown) !== "EEXIST") throw thrown;
    await rm(part, { force: true });
    return open(part, "wx");
  }
}

/** True when the name is taken, be it by a link that leads nowhere. */
export function isThere(path: FilePath): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** The error for a place that is taken and must not be replaced. */
export function existsAlready(shown: string): PortholeError {
  return new PortholeError("local", `${shown}: exists already`, { hint: "--force replaces it" });
}
