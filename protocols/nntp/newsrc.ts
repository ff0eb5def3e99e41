/** The file in which newsreaders remember what was read: `misc.test: 1-7,9` (a group), `alt.test! 1-3` (one left). */

/** Numbers that were read, both ends within. */
interface Span {
  low: number;
  high: number;
}

interface Line {
  readonly group: string;
  subscribed: boolean;
  spans: Span[];
}

const LINE = /^([^\s:!]+)([:!])[ \t]*([0-9, \t-]*)$/;

export class Newsrc {
  /** In the file's order; what is no line of a group (`options -n`) is kept as it stands. */
  readonly #lines: (Line | string)[];
  readonly #groups = new Map<string, Line>();

  constructor(text: string) {
    this.#lines = text
      .split(/\r?\n/)
      .filter((line, at, all) => line !== "" || at < all.length - 1)
      .map((line) => parseLine(line) ?? line);
    for (const line of this.#lines) if (typeof line !== "string") this.#groups.set(line.group, line);
  }

  /** Groups that are subscribed to, in order. */
  get subscribed(): string[] {
    return [...this.#groups.values()].filter(({ subscribed }) => subscribed).map(({ group }) => group);
  }

  hasRead(group: string, number: number): boolean {
    return this.#groups.get(group)?.spans.some(({ low, high }) => number >= low && number <= high) ?? false;
  }

  /** A group that is new here is subscribed to. */
  markRead(group: string, low: number, high = low): void {
    let line = this.#groups.get(group);
    if (line === undefined) {
      line = { group, subscribed: true, spans: [] };
      this.#groups.set(group, line);
      this.#lines.push(line);
    }
    line.spans = merged([...line.spans, { low, high }]);
  }

  /** As it is written. */
  toString(): string {
    return this.#lines.map((line) => `${typeof line === "string" ? line : formatLine(line)}\n`).join("");
  }
}

function parseLine(text: string): Line | undefined {
  const [, group, mark, numbers = ""] = LINE.exec(text) ?? [];
  if (group === undefined) return undefined;
  const spans = numbers.split(",").flatMap((word) => {
    const [, low, high] = /^\s*(\d{1,15})(?:-(\d{1,15}))?\s*$/.exec(word) ?? [];
    return low === undefined ? [] : [{ low: Number(low), high: Number(high ?? low) }];
  });
  return { group, subscribed: mark === ":", spans: merged(spans) };
}

function formatLine({ group, subscribed, spans }: Line): string {
  const numbers = spans.map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`)).join(",");
  return `${group}${subscribed ? ":" : "!"}${numbers === "" ? "" : ` ${numbers}`}`;
}

/** In order, what touches or overlaps as one. */
function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { low, high } of [...spans].sort((a, b) => a.low - b.low)) {
    if (high < low) continue;
    const last = result.at(-1);
    if (last !== undefined && low <= last.high + 1) last.high = Math.max(last.high, high);
    else result.push({ low, high });
  }
  return result;
}
