/** PNG pictures (ISO/IEC 15948) as pixels: those without interlace, which is nearly all there are. Bounded in size. */
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
}

/** Samples of a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Undefined for what is no PNG, is damaged, too large or interlaced. */
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
  const stride = Math.ceil((width * samples * depth) / 8);
  let raw: Buffer;
  try {
    raw = inflateSync(Buffer.concat(data), { maxOutputLength: (stride + 1) * height + 1024 });
  } catch {
    return undefined;
  }
  if (raw.length < (stride + 1) * height) return undefined;
  const step = Math.max(1, (samples * depth) >> 3);
  const rows = unfiltered(raw, stride, height, step);
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sample = (index: number) => sampleAt(rows, y * stride, x * samples + index, depth);
      rgba.set(colourOf(colour, sample, depth, palette, opacity), (y * width + x) * 4);
    }
  }
  return { width, height, rgba };
}

function headerOf(body: Buffer): Header | undefined {
  if (body.length < 13) return undefined;
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  const [depth = 0, colour = 0, compression = 0, filter = 0, interlace = 0] = body.subarray(8, 13);
  const isKnown = SAMPLES[colour] !== undefined && [1, 2, 4, 8, 16].includes(depth);
  if (!isKnown || compression + filter + interlace !== 0) return undefined;
  return width > 0 && height > 0 && width * height <= MOST_PIXELS
    ? { width, height, depth, colour }
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
