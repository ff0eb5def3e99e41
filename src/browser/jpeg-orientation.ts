/** How a camera was held (Exif 2.3, tag 274): its pictures stand upright only when they are turned. */
import type { Pixels } from "./png.js";

/** As Exif numbers them: 1 as it is, 3 upside down, 6 and 8 on a side, the others mirrored. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const TAG = 0x0112;
/** Entries of a directory that are looked at. */
const MOST = 256;

/** @param body of an APP1 segment */
export function orientationIn(body: Buffer): Orientation | undefined {
  if (body.toString("latin1", 0, 6) !== "Exif\0\0" || body.length < 14) return undefined;
  const tiff = body.subarray(6);
  const isLittle = tiff.toString("latin1", 0, 2) === "II";
  const short = (at: number) => {
    if (at + 2 > tiff.length) return 0;
    return isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at);
  };
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  const count = Math.min(MOST, short(directory));
  for (let entry = 0; entry < count; entry++) {
    const at = directory + 2 + entry * 12;
    if (short(at) === TAG) return ORIENTATIONS.find((one) => one === short(at + 8));
  }
  return undefined;
}

const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8] as const;

export function turned(pixels: Pixels, orientation: Orientation): Pixels {
  if (orientation === 1) return pixels;
  const { width, height, rgba } = pixels;
  const onSide = orientation >= 5;
  const [across, down] = onSide ? [height, width] : [width, height];
  const out = new Uint32Array(width * height);
  const source = new Uint32Array(rgba.buffer, rgba.byteOffset, width * height);
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [column, row] = placeOf(orientation, x, y, width, height);
      out[y * across + x] = source[row * width + column] ?? 0;
    }
  }
  return { width: across, height: down, rgba: new Uint8Array(out.buffer) };
}

/** Where in the picture as it is coded the pixel comes from. */
function placeOf(
  orientation: Orientation,
  x: number,
  y: number,
  width: number,
  height: number,
): [number, number] {
  const [right, bottom] = [width - 1, height - 1];
  switch (orientation) {
    case 2:
      return [right - x, y];
    case 3:
      return [right - x, bottom - y];
    case 4:
      return [x, bottom - y];
    case 5:
      return [y, x];
    case 6:
      return [y, bottom - x];
    case 7:
      return [right - y, bottom - x];
    case 8:
      return [right - y, x];
    default:
      return [x, y];
  }
}
