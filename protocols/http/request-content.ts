/** From request items and options to what is asked: headers, query and a body. Files are read, or opened when it is time. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { localError, PortholeError } from "../../src/errors.js";
import { mediaTypeOf } from "../../src/files/media-type.js";
import type { Options } from "../../src/plugin.js";
import { type ExactJson, exactJsonText, parseExactJson } from "../../src/text/exact-json.js";
import { refuseControls } from "../../src/url.js";
import type { Header } from "./engine.js";
import { headerOctets } from "./header-text.js";
import { type FormPart, multipart, textPart } from "./multipart.js";
import { nestedJson } from "./nested-json.js";
import type { RequestItem } from "./request-items.js";
import type { UploadSource } from "./upload.js";

export interface RequestContent {
  /** Written by the user, in order. */
  readonly own: readonly Header[];
  /** Names in lower case that are not to be sent. */
  readonly without: ReadonlySet<string>;
  /** What the body's form asks for. */
  readonly headers: readonly Header[];
  /** Without its `?`; empty for none. */
  readonly query: string;
  readonly body?: UploadSource;
}

/** A file that becomes part of a text, or of an object, is held. */
const MOST_TEXT = 16 * 1024 * 1024;
const FILE_CHUNK = 256 * 1024;
const FORM = "application/x-www-form-urlencoded; charset=utf-8";

type Stdin = () => AsyncIterable<Uint8Array>;

/** @throws PortholeError `usage` for what contradicts itself, `local` for files that cannot be read */
export async function contentOf(
  items: readonly RequestItem[],
  options: Options,
  stdin: Stdin,
): Promise<RequestContent> {
  refuseTwoReaders(items, options["data"]);
  const own: Header[] = [];
  const without = new Set<string>();
  const query = new URLSearchParams();
  for (const item of items) {
    if (item.kind === "header") own.push([item.name, headerOctets(item.value)]);
    if (item.kind === "header-file") own.push([item.name, headerOctets(await lineIn(item.file, stdin))]);
    if (item.kind === "no-header") without.add(item.name.toLowerCase());
    if (item.kind === "query") query.append(item.name, item.value);
    if (item.kind === "query-file") query.append(item.name, await lineIn(item.file, stdin));
  }
  const body = await bodyOf(items, options, stdin);
  const json = options["form"] !== true && options["multipart"] !== true && fieldsOf(items).length > 0;
  return {
    own,
    without,
    headers: [
      ...(body?.type === undefined ? [] : [["Content-Type", body.type] as const]),
      // HTTPie's words: what takes JSON most often gives it too.
      ...(json ? [["Accept", "application/json, */*;q=0.5"] as const] : []),
    ],
    query: query.toString(),
    ...(body === undefined ? {} : { body }),
  };
}

/** What makes up a body, field by field. */
function fieldsOf(items: readonly RequestItem[]): readonly RequestItem[] {
  return items.filter(({ kind }) => /^(?:field|json|upload)/.test(kind));
}

async function bodyOf(
  items: readonly RequestItem[],
  options: Options,
  stdin: Stdin,
): Promise<UploadSource | undefined> {
  const fields = fieldsOf(items);
  const whole = items.flatMap((item) => (item.kind === "body" ? [item.file] : []));
  const raw = options["raw"];
  const data = options["data"];
  const form: readonly string[] = Array.isArray(data) ? data : [];
  const sources = [
    fields.length > 0,
    typeof raw === "string",
    form.length > 0,
    ...whole.map(() => true),
  ].filter(Boolean);
  if (sources.length > 1) {
    throw new PortholeError("usage", "a request has one body", {
      hint: "give fields, --raw, or one file",
    });
  }
  if (typeof raw === "string")
    return held(Buffer.from(raw, "utf8"), options["form"] === true ? FORM : undefined);
  if (form.length > 0) return formData(form, stdin);
  const [file] = whole;
  if (file === "-") return { body: stdin(), type: "application/octet-stream" };
  if (file !== undefined) return fileBody(file);
  if (options["multipart"] === true)
    return multipart(await Promise.all(fields.map((item) => partOf(item, stdin))));
  if (options["form"] === true) {
    const parts = fields.some(({ kind }) => kind === "upload");
    if (parts) return multipart(await Promise.all(fields.map((item) => partOf(item, stdin))));
    const pairs = new URLSearchParams();
    for (const item of fields) pairs.append(...(await textField(item, stdin)));
    return held(Buffer.from(pairs.toString()), FORM);
  }
  if (fields.length === 0) return undefined;
  const values = await Promise.all(fields.map((item) => jsonField(item, stdin)));
  return held(Buffer.from(exactJsonText(nestedJson(values)), "utf8"), "application/json");
}

function held(octets: Buffer, type: string | undefined): UploadSource {
  return {
    size: octets.length,
    repeatable: true,
    ...(type === undefined ? {} : { type }),
    body: {
      async *[Symbol.asyncIterator]() {
        yield octets;
      },
    },
  };
}

async function fileBody(file: string): Promise<UploadSource> {
  const { size, open } = await opened(file);
  return {
    type: mediaTypeOf(file) ?? "application/octet-stream",
    ...(size === undefined ? {} : { size, repeatable: true }),
    body: { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() },
  };
}

/** `--data`, as curl has it: texts of a form as they stand, joined by `&`; `@FILE` is what is in a file, line ends left out. */
export async function formData(texts: readonly string[], stdin?: Stdin): Promise<UploadSource> {
  const parts = await Promise.all(
    texts.map(async (text) =>
      text.startsWith("@") ? (await textIn(text.slice(1), stdin)).replace(/[\r\n]/g, "") : text,
    ),
  );
  return held(Buffer.from(parts.join("&"), "utf8"), "application/x-www-form-urlencoded");
}

/** Looked at now, so that a missing file sends nothing; opened when it is read. */
async function opened(
  file: string,
): Promise<{ readonly size: number | undefined; readonly open: () => AsyncIterable<Uint8Array> }> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new PortholeError("local", `${file}: is a folder`);
    // A pipe does not tell its size.
    return { size: facts.isFile() ? facts.size : undefined, open: () => reading(file) };
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

async function* reading(file: string): AsyncGenerator<Uint8Array> {
  try {
    const pieces: AsyncIterable<unknown> = createReadStream(file, { highWaterMark: FILE_CHUNK });
    for await (const piece of pieces) if (piece instanceof Uint8Array) yield piece;
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

async function textIn(file: string, stdin?: Stdin): Promise<string> {
  if (file === "-" && stdin !== undefined) return textFrom(stdin());
  try {
    const { size } = await stat(file);
    if (size > MOST_TEXT) throw new PortholeError("usage", `${file} is too large to be part of a text`);
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

async function textFrom(source: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > MOST_TEXT)
      throw new PortholeError("usage", "standard input is too large to be part of a text");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** @throws PortholeError `usage` before anything is sent: two that read it would each get some of it, or nothing */
function refuseTwoReaders(items: readonly RequestItem[], data: unknown): void {
  const texts: readonly unknown[] = Array.isArray(data) ? data : [];
  const readers = [
    ...items.filter((item) => "file" in item && item.file === "-"),
    ...texts.filter((text) => text === "@-"),
  ];
  if (readers.length > 1) {
    throw new PortholeError("usage", "standard input can be only one part of a request", {
      hint: "name a file for the other",
    });
  }
}

/** A file's text, as one line: for headers and the query. */
async function lineIn(file: string, stdin: Stdin): Promise<string> {
  const line = (await textIn(file, stdin)).replace(/\r?\n$/, "");
  refuseControls(line, `what is in ${file}`);
  return line;
}

async function textField(item: RequestItem, stdin: Stdin): Promise<[string, string]> {
  switch (item.kind) {
    case "field":
      return [item.name, item.value];
    case "field-file":
      return [item.name, await textIn(item.file, stdin)];
    case "json":
    case "json-file": {
      const [name, value] = await jsonField(item, stdin);
      return [name, typeof value === "string" ? value : exactJsonText(value)];
    }
    default:
      throw uploadWithoutForm(item);
  }
}

async function jsonField(item: RequestItem, stdin: Stdin): Promise<[string, ExactJson]> {
  switch (item.kind) {
    case "json":
      return [item.name, parsed(item.text, `'${item.text}'`)];
    case "json-file":
      return [item.name, parsed(await textIn(item.file, stdin), item.file)];
    case "field":
    case "field-file":
      return textField(item, stdin);
    default:
      throw uploadWithoutForm(item);
  }
}

async function partOf(item: RequestItem, stdin: Stdin): Promise<FormPart> {
  if (item.kind !== "upload") return textPart(...(await textField(item, stdin)));
  const type = item.type ?? mediaTypeOf(item.file);
  refuseControls(type ?? "", "a media type");
  return {
    name: item.name,
    filename: basename(item.file),
    ...(type === undefined ? {} : { type }),
    ...(item.file === "-" ? { size: undefined, open: stdin } : await opened(item.file)),
  };
}

function parsed(text: string, what: string): ExactJson {
  try {
    return parseExactJson(text);
  } catch {
    throw new PortholeError("usage", `${what} is no JSON`, {
      hint: "name:=json wants JSON; name=text sends a text",
    });
  }
}

function uploadWithoutForm(item: RequestItem): PortholeError {
  const name = "name" in item ? item.name : "";
  return new PortholeError("usage", `the file ${name}@ does not fit into a JSON object`, {
    hint: `--form sends it in a form; ${name}=@FILE takes its text; @FILE makes it the whole body`,
  });
}
