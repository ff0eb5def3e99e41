/** A file that is not whole yet: where it lies beside its target, what is known of its original, how it becomes whole. */
import { createHash } from "node:crypto";
import {
  type FileHandle,
  link,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { localError, PortholeError, systemCode } from "../errors.js";

/** What a partial copy must know to be continued. */
export interface PartialFacts {
  readonly url: string;
  /** What the whole file will be called, which the partial one's own name need not tell. */
  readonly name?: string;
  readonly validator?: string;
  /** Octets of the whole. */
  readonly total?: number;
}

const SUFFIX = ".porthole-part";
const FACTS_SUFFIX = `${SUFFIX}.json`;
/** Octets that a name may have, the `.json` of the facts included. */
const LONGEST_STEM = 255 - 1 - FACTS_SUFFIX.length;

/** `.NAME.porthole-part` in the target's folder; a name too long for that is told by its digest. */
export function partialPath(target: string): string {
  const name = basename(target);
  const stem =
    Buffer.byteLength(name) <= LONGEST_STEM ? name : createHash("sha256").update(name).digest("hex");
  return join(dirname(target), `.${stem}${SUFFIX}`);
}

function factsPath(target: string): string {
  return `${partialPath(target)}.json`;
}

/** What an earlier run left for this URL, or undefined when there is nothing to continue. */
export async function findPartial(
  target: string,
  url: string,
): Promise<(PartialFacts & { readonly size: number }) | undefined> {
  const facts = await factsIn(factsPath(target));
  if (facts?.url !== url) return undefined;
  try {
    const { size } = await stat(partialPath(target));
    return size > 0 ? { ...facts, size } : undefined;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return undefined;
    throw localError(thrown, partialPath(target));
  }
}

/** The file in this folder that an earlier run left partly done for this URL, whatever name the server gave it. */
export async function findPartialIn(folder: string, url: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    throw localError(thrown, folder);
  });
  for (const name of names.filter((candidate) => candidate.endsWith(FACTS_SUFFIX))) {
    const facts = await factsIn(join(folder, name));
    if (facts?.url !== url || facts.name === undefined || facts.name !== basename(facts.name)) continue;
    const target = join(folder, facts.name);
    if (factsPath(target) === join(folder, name)) return target;
  }
  return undefined;
}

/** Facts that are missing or damaged only mean that the copy starts over. */
async function factsIn(path: string): Promise<PartialFacts | undefined> {
  try {
    return readFacts(JSON.parse(await readFile(path, "utf8")));
  } catch (thrown) {
    if (thrown instanceof SyntaxError || systemCode(thrown) === "ENOENT") return undefined;
    throw localError(thrown, path);
  }
}

function readFacts(json: unknown): PartialFacts | undefined {
  if (typeof json !== "object" || json === null || !("url" in json) || typeof json.url !== "string") {
    return undefined;
  }
  return {
    url: json.url,
    ...("name" in json && typeof json.name === "string" ? { name: json.name } : {}),
    ...("validator" in json && typeof json.validator === "string" ? { validator: json.validator } : {}),
    ...("total" in json && typeof json.total === "number" ? { total: json.total } : {}),
  };
}

/** The partial file, open for writing. */
export class PartialFile {
  readonly #target: string;
  readonly #handle: FileHandle;
  #size: number;
  #state: "open" | "closed" | "finished" = "open";

  private constructor(target: string, handle: FileHandle, size: number) {
    this.#target = target;
    this.#handle = handle;
    this.#size = size;
  }

  /** Octets so far. */
  get size(): number {
    return this.#size;
  }

  /** Whole, and under its final name. */
  get finished(): boolean {
    return this.#state === "finished";
  }

  /**
   * A fresh one, or the old one cut to `keep` octets.
   * @throws PortholeError `local`
   */
  static async open(target: string, keep: number): Promise<PartialFile> {
    const path = partialPath(target);
    try {
      if (keep > 0) {
        const handle = await open(path, "r+");
        await handle.truncate(keep);
        return new PartialFile(target, handle, keep);
      }
      // A file of its own: another process that still writes an older one of this name cannot spoil it.
      await rm(path, { force: true });
      await rm(factsPath(target), { force: true });
      return new PartialFile(target, await open(path, "wx"), 0);
    } catch (thrown) {
      throw localError(thrown, target);
    }
  }

  /** Writes all of `octets` at `position`. @throws PortholeError `local` */
  async write(octets: Uint8Array, position: number): Promise<void> {
    try {
      for (let written = 0; written < octets.length; ) {
        const { bytesWritten } = await this.#handle.write(
          octets.subarray(written),
          0,
          null,
          position + written,
        );
        written += bytesWritten;
        this.#size = Math.max(this.#size, position + written);
      }
    } catch (thrown) {
      throw localError(thrown, this.#target);
    }
  }

  /** Keeps beside the octets what a later run needs to continue. */
  async remember(facts: PartialFacts): Promise<void> {
    try {
      const known: PartialFacts = { ...facts, name: basename(this.#target) };
      await writeFile(factsPath(this.#target), JSON.stringify(known));
    } catch (thrown) {
      throw localError(thrown, factsPath(this.#target));
    }
  }

  /**
   * Synced, dated, and under its final name.
   * @throws PortholeError `local`, also when the target exists and `replace` is not set
   */
  async finish(options: {
    replace: boolean;
    modified: Date | undefined;
    mode: number | undefined;
  }): Promise<void> {
    try {
      if (options.mode !== undefined) await this.#handle.chmod(options.mode);
      if (options.modified !== undefined) await this.#handle.utimes(options.modified, options.modified);
      await this.#handle.sync();
      await this.#checkOwnership();
      await this.close();
      await (options.replace ? rename(partialPath(this.#target), this.#target) : this.#renameOnto());
      this.#state = "finished";
      await rm(factsPath(this.#target), { force: true });
      await syncFolder(dirname(this.#target));
    } catch (thrown) {
      throw systemCode(thrown) === "EEXIST" ? existsAlready(this.#target) : localError(thrown, this.#target);
    }
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    await this.#handle.close();
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.close();
    await rm(partialPath(this.#target), { force: true });
    await rm(factsPath(this.#target), { force: true });
  }

  async #checkOwnership(): Promise<void> {
    const [own, named] = await Promise.all([this.#handle.stat(), stat(partialPath(this.#target))]);
    if (own.ino !== named.ino) {
      throw new PortholeError("local", `${this.#target}: another process writes the same file`);
    }
  }

  /** rename(2) would replace a target that came into being meanwhile; link(2) refuses. */
  async #renameOnto(): Promise<void> {
    const path = partialPath(this.#target);
    try {
      await link(path, this.#target);
    } catch (thrown) {
      // Some file systems (FAT, network shares) have no hard links.
      if (!["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"].includes(systemCode(thrown) ?? "")) throw thrown;
      if (await exists(this.#target)) throw existsAlready(this.#target);
      await rename(path, this.#target);
      return;
    }
    await rm(path);
  }
}

/** The error for a target that is there and must not be replaced. */
export function existsAlready(path: string): PortholeError {
  return new PortholeError("local", `${path}: exists already`, { hint: "--force replaces it" });
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The rename itself survives a power cut only when the folder is synced; not every system lets one. */
async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path, "r");
    await folder.sync();
  } catch (thrown) {
    if (!["EISDIR", "EINVAL", "EPERM", "EACCES", "EBADF", "ENOTSUP"].includes(systemCode(thrown) ?? ""))
      throw thrown;
  }
}
