/** Text that comes in pieces as lines of a page: safe, tabs filled up, addresses in it as links. */
import { safeText } from "../text/safe.js";
import { displayWidth } from "../text/width.js";
import { type LineStyle, LONGEST_LINE, type Page, type Span } from "./page.js";

/** Addresses in a text that become links. */
const MOST_LINKS = 2000;
const ADDRESS =
  /\b(?:(?:https?|gophers?|ftps?|nntps?|telnets?|imaps?|pop3s?):\/\/|mailto:|news:)[^\s<>"'`|\\^{}]{2,2000}/gi;

export class TextLines {
  readonly #page: Page;
  #rest = "";
  /** Addresses are looked for. */
  readonly #links: boolean;

  constructor(page: Page, links = true) {
    this.#page = page;
    this.#links = links;
  }

  write(text: string): void {
    const all = this.#rest + text;
    // A CR may be half of an end.
    const cut = all.endsWith("\r") ? all.length - 1 : all.length;
    const lines = all.slice(0, cut).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + all.slice(cut);
    for (const line of lines) this.#add(line);
    // What has no end for so long is shown in pieces.
    while (this.#rest.length > 2 * LONGEST_LINE && !this.#page.full) {
      this.#add(this.#rest.slice(0, LONGEST_LINE));
      this.#rest = this.#rest.slice(LONGEST_LINE);
    }
  }

  end(): void {
    if (this.#rest !== "") this.#add(this.#rest);
    this.#rest = "";
  }

  #add(line: string): void {
    if (this.#page.full) return;
    const text = withoutTabs(safeText(line));
    const spans = this.#links ? addressesIn(text, this.#page) : undefined;
    this.#page.add(text, "text", 0, spans);
  }
}

/** Tabs as blanks up to the next eighth column. */
export function withoutTabs(text: string): string {
  if (!text.includes("\t")) return text;
  const [first = "", ...others] = text.split("\t");
  let out = first;
  for (const part of others) out += " ".repeat(8 - (displayWidth(out) % 8)) + part;
  return out;
}

/** The addresses in a line of safe text; adds them to the page's links. */
export function addressesIn(text: string, page: Page): Span[] | undefined {
  if (!text.includes(":") || page.links.length >= MOST_LINKS) return undefined;
  const spans: Span[] = [];
  for (const match of text.matchAll(ADDRESS)) {
    // What ends a sentence, or closes a bracket that stood before the address, is no part of it.
    const url = match[0].replace(/[.,;:!?)\]]+$/, "");
    const link = page.link({ url, name: url });
    spans.push({ from: match.index, to: match.index + url.length, link });
  }
  return spans.length === 0 ? undefined : spans;
}

export function addStyled(page: Page, text: string, style: LineStyle): void {
  const plain = withoutTabs(text);
  page.add(plain, style, 0, addressesIn(plain, page));
}
