/** HTML as text for a terminal: headings, paragraphs, lists and tables kept, links numbered, nothing executed or fetched. */
import { pathToFileURL } from "node:url";
import type { FormatCallback, HtmlToTextOptions, SelectorDefinition } from "html-to-text";
import { boundDepth } from "./html-depth.js";
import { attribute, buttonField, choiceField, field, label, namedForm, textField } from "./html-forms.js";
import { safeLine, safeText } from "./safe.js";

export interface HtmlOptions {
  /** Columns to wrap to. */
  readonly columns: number;
  /** Where the page came from: relative links are completed with it. */
  readonly baseUrl?: string;
}

export interface HtmlPage {
  /** Safe text; links stand in it as `[1]`. */
  readonly text: string;
  /** The absolute URLs, `[1]` first. */
  readonly links: readonly string[];
  /** Only the first part was read. */
  readonly truncated: boolean;
}

/** Characters of HTML that are read. A page is far smaller; what is larger would keep the program busy for seconds. */
export const LONGEST_HTML = 4 * 1024 * 1024;
/** Nesting that is followed: people write some dozens of levels, only attacks write thousands. */
const DEEPEST = 200;

/** A line, or lines, of their own. */
const LINES = ["dt", "fieldset", "figcaption", "legend", "summary"];

/** Renders a page. What it cannot make sense of it leaves out; it does not throw for bad HTML. */
export async function htmlAsText(html: string, options: HtmlOptions): Promise<HtmlPage> {
  const { convert } = await import("html-to-text");
  const truncated = html.length > LONGEST_HTML;
  // Invisible break opportunities mean nothing once the lines are set.
  const source = html
    .slice(0, LONGEST_HTML)
    .replace(/[\u00ad\u200b\u2060\ufeff]|&(?:shy|ZeroWidthSpace);/g, "");
  const links = new Links(baseOf(source, fromTheRoot(options.baseUrl)));
  const text = convert(boundDepth(source, DEEPEST), conversion(options.columns, links)).replaceAll(
    "\u00ad",
    "",
  );
  return { text: safeText(text).trimEnd(), links: links.list, truncated };
}

/** The page with its list of links below, ended by a line feed. */
export function pageWithLinks(page: HtmlPage): string {
  const width = String(page.links.length).length + 2;
  const list = page.links.map((url, at) => `${`[${at + 1}]`.padStart(width)} ${safeLine(url)}`);
  const cut = page.truncated ? ["", "(the page is longer; only its first part is shown)"] : [];
  return `${[page.text, ...cut, ...(list.length === 0 ? [] : ["", ...list])].join("\n")}\n`;
}

function conversion(columns: number, links: Links): HtmlToTextOptions {
  const skipped = ["script", "style", "noscript", "template", "svg", "object", "iframe", "head", "title"];
  const headings = ["h1", "h2", "h3", "h4", "h5", "h6"];
  const selectors: SelectorDefinition[] = [
    ...skipped.map((selector) => ({ selector, format: "skip" })),
    ...headings.map((selector) => ({ selector, options: { uppercase: selector === "h1" } })),
    { selector: "a", format: "numberedLink" },
    { selector: "img", format: "alternative" },
    { selector: "form", format: "namedForm" },
    { selector: "input", format: "field" },
    { selector: "textarea", format: "textField" },
    { selector: "select", format: "choiceField" },
    { selector: "button", format: "buttonField" },
    { selector: "label", format: "label" },
    ...LINES.map((selector) => ({
      selector,
      format: "block",
      options: { leadingLineBreaks: 1, trailingLineBreaks: 1 },
    })),
    { selector: "dd", format: "definition" },
    { selector: "ul", options: { itemPrefix: " * " } },
    { selector: "table", format: "captionedTable" },
    {
      selector: DRAWN_TABLE,
      format: "dataTable",
      options: { uppercaseHeaderCells: false, maxColumnWidth: columns },
    },
  ];
  return {
    wordwrap: columns,
    // Bounding the depth may lengthen tags, at most to the double.
    limits: { maxInputLength: 2 * LONGEST_HTML, maxDepth: DEEPEST, ellipsis: "…" },
    formatters: {
      numberedLink: links.format,
      alternative,
      namedForm,
      field,
      textField,
      choiceField,
      buttonField,
      label,
      captionedTable,
      definition,
    },
    selectors,
  };
}

/** Absolute URLs in order of appearance, each once. */
class Links {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #base: string | undefined;

  constructor(base: string | undefined) {
    this.#base = base;
  }

  readonly format: FormatCallback = (element, walk, builder) => {
    walk(element.children, builder);
    const url = this.#absolute(attribute(element, "href"));
    if (url !== undefined) builder.addInline(`[${this.#number(url)}]`, { noWordTransform: true });
  };

  #absolute(href: string): string | undefined {
    // A link within the page leads nowhere in a text; a script is no place to go.
    if (href === "" || href.startsWith("#") || /^\s*(?:javascript|data|vbscript):/i.test(href))
      return undefined;
    try {
      return new URL(href, this.#base).href;
    } catch {
      return undefined;
    }
  }

  #number(url: string): number {
    const known = this.#numbers.get(url);
    if (known !== undefined) return known;
    this.#numbers.set(url, this.list.push(url));
    return this.list.length;
  }
}

const alternative: FormatCallback = (element, _walk, builder) => {
  const words = attribute(element, "alt").trim();
  if (words !== "") builder.addInline(`[${words}]`, { noWordTransform: true });
};

/** A caption belongs to its table, and says first what the columns are about; the table itself is then drawn as one. */
const captionedTable: FormatCallback = (element, walk, builder) => {
  const children = element.children ?? [];
  for (const caption of children.filter(({ name }) => name === "caption")) {
    builder.openBlock({ leadingLineBreaks: 2 });
    walk(caption.children, builder);
    builder.closeBlock({ trailingLineBreaks: 1 });
  }
  walk([Object.assign(Object.create(element), { name: DRAWN_TABLE })], builder);
};

/** No element of HTML has this name. */
const DRAWN_TABLE = "x-drawn-table";

/** `dd`: below its term, and a little to the right. */
const definition: FormatCallback = (element, walk, builder) => {
  builder.openList({ interRowLineBreaks: 1, leadingLineBreaks: 1, maxPrefixLength: 4, prefixAlign: "left" });
  builder.openListItem({ prefix: "    " });
  walk(element.children, builder);
  builder.closeListItem();
  builder.closeList({ trailingLineBreaks: 1 });
};

/** The page's own `<base href>`, completed by its address. */
function baseOf(html: string, address: string | undefined): string | undefined {
  const written = /<base\s[^>]{0,400}?href\s*=\s*["']?([^"'\s>]{1,2000})/i.exec(html.slice(0, 65_536))?.[1];
  try {
    return written === undefined ? address : new URL(written, address).href;
  } catch {
    return address;
  }
}

/** `file:./page.html`, as a person writes it, is no address that others can be relative to. */
function fromTheRoot(address: string | undefined): string | undefined {
  const [, path] = /^file:([^/].*)$/.exec(address ?? "") ?? [];
  if (path === undefined) return address;
  try {
    return pathToFileURL(decodeURIComponent(path)).href;
  } catch {
    return address;
  }
}
