/** Where a page or a style sheet leads, and the same text with other addresses in it. */
import { sniffCharset } from "./charset.js";
import { type Attribute, attributeOf, escapeHtml, type Tag, tagsOf, unescapeHtml } from "./html-tags.js";
import {
  absolute,
  charsetOfCss,
  followed,
  type Reading,
  type Setting,
  settingOf,
} from "./written-address.js";

export interface Link {
  /** Absolute, without fragment. */
  readonly url: string;
  /** `requisite`: the page is not whole without it; `other`: nothing that a reader follows, such as where a form goes. */
  readonly role: "page" | "requisite" | "other";
  /** What a person reads there: the words of a link. */
  readonly text?: string;
}

export interface LinkedText {
  readonly links: readonly Link[];
  /**
   * The text with the addresses that `to` has for them, and absolute ones where it has none.
   * @param to told an absolute URL without fragment, and what it is for
   */
  rewritten(to: (url: string, role: Link["role"]) => string | undefined): Buffer;
}

/** A place in the text where an address stands. */
interface Spot {
  readonly start: number;
  readonly end: number;
  readonly url: string;
  readonly fragment: string;
  readonly role: Link["role"];
  /** What goes around an address, and what is escaped in it. */
  readonly written: (url: string) => string;
}

/**
 * Links of a page, that is, of what is read as one octet a character: all markup is ASCII, and the rest stays as it is.
 * @param charset the header's word
 */
export function linksOfHtml(octets: Uint8Array, address: string, charset?: string): LinkedText {
  const html = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
  const spots: Spot[] = [];
  const texts = new Map<string, string>();
  const own = settingOf(address, sniffCharset(octets, charset));
  let setting = own;
  let isBased = false;
  let open: { readonly url: string; readonly from: number } | undefined;
  for (const tag of tagsOf(html)) {
    if (tag.name === "a" && open !== undefined) {
      const words = plainText(html.slice(open.from, tag.start), own.read);
      if (words !== "" && !texts.has(open.url)) texts.set(open.url, words);
      open = undefined;
    }
    if (tag.isEnd) continue;
    if (tag.name === "base") {
      const href = attributeOf(tag, "href");
      if (href === undefined) continue;
      // The first one counts (HTML Standard, 4.2.3).
      const base = isBased ? undefined : absolute(href.value, own)?.href;
      isBased = true;
      if (base !== undefined) setting = { ...own, base, isElsewhere: base !== address };
      // Addresses stand for themselves from now on.
      spots.push({
        start: href.start,
        end: href.end,
        url: "",
        fragment: "",
        role: "page",
        written: () => "",
      });
      continue;
    }
    const found = spotsOf(tag, setting);
    spots.push(...found);
    const [first] = found;
    if (tag.name === "a" && first !== undefined) open = { url: first.url, from: tag.end };
    if (tag.name === "style" && tag.raw !== undefined) {
      spots.push(...cssSpots(tag.raw.text, setting).map((spot) => moved(spot, tag.raw?.start ?? 0)));
    }
  }
  return linked(html, spots, texts);
}

/** What a style sheet is not whole without. */
export function linksOfCss(octets: Uint8Array, address: string, charset?: string): LinkedText {
  const css = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
  // Its addresses, queries and all, go out in UTF-8.
  const setting = { ...settingOf(address, charsetOfCss(octets, charset)), queryAsWritten: false };
  return linked(css, cssSpots(css, setting), new Map());
}

function linked(text: string, spots: readonly Spot[], texts: ReadonlyMap<string, string>): LinkedText {
  const links = new Map<string, Link>();
  for (const { url, role } of spots) {
    const key = `${role} ${url}`;
    const words = texts.get(url);
    if (url !== "" && !links.has(key))
      links.set(key, { url, role, ...(words === undefined ? {} : { text: words }) });
  }
  return {
    links: [...links.values()],
    rewritten(to) {
      let done = 0;
      let result = "";
      for (const { start, end, url, fragment, role, written } of [...spots].sort(
        (a, b) => a.start - b.start,
      )) {
        if (start < done) continue;
        result += text.slice(done, start) + written(`${to(url, role) ?? url}${fragment}`);
        done = end;
      }
      return Buffer.from(result + text.slice(done), "latin1");
    },
  };
}

/** Attributes with an address, by element. */
const ADDRESSES: Readonly<Record<string, Readonly<Record<string, Link["role"]>>>> = {
  a: { href: "page" },
  area: { href: "page" },
  frame: { src: "page" },
  iframe: { src: "page" },
  img: { src: "requisite" },
  script: { src: "requisite" },
  source: { src: "requisite" },
  video: { src: "requisite", poster: "requisite" },
  audio: { src: "requisite" },
  track: { src: "requisite" },
  embed: { src: "requisite" },
  object: { data: "requisite" },
  input: { src: "requisite" },
  body: { background: "requisite" },
  table: { background: "requisite" },
  td: { background: "requisite" },
  form: { action: "other" },
};

function spotsOf(tag: Tag, setting: Setting): Spot[] {
  const found: Spot[] = [];
  const roles = tag.name === "link" ? { href: roleOfLink(tag) } : (ADDRESSES[tag.name] ?? {});
  for (const attribute of tag.attributes) {
    const role = Object.hasOwn(roles, attribute.name) ? roles[attribute.name] : undefined;
    if (role !== undefined) {
      // Without a value there is no place for an address.
      const isThere = attribute.isQuoted || attribute.value !== "";
      const to = FOLLOWED.has(tag.name) && isThere ? followed : absolute;
      found.push(...spotIn(attribute, to(attribute.value, setting), { role }));
    } else if (attribute.name === "srcset") found.push(...srcset(attribute, setting));
    else if (attribute.name === "style") {
      found.push(...cssSpots(attribute.value, setting).map((spot) => escaped(moved(spot, attribute.start))));
    }
  }
  if (tag.name === "meta" && /^refresh$/i.test(attributeOf(tag, "http-equiv")?.value ?? "")) {
    const content = attributeOf(tag, "content");
    const [, before = "", url = ""] =
      /^(\s{0,9}[\d.]{0,9}\s{0,9}[;,]?\s{0,9}url\s{0,9}=\s{0,9}['"]?)([^'"]{0,2000})/i.exec(
        content?.value ?? "",
      ) ?? [];
    if (content !== undefined && url !== "") {
      const within = { at: before.length, length: url.length };
      found.push(...spotIn(content, absolute(url, setting), { role: "page", ...within }));
    }
  }
  return found;
}

/** A person goes where these lead. */
const FOLLOWED: ReadonlySet<string> = new Set(["a", "area"]);

/** A style sheet or an icon belongs to the page; an alternative, the next page or the licence is another. */
function roleOfLink(tag: Tag): Link["role"] {
  return /\b(?:stylesheet|icon|manifest|preload|modulepreload|apple-touch-icon)\b/i.test(
    attributeOf(tag, "rel")?.value ?? "",
  )
    ? "requisite"
    : "page";
}

/** An address within an attribute's value, `at` characters from its start. */
function spotIn(
  attribute: Attribute,
  url: URL | undefined,
  {
    role,
    at = 0,
    length = attribute.value.length,
  }: { readonly role: Link["role"]; readonly at?: number; readonly length?: number },
): Spot[] {
  if (url === undefined) return [];
  const fragment = url.hash;
  url.hash = "";
  const start = attribute.start + at;
  const quote = attribute.isQuoted ? "" : '"';
  return [
    {
      start,
      end: start + length,
      url: url.href,
      fragment,
      role,
      written: (to) => quote + escapeHtml(to) + quote,
    },
  ];
}

/** `a.png 1x, b.png 2x` (HTML Standard, 4.8.4.2.1). */
function srcset(attribute: Attribute, setting: Setting): Spot[] {
  const found: Spot[] = [];
  for (const part of attribute.value.matchAll(/[^\s,][^\s]{0,2000}/g)) {
    const isUrl = found.length === 0 || /,\s*$/.test(attribute.value.slice(0, part.index).slice(-50));
    const value = part[0].replace(/,+$/, "");
    if (!isUrl || value === "") continue;
    const within = { at: part.index, length: value.length };
    found.push(...spotIn(attribute, absolute(value, setting), { role: "requisite", ...within }));
  }
  return found;
}

const CSS_ADDRESS =
  /url\([ \t\r\n]{0,50}(?:"([^"\n]{0,4000})"|'([^'\n]{0,4000})'|&(?:quot|apos|#3[49]);([^\s"'()&]{1,4000})&(?:quot|apos|#3[49]);|([^\s"'()]{1,4000}))[ \t\r\n]{0,50}\)|@import[ \t\r\n]{1,50}(?:"([^"\n]{0,4000})"|'([^'\n]{0,4000})')/gi;

function cssSpots(css: string, setting: Setting): Spot[] {
  const spots: Spot[] = [];
  for (const match of css.matchAll(CSS_ADDRESS)) {
    const value = match.slice(1).find((one) => one !== undefined) ?? "";
    const url = absolute(value, setting);
    if (url === undefined) continue;
    const fragment = url.hash;
    url.hash = "";
    const start = match.index + match[0].indexOf(value, match[0].startsWith("@") ? 7 : 4);
    const written = (to: string) =>
      to.replace(/["'()\\\s]/g, (char) =>
        encodeURIComponent(char).replace(/['()]/g, (one) => `%${one.charCodeAt(0).toString(16)}`),
      );
    spots.push({ start, end: start + value.length, url: url.href, fragment, role: "requisite", written });
  }
  return spots;
}

function moved(spot: Spot, by: number): Spot {
  return { ...spot, start: spot.start + by, end: spot.end + by };
}

function escaped(spot: Spot): Spot {
  return { ...spot, written: (url) => escapeHtml(spot.written(url)) };
}

/** Octets as characters, without tags. */
function plainText(html: string, read: Reading): string {
  return unescapeHtml(read(html.slice(0, 2000).replace(/<[^<>]{0,500}>/g, " ")))
    .replace(/\s+/g, " ")
    .trim();
}
