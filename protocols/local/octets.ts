/** The octets of an open file, in blocks, with what happens to it meanwhile in view. */
import type { FileHandle } from "node:fs/promises";
import { PortholeError } from "../../src/errors.js";

const BLOCK = 256 * 1024;

export interface Span {
  readonly start: number;
  /** The octet after the last; to the end of the file when undefined. */
  readonly end: number | undefined;
}

/**
 * Each block is a buffer of its own.
 * @throws PortholeError `local` when the file became shorter
 */
export async function* octetsOf(
  handle: FileHandle,
  { start, end }: Span,
  shown: string,
): AsyncGenerator<Buffer, void, undefined> {
  let position = start;
  while (end === undefined || position < end) {
    const wanted = end === undefined ? BLOCK : Math.min(BLOCK, end - position);
    // What nobody counted, as in /proc, is read to where it ends.
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(wanted),
      0,
      wanted,
      end === undefined ? null : position,
    );
    if (bytesRead === 0) {
      if (end === undefined) return;
      throw changed(shown, `${position} of ${end} octets are left`);
    }
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export function changed(shown: string, how: string): PortholeError {
  return new PortholeError("local", `${shown} changed while it was read: ${how}`, { hint: "read it again" });
}
