/** JPEG files of given coefficients, coded in one go or in refinements: ITU-T T.81 from the other side. */

export interface Plan {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly {
    readonly id: number;
    readonly across: number;
    readonly down: number;
    /** Blocks in their rows, as many as whole units fill: 64 coefficients each, in zigzag order. */
    readonly blocks: readonly (readonly number[])[];
  }[];
  readonly progressive?: boolean;
  /** Units between restarts. */
  readonly restart?: number;
  /** Bits of every code: 9 to 16. */
  readonly bits?: number;
  /** Segments to stand before all others. */
  readonly before?: readonly Buffer[];
}

export function segment(marker: number, ...body: readonly (number | Buffer)[]): Buffer {
  const octets = Buffer.concat(body.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
  const head = Buffer.of(0xff, marker, 0, 0);
  head.writeUInt16BE(octets.length + 2, 2);
  return Buffer.concat([head, octets]);
}

function short(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

class BitWriter {
  readonly #octets: number[] = [];
  #bits = "";

  put(value: number, count: number): void {
    if (count > 0) this.#bits += (value & ((1 << count) - 1)).toString(2).padStart(count, "0");
    while (this.#bits.length >= 8) {
      const octet = Number.parseInt(this.#bits.slice(0, 8), 2);
      this.#octets.push(octet, ...(octet === 0xff ? [0] : []));
      this.#bits = this.#bits.slice(8);
    }
  }

  align(): void {
    if (this.#bits !== "") this.put((1 << (8 - this.#bits.length)) - 1, 8 - this.#bits.length);
  }

  marker(code: number): void {
    this.align();
    this.#octets.push(0xff, code);
  }

  end(): Buffer {
    this.align();
    return Buffer.from(this.#octets);
  }
}

const sizeOf = (value: number) => (value === 0 ? 0 : 32 - Math.clz32(Math.abs(value)));

export function makeJpeg(plan: Plan): Buffer {
  const { width, height, planes, progressive = false, restart = 0, bits = 9 } = plan;
  const across = Math.max(...planes.map((plane) => plane.across));
  const down = Math.max(...planes.map((plane) => plane.down));
  const units = [Math.ceil(width / (8 * across)), Math.ceil(height / (8 * down))] as const;
  /** Every value has a code of the same length: itself. */
  const counts = Buffer.alloc(16);
  counts[bits - 1] = 255;
  const values = Buffer.from(Array.from({ length: 255 }, (_, value) => value));
  const tables = [0x00, 0x10].map((head) => segment(0xc4, head, counts, values));

  /** Value by value of a scan, with the low bits left out. */
  const lowered = (value: number, low: number) => Math.trunc(value / (1 << low));
  const number = (out: BitWriter, value: number, size: number) =>
    out.put(value < 0 ? value - 1 : value, size);

  const interleaved = (
    write: (out: BitWriter, plane: number, block: readonly number[]) => void,
    begin: () => void,
  ) => {
    const out = new BitWriter();
    begin();
    let done = 0;
    for (let y = 0; y < units[1]; y++) {
      for (let x = 0; x < units[0]; x++, done++) {
        if (restart > 0 && done > 0 && done % restart === 0) {
          out.marker(0xd0 + ((done / restart - 1) % 8));
          begin();
        }
        planes.forEach((plane, index) => {
          for (let v = 0; v < plane.down; v++) {
            for (let h = 0; h < plane.across; h++) {
              const at = (y * plane.down + v) * units[0] * plane.across + x * plane.across + h;
              write(out, index, plane.blocks[at] ?? []);
            }
          }
        });
      }
    }
    return out.end();
  };
  const scan = (of: readonly number[], from: number, to: number, high: number, low: number, data: Buffer) =>
    Buffer.concat([
      segment(
        0xda,
        of.length,
        ...of.flatMap((index) => [planes[index]?.id ?? 0, 0]),
        from,
        to,
        (high << 4) | low,
      ),
      data,
    ]);

  const all = planes.map((_, index) => index);
  let before = all.map(() => 0);
  const begin = () => {
    before = all.map(() => 0);
  };
  const dc = (out: BitWriter, index: number, value: number) => {
    const difference = value - (before[index] ?? 0);
    before[index] = value;
    const size = sizeOf(difference);
    out.put(size, bits);
    number(out, difference, size);
  };
  const coded: Buffer[] = [];
  if (!progressive) {
    const data = interleaved((out, index, block) => {
      dc(out, index, block[0] ?? 0);
      acFirst(out, bits, [block], 1, 63, 0, false);
    }, begin);
    coded.push(scan(all, 0, 63, 0, 0, data));
  } else {
    // A shift of the value as it stands, its sign with it.
    coded.push(
      scan(
        all,
        0,
        0,
        0,
        1,
        interleaved((out, index, block) => dc(out, index, (block[0] ?? 0) >> 1), begin),
      ),
    );
    for (const index of all) {
      const plane = planes[index];
      if (plane === undefined) continue;
      const [columns, rows] = [
        Math.ceil(Math.ceil((width * plane.across) / across) / 8),
        Math.ceil(Math.ceil((height * plane.down) / down) / 8),
      ];
      const own = plane.blocks.filter((_, at) => {
        const stride = units[0] * plane.across;
        return at % stride < columns && Math.floor(at / stride) < rows;
      });
      for (const [from, to] of [
        [1, 5],
        [6, 63],
      ] as const) {
        const first = new BitWriter();
        acFirst(first, bits, own, from, to, 2, true);
        coded.push(scan([index], from, to, 0, 2, first.end()));
        for (const low of [1, 0])
          coded.push(scan([index], from, to, low + 1, low, acRefined(bits, own, from, to, low)));
      }
    }
    coded.push(
      scan(
        all,
        0,
        0,
        1,
        0,
        interleaved((out, _, block) => out.put((block[0] ?? 0) & 1, 1), begin),
      ),
    );
  }
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    ...(plan.before ?? []),
    segment(0xdb, 0, Buffer.alloc(64, 1)),
    segment(
      progressive ? 0xc2 : 0xc0,
      8,
      short(height),
      short(width),
      planes.length,
      ...planes.flatMap((plane) => [plane.id, (plane.across << 4) | plane.down, 0]),
    ),
    ...tables,
    ...(restart > 0 ? [segment(0xdd, short(restart))] : []),
    ...coded,
    Buffer.of(0xff, 0xd9),
  ]);

  function acFirst(
    out: BitWriter,
    codeBits: number,
    blocks: readonly (readonly number[])[],
    from: number,
    to: number,
    low: number,
    runs: boolean,
  ): void {
    let ended = 0;
    const flush = () => {
      if (ended > 0) endOfBlocks(out, codeBits, ended);
      ended = 0;
    };
    for (const block of blocks) {
      let run = 0;
      for (let k = from; k <= to; k++) {
        const value = lowered(block[k] ?? 0, low);
        if (value === 0) {
          run += 1;
          continue;
        }
        flush();
        for (; run > 15; run -= 16) out.put(0xf0, codeBits);
        const size = sizeOf(value);
        out.put((run << 4) | size, codeBits);
        number(out, value, size);
        run = 0;
      }
      if (run > 0) ended += 1;
      if (!runs) flush();
    }
    flush();
  }

  function acRefined(
    codeBits: number,
    blocks: readonly (readonly number[])[],
    from: number,
    to: number,
    low: number,
  ): Buffer {
    const out = new BitWriter();
    const isNew = (value: number) => Math.abs(lowered(value, low)) === 1;
    const correction = (value: number) => Math.abs(lowered(value, low)) & 1;
    const isOld = (value: number) => Math.abs(lowered(value, low)) > 1;
    const corrections = (values: readonly number[]) => {
      for (const value of values) if (isOld(value)) out.put(correction(value), 1);
    };
    for (let index = 0; index < blocks.length; index++) {
      const band = (blocks[index] ?? []).slice(from, to + 1);
      let k = 0;
      for (
        let next = band.findIndex(isNew);
        next >= 0;
        next = band.findIndex((value, at) => at >= k && isNew(value))
      ) {
        const zeros = () => band.slice(k, next).filter((value) => !isOld(value)).length;
        while (zeros() > 15) {
          out.put(0xf0, codeBits);
          let passed = 0;
          const start = k;
          while (passed < 16) if (!isOld(band[k++] ?? 0)) passed += 1;
          corrections(band.slice(start, k));
        }
        out.put((zeros() << 4) | 1, codeBits);
        out.put((band[next] ?? 0) > 0 ? 1 : 0, 1);
        corrections(band.slice(k, next));
        k = next + 1;
      }
      if (k >= band.length) continue;
      let count = 1;
      while (
        (blocks[index + count] ?? [1]).length === 64 &&
        !(blocks[index + count] ?? []).slice(from, to + 1).some(isNew)
      )
        count += 1;
      endOfBlocks(out, codeBits, count);
      corrections(band.slice(k));
      for (let more = 1; more < count; more++) corrections((blocks[index + more] ?? []).slice(from, to + 1));
      index += count - 1;
    }
    return out.end();
  }
}

/** EOBn: so many blocks have nothing more. */
function endOfBlocks(out: BitWriter, bits: number, count: number): void {
  const size = 31 - Math.clz32(count);
  out.put(size << 4, bits);
  out.put(count - (1 << size), size);
}
