/** One file put together from articles: at its parts' places, and under its name only when it is whole. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { localError, PortholeError, systemCode } from "../../../src/errors.js";
import { safeFileName } from "../../../src/text/filename.js";
import { FileDecoder } from "./decoder.js";
import { type BinaryFile, nameIn } from "./nzb.js";

export interface PartFault {
  readonly segment: number;
  readonly id: string;
  /** `missing`: no server has it. `truncated`, `size`, `checksum`: as yEnc tells them. `no file`: there is none in it. */
  readonly fault: "missing" | "truncated" | "size" | "checksum" | "no file";
}

export interface Assembled {
  readonly name: string;
  /** Where it stands; a partial one under its `.part` name. */
  readonly path: string;
  readonly size: number;
  readonly whole: boolean;
  readonly faults: readonly PartFault[];
}

/** What a partial file knows of itself, beside it. */
interface Kept {
  readonly subject: string;
  readonly done: readonly number[];
  readonly name: string;
  readonly end: number;
  readonly size?: number;
  readonly wholeCrc32?: number;
}

export class Assembly {
  readonly file: BinaryFile;
  readonly #folder: string;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #done: Set<number>;
  readonly #faults: PartFault[] = [];
  #name: string;
  #size: number | undefined;
  #wholeCrc: number | undefined;
  /** Where what has no place of its own goes: behind what came before. */
  #end: number;
  #withinUu = false;
  #placed = false;

  private constructor(
    file: BinaryFile,
    folder: string,
    path: string,
    handle: FileHandle,
    kept: Kept | undefined,
  ) {
    this.file = file;
    this.#folder = folder;
    this.#path = path;
    this.#handle = handle;
    this.#done = new Set(kept?.done);
    this.#name = kept?.name ?? nameIn(file.subject) ?? "download";
    this.#size = kept?.size;
    this.#wholeCrc = kept?.wholeCrc32;
    this.#end = kept?.end ?? 0;
  }

  /** Goes on with what a run before left of the same file. @throws PortholeError `local` */
  static async begin(file: BinaryFile, folder: string): Promise<Assembly> {
    const base = safeFileName(nameIn(file.subject) ?? (file.subject || "download"));
    const path = join(folder, `${base}.part`);
    try {
      const kept = await readKept(path, file);
      const handle = await open(path, kept === undefined ? "w+" : "r+");
      return new Assembly(file, folder, path, handle, kept);
    } catch (thrown) {
      throw localError(thrown, path);
    }
  }

  /** Each part tells its place in the file: they may come in any order. */
  get placed(): boolean {
    return this.#placed;
  }

  /** Segments that are still to be fetched. */
  get left(): BinaryFile["segments"] {
    return this.file.segments.filter(({ number }) => !this.#done.has(number));
  }

  /**
   * Takes a segment's body, or notes that nobody has it.
   * @returns octets that were decoded
   */
  async take(segment: number, body: AsyncIterable<unknown> | undefined): Promise<number> {
    const id = this.file.segments.find(({ number }) => number === segment)?.id ?? "";
    if (body === undefined) {
      this.#faults.push({ segment, id, fault: "missing" });
      return 0;
    }
    const decoder = new FileDecoder(this.#withinUu);
    const found = { begun: this.#withinUu, ended: false, octets: 0, faults: new Set<PartFault["fault"]>() };
    const takePieces = async (pieces: ReturnType<FileDecoder["write"]>) => {
      for (const piece of pieces) await this.#takePiece(piece, found);
    };
    try {
      for await (const chunk of body)
        await takePieces(decoder.write(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))));
      await takePieces(decoder.end());
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code !== "protocol") throw localOr(thrown, this.#path);
      // A block that cannot be read spoils its article, and no other; a lost connection comes here as well.
      if (found.ended || !/yEnc/.test(thrown.message)) throw thrown;
      found.faults.add("no file");
    }
    if (!found.begun) found.faults.add("no file");
    for (const fault of found.faults) this.#faults.push({ segment, id, fault });
    if (found.faults.size === 0) this.#done.add(segment);
    return found.octets;
  }

  /** Checks the whole, gives it its name when it is right, and keeps what there is otherwise. */
  async finish(replace: boolean): Promise<Assembled> {
    const missing = this.#missingFromIndex();
    const complete = this.#faults.length === 0 && missing.length === 0 && this.left.length === 0;
    const { size } = await this.#handle.stat();
    await this.#handle.sync();
    await this.#handle.close();
    const faults = [...this.#faults, ...missing];
    if (complete && (this.#size === undefined || this.#size === size) && (await this.#isRight())) {
      return { name: this.#name, path: await this.#moveInPlace(replace), size, whole: true, faults };
    }
    if (complete) faults.push({ segment: 0, id: "", fault: this.#size === size ? "checksum" : "size" });
    await this.#keep();
    return { name: this.#name, path: this.#path, size, whole: false, faults };
  }

  /** Leaves what there is for another run. */
  async leave(): Promise<void> {
    await this.#handle.close();
    await this.#keep();
  }

  async #takePiece(
    piece: ReturnType<FileDecoder["write"]> extends Generator<infer P> ? P : never,
    found: { begun: boolean; ended: boolean; octets: number; faults: Set<PartFault["fault"]> },
  ): Promise<void> {
    switch (piece.type) {
      case "begin":
        found.begun = true;
        this.#name = piece.name;
        this.#size = piece.size ?? this.#size;
        this.#withinUu = piece.coding === "uuencode";
        return;
      case "data": {
        const at = piece.offset ?? this.#end;
        if (piece.offset !== undefined) this.#placed = true;
        // What goes beyond the size that was announced is no part of the file, and could fill the disk.
        const room = this.#size === undefined ? piece.octets.length : Math.max(0, this.#size - at);
        const octets = piece.octets.subarray(0, room);
        if (octets.length < piece.octets.length) found.faults.add("size");
        await this.#handle.write(octets, 0, octets.length, at);
        this.#end = Math.max(this.#end, at + octets.length);
        found.octets += octets.length;
        return;
      }
      case "end":
        found.ended = true;
        this.#withinUu = false;
        for (const fault of piece.yenc?.faults ?? []) found.faults.add(fault);
        if (piece.yenc?.wholeCrc32 !== undefined) this.#wholeCrc = piece.yenc.wholeCrc32;
    }
  }

  #missingFromIndex(): PartFault[] {
    const known = new Set(this.file.segments.map(({ number }) => number));
    const faults: PartFault[] = [];
    for (let segment = 1; segment <= this.file.total; segment++) {
      if (!known.has(segment)) faults.push({ segment, id: "", fault: "missing" });
    }
    return faults;
  }

  /** The checksum of the whole, read back: parts came in any order. */
  async #isRight(): Promise<boolean> {
    if (this.#wholeCrc === undefined) return true;
    let crc = 0;
    for await (const chunk of createReadStream(this.#path)) {
      crc = crc32(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)), crc);
    }
    return crc === this.#wholeCrc;
  }

  async #moveInPlace(replace: boolean): Promise<string> {
    const target = join(this.#folder, safeFileName(this.#name));
    try {
      if (!replace && (await exists(target))) {
        throw new PortholeError("local", `${target}: exists already`, { hint: "--force replaces it" });
      }
      await rename(this.#path, target);
      await rm(keptPath(this.#path), { force: true });
      return target;
    } catch (thrown) {
      throw localError(thrown, target);
    }
  }

  async #keep(): Promise<void> {
    // Without yEnc's places, what is missing in the middle cannot be put there later: another run starts over.
    if (this.#size === undefined) return;
    const kept: Kept = {
      subject: this.file.subject,
      done: [...this.#done],
      name: this.#name,
      end: this.#end,
      ...(this.#size === undefined ? {} : { size: this.#size }),
      ...(this.#wholeCrc === undefined ? {} : { wholeCrc32: this.#wholeCrc }),
    };
    await writeFile(keptPath(this.#path), JSON.stringify(kept));
  }
}

/** The file that a run before has made whole, if it is there. */
export async function finished(file: BinaryFile, folder: string): Promise<string | undefined> {
  const name = nameIn(file.subject);
  if (name === undefined) return undefined;
  const path = join(folder, safeFileName(name));
  return (await exists(path)) ? path : undefined;
}

async function readKept(path: string, file: BinaryFile): Promise<Kept | undefined> {
  if (!(await exists(path)) || !(await exists(keptPath(path)))) return undefined;
  try {
    const kept: Kept = JSON.parse(await readFile(keptPath(path), "utf8"));
    const sound = kept.subject === file.subject && Array.isArray(kept.done) && typeof kept.end === "number";
    return sound ? kept : undefined;
  } catch {
    return undefined;
  }
}

function keptPath(path: string): string {
  return `${path}.json`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

function localOr(thrown: unknown, path: string): unknown {
  return thrown instanceof PortholeError ? thrown : localError(thrown, path);
}
