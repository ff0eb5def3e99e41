/** Standard input held whole, for options in whose place a file's text stands (`--data @-`). */
import { PortholeError } from "../errors.js";
import type { Terminal } from "./terminal.js";

const LONGEST = 16 * 1024 * 1024;

/** Read once: several requests of a run, and one that is repeated, each have all of it. */
export function heldInput(terminal: Terminal): () => Promise<Uint8Array> {
  let held: Promise<Uint8Array> | undefined;
  return () => {
    held ??= wholeOf(terminal.stdin);
    return held;
  };
}

/** @throws PortholeError `usage` when there is more of it than is held */
async function wholeOf(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    const octets = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
    size += octets.length;
    if (size > LONGEST) {
      throw new PortholeError("usage", "standard input is too large to be part of a text");
    }
    pieces.push(octets);
  }
  return Buffer.concat(pieces, size);
}
