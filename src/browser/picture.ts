/**
 * A picture as pixels of its own: decoded here, laid on black, and made no larger than a screen needs. Nothing of a
 * server's octets goes further than this file.
 */
import type { Pixels } from "./png.js";

/** Octets of a picture. */
export const LARGEST_PICTURE = 8 * 1024 * 1024;
/** Pixels that are kept: more than a terminal shows. */
const MOST_KEPT = 2 * 1024 * 1024;

/** Red, green and blue of each pixel, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Pixels of a character's cell. */
export interface Cell {
  readonly width: number;
  readonly height: number;
}

/** Columns and rows of a screen. */
export interface Box {
  readonly columns: number;
  readonly rows: number;
}

/** What a picture begins with, and what decodes it: loaded when one is there. */
const DECODERS: readonly {
  readonly begins: Buffer;
  readonly decode: (octets: Buffer) => Promise<Pixels | undefined>;
}[] = [
  {
    begins: Buffer.from("\x89PNG", "latin1"),
    decode: async (octets) => (await import("./png.js")).decodePng(octets),
  },
  { begins: Buffer.from("GIF8"), decode: async (octets) => (await import("./gif.js")).decodeGif(octets) },
  {
    begins: Buffer.from("\xff\xd8\xff", "latin1"),
    decode: async (octets) => (await import("./jpeg.js")).decodeJpeg(octets, MOST_KEPT),
  },
];

/** Undefined for what is neither PNG, GIF nor JPEG, or cannot be decoded. */
export async function decodePicture(octets: Buffer): Promise<Picture | undefined> {
  const decoder = DECODERS.find(({ begins }) => octets.subarray(0, begins.length).equals(begins));
  const pixels = await decoder?.decode(octets);
  if (pixels === undefined) return undefined;
  const { width, height } = pixels;
  const share = Math.min(1, Math.sqrt(MOST_KEPT / (width * height)));
  return onBlack(pixels, Math.max(1, Math.floor(width * share)), Math.max(1, Math.floor(height * share)));
}

/** Where it has room. @param cell absent: two pixels are one above the other in a character */
export function boxOf({ width, height }: Picture, columns: number, cell?: Cell): Box {
  // A small picture is not blown up.
  if (cell === undefined) {
    const across = Math.max(1, Math.min(columns, width));
    return { columns: across, rows: Math.ceil(Math.max(1, Math.round((height * across) / width)) / 2) };
  }
  const across = Math.max(1, Math.min(columns, Math.ceil(width / cell.width)));
  const pixels = Math.min(width, across * cell.width);
  return { columns: across, rows: Math.max(1, Math.ceil((height * pixels) / width / cell.height)) };
}

/** Rows in half blocks: two pixels to a character, the upper in its colour, the lower behind it. Colours alone. */
export function blockRows(picture: Picture, columns: number): string[] {
  const width = Math.max(1, Math.min(columns, picture.width));
  const height = Math.max(1, Math.round((picture.height * width) / picture.width));
  const { rgb } = scaled(picture, width, height);
  const colourAt = (x: number, y: number) => {
    const at = (y * width + x) * 3;
    return y < height ? rgb.subarray(at, at + 3).join(";") : "0;0;0";
  };
  const rows: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let row = "";
    for (let x = 0; x < width; x++) row += `\x1b[38;2;${colourAt(x, y)};48;2;${colourAt(x, y + 1)}m▀`;
    rows.push(`${row}\x1b[0m`);
  }
  return rows;
}

/** Half blocks that are only there or not, for screens without colours: what is light is there. */
const SHADES = [" ", "▀", "▄", "█"];
/** Brightness (of 255) from which a pixel is there, in an ordered pattern (Bayer's, 2 by 2). */
const THRESHOLDS = [51, 153, 204, 102];

/** The same rows as `blockRows`, in characters alone. */
export function shadedRows(picture: Picture, columns: number): string[] {
  const width = Math.max(1, Math.min(columns, picture.width));
  const height = Math.max(1, Math.round((picture.height * width) / picture.width));
  const { rgb } = scaled(picture, width, height);
  const isThere = (x: number, y: number) => {
    const [r = 0, g = 0, b = 0] =
      y < height ? rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3) : [];
    return 0.299 * r + 0.587 * g + 0.114 * b >= (THRESHOLDS[(y % 2) * 2 + (x % 2)] ?? 0) ? 1 : 0;
  };
  const rows: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let row = "";
    for (let x = 0; x < width; x++) row += SHADES[isThere(x, y) + 2 * isThere(x, y + 1)] ?? " ";
    rows.push(row);
  }
  return rows;
}

/** Some of its rows of pixels. */
export function cropped({ width, height, rgb }: Picture, from: number, to: number): Picture {
  const top = Math.max(0, Math.min(height - 1, from));
  const bottom = Math.max(top + 1, Math.min(height, to));
  return { width, height: bottom - top, rgb: rgb.subarray(top * width * 3, bottom * width * 3) };
}

/** Each pixel the mean of those that it stands for. */
export function scaled(picture: Picture, across: number, down: number): Picture {
  const { width, height, rgb } = picture;
  if (across === width && down === height) return picture;
  const out = new Uint8Array(across * down * 3);
  for (let y = 0; y < down; y++) {
    const [top, bottom] = [Math.floor((y * height) / down), Math.ceil(((y + 1) * height) / down)];
    for (let x = 0; x < across; x++) {
      const [left, right] = [Math.floor((x * width) / across), Math.ceil(((x + 1) * width) / across)];
      let [r, g, b] = [0, 0, 0];
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          const at = (row * width + column) * 3;
          r += rgb[at] ?? 0;
          g += rgb[at + 1] ?? 0;
          b += rgb[at + 2] ?? 0;
        }
      }
      const count = (bottom - top) * (right - left);
      out.set([Math.round(r / count), Math.round(g / count), Math.round(b / count)], (y * across + x) * 3);
    }
  }
  return { width: across, height: down, rgb: out };
}

function onBlack({ width, height, rgba }: Pixels, across: number, down: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const share = (rgba[pixel * 4 + 3] ?? 0) / 255;
    for (let sample = 0; sample < 3; sample++)
      rgb[pixel * 3 + sample] = Math.round((rgba[pixel * 4 + sample] ?? 0) * share);
  }
  return scaled({ width, height, rgb }, across, down);
}
