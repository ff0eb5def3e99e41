/** The overview: a line for each article, its fields parted by tabs (RFC 3977, 8.3 and 8.4). */
import { articleNumber } from "./group-facts.js";

export interface OverviewField {
  /** Lower case; a metadata item keeps its colon: `subject`, `:bytes`. */
  readonly name: string;
  /** The line has the header's name before its content. */
  readonly full: boolean;
}

/** What stands after the article number, in order. */
export type OverviewFormat = readonly OverviewField[];

const USUAL = ["subject", "from", "date", "message-id", "references", ":bytes", ":lines"] as const;

/** RFC 3977, 8.3.2: the first seven, whatever else there is. */
export const USUAL_FORMAT: OverviewFormat = USUAL.map((name) => ({ name, full: false }));

/** RFC 3977, 8.4.2: what servers of RFC 2980 called the metadata. */
const OLD_NAMES: Readonly<Record<string, string>> = { bytes: ":bytes", lines: ":lines" };

/** @param lines of LIST OVERVIEW.FMT; the usual seven stay what they are when a server says nonsense about them */
export function parseOverviewFormat(lines: readonly string[]): OverviewFormat {
  const fields = lines.map((line): OverviewField => {
    const words = line.trim().toLowerCase();
    const full = words.endsWith(":full");
    const bare = (full ? words.slice(0, -5) : words).replace(/(?<=.):$/, "");
    return { name: full ? bare : (OLD_NAMES[bare] ?? bare), full };
  });
  return fields.length < USUAL.length ? USUAL_FORMAT : fields;
}

export interface Overview {
  readonly number: number;
  /** Content by the format's names, not decoded: one character for each octet. What the article has not is absent. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * A line of OVER. Fields that are missing at its end are absent, those that the format does not know are passed over.
 * @returns undefined for what does not begin with a number
 */
export function parseOverview(line: Buffer, format: OverviewFormat): Overview | undefined {
  const [number = "", ...parts] = line.toString("latin1").split("\t");
  if (!/^\d+$/.test(number)) return undefined;
  const fields = new Map<string, string>();
  for (const [at, part] of parts.entries()) {
    const field = format[at];
    if (field === undefined) break;
    const content = field.full ? withoutName(part, field.name) : part;
    if (content !== "") fields.set(field.name, content);
  }
  return { number: articleNumber(number), fields };
}

/** `Xref: news.example.org misc.test:12`; a field without its header's name is one that the article has not. */
function withoutName(part: string, name: string): string {
  if (part.slice(0, name.length + 1).toLowerCase() !== `${name}:`) return part.trim();
  return part.slice(name.length + 1).trim();
}
