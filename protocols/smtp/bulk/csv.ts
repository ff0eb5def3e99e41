/** CSV (RFC 4180), strictly: what is ambiguous is an error with its line, for a mail to a wrong person cannot be taken back. */
import { PortholeError } from "../../../src/errors.js";

export interface CsvRecord {
  /** The line it begins on, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Characters of a record. */
const LONGEST_RECORD = 1024 * 1024;

type Place = "start" | "plain" | "quoted" | "after-quote";

/** Feed it text in any pieces; it gives out records as they are whole. */
export class CsvReader {
  #place: Place = "start";
  #cell = "";
  #cells: string[] = [];
  #length = 0;
  #line = 1;
  #began = 1;
  #sawCr = false;
  #first = true;

  /** @throws PortholeError `usage`, with the line */
  *feed(text: string): Generator<CsvRecord, void, undefined> {
    const from = this.#first && text.startsWith("\ufeff") ? 1 : 0;
    if (text !== "") this.#first = false;
    for (let at = from; at < text.length; at++) {
      const record = this.#take(text[at] ?? "");
      if (record !== undefined) yield record;
    }
  }

  /** @throws PortholeError `usage` when a quote was not closed */
  *end(): Generator<CsvRecord, void, undefined> {
    if (this.#place === "quoted") throw this.#wrong("a quote is not closed", this.#began);
    if (this.#sawCr) throw this.#wrong("a carriage return stands alone");
    const record = this.#endRecord();
    if (record !== undefined) yield record;
  }

  #take(character: string): CsvRecord | undefined {
    this.#length += 1;
    if (this.#length > LONGEST_RECORD)
      throw this.#wrong(`a record is above ${LONGEST_RECORD} characters`, this.#began);
    if (this.#place === "quoted") {
      if (character === '"') this.#place = "after-quote";
      else {
        if (character === "\n") this.#line += 1;
        this.#cell += character;
      }
      return undefined;
    }
    if (this.#sawCr && character !== "\n") throw this.#wrong("a carriage return stands alone");
    switch (character) {
      case "\r":
        this.#sawCr = true;
        return undefined;
      case "\n": {
        this.#sawCr = false;
        const record = this.#endRecord();
        this.#line += 1;
        this.#began = this.#line;
        return record;
      }
      case ",":
        this.#endCell();
        return undefined;
      case '"':
        if (this.#place === "plain") throw this.#wrong("a quote stands within a value");
        if (this.#place === "after-quote") this.#cell += '"';
        this.#place = "quoted";
        return undefined;
      default:
        if (this.#place === "after-quote") throw this.#wrong("a value goes on behind its closing quote");
        this.#place = "plain";
        this.#cell += character;
        return undefined;
    }
  }

  #endCell(): void {
    this.#cells.push(this.#cell);
    this.#cell = "";
    this.#place = "start";
  }

  #endRecord(): CsvRecord | undefined {
    // A line without anything is no record.
    const empty = this.#place === "start" && this.#cells.length === 0;
    this.#length = 0;
    if (empty) return undefined;
    this.#endCell();
    const cells = this.#cells;
    this.#cells = [];
    return { line: this.#began, cells };
  }

  #wrong(what: string, line = this.#line): PortholeError {
    return new PortholeError("usage", `line ${line}: ${what}`, {
      hint: 'values with a comma, a quote or a line break stand in double quotes, a quote in them twice: "a ""b"", c"',
    });
  }
}
