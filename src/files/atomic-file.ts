/** A file that comes to be under its name all at once: written beside it, synced, then renamed. */
import {
  closeSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { localError, PortholeError, systemCode } from "../errors.js";
import { type FilePath, syncAhead, syncFile, syncFolder } from "./disk.js";
import { WriteBehind } from "./write-behind.js";

export { type FilePath, roomForFiles } from "./disk.js";

export interface Naming {
  /** Where it is to be. */
  readonly path: FilePath;
  /** The folder that `path` is in: synced, so that the name survives a power cut. */
  readonly folder: FilePath;
  /** Replace what is there. */
  readonly replace: boolean;
  readonly modified?: Date | undefined;
  readonly mode?: number | undefined;
  /** Others follow soon, and nobody is held up when the disk is waited for together with them. */
  readonly mayWait?: boolean | undefined;
}

/** What is on its way to the disk is waited for by the thread; calls that the system answers from its cache are not. */
export class AtomicFile {
  readonly #part: FilePath;
  readonly #shown: string;
  readonly #descriptor: number;
  /** The part's name is nobody else's. */
  readonly #own: boolean;
  #size: number;
  #behind: WriteBehind | undefined;
  #state: "open" | "closed" | "named" = "open";

  private constructor(part: FilePath, shown: string, descriptor: number, size: number, own: boolean) {
    this.#part = part;
    this.#shown = shown;
    this.#descriptor = descriptor;
    this.#size = size;
    this.#own = own;
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
  static open(part: FilePath, shown: string, keep = 0): AtomicFile {
    try {
      if (keep === 0) return new AtomicFile(part, shown, openFresh(part), 0, false);
      const descriptor = openSync(part, "r+");
      ftruncateSync(descriptor, keep);
      return new AtomicFile(part, shown, descriptor, keep, false);
    } catch (thrown) {
      throw localError(thrown, shown);
    }
  }

  /** A fresh one whose part has a name that nobody else ever writes to. @throws PortholeError `local` */
  static openOwn(part: FilePath, shown: string): AtomicFile {
    try {
      return new AtomicFile(part, shown, openSync(part, "wx", 0o600), 0, true);
    } catch (thrown) {
      throw localError(thrown, shown);
    }
  }

  /**
   * Writes all of `octets` before it returns: a block is in the system's cache in less time than it takes to have
   * another thread put it there. @throws PortholeError `local`
   */
  write(octets: Uint8Array, position = this.#size): void {
    try {
      for (let written = 0; written < octets.length; ) {
        const rest = octets.length - written;
        written += writeSync(this.#descriptor, octets, written, rest, position + written);
        this.#size = Math.max(this.#size, position + written);
      }
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
  }

  /**
   * As `write`, by another thread, for what is large: `octets` may be overwritten when this, or its promise, is done, and are in
   * the file when `written` is. Nothing else is written meanwhile.
   * @throws PortholeError `local`, also for what was taken before
   */
  writeBehind(octets: Uint8Array, position: number): Promise<void> | void {
    this.#behind ??= new WriteBehind(this.#descriptor);
    try {
      const taking = this.#behind.add(octets, position);
      this.#size = Math.max(this.#size, position + octets.length);
      return taking?.catch((thrown: unknown) => {
        throw localError(thrown, this.#shown);
      });
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
  }

  /** All that was given to `writeBehind` is in the file. @throws PortholeError `local` */
  async written(): Promise<void> {
    try {
      await this.#behind?.flush();
    } catch (thrown) {
      throw localError(thrown, this.#shown);
    }
  }

  /**
   * Has the system begin to put on disk what was written, so that little is left to wait for at the end. A failure shows
   * when the file gets its name.
   */
  syncAhead(): Promise<void> {
    return syncAhead(this.#descriptor);
  }

  /**
   * Synced, dated, and under its final name.
   * @throws PortholeError `local`, also when something is there and `replace` is not set
   */
  async name(naming: Naming): Promise<void> {
    const { path, folder, replace, modified, mode, mayWait } = naming;
    try {
      if (mode !== undefined) fchmodSync(this.#descriptor, mode);
      await this.#behind?.flush();
      if (modified !== undefined) futimesSync(this.#descriptor, modified, modified);
      await syncFile(this.#descriptor, mayWait);
      if (!this.#own) this.#checkOwnership();
      this.close();
      if (replace) renameSync(this.#part, path);
      else renameOnto(this.#part, path);
      this.#state = "named";
      await syncFolder(folder, mayWait);
    } catch (thrown) {
      throw systemCode(thrown) === "EEXIST" ? existsAlready(this.#shown) : localError(thrown, this.#shown);
    }
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    closeSync(this.#descriptor);
  }

  /** Leaves nothing behind; does nothing once it has its name. */
  discard(): void {
    if (this.#state === "named") return;
    this.close();
    rmSync(this.#part, { force: true });
  }

  #checkOwnership(): void {
    if (fstatSync(this.#descriptor).ino === lstatSync(this.#part).ino) return;
    throw new PortholeError("local", `${this.#shown}: another process writes the same file`);
  }
}

/** A file of its own: another process that still writes an older one of this name cannot spoil it. */
function openFresh(part: FilePath): number {
  try {
    return openSync(part, "wx");
  } catch (thrown) {
    if (systemCode(thrown) !== "EEXIST") throw thrown;
  }
  rmSync(part, { force: true });
  return openSync(part, "wx");
}

/**
 * Renames a file, and not onto another: rename(2) would replace a target that came into being meanwhile, link(2)
 * refuses.
 * @throws the system's error; EEXIST when there is something
 */
export function renameOnto(from: FilePath, to: FilePath): void {
  try {
    linkSync(from, to);
  } catch (thrown) {
    // Some file systems (FAT, network shares) have no hard links; folders never have.
    if (!["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"].includes(systemCode(thrown) ?? "")) throw thrown;
    if (isThere(to)) throw Object.assign(new Error("exists already"), { code: "EEXIST" });
    renameSync(from, to);
    return;
  }
  unlinkSync(from);
}

/** True when the name is taken, be it by a link that leads nowhere. */
export function isThere(path: FilePath): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** The error for a place that is taken and must not be replaced. */
export function existsAlready(shown: string): PortholeError {
  return new PortholeError("local", `${shown}: exists already`, { hint: "--force replaces it" });
}
