/**
 * JPEG pictures (ITU-T T.81) as pixels: baseline, extended and progressive Huffman coding of 8 bits, grey, colour and
 * CMYK. Bounded in size and in work; of a damaged or cut picture there is what could be read.
 */

import { type Orientation, orientationIn, turned } from "./jpeg-orientation.js";
import { HuffmanTable, markerFrom, NATURAL, type Plane, readScan, type ScanPlane } from "./jpeg-scan.js";
import { samplesOf } from "./jpeg-transform.js";
import type { Pixels } from "./png.js";

/** Pixels: a camera's picture has no more, and a small file can claim to be huge. */
const MOST_PIXELS = 24 * 1024 * 1024;
/** Passes over the picture; encoders make about ten. */
const MOST_SCANS = 40;

const SOF_BASELINE = 0xc0;
const SOF_EXTENDED = 0xc1;
const SOF_PROGRESSIVE = 0xc2;
const DHT = 0xc4;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DQT = 0xdb;
const DRI = 0xdd;
const APP1 = 0xe1;
const APP14 = 0xee;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly planes: readonly Plane[];
  /** Samples of a unit at most, in blocks. */
  readonly across: number;
  readonly down: number;
}

interface Tables {
  readonly quantisation: (Uint16Array | undefined)[];
  readonly dc: (HuffmanTable | undefined)[];
  readonly ac: (HuffmanTable | undefined)[];
  restart: number;
  /** As Adobe says: 0 as they are, 1 YCbCr, 2 YCCK. */
  transform: number | undefined;
  orientation: Orientation;
}

/**
 * Undefined for what is no JPEG, is too large, or coded in a way that nobody uses (arithmetic, lossless, 12 bits).
 * @param enough pixels that are wanted at least: a larger picture is decoded smaller, by halves
 */
export function decodeJpeg(octets: Buffer, enough = MOST_PIXELS): Pixels | undefined {
  if (octets[0] !== 0xff || octets[1] !== SOI) return undefined;
  const tables: Tables = {
    quantisation: [],
    dc: [],
    ac: [],
    restart: 0,
    transform: undefined,
    orientation: 1,
  };
  let frame: Frame | undefined;
  let scans = 0;
  for (let at = markerFrom(octets, 2); at + 4 <= octets.length; at = markerFrom(octets, at)) {
    const marker = octets[at + 1] ?? 0;
    if (marker === EOI) break;
    // RSTn and TEM stand alone.
    if ((marker >= 0xd0 && marker <= 0xd7) || marker === 0x01) {
      at += 2;
      continue;
    }
    const end = at + 2 + octets.readUInt16BE(at + 2);
    const body = octets.subarray(at + 4, end);
    at = end;
    if (marker === DQT) takeQuantisation(body, tables);
    else if (marker === DHT) takeHuffman(body, tables);
    else if (marker === DRI && body.length >= 2) tables.restart = body.readUInt16BE(0);
    else if (marker === APP1) tables.orientation = orientationIn(body) ?? tables.orientation;
    else if (marker === APP14 && body.toString("latin1", 0, 5) === "Adobe") tables.transform = body[11];
    else if (marker === SOF_BASELINE || marker === SOF_EXTENDED || marker === SOF_PROGRESSIVE) {
      if (frame !== undefined) break;
      frame = frameOf(body, marker === SOF_PROGRESSIVE);
      if (frame === undefined) return undefined;
    } else if (marker > 0xc0 && marker < 0xd0 && marker !== 0xc8 && marker !== 0xcc) return undefined;
    else if (marker === SOS) {
      if (frame === undefined || ++scans > MOST_SCANS) break;
      at = takeScan(octets, end, body, frame, tables);
    }
  }
  if (frame === undefined || scans === 0) return undefined;
  const { width, height } = frame;
  const size = [1, 2, 4].find((side) => (width * height * side * side) / 64 >= enough) ?? 8;
  return turned(coloured(frame, tables, size), tables.orientation);
}

/** B.2.4.1. */
function takeQuantisation(body: Buffer, { quantisation }: Tables): void {
  for (let at = 0; at < body.length; ) {
    const head = body[at++] ?? 0;
    const size = head >> 4 === 0 ? 1 : 2;
    if (at + 64 * size > body.length) return;
    const table = new Uint16Array(64);
    for (let k = 0; k < 64; k++)
      table[NATURAL[k] ?? 0] = size === 1 ? (body[at + k] ?? 0) : body.readUInt16BE(at + 2 * k);
    quantisation[head & 15] = table;
    at += 64 * size;
  }
}

/** B.2.4.2. */
function takeHuffman(body: Buffer, { dc, ac }: Tables): void {
  for (let at = 0; at + 17 <= body.length; ) {
    const head = body[at] ?? 0;
    const counts = body.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total > 256 || at + 17 + total > body.length) return;
    const table = new HuffmanTable(counts, body.subarray(at + 17, at + 17 + total));
    (head >> 4 === 0 ? dc : ac)[head & 3] = table;
    at += 17 + total;
  }
}

/** B.2.2. */
function frameOf(body: Buffer, progressive: boolean): Frame | undefined {
  if (body.length < 6) return undefined;
  const [precision, height, width, count] = [
    body[0],
    body.readUInt16BE(1),
    body.readUInt16BE(3),
    body[5] ?? 0,
  ];
  if (precision !== 8 || width === 0 || height === 0 || width * height > MOST_PIXELS) return undefined;
  if (![1, 3, 4].includes(count) || body.length < 6 + 3 * count) return undefined;
  const told = Array.from({ length: count }, (_, index) => {
    const [id = 0, factors = 0, quantisation = 0] = body.subarray(6 + 3 * index);
    return { id, across: factors >> 4, down: factors & 15, quantisation: quantisation & 3 };
  });
  if (told.some(({ across, down }) => across < 1 || across > 4 || down < 1 || down > 4)) return undefined;
  const across = Math.max(...told.map((plane) => plane.across));
  const down = Math.max(...told.map((plane) => plane.down));
  const planes = told.map((plane): Plane => {
    const columns = Math.ceil(Math.ceil((width * plane.across) / across) / 8);
    const rows = Math.ceil(Math.ceil((height * plane.down) / down) / 8);
    const stride = Math.ceil(width / (8 * across)) * plane.across;
    const filled = Math.ceil(height / (8 * down)) * plane.down;
    return { ...plane, columns, rows, stride, coefficients: new Int16Array(stride * filled * 64) };
  });
  return { width, height, progressive, planes, across, down };
}

/** B.2.3. @returns where it has ended */
function takeScan(octets: Buffer, at: number, body: Buffer, frame: Frame, tables: Tables): number {
  const count = body[0] ?? 0;
  const planes = Array.from({ length: count }, (_, index): ScanPlane | undefined => {
    const [id, choice = 0] = body.subarray(1 + 2 * index, 3 + 2 * index);
    const plane = frame.planes.find((one) => one.id === id);
    return plane && { plane, dc: tables.dc[(choice >> 4) & 3], ac: tables.ac[choice & 3] };
  }).filter((plane) => plane !== undefined);
  const [from = 0, to = 63, approximation = 0] = body.subarray(1 + 2 * count);
  if (planes.length === 0 || planes.length !== count || to > 63 || from > to) return at;
  return readScan(octets, at, {
    planes,
    progressive: frame.progressive,
    from: frame.progressive ? from : 0,
    to: frame.progressive ? to : 63,
    high: approximation >> 4,
    low: frame.progressive ? Math.min(13, approximation & 15) : 0,
    restart: tables.restart,
    unitColumns: Math.ceil(frame.width / (8 * frame.across)),
    unitRows: Math.ceil(frame.height / (8 * frame.down)),
  });
}

/** @param size samples of a block's side: 8, or fewer for a picture made smaller */
function coloured(frame: Frame, tables: Tables, size: number): Pixels {
  const { across, down, planes } = frame;
  const width = Math.ceil((frame.width * size) / 8);
  const height = Math.ceil((frame.height * size) / 8);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  const [first, second, third, fourth] = planes.map((plane) => {
    const samples = samplesOf(plane, tables.quantisation[plane.quantisation], size);
    const [wide, high] = [plane.across / across, plane.down / down];
    return { samples, columnAt: columns(width, wide), high, stride: plane.stride * size };
  });
  if (first === undefined) return { width, height, rgba: new Uint8Array(rgba.buffer) };
  // JFIF has YCbCr; Adobe says what it is; some say by the names of their planes.
  const isPlain = planes.map(({ id }) => String.fromCharCode(id)).join("") === "RGB";
  const isApart = tables.transform === undefined ? planes.length === 3 && !isPlain : tables.transform > 0;
  let at = 0;
  for (let y = 0; y < height; y++) {
    const sampled = (plane: typeof first, x: number) =>
      plane.samples[Math.floor(y * plane.high) * plane.stride + (plane.columnAt[x] ?? 0)] ?? 0;
    for (let x = 0; x < width; x++, at += 4) {
      let red = sampled(first, x);
      let [green, blue] = [red, red];
      if (second !== undefined && third !== undefined) {
        green = sampled(second, x);
        blue = sampled(third, x);
      }
      if (isApart) {
        // JFIF, 7: what the two differences from the brightness stand for.
        const [luma, cb, cr] = [red, green - 128, blue - 128];
        red = luma + 1.402 * cr;
        green = luma - 0.344_136 * cb - 0.714_136 * cr;
        blue = luma + 1.772 * cb;
      }
      // Adobe keeps CMYK turned round: 255 is no ink.
      const share = fourth === undefined ? 1 : sampled(fourth, x) / 255;
      rgba[at] = red * share;
      rgba[at + 1] = green * share;
      rgba[at + 2] = blue * share;
    }
  }
  return { width, height, rgba: new Uint8Array(rgba.buffer) };
}

/** Which sample of a plane each column of the picture is of. */
function columns(width: number, share: number): Uint16Array {
  return Uint16Array.from({ length: width }, (_, x) => Math.floor(x * share));
}
