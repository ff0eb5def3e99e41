/** GIF pictures (GIF89a) as pixels: the first of their frames. Bounded in size. */
import type { Pixels } from "./png.js";

/** Pixels; as for PNG. */
const MOST_PIXELS = 16 * 1024 * 1024;
const MOST_CODES = 4096;
/** The lines of an interlaced frame come in four passes (appendix E): first line, step. */
const PASSES: readonly (readonly [number, number])[] = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
];

/** Undefined for what is no GIF, is damaged before its picture begins, or too large. What is cut off is see-through. */
export function decodeGif(octets: Buffer): Pixels | undefined {
  if (!/^GIF8[79]a$/.test(octets.toString("latin1", 0, 6)) || octets.length < 13) return undefined;
  const flags = octets[10] ?? 0;
  const common = tableSize(flags);
  let at = 13 + common;
  let seeThrough = -1;
  for (;;) {
    const mark = octets[at];
    if (mark === 0x21) {
      // Graphic control extension: which colour is none.
      const isControl = octets[at + 1] === 0xf9 && octets[at + 2] === 4;
      if (isControl && ((octets[at + 3] ?? 0) & 1) === 1) seeThrough = octets[at + 6] ?? -1;
      at = afterBlocks(octets, at + 2);
    } else if (mark === 0x2c) break;
    else return undefined;
  }
  if (at + 11 > octets.length) return undefined;
  const [width, height] = [octets.readUInt16LE(at + 5), octets.readUInt16LE(at + 7)];
  const own = octets[at + 9] ?? 0;
  if (width === 0 || height === 0 || width * height > MOST_PIXELS) return undefined;
  const ownSize = tableSize(own);
  const table = ownSize > 0 ? octets.subarray(at + 10, at + 10 + ownSize) : octets.subarray(13, 13 + common);
  const data = at + 10 + ownSize;
  const indices = unpacked(octets, data, width * height);
  if (indices === undefined) return undefined;
  const rgba = new Uint8Array(width * height * 4);
  const lines = lineOrder(height, (own & 0x40) !== 0);
  for (const [pixel, index] of indices.entries()) {
    const line = lines[Math.floor(pixel / width)] ?? 0;
    const place = (line * width + (pixel % width)) * 4;
    if (index !== seeThrough) {
      rgba.set(table.subarray(index * 3, index * 3 + 3), place);
      rgba[place + 3] = 255;
    }
  }
  return { width, height, rgba };
}

function tableSize(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1);
}

/** Data comes in blocks of up to 255 octets, the last one empty. */
function afterBlocks(octets: Buffer, from: number): number {
  let at = from;
  for (let length = octets[at] ?? 0; length > 0; length = octets[at] ?? 0) at += length + 1;
  return at + 1;
}

function lineOrder(height: number, interlaced: boolean): number[] {
  if (!interlaced) return Array.from({ length: height }, (_, line) => line);
  const lines: number[] = [];
  for (const [first, step] of PASSES) for (let line = first; line < height; line += step) lines.push(line);
  return lines;
}

/** The octets of all blocks from here on, as far as they have come. */
function blocksFrom(octets: Buffer, from: number): Buffer {
  const blocks: Buffer[] = [];
  let at = from;
  for (let length = octets[at] ?? 0; length > 0; length = octets[at] ?? 0) {
    blocks.push(octets.subarray(at + 1, at + 1 + length));
    at += length + 1;
  }
  return Buffer.concat(blocks);
}

/** Appendix F: LZW with codes that grow from bit to bit. @returns the colours, as many as came */
function unpacked(octets: Buffer, from: number, wanted: number): Uint8Array | undefined {
  const smallest = octets[from] ?? 0;
  if (smallest < 1 || smallest > 11) return undefined;
  const data = blocksFrom(octets, from + 1);
  const clear = 1 << smallest;
  const prefix = new Uint16Array(MOST_CODES);
  const suffix = new Uint8Array(MOST_CODES);
  for (let code = 0; code < clear; code++) suffix[code] = code;
  const out = new Uint8Array(wanted);
  const stack = new Uint8Array(MOST_CODES + 1);
  let [filled, bits, held, at] = [0, 0, 0, 0];
  let [size, next, before, first] = [smallest + 1, clear + 2, -1, 0];
  while (filled < wanted) {
    while (bits < size && at < data.length) {
      held |= (data[at++] ?? 0) << bits;
      bits += 8;
    }
    if (bits < size) break;
    const code = held & ((1 << size) - 1);
    held >>= size;
    bits -= size;
    if (code === clear) {
      [size, next, before] = [smallest + 1, clear + 2, -1];
      continue;
    }
    if (code === clear + 1 || code > next || (code === next && before < 0)) break;
    let depth = 0;
    let part = code;
    // The code that is just being made: what was before it, and its own beginning.
    if (code === next) {
      stack[depth++] = first;
      part = before;
    }
    while (part >= clear && depth < MOST_CODES) {
      stack[depth++] = suffix[part] ?? 0;
      part = prefix[part] ?? 0;
    }
    first = suffix[part] ?? 0;
    stack[depth++] = first;
    while (depth > 0 && filled < wanted) out[filled++] = stack[--depth] ?? 0;
    if (before >= 0 && next < MOST_CODES) {
      prefix[next] = before;
      suffix[next] = first;
      next += 1;
      if (next === 1 << size && size < 12) size += 1;
    }
    before = code;
  }
  return out.subarray(0, filled);
}
