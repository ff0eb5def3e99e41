/** A document as a page: web pages, messages and texts; of all else what is known, and how to save it. */
import type { Document } from "../plugin.js";
import { decoderFor, sniffCharset } from "../text/charset.js";
import { htmlAsText, LONGEST_HTML } from "../text/html.js";
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import { MOST_SOURCE, type Page, type Span } from "./page.js";
import { blockRows, boxOf, type Cell, decodePicture, LARGEST_PICTURE, shadedRows } from "./picture.js";
import { addStyled, TextLines } from "./text-lines.js";

/** Lines of prose wider than this are hard to read. */
const WIDEST = 100;
/** Octets by which text is told from what is none. */
const SNIFFED = 1024;

export interface Reading {
  readonly columns: number;
  /** The person's word on the character set. */
  readonly charset?: string | undefined;
  /** As it came, not rendered. */
  readonly asSource?: boolean;
  /** The person asked to see the picture. */
  readonly asPicture?: boolean;
  /** Pixels of a character's cell, on a screen that shows them. */
  readonly cell?: () => Cell | undefined;
  /** More of the page can be drawn. */
  grew(): void;
}

/** Reads the document to its end, or as far as a page goes. @throws what the body fails with */
export async function fillFrom(document: Document, page: Page, reading: Reading): Promise<void> {
  const body = document.body[Symbol.asyncIterator]();
  const kept = new Kept(page);
  const chunks = piecesOf(body, kept);
  const first = await chunks.next();
  const beginning = first.done === true ? Buffer.alloc(0) : first.value;
  page.type = renderedType(document.type.toLowerCase(), beginning, reading.asSource === true);
  const all = withFirst(first.done === true ? undefined : first.value, chunks);
  switch (page.type) {
    case "text/html":
      for await (const _ of all) {
        page.octets = kept.octets;
        reading.grew();
        if (kept.octets > LONGEST_HTML) break;
      }
      document.body.destroy();
      // After a redirect: what the page leads to is meant from where it came from in the end.
      page.url = document.entry.url;
      await drawHtml(page, reading, document.charset);
      page.redraw = (columns) => drawHtml(page, { ...reading, columns }, document.charset);
      return;
    case "message/rfc822":
      await drawMessage(page, all, reading.columns, () => {
        page.octets = kept.octets;
        reading.grew();
      });
      return;
    case "text/plain":
      await drawText(page, all, reading.charset ?? document.charset, () => {
        page.octets = kept.octets;
        reading.grew();
      });
      document.body.destroy();
      return;
    default:
      if (reading.asPicture === true && (await drawPicture(page, all, reading))) return;
      // Nothing more of it is fetched than has come with its beginning.
      document.body.destroy();
      page.source = undefined;
      describe(page, document);
  }
}

class Kept {
  readonly #page: Page;
  readonly #chunks: Buffer[] = [];
  octets = 0;

  constructor(page: Page) {
    this.#page = page;
  }

  take(chunk: Buffer): void {
    if (this.octets < MOST_SOURCE) this.#chunks.push(chunk.subarray(0, MOST_SOURCE - this.octets));
    this.octets += chunk.length;
  }

  settle(): void {
    this.#page.source = Buffer.concat(this.#chunks);
    this.#page.octets = this.octets;
  }
}

async function* piecesOf(
  body: AsyncIterator<unknown>,
  kept: Kept,
): AsyncGenerator<Buffer, undefined, undefined> {
  try {
    for (let next = await body.next(); next.done !== true; next = await body.next()) {
      const { value } = next;
      if (!(value instanceof Uint8Array)) continue;
      const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      kept.take(chunk);
      yield chunk;
    }
  } finally {
    kept.settle();
  }
  return undefined;
}

async function* withFirst(
  first: Buffer | undefined,
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  if (first !== undefined) yield first;
  yield* rest;
}

/** How it is drawn: what says it is text and is not is no text, and the other way round. */
function renderedType(type: string, beginning: Buffer, asSource: boolean): string {
  const looksLikeText = isReadable(beginning);
  if (asSource) return looksLikeText ? "text/plain" : "application/octet-stream";
  if (type === "text/html" || type === "application/xhtml+xml") {
    return looksLikeText ? "text/html" : "application/octet-stream";
  }
  if (/^message\/(?:rfc822|news|global)$/.test(type)) return "message/rfc822";
  const claimsText =
    /^text\/|^application\/(?:.+\+)?(?:json|xml|yaml|javascript)$|octet-stream$|gopher-menu$/;
  return looksLikeText && claimsText.test(type) ? "text/plain" : type.replace(/^text\//, "application/x-");
}

/** No NUL, and few controls that are none of a text's. */
function isReadable(beginning: Buffer): boolean {
  const sample = beginning.subarray(0, SNIFFED);
  let odd = 0;
  for (const octet of sample) {
    if (octet === 0) return false;
    if (octet < 0x20 && !(octet >= 0x08 && octet <= 0x0d) && octet !== 0x1b) odd += 1;
  }
  return odd * 20 <= sample.length;
}

async function drawText(
  page: Page,
  chunks: AsyncIterable<Buffer>,
  charset: string | undefined,
  grew: () => void,
): Promise<void> {
  const decoding = await decoderFor(charset);
  const lines = new TextLines(page);
  for await (const chunk of chunks) {
    lines.write(decoding.write(chunk));
    grew();
    if (page.full) break;
  }
  lines.write(decoding.end());
  lines.end();
  page.charset = decoding.charset;
}

async function drawHtml(page: Page, reading: Reading, told: string | undefined): Promise<void> {
  const source = page.source ?? Buffer.alloc(0);
  const decoding = await decoderFor(reading.charset ?? sniffCharset(source, told));
  const html = decoding.write(source) + decoding.end();
  page.charset = decoding.charset;
  const { text, links, truncated } = await htmlAsText(html, {
    columns: Math.min(reading.columns, WIDEST),
    baseUrl: page.url,
  });
  page.clear();
  const title = /<title[^>]{0,200}>([^<]{1,300})/i.exec(html.slice(0, 65_536))?.[1]?.trim();
  if (title !== undefined && title !== "") page.title = safeLine(title.replace(/\s+/g, " "));
  for (const url of links) page.link({ url, name: url });
  for (const link of page.links) link.line = -1;
  for (const line of text.split("\n")) {
    const spans = numbersIn(line, links.length);
    for (const { link } of spans) {
      const entry = page.links[link];
      if (entry !== undefined && entry.line < 0) entry.line = page.lines.length;
    }
    page.add(line, "text", 0, spans);
  }
  if (truncated) page.add("(the page is longer; only its first part is shown)", "note");
}

/** The marks `[7]` that stand for links. */
function numbersIn(line: string, count: number): Span[] {
  const spans: Span[] = [];
  for (const match of line.matchAll(/\[(\d{1,6})\]/g)) {
    const link = Number(match[1]) - 1;
    if (link >= 0 && link < count) spans.push({ from: match.index, to: match.index + match[0].length, link });
  }
  return spans;
}

async function drawMessage(
  page: Page,
  chunks: AsyncIterable<Buffer>,
  columns: number,
  grew: () => void,
): Promise<void> {
  const { renderMessage } = await import("../message/render.js");
  for await (const { style, text } of renderMessage({ body: chunks }, Math.min(columns, WIDEST))) {
    const subject = style === "field" ? /^Subject: (.+)/.exec(text)?.[1] : undefined;
    if (subject !== undefined) page.title = subject;
    addStyled(page, text, style);
    grew();
  }
}

function describe(page: Page, document: Document): void {
  const { entry, total, filename } = document;
  const size = total ?? entry.size;
  page.add(safeLine(filename ?? entry.name), "heading");
  page.add("");
  page.add(`Type  ${safeLine(document.type)}`);
  if (size !== undefined) page.add(`Size  ${humanSize(size)} (${size} octets)`);
  if (entry.modified !== undefined) page.add(`Date  ${entry.modified.toISOString()}`);
  page.add(`URL   ${safeLine(page.url)}`, "text", 6);
  page.add("");
  page.add(`It is no text. D saves it${isShown(document.type) ? ", I shows it" : ""}.`);
}

/** @returns false for what cannot be shown */
async function drawPicture(page: Page, chunks: AsyncIterable<Buffer>, reading: Reading): Promise<boolean> {
  const pieces: Buffer[] = [];
  let octets = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    octets += chunk.length;
    page.octets = octets;
    if (octets > LARGEST_PICTURE) return false;
  }
  const pixels = await decodePicture(Buffer.concat(pieces));
  if (pixels === undefined) return false;
  const paint = (columns: number) => {
    page.clear();
    const cell = reading.cell?.();
    const box = boxOf(pixels, columns, cell);
    page.picture = { ...box, pixels, line: page.lines.length };
    // Where the screen shows pixels, they come over rows that are empty.
    const rows = cell === undefined ? blockRows(pixels, columns) : Array.from({ length: box.rows }, () => "");
    const plain = cell === undefined ? shadedRows(pixels, columns) : [];
    for (const [at, row] of rows.entries()) page.paint(row, plain[at] ?? "▀".repeat(box.columns));
  };
  paint(reading.columns);
  page.redraw = async (columns) => paint(columns);
  return true;
}

/** What is known of a link to something that is no text, without asking for it. */
export function describeLink(page: Page, link: { name: string; type?: string; size?: number }): void {
  page.add(link.name, "heading");
  page.add("");
  page.add(`Type  ${safeLine(link.type ?? "not known")}`);
  if (link.size !== undefined) page.add(`Size  ${humanSize(link.size)} (${link.size} octets)`);
  page.add(`URL   ${safeLine(page.url)}`, "text", 6);
  page.add("");
  page.add(
    `It is no text, and nothing of it has been fetched. D saves it${isShown(link.type) ? ", I shows it" : ""}.`,
  );
}

/** The pictures that `I` shows. */
function isShown(type: string | undefined): boolean {
  return type !== undefined && /^image\/(?:png|gif|jpeg|jpg|pjpeg|\*)$/.test(type);
}
