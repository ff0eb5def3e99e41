/** A file that is not whole yet: where it lies beside its target, what is known of its original, how it becomes whole. */
import { existsSync, promises as files, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { localError, systemCode } from "../errors.js";
import { AtomicFile } from "../files/atomic-file.js";
import { nameDigest } from "../files/name-digest.js";
import type { Checksum } from "./checksum.js";
import { type Gap, gapsIn } from "./gaps.js";

/** What a partial copy must know to be continued. */
export interface PartialFacts {
  readonly url: string;
  /** What the whole file will be called, which the partial one's own name need not tell. */
  readonly name?: string;
  readonly validator?: string;
  /** Octets of the whole. */
  readonly total?: number;
  /** What is missing, when that is not just the end. */
  readonly gaps?: readonly Gap[];
}

/** A partial copy that is there. */
export interface PartialCopy extends PartialFacts {
  /** Octets with none missing before them. */
  readonly size: number;
  /** Octets of the file, gaps included. */
  readonly length: number;
}

const SUFFIX = ".porthole-part";
const FACTS = ".json";
const FACTS_SUFFIX = `${SUFFIX}${FACTS}`;
/** Octets that a name may have, the `.json` of the facts included. */
const LONGEST_STEM = 255 - 1 - FACTS_SUFFIX.length;

/** `.NAME.porthole-part` in the target's folder; a name too long for that is told by its digest. */
export function partialPath(target: string): string {
  const name = basename(target);
  // An octet is a character at least, and a character three octets of UTF-8 at most.
  const fits = name.length * 3 <= LONGEST_STEM || Buffer.byteLength(name) <= LONGEST_STEM;
  const part = `.${fits ? name : nameDigest(name)}${SUFFIX}`;
  return target.endsWith(name)
    ? `${target.slice(0, target.length - name.length)}${part}`
    : join(dirname(target), part);
}

export function factsPath(target: string): string {
  return `${partialPath(target)}${FACTS}`;
}

/** What an earlier run left for this URL, or undefined when there is nothing to continue. */
export async function findPartial(target: string, url: string): Promise<PartialCopy | undefined> {
  const facts = await factsIn(factsPath(target));
  if (facts?.url !== url) return undefined;
  try {
    const { size: length } = await files.stat(partialPath(target));
    return length > 0 ? { ...facts, size: facts.gaps?.[0]?.from ?? length, length } : undefined;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return undefined;
    throw localError(thrown, partialPath(target));
  }
}

/** The file in this folder that an earlier run left partly done for this URL, whatever name the server gave it. */
export async function findPartialIn(folder: string, url: string): Promise<string | undefined> {
  const names = await files.readdir(folder).catch((thrown: unknown) => {
    if (systemCode(thrown) === "ENOENT") return [];
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
    return readFacts(JSON.parse(await files.readFile(path, "utf8")));
  } catch (thrown) {
    if (thrown instanceof SyntaxError || systemCode(thrown) === "ENOENT") return undefined;
    throw localError(thrown, path);
  }
}

function readFacts(json: unknown): PartialFacts | undefined {
  if (typeof json !== "object" || json === null || !("url" in json) || typeof json.url !== "string") {
    return undefined;
  }
  const total = "total" in json && typeof json.total === "number" ? json.total : undefined;
  const gaps = "gaps" in json ? gapsIn(json.gaps, total) : undefined;
  // Where the gaps are is not known: nothing of it is of use.
  if ("gaps" in json && gaps === undefined) return undefined;
  return {
    url: json.url,
    ...("name" in json && typeof json.name === "string" ? { name: json.name } : {}),
    ...("validator" in json && typeof json.validator === "string" ? { validator: json.validator } : {}),
    ...(total === undefined ? {} : { total }),
    ...(gaps === undefined ? {} : { gaps }),
  };
}

/** The partial file, open for writing. */
export class PartialFile {
  readonly #target: string;
  readonly #file: AtomicFile;

  private constructor(target: string, file: AtomicFile, told: boolean) {
    this.#target = target;
    this.#file = file;
    this.#told = told;
  }

  /** Octets so far. */
  get size(): number {
    return this.#file.size;
  }

  /** Whole, and under its final name. */
  get finished(): boolean {
    return this.#file.named;
  }

  /**
   * A fresh one, or the old one cut to `keep` octets.
   * @throws PortholeError `local`
   */
  static open(target: string, keep: number): PartialFile {
    const part = partialPath(target);
    const facts = `${part}${FACTS}`;
    try {
      // Mostly there are none, which costs less to learn than to have them removed.
      if (keep === 0 && existsSync(facts)) rmSync(facts, { force: true });
    } catch (thrown) {
      throw localError(thrown, target);
    }
    return new PartialFile(target, AtomicFile.open(part, target, keep), keep > 0);
  }

  /** Writes all of `octets` at `position` before it returns. @throws PortholeError `local` */
  write(octets: Uint8Array, position: number): void {
    this.#file.write(octets, position);
  }

  /** The same by another thread, from now on: see AtomicFile.writeBehind. @throws PortholeError `local` */
  writeBehind(octets: Uint8Array, position: number): Promise<void> | void {
    return this.#file.writeBehind(octets, position);
  }

  /** All that was given to `writeBehind` is in the file. @throws PortholeError `local` */
  written(): Promise<void> {
    return this.#file.written();
  }

  /** Has the system begin to put on disk what was written. */
  syncAhead(): Promise<void> {
    return this.#file.syncAhead();
  }

  /** Facts may lie beside it: an earlier run's, or its own. */
  #told: boolean;

  /** Its octets are not those of the original: it must not be continued. */
  spoiled = false;

  /** @throws PortholeError `protocol` when it adds up to something else */
  async verify(checksum: Checksum, signal?: AbortSignal): Promise<void> {
    const { verifyChecksum, WrongChecksum } = await import("./checksum.js");
    try {
      await verifyChecksum(partialPath(this.#target), checksum, signal);
    } catch (thrown) {
      this.spoiled = thrown instanceof WrongChecksum;
      throw thrown;
    }
  }

  /** Keeps beside the octets what a later run needs to continue. */
  async remember(facts: PartialFacts): Promise<void> {
    try {
      this.#told = true;
      const gaps = facts.gaps?.map(({ from, to }) => [from, to]);
      const known = { ...facts, name: basename(this.#target), ...(gaps === undefined ? {} : { gaps }) };
      await files.writeFile(factsPath(this.#target), JSON.stringify(known));
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
    mayWait?: boolean;
  }): Promise<void> {
    if (this.#told) {
      // They go first: beside a file that is whole nobody would look for them. On disk it need not be fetched again before.
      await this.#file.syncAhead();
      await files.rm(factsPath(this.#target), { force: true });
    }
    await this.#file.name({ path: this.#target, folder: dirname(this.#target), ...options });
  }

  close(): void {
    this.#file.close();
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    this.#file.discard();
    await files.rm(factsPath(this.#target), { force: true });
  }
}
