/** A message as text for a screen: the fields that matter, its text, what is attached. As it comes, nothing large held. */
import { decoderFor } from "../text/charset.js";
import { htmlAsText, LONGEST_HTML, pageWithLinks } from "../text/html.js";
import { safeLine, safeText } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import { displayWidth } from "../text/width.js";
import { wrap } from "../text/wrap.js";
import { calendarLines } from "./calendar.js";
import { deliveryLines } from "./delivery-report.js";
import { decodeWords } from "./encoded-words.js";
import { type MimeEvent, MimeParser, type Part } from "./mime.js";
import { factsOf, type PartFacts } from "./parts.js";
import { type TransferDecoding, transferDecoding } from "./transfer-coding.js";

/** One line, safe for a terminal, without its end. */
export interface RenderedLine {
  readonly style: "field" | "text" | "quote" | "signature" | "attachment" | "note";
  /** How often it is quoted; 0 for all but `quote`. */
  readonly depth: number;
  readonly text: string;
}

/** In the order in which people look for them. */
const FIELDS = ["From", "Reply-To", "To", "Cc", "Newsgroups", "Followup-To", "Date", "Subject"] as const;
const LONGEST_FIELD = 4000;
/** Octets of text of one message that are shown, all its parts together. */
const MOST_TEXT = LONGEST_HTML;
/** Attachments that are listed; more are counted. */
const MOST_LISTED = 1000;

/**
 * The message of a document, line by line.
 * @param columns of the screen
 */
export async function* renderMessage(
  document: { readonly body: AsyncIterable<Uint8Array | string> },
  columns: number,
): AsyncGenerator<RenderedLine, void, undefined> {
  const page = new Page(columns);
  const parser = new MimeParser();
  for await (const chunk of document.body) {
    for (const event of parser.feed(typeof chunk === "string" ? Buffer.from(chunk) : chunk))
      yield* page.take(event);
  }
  for (const event of parser.end()) yield* page.take(event);
  yield* page.end();
}

/** A text part that is being gathered. */
interface Gathered {
  readonly part: Part;
  readonly facts: PartFacts;
  readonly decoding: TransferDecoding;
  readonly chunks: Buffer[];
  truncated: boolean;
}

class Page {
  readonly #columns: number;
  #room = MOST_TEXT;
  readonly #gathered = new Map<Part, Gathered>();
  readonly #counted = new Map<Part, { readonly decoding: TransferDecoding; size: number }>();
  /** By the multipart/alternative they are in: of these, one is shown. */
  readonly #alternatives = new Map<Part, Gathered[]>();
  readonly #attached: { readonly facts: PartFacts; size: number | undefined; words: string }[] = [];
  #more = 0;
  #shown = 0;

  constructor(columns: number) {
    this.#columns = Math.max(20, columns);
  }

  async *take(event: MimeEvent): AsyncGenerator<RenderedLine, void, undefined> {
    const { part } = event;
    if (event.kind === "begin") yield* this.#begin(part);
    else if (event.kind === "octets") this.#octets(part, event.octets);
    else yield* this.#end(part);
  }

  async *end(): AsyncGenerator<RenderedLine, void, undefined> {
    if (this.#attached.length === 0) return;
    yield line("note", "");
    const width = Math.max(...this.#attached.map(({ facts }) => facts.section.length));
    for (const { facts, size, words } of this.#attached) {
      const told = [facts.filename, facts.type, size === undefined ? "" : humanSize(size), words];
      const text = told.filter((one) => one !== "").join("  ");
      yield line("attachment", `[${facts.section.padStart(width)}] ${safeLine(text)}`);
    }
    if (this.#more > 0) yield line("note", `(${this.#more} more parts)`);
  }

  async *#begin(part: Part): AsyncGenerator<RenderedLine, void, undefined> {
    if (part.depth === 0) yield* this.#fields(part);
    if (part.parent?.container === "message") await this.#nameMessage(part);
    if (part.container === "multipart") {
      if (!isWithinMessage(part) && PROTECTED[part.type] !== undefined)
        yield line("note", PROTECTED[part.type] ?? "");
      return;
    }
    const facts = await factsOf(part);
    // A message within the message is one thing that is attached, whatever it holds.
    if (isWithinMessage(part)) return;
    const decoding = transferDecoding(part.encoding);
    if (part.container === undefined && isReadable(part, facts) && this.#room > 0) {
      this.#gathered.set(part, { part, facts, decoding, chunks: [], truncated: false });
      return;
    }
    if (part.container === undefined) this.#counted.set(part, { decoding, size: 0 });
    if (this.#attached.length >= MOST_LISTED) this.#more += 1;
    else this.#attached.push({ facts, size: undefined, words: "" });
  }

  #octets(part: Part, octets: Buffer): void {
    const gathered = this.#gathered.get(part);
    if (gathered !== undefined) {
      this.#gather(gathered, gathered.decoding.write(octets));
      return;
    }
    const counted = this.#counted.get(part);
    if (counted !== undefined) counted.size += counted.decoding.write(octets).length;
  }

  #gather(gathered: Gathered, octets: Buffer): void {
    const kept = octets.subarray(0, this.#room);
    if (kept.length < octets.length) gathered.truncated = true;
    if (kept.length === 0) return;
    this.#room -= kept.length;
    gathered.chunks.push(Buffer.from(kept));
  }

  async *#end(part: Part): AsyncGenerator<RenderedLine, void, undefined> {
    const counted = this.#counted.get(part);
    if (counted !== undefined) {
      this.#counted.delete(part);
      const listed = this.#attached.find(({ facts }) => facts.section === part.section);
      if (listed !== undefined) listed.size = counted.size + counted.decoding.end().length;
    }
    const gathered = this.#gathered.get(part);
    if (gathered !== undefined) {
      this.#gathered.delete(part);
      this.#gather(gathered, gathered.decoding.end());
      // An invitation stands beside the text that tells of it.
      const choice = gathered.facts.type === "text/calendar" ? undefined : alternativeOf(part);
      if (choice === undefined) yield* this.#text(gathered);
      else this.#alternatives.set(choice, [...(this.#alternatives.get(choice) ?? []), gathered]);
    }
    const candidates = this.#alternatives.get(part);
    if (candidates !== undefined) {
      this.#alternatives.delete(part);
      const best =
        candidates.find((one) => one.facts.type === "text/plain" && !isBlank(one)) ?? candidates.at(-1);
      for (const candidate of candidates) {
        if (candidate === best) yield* this.#text(candidate);
        else for (const chunk of candidate.chunks) this.#room += chunk.length;
      }
    }
  }

  async *#fields(part: Part): AsyncGenerator<RenderedLine, void, undefined> {
    for (const name of FIELDS) {
      const raw = part.header.raw(name)?.slice(0, LONGEST_FIELD);
      if (raw === undefined || raw === "") continue;
      if (name === "Reply-To" && raw === part.header.raw("from")) continue;
      const text = `${name}: ${safeLine(await decodeWords(raw))}`;
      for (const wrapped of wrap(text, this.#columns, { indent: "", hanging: "    " }))
        yield line("field", wrapped);
    }
    yield line("text", "");
  }

  async #nameMessage(part: Part): Promise<void> {
    const { parent } = part;
    const listed = this.#attached.find(({ facts }) => facts.section === parent?.section);
    if (listed === undefined) return;
    listed.words = (await decodeWords((part.header.raw("subject") ?? "").slice(0, LONGEST_FIELD))).slice(
      0,
      100,
    );
  }

  async *#text(gathered: Gathered): AsyncGenerator<RenderedLine, void, undefined> {
    if (this.#shown > 0) yield line("text", "");
    this.#shown += 1;
    const octets = Buffer.concat(gathered.chunks);
    const { charset, type } = gathered.facts;
    // Nobody who writes ASCII needs to be believed when there are octets above 127.
    const decoding = await decoderFor(/^(?:us-)?ascii$/i.test(charset ?? "ascii") ? undefined : charset);
    const text = decoding.write(octets) + decoding.end();
    const told = READERS[type]?.(text);
    if (told !== undefined) {
      for (const one of told)
        yield* plainLines(safeText(one), { flowed: false, deleteSpace: false }, this.#columns);
    } else if (type === "text/html") {
      const page = pageWithLinks(await htmlAsText(text, { columns: this.#columns }));
      for (const one of page.replace(/\n+$/, "").split("\n")) yield line("text", one);
    } else yield* plainLines(safeText(text), flowOf(gathered.part), this.#columns);
    if (gathered.truncated) yield line("note", "(the text is longer; only its first part is shown)");
  }
}

/** Machine-made parts that are told in words. */
const READERS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  "text/calendar": calendarLines,
  "message/delivery-status": deliveryLines,
  "message/global-delivery-status": deliveryLines,
  "message/disposition-notification": deliveryLines,
};

/** What protects a message is named; it is neither judged nor undone here. */
const PROTECTED: Readonly<Record<string, string>> = {
  "multipart/signed": "(signed; the signature is not verified)",
  "multipart/encrypted": "(encrypted; it is not decrypted)",
};

function isReadable(part: Part, facts: PartFacts): boolean {
  return !facts.attached || (READERS[facts.type] !== undefined && part.disposition !== "attachment");
}

function line(style: RenderedLine["style"], text: string, depth = 0): RenderedLine {
  return { style, depth, text };
}

function isBlank({ chunks }: Gathered): boolean {
  return chunks.every((chunk) => /^\s*$/.test(chunk.toString("latin1")));
}

function isWithinMessage(part: Part): boolean {
  for (let at = part.parent; at !== undefined; at = at.parent) if (at.container === "message") return true;
  return false;
}

function alternativeOf(part: Part): Part | undefined {
  for (let at = part.parent; at !== undefined; at = at.parent) {
    if (at.type === "multipart/alternative") return at;
  }
  return undefined;
}

interface Flow {
  readonly flowed: boolean;
  readonly deleteSpace: boolean;
}

function flowOf(part: Part): Flow {
  const word = (name: string) => part.contentType.parameters.get(name)?.octets.toLowerCase();
  return { flowed: word("format") === "flowed", deleteSpace: word("delsp") === "yes" };
}

interface Paragraph {
  readonly depth: number;
  text: string;
}

/** Lines of a plain text: long ones wrapped, those of format=flowed (RFC 3676) put together before. */
function* plainLines(text: string, flow: Flow, columns: number): Generator<RenderedLine, void, undefined> {
  let inSignature = false;
  for (const { depth, text: words } of paragraphs(text.replace(/\n+$/, ""), flow)) {
    if (depth === 0 && words === "-- ") inSignature = true;
    const style = depth > 0 ? "quote" : inSignature ? "signature" : "text";
    const prefix = depth === 0 ? "" : `${">".repeat(Math.min(depth, 10))} `;
    if (displayWidth(words) + prefix.length <= columns)
      yield line(style, `${prefix}${words}`.trimEnd(), depth);
    else {
      for (const wrapped of wrap(words, columns, { indent: prefix })) yield line(style, wrapped, depth);
    }
  }
}

function* paragraphs(text: string, { flowed, deleteSpace }: Flow): Generator<Paragraph, void, undefined> {
  let open: Paragraph | undefined;
  for (const written of text.split("\n")) {
    const quote = /^(?:> ?)*/.exec(written)?.[0] ?? "";
    const marks = flowed ? (/^>*/.exec(written)?.[0] ?? "") : quote;
    const depth = marks.replaceAll(" ", "").length;
    let words = written.slice(marks.length);
    // RFC 3676, 4.4: a blank was put before what could be taken for a quote or a From_ line.
    if (flowed && words.startsWith(" ")) words = words.slice(1);
    if (!flowed) {
      yield { depth, text: words };
      continue;
    }
    const isSignature = words === "-- ";
    if (open !== undefined && (open.depth !== depth || isSignature)) {
      yield open;
      open = undefined;
    }
    const flows = words.endsWith(" ") && !isSignature;
    const piece = flows && deleteSpace ? words.slice(0, -1) : words;
    const paragraph: Paragraph = open ?? { depth, text: "" };
    paragraph.text += piece;
    if (flows) open = paragraph;
    else {
      yield paragraph;
      open = undefined;
    }
  }
  if (open !== undefined) yield open;
}
