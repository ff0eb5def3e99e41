/** A picture in rows of half blocks: two pixels to a character, the upper in its colour, the lower behind it. */
import { decodePng, type Pixels } from "./png.js";

/** Octets of a picture. */
export const LARGEST_PICTURE = 8 * 1024 * 1024;

/** Rows made of colours alone; undefined for what cannot be decoded. */
export function pictureRows(octets: Buffer, columns: number): string[] | undefined {
  const pixels = decodePng(octets);
  if (pixels === undefined) return undefined;
  // A small picture is not blown up.
  const width = Math.max(1, Math.min(columns, pixels.width));
  const height = Math.max(1, Math.round((pixels.height * width) / pixels.width));
  const rows: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let row = "";
    for (let x = 0; x < width; x++) {
      const upper = meanAt(pixels, x, y, width, height);
      const lower = y + 1 < height ? meanAt(pixels, x, y + 1, width, height) : "0;0;0";
      row += `\x1b[38;2;${upper};48;2;${lower}m▀`;
    }
    rows.push(`${row}\x1b[0m`);
  }
  return rows;
}

/** The mean of the pixels that one of the screen stands for; what is see-through is dark. */
function meanAt({ width, height, rgba }: Pixels, x: number, y: number, across: number, down: number): string {
  const [left, right] = [Math.floor((x * width) / across), Math.ceil(((x + 1) * width) / across)];
  const [top, bottom] = [Math.floor((y * height) / down), Math.ceil(((y + 1) * height) / down)];
  let [r, g, b, count] = [0, 0, 0, 0];
  for (let row = top; row < Math.min(bottom, height); row++) {
    for (let column = left; column < Math.min(right, width); column++) {
      const at = (row * width + column) * 4;
      const share = (rgba[at + 3] ?? 0) / 255;
      r += (rgba[at] ?? 0) * share;
      g += (rgba[at + 1] ?? 0) * share;
      b += (rgba[at + 2] ?? 0) * share;
      count += 1;
    }
  }
  const mean = (sum: number) => Math.round(sum / Math.max(1, count));
  return `${mean(r)};${mean(g)};${mean(b)}`;
}
