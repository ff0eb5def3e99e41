/** A page as a tree, for what has to look around in it; nothing in it runs or is fetched. */

import { LONGEST_HTML } from "./html.js";
import { boundDepth } from "./html-depth.js";

/** Nesting that is followed, as for text. */
const DEEPEST = 200;

/** The part of the DOM that is used here. */
export interface PageNode {
  readonly nodeType: number;
  readonly textContent: string | null;
  readonly childNodes: Iterable<PageNode>;
}

export interface PageElement extends PageNode {
  readonly tagName: string;
  readonly children: Iterable<PageElement>;
  getAttribute(name: string): string | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
}

export interface PageDocument {
  readonly body: PageElement | null;
  readonly documentElement: PageElement;
  querySelector(selector: string): PageElement | null;
}

export async function parseDocument(html: string): Promise<PageDocument> {
  const { parseHTML } = await import("linkedom");
  const bounded = boundDepth(html.slice(0, LONGEST_HTML), DEEPEST);
  const whole = /<html[\s>]/i.test(bounded.slice(0, 4096)) ? bounded : `<html><body>${bounded}</body></html>`;
  return parseHTML(whole).document;
}
