/** PNG pictures (ISO/IEC 15948) as pixels, interlaced ones too. Bounded in size. */
import { inflateSync } from "node:zlib";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, opacity of each pixel, row by row. */
  readonly rgba: Uint8Array;
}

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
/** Pixels; a picture for a terminal needs no more, and a small file can claim to be huge. */
const MOST_PIXELS = 16 * 1024 * 1024;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** A reduced picture within the picture: where its pixels lie (8.2). */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly across: number;
  readonly down: number;
}

/** Adam7. */
const PASSES: readonly Pass[] = [
  { left: 0, top: 0, across: 8, down: 8 },
  { left: 4, top: 0, across: 8, down: 8 },
  { left: 0, top: 4, across: 4, down: 8 },
  { left: 2, top: 0, across: 4, down: 4 },
  { left: 0, top: 2, across: 2, down: 4 },
  { left: 1, top: 0, across: 2, down: 2 },
  { left: 0, top: 1, across: 1, down: 2 },
];
const WHOLE: readonly Pass[] = [{ left: 0, top: 0, across: 1, down: 1 }];

/** Samples of a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Undefined for what is no PNG, is damaged or too large. */
export function decodePng(octets: Buffer): Pixels | undefined {
  if (!octets.subarray(0, 8).equals(SIGNATURE)) return undefined;
  let header: Header | undefined;
  let palette: Buffer = Buffer.alloc(0);
  let opacity: Buffer = Buffer.alloc(0);
  const data: Buffer[] = [];
  for (let at = 8; at + 12 <= octets.length; ) {
    const length = octets.readUInt32BE(at);
    const name = octets.toString("latin1", at + 4, at + 8);
    const body = octets.subarray(at + 8, at + 8 + length);
    if (name === "IHDR") header = headerOf(body);
    else if (name === "PLTE") palette = body;
    else if (name === "tRNS") opacity = body;
    else if (name === "IDAT") data.push(body);
    else if (name === "IEND") break;
    at += 12 + length;
  }
  if (header === undefined) return undefined;
  const { width, height, depth, colour } = header;
  const samples = SAMPLES[colour] ?? 1;
  const parts = (header.interlaced ? PASSES : WHOLE).map((pass) => {
    const columns = Math.ceil((width - pass.left) / pass.across);
    const rows = Math.ceil((height - pass.top) / pass.down);
    const stride = Math.ceil((columns * samples * depth) / 8);
    // A pass without columns has no rows either.
    return { ...pass, columns, rows: columns > 0 ? Math.max(0, rows) : 0, stride };
  });
  const size = parts.reduce((sum, { stride, rows }) => sum + (stride + 1) * rows, 0);
  let raw: Buffer;
  try {
    raw = inflateSync(Buffer.concat(data), { maxOutputLength: size + 1024 });
  } catch {
    return undefined;
  }
  if (raw.length < size) return undefined;
  const step = Math.max(1, (samples * depth) >> 3);
  const rgba = new Uint8Array(width * height * 4);
  let from = 0;
  for (const { left, top, across, down, columns, rows, stride } of parts) {
    const lines = unfiltered(raw.subarray(from), stride, rows, step);
    from += (stride + 1) * rows;
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const sample = (index: number) => sampleAt(lines, y * stride, x * samples + index, depth);
        const at = (top + y * down) * width + left + x * across;
        rgba.set(colourOf(colour, sample, depth, palette, opacity), at * 4);
      }
    }
  }
  return { width, height, rgba };
}

function headerOf(body: Buffer): Header | undefined {
  if (body.length < 13) return undefined;
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  const [depth = 0, colour = 0, compression = 0, filter = 0, interlace = 0] = body.subarray(8, 13);
  const isKnown = SAMPLES[colour] !== undefined && [1, 2, 4, 8, 16].includes(depth);
  if (!isKnown || compression + filter !== 0 || interlace > 1) return undefined;
  return width > 0 && height > 0 && width * height <= MOST_PIXELS
    ? { width, height, depth, colour, interlaced: interlace === 1 }
    : undefined;
}

/** ISO/IEC 15948, 9: each octet is told by those to its left and above it. */
function unfiltered(raw: Buffer, stride: number, height: number, step: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? (out[y * stride + x - step] ?? 0) : 0;
      const up = y > 0 ? (out[(y - 1) * stride + x] ?? 0) : 0;
      const corner = x >= step && y > 0 ? (out[(y - 1) * stride + x - step] ?? 0) : 0;
      const value = raw[y * (stride + 1) + 1 + x] ?? 0;
      out[y * stride + x] = value + predicted(filter, left, up, corner);
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function sampleAt(rows: Uint8Array, row: number, index: number, depth: number): number {
  if (depth === 8) return rows[row + index] ?? 0;
  if (depth === 16) return rows[row + index * 2] ?? 0;
  const bit = index * depth;
  const octet = rows[row + (bit >> 3)] ?? 0;
  return (octet >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

type Colour = [number, number, number, number];

function colourOf(
  colour: number,
  sample: (index: number) => number,
  depth: number,
  palette: Buffer,
  opacity: Buffer,
): Colour {
  if (colour === 3) {
    const index = sample(0);
    const [r = 0, g = 0, b = 0] = palette.subarray(index * 3, index * 3 + 3);
    return [r, g, b, opacity[index] ?? 255];
  }
  if (colour === 2 || colour === 6) {
    return [sample(0), sample(1), sample(2), colour === 6 ? sample(3) : 255];
  }
  const grey = depth < 8 ? Math.round((sample(0) * 255) / ((1 << depth) - 1)) : sample(0);
  return [grey, grey, grey, colour === 4 ? sample(1) : 255];
}
