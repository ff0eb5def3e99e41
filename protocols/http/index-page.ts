/** The page that a web server makes of a folder without a page: Apache's, nginx's, lighttpd's, Python's. */
import type { Entry } from "../../src/plugin.js";
import { attributeOf, tagsOf, unescapeHtml } from "../../src/text/html-tags.js";
import { type Place, urlOf } from "./redirects.js";

const TITLE = /<title>\s{0,20}(?:index of|directory listing (?:for|of)|listing directory)\b/i;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * The files and folders of an index page; undefined for every other page.
 * @param html one octet a character
 */
export function indexEntries(html: string, place: Place): Entry[] | undefined {
  if (!TITLE.test(html.slice(0, 4096))) return undefined;
  const folder = new URL(urlOf(place));
  const base = new URL(".", folder).href;
  const found = new Map<string, Entry>();
  const anchors = [...tagsOf(html)].filter(({ name, isEnd }) => name === "a" && !isEnd);
  for (const [at, tag] of anchors.entries()) {
    const href = attributeOf(tag, "href");
    const url = href === undefined ? undefined : inside(unescapeHtml(href.value), base);
    if (url === undefined || found.has(url)) continue;
    const until = anchors[at + 1]?.start ?? html.length;
    const facts = factsIn(html.slice(tag.end, Math.min(until, tag.end + 2000)));
    const isFolder = url.endsWith("/");
    found.set(url, {
      url,
      name: decoded(url.slice(base.length).replace(/\/$/, "")),
      kind: isFolder ? "directory" : "file",
      ...(isFolder || facts.size === undefined ? {} : { size: facts.size }),
      ...(isFolder || facts.about === undefined ? {} : { about: facts.about }),
      ...(facts.modified === undefined ? {} : { modified: facts.modified }),
      meta: { index: true },
    });
  }
  return [...found.values()];
}

/** The URL of something directly in the folder: sorting links, the folder above and other servers are none. */
function inside(href: string, base: string): string | undefined {
  if (/^[?#]/.test(href)) return undefined;
  try {
    const url = new URL(href, base);
    const rest = url.href.startsWith(base) ? url.href.slice(base.length) : "";
    return /^[^/?#]+\/?$/.test(rest) && !/^\.{1,2}\/?$/.test(rest) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

interface Facts {
  readonly size?: number;
  readonly about?: number;
  readonly modified?: Date;
}

/** What stands behind a name: `27-Nov-2026 08:00  1234`, `2026-11-27 08:00  1.2K`, in cells of a table or not. */
function factsIn(html: string): Facts {
  const words = html
    .slice(html.indexOf("</a"))
    .replace(/<[^<>]{0,300}>/g, " ")
    .replaceAll("&nbsp;", " ");
  const [all, year, month, day, hour, minute, second] =
    /(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2}))?/.exec(words) ?? [];
  const [other, day2, name, year2, hour2, minute2] =
    /(\d{1,2})-([A-Z][a-z]{2})-(\d{4}) (\d{2}):(\d{2})/.exec(words) ?? [];
  const modified =
    all !== undefined
      ? utc(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second ?? 0))
      : other !== undefined
        ? utc(Number(year2), MONTHS.indexOf(name ?? ""), Number(day2), Number(hour2), Number(minute2), 0)
        : undefined;
  const date = all ?? other;
  const behind = date === undefined ? words : words.slice(words.indexOf(date) + date.length);
  const [, amount, unit = ""] = /(?:^|\s)(\d{1,15}(?:\.\d{1,3})?) ?([KMGT]?)i?B?(?=\s|$)/.exec(behind) ?? [];
  const octets = amount === undefined ? undefined : Number(amount) * (UNITS[unit] ?? 1);
  const isExact = unit === "" && amount?.includes(".") === false;
  return {
    ...(octets === undefined ? {} : isExact ? { size: octets } : { about: Math.round(octets) }),
    ...(modified === undefined ? {} : { modified }),
  };
}

/** The server does not say whose time it is; nginx means UTC. */
function utc(...parts: [number, number, number, number, number, number]): Date | undefined {
  const date = new Date(Date.UTC(...parts));
  return parts[1] < 0 || Number.isNaN(date.getTime()) ? undefined : date;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
