/** The tags of a page, where they stand in it: read as browsers do (HTML Standard, 13.2.5), in one pass, whatever is in it. */

export interface Attribute {
  /** Lower case. */
  readonly name: string;
  /** As written, character references and all. */
  readonly value: string;
  /** Where the value stands in the page, without its quotes. */
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

export interface Tag {
  /** Lower case. */
  readonly name: string;
  readonly isEnd: boolean;
  readonly attributes: readonly Attribute[];
  readonly start: number;
  /** Behind the `>`. */
  readonly end: number;
  /** What is in an element whose content is no markup: a style's rules, a script. */
  readonly raw?: { readonly text: string; readonly start: number };
}

/** Their content is text, up to their end tag (HTML Standard, 13.1.2). */
const RAW = new Set(["script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe"]);

/** In order. What is cut off at the end of the page is left out. */
export function* tagsOf(html: string): Generator<Tag, void, undefined> {
  const lower = html.toLowerCase();
  for (let at = html.indexOf("<"); at >= 0; ) {
    if (html.startsWith("<!--", at)) {
      const end = html.indexOf("-->", at + 4);
      if (end < 0) return;
      at = html.indexOf("<", end + 3);
      continue;
    }
    const tag = tagAt(html, at);
    if (tag === undefined) {
      at = html.indexOf("<", at + 1);
      continue;
    }
    if (tag === "cut") return;
    let next = tag.end;
    if (!tag.isEnd && RAW.has(tag.name)) {
      const close = lower.indexOf(`</${tag.name}`, tag.end);
      next = close < 0 ? html.length : close;
      yield { ...tag, raw: { text: html.slice(tag.end, next), start: tag.end } };
    } else yield tag;
    at = html.indexOf("<", next);
  }
}

const BLANK = /[\t\n\f\r ]/;

function tagAt(html: string, start: number): Tag | "cut" | undefined {
  const isEnd = html[start + 1] === "/";
  let at = start + (isEnd ? 2 : 1);
  if (!/[a-zA-Z]/.test(html[at] ?? "")) return undefined;
  const nameAt = at;
  while (at < html.length && !/[\t\n\f\r />]/.test(html.charAt(at))) at++;
  const name = html.slice(nameAt, at).toLowerCase();
  const attributes: Attribute[] = [];
  for (;;) {
    while (at < html.length && /[\t\n\f\r /]/.test(html.charAt(at))) at++;
    if (at >= html.length) return "cut";
    if (html[at] === ">") return { name, isEnd, attributes, start, end: at + 1 };
    const attribute = attributeAt(html, at);
    if (attribute === undefined) return "cut";
    attributes.push(attribute.attribute);
    at = attribute.next;
  }
}

function attributeAt(html: string, start: number): { attribute: Attribute; next: number } | undefined {
  let at = start + 1;
  while (at < html.length && !/[\t\n\f\r /=>]/.test(html.charAt(at))) at++;
  const name = html.slice(start, at).toLowerCase();
  const nameEnd = at;
  while (at < html.length && BLANK.test(html.charAt(at))) at++;
  if (html[at] !== "=") {
    const none = { name, value: "", start: nameEnd, end: nameEnd, isQuoted: false };
    return { attribute: none, next: nameEnd };
  }
  at++;
  while (at < html.length && BLANK.test(html.charAt(at))) at++;
  const quote = html.charAt(at);
  if (quote === '"' || quote === "'") {
    const end = html.indexOf(quote, at + 1);
    if (end < 0) return undefined;
    const value = html.slice(at + 1, end);
    return { attribute: { name, value, start: at + 1, end, isQuoted: true }, next: end + 1 };
  }
  const from = at;
  while (at < html.length && !/[\t\n\f\r >]/.test(html.charAt(at))) at++;
  return {
    attribute: { name, value: html.slice(from, at), start: from, end: at, isQuoted: false },
    next: at,
  };
}

/** The first attribute of that name. */
export function attributeOf(tag: Tag, name: string): Attribute | undefined {
  return tag.attributes.find((attribute) => attribute.name === name);
}

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
};

/** Character references undone: those by number, and the few that stand in addresses and names. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([a-z]{2,5}));/g, (all, decimal, hex, name) => {
    if (name !== undefined) return NAMED[String(name)] ?? all;
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
