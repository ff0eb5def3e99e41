/** The ways in which tests cut what a server sends. */
import fc from "fast-check";

/** Whole, cut in two at every place, and octet by octet. */
export function* everyCut(octets: Buffer): Generator<Buffer[]> {
  yield [octets];
  for (let at = 1; at < octets.length; at++) yield [octets.subarray(0, at), octets.subarray(at)];
  yield octetByOctet(octets);
}

export function octetByOctet(octets: Buffer): Buffer[] {
  return Array.from(octets, (octet) => Buffer.from([octet]));
}

/** Cut at the given places, which may be in any order, doubled, or beyond the end. */
export function cutAt(octets: Buffer, places: readonly number[]): Buffer[] {
  const inside = [...new Set(places.map((place) => place % (octets.length + 1)))].sort((a, b) => a - b);
  const edges = [0, ...inside, octets.length];
  return edges.slice(1).map((to, index) => octets.subarray(edges[index], to));
}

export const places = fc.array(fc.nat(10_000), { maxLength: 30 });

/** Octets in which line ends and dots are likely to meet. */
export const linesAndDots = fc
  .array(
    fc.constantFrom("\r", "\n", "\r\n", ".", "..", ".\r\n", "a", "text", "\0", "\xff", "\r\n.\r\n", "\n.\n"),
    {
      maxLength: 40,
    },
  )
  .map((parts) => Buffer.from(parts.join(""), "latin1"));
