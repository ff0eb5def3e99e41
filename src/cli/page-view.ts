/** `--as text|markdown|links|source` and `--reader`: a page as something else, wherever it goes. */
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import type { Document, Options } from "../plugin.js";
import { decoderFor, sniffCharset } from "../text/charset.js";
import { htmlAsText, LONGEST_HTML, pageWithLinks } from "../text/html.js";
import { linksOfHtml } from "../text/html-links.js";
import { octets } from "./pour.js";

const WIDEST = 100;

/** The document as it is wanted. @throws PortholeError `usage` for what is no page, and what its body fails with */
export async function viewed(document: Document, options: Options, columns: number): Promise<Document> {
  const as = options["as"];
  // Otherwise a terminal would show what the source stands for.
  if (as === "source") return isMarkup(document.type) ? { ...document, type: "text/plain" } : document;
  if (!/^(?:text\/html|application\/xhtml\+xml)$/i.test(document.type)) {
    if (as !== "links" && options["reader"] !== true && document.type.startsWith("text/")) return document;
    document.body.destroy();
    throw new PortholeError("usage", `${document.type} is no page`, { url: document.entry.url });
  }
  const source = await upTo(document, LONGEST_HTML);
  const address = document.entry.url;
  if (as === "links") {
    const urls = linksOfHtml(source, address, document.charset).links.filter(({ role }) => role === "page");
    return textDocument(document, "text/plain", urls.map(({ url }) => `${url}\n`).join(""));
  }
  const decoding = await decoderFor(sniffCharset(source, document.charset));
  const page = decoding.write(source) + decoding.end();
  const html = options["reader"] === true ? await article(page, address) : page;
  if (as === "markdown") {
    const { htmlAsMarkdown } = await import("../text/html-markdown.js");
    return textDocument(document, "text/markdown", await htmlAsMarkdown(html, address));
  }
  const text = pageWithLinks(
    await htmlAsText(html, { columns: Math.min(columns, WIDEST), baseUrl: address }),
  );
  return textDocument(document, "text/plain", text);
}

/** Text that is rendered for people. */
function isMarkup(type: string): boolean {
  return /^(?:text\/|message\/(?:rfc822|news|global)$|application\/(?:.+\+)?(?:json|xml)$)/i.test(type);
}

async function article(page: string, address: string): Promise<string> {
  const { articleOf } = await import("../text/html-article.js");
  const found = await articleOf(page);
  if (found !== undefined) return found.html;
  throw new PortholeError("missing", "no article was found in the page", {
    url: address,
    hint: "leave out --reader",
  });
}

async function upTo(document: Document, most: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of octets(document.body)) {
    pieces.push(piece);
    size += piece.length;
    if (size > most) break;
  }
  document.body.destroy();
  return Buffer.concat(pieces);
}

function textDocument({ entry, filename }: Document, type: string, text: string): Document {
  const { size: _ofThePage, ...rest } = entry;
  return {
    entry: { ...rest, type },
    type,
    charset: "utf-8",
    offset: 0,
    ...(filename === undefined ? {} : { filename }),
    body: Readable.from([Buffer.from(text, "utf8")], { objectMode: false }),
  };
}
