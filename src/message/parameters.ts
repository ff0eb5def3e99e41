/** Content-Type and Content-Disposition: a value and its parameters (RFC 2045, 5.1; RFC 2183), cut and coded as RFC 2231 has it. */
import { decodeOctetString, decodeWords } from "./encoded-words.js";
import type { Header } from "./headers.js";

export interface Parameterized {
  /** Lower case: `text/plain`, `attachment`; empty when there is none. */
  readonly value: string;
  /** By lower-case name, continuations joined, percent-encoding of RFC 2231 undone to one character for each octet. */
  readonly parameters: ReadonlyMap<string, Parameter>;
}

export interface Parameter {
  readonly octets: string;
  /** Named by RFC 2231's extended form. */
  readonly charset: string | undefined;
  /** It was in the extended form; otherwise encoded words may stand in it, against RFC 2047. */
  readonly extended: boolean;
}

/** More than any sound field has. */
const MOST_PARAMETERS = 200;
const PARAMETER = /;\s*([^\s=;"]{1,100})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/gs;

/** @param raw the field's value, unfolded; undefined reads as empty */
export function parseParameterized(raw: string | undefined): Parameterized {
  const text = withoutComments(raw ?? "");
  const semicolon = text.indexOf(";");
  const value = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  const sections = new Map<string, Section[]>();
  let count = 0;
  for (const [, name = "", quoted, plain = ""] of text.matchAll(PARAMETER)) {
    count += 1;
    if (count > MOST_PARAMETERS) break;
    const written = quoted === undefined ? plain.trim() : quoted.replace(/\\(.)/gs, "$1");
    const [, base = "", number, star] = /^(.*?)(?:\*(\d{1,3}))?(\*)?$/.exec(name.toLowerCase()) ?? [];
    const section = { at: Number(number ?? 0), written, extended: star !== undefined };
    sections.set(base, [...(sections.get(base) ?? []), section]);
  }
  return { value, parameters: new Map([...sections].map(([name, list]) => [name, joined(list)])) };
}

interface Section {
  readonly at: number;
  readonly written: string;
  readonly extended: boolean;
}

/** RFC 2231, 3 and 4: the extended form counts more than the plain one beside it. */
function joined(sections: readonly Section[]): Parameter {
  const extended = sections.some((section) => section.extended);
  const chosen = extended || sections.every(({ at }) => at === 0) ? sections : [...sections];
  const ordered = [...chosen].sort((one, other) => one.at - other.at);
  const first = ordered.find((section) => section.at === 0 && section.extended === extended) ?? ordered[0];
  let charset: string | undefined;
  let octets = "";
  for (const section of ordered) {
    if (section.at === 0 && section !== first) continue;
    let written = section.written;
    if (section === first && section.extended) {
      const [, name, rest] = /^([^']*)'[^']*'(.*)$/s.exec(written) ?? [];
      if (name !== undefined && name !== "") charset = name;
      written = rest ?? written;
    }
    octets += section.extended ? percentDecoded(written) : written;
  }
  return { octets, charset, extended };
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-F]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A parameter as people read it. */
export async function parameterText(parameter: Parameter | undefined): Promise<string | undefined> {
  if (parameter === undefined) return undefined;
  const { octets, charset, extended } = parameter;
  return extended ? decodeOctetString(octets, charset) : decodeWords(octets);
}

/** The name that a part gives itself; unsafe until cleaned. */
export async function partFileName(header: Header): Promise<string | undefined> {
  const disposition = parseParameterized(header.raw("content-disposition"));
  const type = parseParameterized(header.raw("content-type"));
  return parameterText(disposition.parameters.get("filename") ?? type.parameters.get("name"));
}

/** RFC 822 comments, outside of quoted strings. */
function withoutComments(text: string): string {
  if (!text.includes("(")) return text;
  let depth = 0;
  let kept = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|\\.|[()]|[^"\\()]+/gs)) {
    if (token === "(") depth += 1;
    else if (token === ")" && depth > 0) depth -= 1;
    else if (depth === 0) kept += token;
  }
  return kept;
}
