/** The entropy-coded part of a JPEG picture (ITU-T T.81, F and G): Huffman codes to coefficients, in one go or in refinements. */

/** A colour's plane, in blocks of 8 by 8. */
export interface Plane {
  readonly id: number;
  /** Blocks of it in an interleaved unit, across and down. */
  readonly across: number;
  readonly down: number;
  readonly quantisation: number;
  /** Blocks that the picture needs, and those that whole units fill. */
  readonly columns: number;
  readonly rows: number;
  readonly stride: number;
  /** 64 of a block, in their natural order. */
  readonly coefficients: Int16Array;
}

export interface ScanPlane {
  readonly plane: Plane;
  readonly dc: HuffmanTable | undefined;
  readonly ac: HuffmanTable | undefined;
}

export interface Scan {
  readonly planes: readonly ScanPlane[];
  readonly progressive: boolean;
  /** Spectral selection and successive approximation (G.1.2). */
  readonly from: number;
  readonly to: number;
  readonly high: number;
  readonly low: number;
  /** Units between two restarts; 0 for none. */
  readonly restart: number;
  /** Units of the whole picture, where several planes are interleaved. */
  readonly unitColumns: number;
  readonly unitRows: number;
}

/** Where the n-th coefficient of the zigzag stands (figure A.6). */
export const NATURAL = Uint8Array.from(
  "0 1 8 16 9 2 3 10 17 24 32 25 18 11 4 5 12 19 26 33 40 48 41 34 27 20 13 6 7 14 21 28 35 42 49 56 57 50 43 36 29 22 15 23 30 37 44 51 58 59 52 45 38 31 39 46 53 60 61 54 47 55 62 63"
    .split(" ")
    .map(Number),
);

/** Bits that one look tells the code of. */
const LOOK = 9;

export class HuffmanTable {
  /** By the next LOOK bits: length of the code, above it the value; 0 for longer ones. */
  readonly #quick = new Uint16Array(1 << LOOK);
  readonly #values: Uint8Array;
  /** By length: the largest code, and what to add for its place among the values (F.2.2.3). */
  readonly #largest = new Int32Array(18).fill(-1);
  readonly #shift = new Int32Array(18);

  /** @param counts how many codes there are of each length, from 1 to 16 */
  constructor(counts: Uint8Array, values: Uint8Array) {
    this.#values = values;
    let code = 0;
    let at = 0;
    for (let length = 1; length <= 16; length++) {
      const count = counts[length - 1] ?? 0;
      this.#shift[length] = at - code;
      for (let one = 0; one < count; one++) {
        if (length <= LOOK) {
          const first = code << (LOOK - length);
          this.#quick.fill(((values[at] ?? 0) << 8) | length, first, first + (1 << (LOOK - length)));
        }
        code += 1;
        at += 1;
      }
      if (count > 0) this.#largest[length] = code - 1;
      code <<= 1;
    }
  }

  /** The next value; 0 for a code that is none. */
  next(bits: Bits): number {
    const quick = this.#quick[bits.look(LOOK)] ?? 0;
    if (quick !== 0) {
      bits.skip(quick & 0xff);
      return quick >> 8;
    }
    let code = bits.take(LOOK);
    for (let length = LOOK + 1; length <= 16; length++) {
      code = (code << 1) | bits.take(1);
      if (code <= (this.#largest[length] ?? -1)) return this.#values[code + (this.#shift[length] ?? 0)] ?? 0;
    }
    return 0;
  }
}

/** Bits, most significant first; zeros from the next marker on. */
export class Bits {
  readonly #octets: Uint8Array;
  at: number;
  #held = 0;
  #count = 0;
  /** Bits held that the data did not have. */
  #made = 0;

  constructor(octets: Uint8Array, at: number) {
    this.#octets = octets;
    this.at = at;
  }

  /** More was taken than there is before the next marker. */
  get spent(): boolean {
    return this.#made > this.#count;
  }

  look(count: number): number {
    while (this.#count < count) this.#fill();
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#count -= count;
  }

  take(count: number): number {
    if (count === 0) return 0;
    const bits = this.look(count);
    this.#count -= count;
    return bits;
  }

  /** A number of so many bits with its sign (F.2.2.1, EXTEND). */
  signed(count: number): number {
    if (count === 0) return 0;
    const bits = this.take(count);
    return bits < 1 << (count - 1) ? bits - (1 << count) + 1 : bits;
  }

  /** Behind the next RSTn, if that is what comes. */
  restart(): boolean {
    this.#held = 0;
    this.#count = 0;
    this.#made = 0;
    this.at = markerFrom(this.#octets, this.at);
    const marker = this.#octets[this.at + 1] ?? 0;
    if (marker < 0xd0 || marker > 0xd7) return false;
    this.at += 2;
    return true;
  }

  #fill(): void {
    const octet = this.#octets[this.at];
    let next = 0;
    if (octet === undefined) this.#made += 8;
    else if (octet !== 0xff) {
      next = octet;
      this.at += 1;
    } else if (this.#octets[this.at + 1] === 0) {
      next = 0xff;
      this.at += 2;
    } else this.#made += 8;
    this.#held = ((this.#held << 8) | next) >>> 0;
    this.#count += 8;
  }
}

/** Where the next marker is: FF, and what is neither stuffing nor filling (B.1.1.2). */
export function markerFrom(octets: Uint8Array, from: number): number {
  for (let at = from; at + 1 < octets.length; at++) {
    if (octets[at] === 0xff && octets[at + 1] !== 0 && octets[at + 1] !== 0xff) return at;
  }
  return octets.length;
}

/** @returns where the scan has ended */
export function readScan(octets: Uint8Array, at: number, scan: Scan): number {
  const bits = new Bits(octets, at);
  const reader = new BlockReader(bits, scan);
  const [only, second] = scan.planes;
  let left = scan.restart;
  /** False when nothing more is to be had. */
  const goesOn = () => {
    if (scan.restart === 0) return !bits.spent;
    if (left > 0) {
      left -= 1;
      return true;
    }
    left = scan.restart - 1;
    reader.begin();
    return bits.restart();
  };
  if (only !== undefined && second === undefined) {
    const { columns, rows, stride } = only.plane;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (!goesOn()) return bits.at;
        reader.read(0, only, (row * stride + column) * 64);
      }
    }
    return bits.at;
  }
  for (let unitRow = 0; unitRow < scan.unitRows; unitRow++) {
    for (let unitColumn = 0; unitColumn < scan.unitColumns; unitColumn++) {
      if (!goesOn()) return bits.at;
      for (const [index, one] of scan.planes.entries()) {
        const { across, down, stride } = one.plane;
        for (let y = 0; y < down; y++) {
          for (let x = 0; x < across; x++)
            reader.read(index, one, ((unitRow * down + y) * stride + unitColumn * across + x) * 64);
        }
      }
    }
  }
  return bits.at;
}

class BlockReader {
  readonly #bits: Bits;
  readonly #scan: Scan;
  readonly #predicted = [0, 0, 0, 0];
  /** Blocks to come that have nothing more in this band. */
  #ended = 0;

  constructor(bits: Bits, scan: Scan) {
    this.#bits = bits;
    this.#scan = scan;
  }

  begin(): void {
    this.#predicted.fill(0);
    this.#ended = 0;
  }

  read(index: number, { plane, dc, ac }: ScanPlane, at: number): void {
    const { progressive, from, high } = this.#scan;
    const { coefficients } = plane;
    if (!progressive) {
      this.#dc(index, dc, coefficients, at);
      if (ac !== undefined) this.#ac(ac, coefficients, at, 1);
    } else if (from === 0) {
      if (high === 0) this.#dc(index, dc, coefficients, at);
      else if (this.#bits.take(1) === 1) coefficients[at] = (coefficients[at] ?? 0) | (1 << this.#scan.low);
    } else if (ac !== undefined) {
      if (high === 0) this.#ac(ac, coefficients, at, from);
      else this.#refine(ac, coefficients, at);
    }
  }

  #dc(index: number, table: HuffmanTable | undefined, coefficients: Int16Array, at: number): void {
    if (table === undefined) return;
    const difference = this.#bits.signed(Math.min(16, table.next(this.#bits)));
    const value = (this.#predicted[index] ?? 0) + difference;
    this.#predicted[index] = value;
    coefficients[at] = value << this.#scan.low;
  }

  /** F.2.2.2, and G.1.2.2 with its runs of ended blocks. */
  #ac(table: HuffmanTable, coefficients: Int16Array, at: number, from: number): void {
    if (this.#ended > 0) {
      this.#ended -= 1;
      return;
    }
    const bits = this.#bits;
    const { to, low, progressive } = this.#scan;
    for (let k = from; k <= to; k++) {
      const code = table.next(bits);
      const [run, size] = [code >> 4, code & 15];
      if (size === 0) {
        if (run === 15) k += 15;
        else {
          if (progressive) this.#ended = (1 << run) - 1 + bits.take(run);
          return;
        }
      } else {
        k += run;
        const value = bits.signed(size) << low;
        if (k <= 63) coefficients[at + (NATURAL[k] ?? 0)] = value;
      }
    }
  }

  /** G.1.2.3: a bit more of what is there, and new ones of one bit. */
  #refine(table: HuffmanTable, coefficients: Int16Array, at: number): void {
    const bits = this.#bits;
    const { from, to, low } = this.#scan;
    const bit = 1 << low;
    const correct = (place: number, value: number) => {
      if (bits.take(1) === 1 && (Math.abs(value) & bit) === 0) {
        coefficients[place] = value + (value > 0 ? bit : -bit);
      }
    };
    let k = from;
    if (this.#ended === 0) {
      while (k <= to) {
        const code = table.next(bits);
        let run = code >> 4;
        let fresh = 0;
        if ((code & 15) === 0) {
          if (run < 15) {
            this.#ended = (1 << run) + bits.take(run);
            break;
          }
        } else fresh = bits.take(1) === 1 ? bit : -bit;
        // Past so many zeros; what is none is corrected on the way.
        for (; k <= to; k++) {
          const place = at + (NATURAL[k] ?? 0);
          const value = coefficients[place] ?? 0;
          if (value !== 0) correct(place, value);
          else if (run > 0) run -= 1;
          else {
            if (fresh !== 0) coefficients[place] = fresh;
            break;
          }
        }
        k += 1;
        if (bits.spent) return;
      }
    }
    if (this.#ended === 0) return;
    for (; k <= to; k++) {
      const place = at + (NATURAL[k] ?? 0);
      const value = coefficients[place] ?? 0;
      if (value !== 0) correct(place, value);
    }
    this.#ended -= 1;
  }
}
