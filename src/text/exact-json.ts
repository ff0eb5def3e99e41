/** JSON whose numbers stay what they are: JavaScript's have 53 bits, and an identifier of an API may have more. */

export type ExactJson =
  | string
  | number
  | boolean
  | null
  | ExactNumber
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson };

/** A number that JavaScript's would round, as it was written. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A text, or a number of so many digits or so large that it may be rounded. */
const LONG = /"(?:[^"\\]|\\.)*"|-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]*[eE][+-]?\d{3,}/g;

/** @throws SyntaxError when it is no JSON */
export function parseExactJson(text: string): ExactJson {
  const plain: ExactJson = JSON.parse(text);
  // Each long number in quotes, behind a mark that stands nowhere in the document.
  const all = JSON.stringify(plain);
  let mark = "#";
  while (all.includes(mark)) mark += "#";
  let found = false;
  const marked = text.replace(LONG, (token) => {
    if (token.startsWith('"') || token === String(Number(token))) return token;
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) return plain;
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? new ExactNumber(value.slice(mark.length)) : value,
  );
}

/** As JSON.stringify writes it, without blanks. */
export function exactJsonText(value: ExactJson): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isJsonList(value)) return `[${value.map(exactJsonText).join(",")}]`;
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}:${exactJsonText(one)}`);
  return `{${members.join(",")}}`;
}

export function isJsonList(value: ExactJson): value is readonly ExactJson[] {
  return Array.isArray(value);
}
