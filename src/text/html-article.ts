/** The article of a page alone, without what stands around it: Mozilla's Readability over a page that is only parsed. */
import { parseDocument } from "./html-document.js";
import { escapeHtml } from "./html-tags.js";

export interface Article {
  readonly title: string;
  /** HTML, the title as its heading. */
  readonly html: string;
}

/** @returns undefined where no article is found */
export async function articleOf(html: string): Promise<Article | undefined> {
  // CommonJS: in the bundle its names are found within `default` alone.
  const { default: readability } = await import("@mozilla/readability");
  const document = await parseDocument(html);
  const found = new readability.Readability(document, { maxElemsToParse: 200_000 }).parse();
  if (found?.content === undefined || found.content === null) return undefined;
  const title = found.title?.trim() ?? "";
  const byline = found.byline?.trim() ?? "";
  const head = [
    ...(title === "" ? [] : [`<h1>${escapeHtml(title)}</h1>`]),
    ...(byline === "" ? [] : [`<p>${escapeHtml(byline)}</p>`]),
  ];
  return { title, html: `${head.join("")}${found.content}` };
}
