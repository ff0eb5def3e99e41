/** A picture as sixels (DEC STD 070, VT330/VT340): bands of six rows, each colour of a band in turn. */
import type { Picture } from "./picture.js";

/** Steps of red, of green and of blue: 216 colours, and every such terminal has 256. */
const STEPS = 6;
/** An ordered pattern (Bayer's, 4 by 4) hides the steps between them. */
const PATTERN = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
const BAND = 6;
/** A shorter run is written out. */
const SHORTEST_RUN = 4;

export function sixels(picture: Picture): string {
  const { width, height } = picture;
  const colours = colourOfPixels(picture);
  const used = [...new Set(colours)].sort((a, b) => a - b);
  const palette = used.map((colour) => `#${colour};2;${percents(colour).join(";")}`).join("");
  const bands: string[] = [];
  for (let top = 0; top < height; top += BAND) {
    const rows = Math.min(BAND, height - top);
    bands.push(band(colours.subarray(top * width, (top + rows) * width), width, rows));
  }
  // Pixels are square (1;1), and what is not drawn stays as it is.
  return `\x1bP0;1;0q"1;1;${width};${height}${palette}${bands.join("-")}\x1b\\`;
}

function colourOfPixels({ width, height, rgb }: Picture): Uint8Array {
  const colours = new Uint8Array(width * height);
  const most = STEPS - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const offset = ((PATTERN[(y % 4) * 4 + (x % 4)] ?? 0) + 0.5) / 16;
      const step = (sample: number) =>
        Math.min(most, Math.floor(((rgb[at * 3 + sample] ?? 0) / 255) * most + offset));
      colours[at] = (step(0) * STEPS + step(1)) * STEPS + step(2);
    }
  }
  return colours;
}

/** Red, green and blue, of a hundred. */
function percents(colour: number): number[] {
  const steps = [Math.floor(colour / (STEPS * STEPS)), Math.floor(colour / STEPS) % STEPS, colour % STEPS];
  return steps.map((step) => Math.round((step * 100) / (STEPS - 1)));
}

function band(colours: Uint8Array, width: number, rows: number): string {
  const columns = new Map<number, Uint8Array>();
  for (let at = 0; at < colours.length; at++) {
    const colour = colours[at] ?? 0;
    let bits = columns.get(colour);
    if (bits === undefined) {
      bits = new Uint8Array(width);
      columns.set(colour, bits);
    }
    const row = Math.floor(at / width);
    if (row < rows) bits[at % width] = (bits[at % width] ?? 0) | (1 << row);
  }
  return Array.from(columns, ([colour, bits]) => `#${colour}${runs(bits)}`).join("$");
}

function runs(bits: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bits.length; ) {
    const value = bits[at] ?? 0;
    let end = at + 1;
    while (end < bits.length && bits[end] === value) end++;
    const sixel = String.fromCharCode(0x3f + value);
    const length = end - at;
    // What is empty up to the end needs not be said.
    if (value !== 0 || end < bits.length)
      out += length < SHORTEST_RUN ? sixel.repeat(length) : `!${length}${sixel}`;
    at = end;
  }
  return out;
}
