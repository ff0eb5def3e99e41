/** Writing a file so that it is there whole or not at all. */
import { constants, type Stats, statSync } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { abortReason, PortholeError, systemCode } from "../../src/errors.js";
import { AtomicFile, existsAlready, roomForFiles } from "../../src/files/atomic-file.js";
import { nameDigest } from "../../src/files/name-digest.js";
import type { Source } from "../../src/plugin.js";
import { failure, isFolder, orFail } from "./failures.js";
import { folderOf, type LocalPath } from "./path.js";

const SUFFIX = ".porthole-part";
/** What ext4, APFS and NTFS take for one name, in octets. */
const LONGEST_NAME = 255;
/** Octets gathered for one write. */
const BLOCK = 256 * 1024;

/** Where a file lies until it is whole: `.NAME.porthole-part` in its folder; a long name is told by its digest. */
export function partOf(place: LocalPath): Buffer {
  const { name } = place;
  const stem = name.length + SUFFIX.length + 1 <= LONGEST_NAME ? name : Buffer.from(nameDigest(name));
  return Buffer.concat([folderOf(place), Buffer.from("/."), stem, Buffer.from(SUFFIX)]);
}

/**
 * Writes beside the place and renames. A file that is replaced keeps its mode; a link keeps leading where it leads;
 * devices and pipes are written to directly.
 * @throws PortholeError `local` (exists, no room, not allowed), `missing` without its folder, and what the source throws
 */
export async function writeFileAt(place: LocalPath, source: Source, signal: AbortSignal): Promise<void> {
  const there = found(place);
  if (there?.isDirectory()) throw isFolder(place.shown);
  if (there !== undefined && !there.isFile()) {
    await writeThrough(place, source, signal);
    return;
  }
  if ((source.offset ?? 0) > 0) {
    await append(place, there, source, signal);
    return;
  }
  if (there !== undefined && source.replace !== true) throw existsAlready(place.shown);
  // One of many: they go together.
  const room = source.held === undefined ? undefined : roomForFiles();
  if (room !== undefined) await room;
  const real = there === undefined ? place : await behindLinks(place);
  const file = openPart(real, place.shown);
  try {
    if (source.held === undefined) await gather(source, signal, (block) => file.write(block));
    else writeHeld(source.held, signal, file);
    await file.name({
      path: real.octets,
      folder: folderOf(real),
      replace: source.replace === true,
      modified: source.modified,
      mode: there === undefined ? undefined : there.mode & 0o7777,
    });
  } finally {
    file.discard();
  }
}

/** What is in memory is written at once. @throws PortholeError `local`, the signal's reason */
export function writeHeld(held: Uint8Array, signal: AbortSignal, file: AtomicFile): void {
  if (signal.aborted) throw abortReason(signal);
  if (held.length > 0) file.write(held);
}

function openPart(real: LocalPath, shown: string): AtomicFile {
  try {
    return AtomicFile.open(partOf(real), shown);
  } catch (thrown) {
    // Said of the folder: that the file is not there yet is no news.
    const { cause } = thrown instanceof PortholeError ? thrown : { cause: thrown };
    throw failure(systemCode(cause) === "ENOENT" ? cause : thrown, shown);
  }
}

function found(place: LocalPath): Stats | undefined {
  try {
    return statSync(place.octets, { throwIfNoEntry: false });
  } catch (thrown) {
    throw failure(thrown, place.shown);
  }
}

async function behindLinks(place: LocalPath): Promise<LocalPath> {
  const octets = await orFail(place.shown, () => realpath(place.octets, "buffer"));
  const name = octets.subarray(octets.lastIndexOf(0x2f) + 1);
  return { ...place, octets, name };
}

/** What is there stays as it is when the source fails: a copy that is continued is half a file anyway. */
async function append(
  place: LocalPath,
  there: Stats | undefined,
  source: Source,
  signal: AbortSignal,
): Promise<void> {
  const offset = source.offset ?? 0;
  if (there?.size !== offset) {
    const state = there === undefined ? "is not there" : `has ${there.size} octets`;
    throw new PortholeError("usage", `${place.shown} ${state}: it cannot be continued at ${offset}`, {
      hint: "write it from the start",
    });
  }
  await using handle = await orFail(place.shown, () => open(place.octets, "r+"));
  let position = offset;
  await gather(source, signal, async (block) => {
    for (let written = 0; written < block.length; ) {
      const { bytesWritten } = await handle.write(block.subarray(written), 0, null, position);
      written += bytesWritten;
      position += bytesWritten;
    }
  });
  await orFail(place.shown, async () => {
    if (source.modified !== undefined) await handle.utimes(source.modified, source.modified);
    await handle.sync();
  });
}

async function writeThrough(place: LocalPath, source: Source, signal: AbortSignal): Promise<void> {
  await using device = await orFail(place.shown, () => open(place.octets, constants.O_WRONLY));
  await gather(source, signal, async (block) => {
    await orFail(place.shown, () => device.writeFile(block));
  });
}

/** The source in blocks that are worth a write each. `write` must not keep its block. */
export async function gather(
  source: Source,
  signal: AbortSignal,
  write: (block: Uint8Array) => Promise<void> | void,
): Promise<void> {
  if (source.held !== undefined) {
    if (signal.aborted) throw abortReason(signal);
    if (source.held.length > 0) await write(source.held);
    return;
  }
  const held: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (size === 0) return;
    const [first, ...more] = held;
    const block = first !== undefined && more.length === 0 ? first : Buffer.concat(held, size);
    held.length = 0;
    size = 0;
    await write(block);
  };
  for await (const chunk of source.body) {
    if (signal.aborted) throw abortReason(signal);
    held.push(chunk);
    size += chunk.length;
    if (size >= BLOCK) await flush();
  }
  if (signal.aborted) throw abortReason(signal);
  await flush();
}
