/**
 * A menu as hypertext: where its items lead, and the menu as a page whose links lead to what was kept of a hole. It is
 * HTML, because that is what is read offline everywhere; a menu's own addresses name hosts and cannot be relative.
 */
import type { Entry, Hyperlink, Hypertext } from "../../src/plugin.js";
import { escapeHtml } from "../../src/text/html-tags.js";
import { KEPT_MENU } from "../../src/text/kept-menu.js";
import { parseUrl } from "../../src/url.js";
import { entryOfItem, type MenuPlace } from "./entry.js";
import { type MenuItem, MenuReader } from "./menu.js";
import { itemType } from "./types.js";
import { type GopherPath, parsePath } from "./url.js";

/** Lines of a menu that are kept; as many as a crawl looks at is a few thousand. */
const MOST_LINES = 100_000;
/** Columns before the words: what kind of thing a link leads to. */
const GUTTER = 8;

const WORDS: Readonly<Partial<Record<Entry["kind"], string>>> = {
  menu: "menu",
  search: "search",
  session: "telnet",
  link: "link",
  page: "page",
};

/**
 * @param start what the hole was opened at: menus beneath it are followed, other menus are left where they are
 * @throws PortholeError `protocol` for a line without end
 */
export function hypertextOf(
  octets: Uint8Array,
  menu: MenuPlace,
  start: GopherPath,
  charset: string | undefined,
): Hypertext {
  const lines: {
    readonly entry: Entry;
    /** As on the wire. */
    readonly type: string;
    readonly href: string | undefined;
    readonly role: Hyperlink["role"];
  }[] = [];
  for (const item of itemsIn(octets, charset)) {
    if (lines.length >= MOST_LINES) break;
    const entry = entryOfItem(item, menu);
    const href = entry.kind === "note" ? undefined : entry.url;
    lines.push({ entry, type: item.type, href, role: roleOf(entry, menu, start) });
  }
  const links = new Map<string, Hyperlink>();
  for (const { href, role } of lines) if (href !== undefined) links.set(href, { url: href, role });
  return {
    links: [...links.values()],
    rewritten: (to) => {
      const rows = lines.map(({ entry, type, href, role }) => {
        const name = escapeHtml(entry.name.replace(/[\x00-\x1f\x7f]/g, " "));
        if (href === undefined) return " ".repeat(GUTTER) + name;
        const word = (WORDS[entry.kind] ?? itemType(type).title.split(" ")[0] ?? "")
          .slice(0, GUTTER - 1)
          .padEnd(GUTTER);
        return `${escapeHtml(word)}<a href="${escapeHtml(to(href, role) ?? href)}">${name}</a>`;
      });
      return Buffer.from(page(menu.url, rows));
    },
  };
}

function* itemsIn(octets: Uint8Array, charset: string | undefined): Generator<MenuItem> {
  const reader = new MenuReader(charset);
  reader.feed(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength));
  for (let item = reader.next(); item !== undefined; item = reader.next()) yield item;
  yield* reader.end();
}

/** A menu beneath the start is followed, and so is what the menus of this server name; searches want the server. */
function roleOf({ url, kind }: Entry, menu: MenuPlace, start: GopherPath): Hyperlink["role"] {
  const { scheme, host, port, path } = parseUrl(url);
  const isHere =
    scheme === menu.scheme && host.toLowerCase() === menu.host.toLowerCase() && (port ?? 70) === menu.port;
  if (!isHere || kind === "search" || kind === "session" || kind === "link" || kind === "note")
    return "other";
  if (kind !== "menu") return "requisite";
  const asked = parsePath(path);
  if (asked.search !== undefined) return "other";
  return isBeneath(asked.selector.toString("latin1"), start.selector.toString("latin1")) ? "menu" : "other";
}

function isBeneath(selector: string, top: string): boolean {
  const [own, above] = [selector, top].map((one) => one.replace(/\/+$/, ""));
  return above === "" || own === above || own?.startsWith(`${above}/`) === true;
}

function page(url: string, rows: readonly string[]): string {
  return [
    KEPT_MENU,
    `<head><meta charset="utf-8"><title>${escapeHtml(url)}</title></head>`,
    "<body><pre>",
    ...rows,
    "</pre></body></html>",
    "",
  ].join("\n");
}
