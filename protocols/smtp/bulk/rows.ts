/** The rows of a list, CSV with a line of names on top, or NDJSON, as they are read. */
import type { Readable } from "node:stream";
import { localError, PortholeError } from "../../../src/errors.js";
import { CsvReader, type CsvRecord } from "./csv.js";

export interface Row {
  /** The line it begins on, from 1. */
  readonly line: number;
  readonly fields: ReadonlyMap<string, string>;
}

export type ListForm = "csv" | "ndjson";

const LONGEST_LINE = 1024 * 1024;
const MOST_COLUMNS = 1000;

/** By the file's name. @throws PortholeError `usage` when that does not tell */
export function formByName(file: string): ListForm {
  if (/\.csv$/i.test(file)) return "csv";
  if (/\.(?:ndjson|jsonl)$/i.test(file)) return "ndjson";
  throw new PortholeError("usage", `${file}: is it CSV or NDJSON?`, {
    hint: "name it LIST.csv or LIST.ndjson",
  });
}

/** What has no name: an object begins with a brace, which no column is called by. */
export function formByBeginning(head: Buffer): ListForm {
  return /^\ufeff?\s*\{/.test(head.toString("utf8")) ? "ndjson" : "csv";
}

/**
 * @param shown as messages call the list
 * @throws PortholeError `local` for a file that cannot be read, `usage` with the line for what is no row
 */
export async function* rowsOf(
  stream: Readable,
  form: ListForm,
  shown: string,
): AsyncGenerator<Row, void, undefined> {
  const text = textOf(stream, shown);
  try {
    yield* form === "csv" ? csvRows(text) : jsonRows(text);
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || thrown.code !== "usage") throw thrown;
    throw new PortholeError("usage", `${shown}, ${thrown.message}`, { hint: thrown.hint });
  }
}

async function* textOf(stream: Readable, file: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    for await (const chunk of stream) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new PortholeError("usage", "it is not UTF-8");
    throw localError(thrown, file);
  }
}

async function* csvRows(text: AsyncIterable<string>): AsyncGenerator<Row, void, undefined> {
  const reader = new CsvReader();
  let names: readonly string[] | undefined;
  async function* records(): AsyncGenerator<CsvRecord, void, undefined> {
    for await (const piece of text) yield* reader.feed(piece);
    yield* reader.end();
  }
  for await (const { line, cells } of records()) {
    if (names === undefined) {
      names = namesOf(cells);
      continue;
    }
    if (cells.length !== names.length) {
      throw new PortholeError("usage", `line ${line}: ${cells.length} values for ${names.length} names`);
    }
    yield { line, fields: new Map(names.map((name, at) => [name, cells[at] ?? ""])) };
  }
}

function namesOf(cells: readonly string[]): string[] {
  const names = cells.map((cell) => cell.trim());
  if (names.length > MOST_COLUMNS) throw new PortholeError("usage", "line 1: too many columns");
  if (names.includes("")) throw new PortholeError("usage", "line 1: a column has no name");
  const double = names.find((name, at) => names.indexOf(name) !== at);
  if (double !== undefined) throw new PortholeError("usage", `line 1: two columns are called ${double}`);
  return names;
}

async function* jsonRows(text: AsyncIterable<string>): AsyncGenerator<Row, void, undefined> {
  let held = "";
  let line = 0;
  for await (const piece of text) {
    const lines = (held + piece).split("\n");
    held = lines.pop() ?? "";
    if (held.length > LONGEST_LINE) throw new PortholeError("usage", `line ${line + 1}: too long`);
    for (const one of lines) {
      line += 1;
      if (one.trim() !== "") yield { line, fields: fieldsOf(one, line) };
    }
  }
  if (held.trim() !== "") yield { line: line + 1, fields: fieldsOf(held, line + 1) };
}

function fieldsOf(text: string, line: number): Map<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PortholeError("usage", `line ${line}: no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PortholeError("usage", `line ${line}: a row is an object`);
  }
  return new Map(
    Object.entries(value).map(([name, field]: [string, unknown]) => {
      if (field === null) return [name, ""];
      if (typeof field === "string" || typeof field === "number" || typeof field === "boolean")
        return [name, String(field)];
      throw new PortholeError("usage", `line ${line}: ${name} is neither text nor number`);
    }),
  );
}
