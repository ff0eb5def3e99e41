/** HTML as Markdown (CommonMark, with GitHub's tables): for notes, diffs and programs that read text. */
import { type PageElement, type PageNode, parseDocument } from "./html-document.js";
import { safeText } from "./safe.js";
import { gridOf } from "./table-grid.js";

/** @param address the page's own: relative links are completed with it */
export async function htmlAsMarkdown(html: string, address?: string): Promise<string> {
  const document = await parseDocument(html);
  const base = document.querySelector("base")?.getAttribute("href") ?? undefined;
  const writer = new Writer(resolved(base ?? "", address) ?? address);
  const text = writer.blocks(document.body ?? document.documentElement).join("\n\n");
  return `${safeText(text)
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}

const SKIPPED = new Set(
  "script style noscript template svg object iframe head title select textarea button".split(" "),
);
const BLOCKS = new Set(
  "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table ul".split(
    " ",
  ),
);
const MARKS: Readonly<Record<string, string>> = {
  strong: "**",
  b: "**",
  em: "*",
  i: "*",
  del: "~~",
  s: "~~",
};

class Writer {
  readonly #base: string | undefined;

  constructor(base: string | undefined) {
    this.#base = base;
  }

  /** The blocks in an element, each without blank lines around it. */
  blocks(element: PageElement): string[] {
    const found: string[] = [];
    let inline = "";
    const flush = () => {
      const text = tidy(inline);
      if (text !== "") found.push(text);
      inline = "";
    };
    for (const node of element.childNodes) {
      if (isElement(node) && BLOCKS.has(nameOf(node))) {
        flush();
        found.push(...this.#block(node));
      } else if (isElement(node) && !SKIPPED.has(nameOf(node)) && holdsBlocks(node)) {
        flush();
        found.push(...this.blocks(node));
      } else inline += this.#inline(node);
    }
    flush();
    return found;
  }

  #block(element: PageElement): string[] {
    const name = nameOf(element);
    const [, level] = /^h([1-6])$/.exec(name) ?? [];
    if (level !== undefined) {
      const words = tidy(this.#inlineOf(element)).replaceAll("\n", " ");
      return words === "" ? [] : [`${"#".repeat(Number(level))} ${words}`];
    }
    switch (name) {
      case "hr":
        return ["---"];
      case "pre":
        return [fenced(element.textContent ?? "")];
      case "blockquote":
        return [prefixed(this.blocks(element).join("\n\n"), "> ", "> ")];
      case "ul":
      case "ol":
        return [this.#list(element, name === "ol")];
      case "table":
        return this.#table(element);
      default:
        return this.blocks(element);
    }
  }

  #list(list: PageElement, isNumbered: boolean): string {
    let number = Number(list.getAttribute("start") ?? 1) || 1;
    const items = [...list.children].map((item) => {
      const mark = isNumbered ? `${number++}. ` : "- ";
      return prefixed(this.blocks(item).join("\n\n"), mark, " ".repeat(mark.length));
    });
    return items.join("\n");
  }

  #table(table: PageElement): string[] {
    const rows = rowsOf(table).map((row) => [...row.children]);
    // A table of one column is there for its looks, and so is one around others.
    if (rows.every((row) => row.length < 2) || !isTabular(table, rows)) {
      return rows.flat().flatMap((cell) => this.blocks(cell));
    }
    const grid = gridOf(
      rows.map((row) =>
        row.map((cell) => ({
          text: this.#cell(cell),
          columns: spanOf(cell, "colspan"),
          rows: spanOf(cell, "rowspan"),
        })),
      ),
    );
    const [head, ...rest] = grid.filter((row) => row.length > 0);
    if (head === undefined) return [];
    const columns = Math.max(...grid.map((row) => row.length));
    const line = (cells: readonly string[]) =>
      `| ${Array.from({ length: columns }, (_, at) => cells[at] ?? "").join(" | ")} |`;
    const caption = tidy(ownCaption(table)?.textContent ?? "");
    return [
      ...(caption === "" ? [] : [`**${caption}**`]),
      [line(head), line(Array.from({ length: columns }, () => "---")), ...rest.map(line)].join("\n"),
    ];
  }

  #cell(cell: PageElement): string {
    return tidy(this.#inlineOf(cell))
      .replace(/\s*\n\s*/g, " ")
      .replaceAll("|", "\\|");
  }

  #inlineOf(element: PageElement): string {
    return [...element.childNodes].map((node) => this.#inline(node)).join("");
  }

  #inline(node: PageNode): string {
    if (!isElement(node)) {
      return node.nodeType === 3 ? escaped((node.textContent ?? "").replace(/\s+/g, " ")) : "";
    }
    const name = nameOf(node);
    if (SKIPPED.has(name)) return "";
    if (name === "br") return "\\\n";
    if (name === "img") return this.#image(node);
    if (name === "code" || name === "kbd" || name === "samp") return coded(node.textContent ?? "");
    const words = this.#inlineOf(node);
    if (name === "a") return this.#link(node, words);
    const mark = MARKS[name];
    const inner = words.trim();
    // Where only a line is wanted, what would be blocks must not run together.
    if (BLOCKS.has(name) || name === "td" || name === "th" || name === "tr") return ` ${words} `;
    if (mark === undefined || inner === "") return words;
    return words.replace(inner, () => `${mark}${inner}${mark}`);
  }

  #link(element: PageElement, words: string): string {
    const href = element.getAttribute("href") ?? "";
    const url = href.startsWith("#") ? undefined : resolved(href, this.#base);
    const text = words.trim();
    if (url === undefined || text === "") return words;
    return words.replace(text, () => `[${text}](${destination(url)})`);
  }

  #image(element: PageElement): string {
    const url = resolved(element.getAttribute("src") ?? "", this.#base);
    const words = escaped((element.getAttribute("alt") ?? "").replace(/\s+/g, " ").trim());
    return url === undefined || words === "" ? "" : `![${words}](${destination(url)})`;
  }
}

/** Its own, and not those of tables in its cells. */
function rowsOf(table: PageElement): PageElement[] {
  return [...table.children].flatMap((child) => {
    if (nameOf(child) === "tr") return [child];
    return /^t(?:head|body|foot)$/.test(nameOf(child)) ? [...child.children] : [];
  });
}

function ownCaption(table: PageElement): PageElement | undefined {
  return [...table.children].find((child) => nameOf(child) === "caption");
}

/** Whether it has headings or a caption of its own, or no table within. */
function isTabular(table: PageElement, rows: readonly (readonly PageElement[])[]): boolean {
  if (table.querySelector("table") === null || ownCaption(table) !== undefined) return true;
  return rows.flat().some((cell) => nameOf(cell) === "th");
}

function spanOf(cell: PageElement, attribute: string): number {
  const span = Number(cell.getAttribute(attribute) ?? 1);
  return Number.isSafeInteger(span) && span > 0 ? span : 1;
}

function nameOf(element: PageElement): string {
  return element.tagName.toLowerCase();
}

function isElement(node: PageNode): node is PageElement {
  return node.nodeType === 1;
}

function holdsBlocks(element: PageElement): boolean {
  return [...element.querySelectorAll("*")].some((inner) => BLOCKS.has(nameOf(inner)));
}

/** What Markdown would take for its own. */
function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>]/g, (char) => `\\${char}`);
}

function tidy(text: string): string {
  return text
    .replace(/[ \t]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/(?:\\\n)+$/, "")
    .trim();
}

function prefixed(text: string, first: string, rest: string): string {
  return text
    .split("\n")
    .map((line, at) => (at === 0 ? first : rest) + line)
    .map((line) => line.trimEnd())
    .join("\n");
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text.replace(/^\n|\n$/g, "")}\n${fence}`;
}

function coded(text: string): string {
  if (text.trim() === "") return text;
  const fence = text.includes("`") ? "``" : "`";
  return `${fence}${fence.length > 1 ? ` ${text} ` : text}${fence}`;
}

function destination(url: string): string {
  return url.replace(/[()<>\s]/g, (char) =>
    encodeURIComponent(char).replace(/[()]/g, (one) => (one === "(" ? "%28" : "%29")),
  );
}

function resolved(href: string, base: string | undefined): string | undefined {
  if (href === "" || /^\s*(?:javascript|data|vbscript):/i.test(href)) return undefined;
  try {
    return new URL(href, base).href;
  } catch {
    return undefined;
  }
}
