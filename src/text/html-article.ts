/** The article of a page alone, without what stands around it: Mozilla's Readability over a page that is only parsed. */
import { PortholeError } from "../errors.js";
import { type PageElement, parseDocument } from "./html-document.js";
import { escapeHtml } from "./html-tags.js";

export interface Article {
  readonly title: string;
  /** HTML, the title as its heading. */
  readonly html: string;
}

/**
 * Readability's work grows with the elements times the depth at which they are; nothing can stop it once it has begun.
 * This much takes some ten seconds: 50,000 elements, each 20 deep.
 */
const MOST_WORK = 1_000_000;

/** @returns undefined where no article is found @throws PortholeError `refused` for what would take minutes to look through */
export async function articleOf(html: string): Promise<Article | undefined> {
  // Bundled, the package has a default alone: it is CommonJS.
  const { default: readability } = await import("@mozilla/readability");
  const document = await parseDocument(html);
  if (isTooMuch(document.documentElement)) {
    throw new PortholeError("refused", "the page is too large and too deep to look for its article", {
      hint: "leave out --reader",
    });
  }
  const found = new readability.Readability(document).parse();
  if (found?.content === undefined || found.content === null) return undefined;
  const title = found.title?.trim() ?? "";
  const byline = found.byline?.trim() ?? "";
  const head = [
    ...(title === "" ? [] : [`<h1>${escapeHtml(title)}</h1>`]),
    ...(byline === "" ? [] : [`<p>${escapeHtml(byline)}</p>`]),
  ];
  return { title, html: `${head.join("")}${found.content}` };
}

/** Adds up how deep each element is. */
function isTooMuch(root: PageElement): boolean {
  let work = 0;
  const waiting: [element: PageElement, depth: number][] = [[root, 1]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [element, depth] = next;
    work += depth;
    if (work > MOST_WORK) return true;
    for (const child of element.children) waiting.push([child, depth + 1]);
  }
  return false;
}
