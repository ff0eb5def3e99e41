/** What is still missing of a file that is fetched in parts. */

/** From its first octet to the one behind its last. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Smaller parts are not worth a connection (octets). */
const SMALLEST = 1024 * 1024;

/** Octets. */
export function octetsIn(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The same, in order, in at least `wanted` parts unless these would be too small. */
export function partsOf(gaps: readonly Gap[], wanted: number): Gap[] {
  const all = octetsIn(gaps);
  const whole = Math.max(1, Math.min(wanted, Math.floor(all / SMALLEST)));
  const share = Math.ceil(all / whole);
  return gaps.flatMap(({ from, to }) => {
    const pieces = Math.max(1, Math.round((to - from) / share));
    const step = Math.ceil((to - from) / pieces);
    return Array.from({ length: pieces }, (_, at) => ({
      from: Math.min(to, from + at * step),
      to: Math.min(to, from + (at + 1) * step),
    })).filter((gap) => gap.from < gap.to);
  });
}

/** Gaps as they were written down; undefined when that is nonsense for a file of so many octets. */
export function gapsIn(json: unknown, total: number | undefined): Gap[] | undefined {
  if (!Array.isArray(json) || json.length === 0 || total === undefined) return undefined;
  const gaps: Gap[] = [];
  let behind = 0;
  for (const pair of json as readonly unknown[]) {
    const [from, to]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    if (!isPlace(from) || !isPlace(to) || from < behind || to <= from || to > total) return undefined;
    gaps.push({ from, to });
    behind = to;
  }
  return gaps;
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
