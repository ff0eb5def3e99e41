/** A document for whoever reads standard output: octets for a program, readable text for a person. */
import { PortholeError } from "../errors.js";
import type { Document } from "../plugin.js";
import { decodeBody, decoderFor, sniffCharset } from "../text/charset.js";
import { htmlAsText, LONGEST_HTML, pageWithLinks } from "../text/html.js";
import { laidOutJson } from "../text/json-layout.js";
import { SafeText, safeText } from "../text/safe.js";
import { type Color, type Paint, painter } from "./colors.js";
import { showPaged } from "./pager.js";
import { leavingEarly, octets, pourDocument, type ShowOptions } from "./pour.js";
import type { Terminal } from "./terminal.js";

/** Text that does not call itself `text/...`. */
const TEXT_TYPES =
  /^(?:text\/.+|message\/(?:rfc822|news|global)|application\/(?:(?:.+\+)?(?:json|xml|yaml)|(?:x-)?(?:ndjson|javascript|ecmascript|sh|yaml|toml|tex|perl|www-form-urlencoded)|sql|graphql|rtf))$/;
/** Octets of JSON that are laid out anew; more is shown as it is. */
const LONGEST_JSON = 4 * 1024 * 1024;
/** As newsreaders colour quotations: by depth, in turn. */
const QUOTE_COLORS: readonly Color[] = ["green", "cyan", "magenta"];
const LINE_COLORS: Readonly<
  Record<"field" | "text" | "signature" | "attachment" | "note", Color | undefined>
> = {
  field: "bold",
  text: undefined,
  signature: "dim",
  attachment: "yellow",
  note: "dim",
};
/** Lines of prose wider than this are hard to read. */
const WIDEST = 100;

/**
 * Into a pipe or a file octet for octet; on a terminal rendered by its type.
 * @throws PortholeError `protocol` past `maxSize`, or the signal's reason
 * @throws PortholeError `usage` when the type cannot be shown on a terminal; OutputClosed when the reader left
 */
export async function showDocument(
  document: Document,
  terminal: Terminal,
  options: ShowOptions = {},
): Promise<void> {
  if (!terminal.outputIsTerminal) await pourDocument(document, terminal, options);
  else
    await leavingEarly(document.body, terminal, options, () => display(document, terminal, options.maxSize));
}

async function display(document: Document, terminal: Terminal, maxSize: number | undefined): Promise<void> {
  if (!isText(document.type)) {
    document.body.destroy();
    throw new PortholeError("usage", `${document.type} is not shown on a terminal`, {
      hint: "save it with -o FILE or -O, or send it into a pipe",
    });
  }
  const text = readable(document, Math.min(terminal.columns, WIDEST), maxSize, terminal.paint);
  await showPaged(text, terminal, () => {
    document.body.destroy();
  });
}

/** True for what can be shown as text. */
export function isText(type: string): boolean {
  return TEXT_TYPES.test(type.toLowerCase());
}

/** The document as safe text for a screen so many columns wide, as it comes. */
export async function* readable(
  document: Document,
  columns: number,
  maxSize?: number,
  paint: Paint = painter(false),
): AsyncGenerator<string, void, undefined> {
  const type = document.type.toLowerCase();
  const body = octets(document.body, maxSize);
  if (type === "text/html" || type === "application/xhtml+xml") yield* page(document, body, columns);
  else if (/^application\/(?:.+\+)?json$/.test(type)) yield* json(document, body, paint);
  else if (/^message\/(?:rfc822|news|global)$/.test(type)) yield* message(body, columns, paint);
  else yield* safe(decodeBody(body, document.charset));
}

async function* page(
  document: Document,
  body: AsyncIterable<Uint8Array>,
  columns: number,
): AsyncGenerator<string, void, undefined> {
  const { head } = await upTo(body, LONGEST_HTML + 1);
  document.body.destroy();
  const decoding = await decoderFor(sniffCharset(head, document.charset));
  const html = decoding.write(head) + decoding.end();
  yield pageWithLinks(await htmlAsText(html, { columns, baseUrl: document.entry.url }));
}

async function* json(
  document: Document,
  body: AsyncIterable<Uint8Array>,
  paint: Paint,
): AsyncGenerator<string, void, undefined> {
  const { head, rest } = await upTo(body, LONGEST_JSON);
  // RFC 8259, 8.1: JSON is UTF-8.
  const laidOut = rest === undefined ? laidOutJson(head.toString("utf8")) : undefined;
  if (laidOut !== undefined) yield `${colored(safeText(laidOut), paint)}\n`;
  else yield* safe(decodeBody(joined(head, rest), document.charset ?? "utf-8"));
}

/** The rendered lines are safe already; what they are decides their colour. */
async function* message(
  body: AsyncIterable<Uint8Array>,
  columns: number,
  paint: Paint,
): AsyncGenerator<string, void, undefined> {
  const { renderMessage } = await import("../message/render.js");
  for await (const { style, depth, text } of renderMessage({ body }, columns)) {
    const color = style === "quote" ? QUOTE_COLORS[(depth - 1) % QUOTE_COLORS.length] : LINE_COLORS[style];
    yield `${color === undefined ? text : paint(color, text)}\n`;
  }
}

/** JSON as JSON.stringify lays it out: keys, texts, numbers and words each in a colour. */
function colored(json: string, paint: Paint): string {
  if (paint("bold", "x") === "x") return json;
  return json.replace(
    /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g,
    (token, text: string | undefined, colon: string | undefined) => {
      if (text !== undefined) return colon === undefined ? paint("green", text) : paint("blue", text) + colon;
      return paint(/^[tfn]/.test(token) ? "magenta" : "cyan", token);
    },
  );
}

async function* safe(text: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  const filter = new SafeText();
  let last = "\n";
  for await (const piece of text) {
    filter.write(piece);
    const shown = drained(filter);
    if (shown !== "") last = shown;
    yield shown;
  }
  filter.end();
  const shown = drained(filter);
  // The shell's prompt begins on a line of its own.
  yield (shown === "" ? last : shown).endsWith("\n") ? shown : `${shown}\n`;
}

function drained(filter: SafeText): string {
  const text: unknown = filter.read();
  return typeof text === "string" ? text : "";
}

/** The first octets, and the iteration over the rest when there is more. */
async function upTo(
  body: AsyncIterable<Uint8Array>,
  most: number,
): Promise<{ head: Buffer; rest: AsyncIterable<Uint8Array> | undefined }> {
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < most) {
    const { done, value } = await iterator.next();
    if (done === true) return { head: Buffer.concat(chunks), rest: undefined };
    chunks.push(value);
    length += value.length;
  }
  return { head: Buffer.concat(chunks), rest: { [Symbol.asyncIterator]: () => iterator } };
}

async function* joined(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  if (rest !== undefined) yield* rest;
}
