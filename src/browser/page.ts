/** One page: lines of safe text, and the links that stand in them. It grows while it loads. */
import type { EntryKind, Target } from "../plugin.js";
import type { Box, Picture } from "./picture.js";

export type LineStyle =
  | "text"
  | "heading"
  | "field"
  | "quote"
  | "signature"
  | "attachment"
  | "note"
  | "error";

export interface PageLine {
  /** Safe, without tabs and line breaks. */
  readonly text: string;
  readonly style: LineStyle;
  /** Columns by which the rows after the first are moved in when the line is wrapped. */
  readonly hanging: number;
  /** Where links stand in the text, from left to right. */
  readonly spans?: readonly Span[];
  /** In place of the text: a row of a picture, made here of colours and blocks alone. */
  readonly painted?: string;
}

export interface Span {
  /** Offsets in the line's text. */
  readonly from: number;
  readonly to: number;
  /** Place in `Page.links`. */
  readonly link: number;
}

export interface PageLink {
  readonly url: string;
  readonly name: string;
  /** What the page says that it leads to; a server's word. */
  readonly kind?: EntryKind;
  readonly type?: string;
  readonly size?: number;
  /** It wants a form to be filled in first. */
  readonly asks?: boolean;
  /** The line that it first stands in; -1 when it stands in none. */
  line: number;
}

/** Lines and characters that are kept of one page; a person does not read more, and a menu has no right to all memory. */
export const MOST_LINES = 200_000;
export const MOST_CHARACTERS = 32 * 1024 * 1024;
/** A longer line is cut in two. */
export const LONGEST_LINE = 8192;
/** Octets of a page that are kept as they came, for the view of its source. */
export const MOST_SOURCE = 4 * 1024 * 1024;

export interface PageFacts {
  readonly url: string;
  readonly title: string;
  /** Absent for the browser's own pages. */
  readonly target?: Target;
}

export class Page {
  url: string;
  title: string;
  readonly target: Target | undefined;
  readonly lines: PageLine[] = [];
  readonly links: PageLink[] = [];
  /** Grows when lines are replaced rather than added: whoever has laid them out starts over. */
  edition = 0;
  #characters = 0;
  /** No more is taken. */
  full = false;
  state: "loading" | "done" | "failed" | "left" = "loading";
  /** Octets that have come. */
  octets = 0;
  /** The octets as they came, up to MOST_SOURCE; absent for listings. */
  source: Buffer | undefined;
  charset: string | undefined;
  type: string | undefined;
  /** The picture that the page is: in how many columns, and in which of its lines. */
  picture: (Box & { readonly pixels: Picture; readonly line: number }) | undefined;
  /** Draws the page anew for another width, where its text depends on it. */
  redraw: ((columns: number) => Promise<void>) | undefined;

  constructor({ url, title, target }: PageFacts) {
    this.url = url;
    this.title = title;
    this.target = target;
  }

  get characters(): number {
    return this.#characters;
  }

  add(text: string, style: LineStyle = "text", hanging = 0, spans?: readonly Span[]): void {
    if (text.length > LONGEST_LINE) {
      // Spans are of short lines: names and addresses are cut before they get here.
      for (let at = 0; at < text.length && !this.full; at += LONGEST_LINE)
        this.add(text.slice(at, at + LONGEST_LINE), style, hanging);
      return;
    }
    if (this.full) return;
    this.lines.push(spans === undefined ? { text, style, hanging } : { text, style, hanging, spans });
    this.#characters += text.length;
    if (this.lines.length >= MOST_LINES || this.#characters >= MOST_CHARACTERS) {
      this.full = true;
      this.lines.push({
        text: "(there is more; only this part is shown - save it to have the whole)",
        style: "note",
        hanging: 0,
      });
    }
  }

  /** A row of a picture, in colours, and in characters where there are none. */
  paint(painted: string, text: string): void {
    this.add(text);
    const last = this.lines.pop();
    if (last !== undefined) this.lines.push({ ...last, painted });
  }

  /** @returns its number, from 0 */
  link(link: Omit<PageLink, "line">): number {
    return this.links.push({ ...link, line: this.lines.length }) - 1;
  }

  clear(): void {
    this.lines.length = 0;
    this.picture = undefined;
    this.links.length = 0;
    this.#characters = 0;
    this.full = false;
    this.edition += 1;
  }
}
