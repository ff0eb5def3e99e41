/** From the coefficients of a JPEG plane to its samples (ITU-T T.81, A.3.3 and A.3.4), as many of them as are wanted. */
import type { Plane } from "./jpeg-scan.js";

/** Half of C(u) cos((2x + 1) u pi / 2n), by x and u, for n samples. */
function basisOf(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, at) => {
    const [x, u] = [Math.floor(at / size), at % size];
    return (u === 0 ? Math.SQRT1_2 : 1) * Math.cos(((2 * x + 1) * u * Math.PI) / (2 * size)) * 0.5;
  });
}

/**
 * Samples from 0 to 255, `stride` blocks of them in a row.
 * @param size of a block's side; with fewer than 8 the lowest frequencies alone make a smaller picture
 */
export function samplesOf(
  { coefficients, stride }: Plane,
  quantisation: Uint16Array | undefined,
  size: number,
): Uint8ClampedArray {
  const basis = basisOf(size);
  const factors = quantisation ?? new Uint16Array(64).fill(1);
  const width = stride * size;
  const blocks = coefficients.length / 64;
  const samples = new Uint8ClampedArray(blocks * size * size);
  const half = new Float32Array(size * size);
  for (let block = 0; block < blocks; block++) {
    const from = block * 64;
    const at = Math.floor(block / stride) * size * width + (block % stride) * size;
    const last = transformRows(coefficients, from, factors, half, basis, size);
    if (last < 0) {
      // Nothing but its mean, as most of a sky is.
      const mean = ((coefficients[from] ?? 0) * (factors[0] ?? 1)) / 8 + 128;
      for (let y = 0; y < size; y++) samples.fill(mean, at + y * width, at + y * width + size);
      continue;
    }
    for (let x = 0; x < size; x++) {
      for (let y = 0; y < size; y++) {
        let sum = 128;
        for (let v = 0; v <= last; v++) sum += (half[v * size + x] ?? 0) * (basis[y * size + v] ?? 0);
        samples[at + y * width + x] = sum;
      }
    }
  }
  return samples;
}

/** @returns the last row that has anything; -1 when there is nothing but the mean */
function transformRows(
  coefficients: Int16Array,
  from: number,
  factors: Uint16Array,
  half: Float32Array,
  basis: Float32Array,
  size: number,
): number {
  let last = -1;
  half.fill(0);
  for (let v = 0; v < size; v++) {
    for (let u = 0; u < size; u++) {
      const coefficient = coefficients[from + v * 8 + u] ?? 0;
      if (coefficient === 0) continue;
      if (u + v > 0) last = v;
      const value = coefficient * (factors[v * 8 + u] ?? 1);
      for (let x = 0; x < size; x++)
        half[v * size + x] = (half[v * size + x] ?? 0) + value * (basis[x * size + u] ?? 0);
    }
  }
  return last;
}
