/** From a line of a menu, or from a URL alone, to an entry whose URL opens again. */
import { PortholeError } from "../../src/errors.js";
import type { Entry } from "../../src/plugin.js";
import { encodeOctets, formatUrl, parseUrl } from "../../src/url.js";
import { decodeWords } from "../../src/wire/words.js";
import type { MenuItem } from "./menu.js";
import { itemType, mediaTypeOf } from "./types.js";
import { formatPath, type GopherPath, LONGEST_SELECTOR } from "./url.js";

/** Where a menu came from. */
export interface MenuPlace {
  /** The URL that opens the menu again. */
  readonly url: string;
  /** `gopher` or `gophers`. */
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}

const GOPHER_PORT = 70;
const TELNET_PORT = 23;

/** What a URL names, before anything is known of it but its item type. */
export function entryOfPath(path: GopherPath, place: MenuPlace): Entry {
  const type = itemType(path.type);
  const selector = decodeWords(path.selector);
  return {
    url: place.url,
    name: nameOf(selector) ?? place.host,
    // A search with its words is a menu like any other.
    kind: type.kind === "search" && path.search !== undefined ? "menu" : type.kind,
    type: mediaTypeOf(path.type, selector),
    meta: { type: path.type, selector, host: place.host, port: place.port },
  };
}

/** The last part of a selector: the nearest thing to a file name that Gopher has. */
export function nameOf(selector: string): string | undefined {
  return /([^/]+)\/*$/.exec(selector)?.[1];
}

/**
 * What a line of a menu stands for. Lines to be read only, and those that nobody could open (a host that is
 * none, a NUL in the selector), are notes with the URL of the menu.
 */
export function entryOfItem(item: MenuItem, menu: MenuPlace): Entry {
  const { type, display: name, opensAs } = item;
  const selector = decodeWords(item.selector);
  const link = linkOf(type, selector) ?? webLinkOf(item, selector);
  if (link !== undefined) return { url: link, name, kind: "link", meta: { type, selector } };
  const { kind, transfer } = itemType(opensAs);
  const place = placeOf(item, menu, kind === "session" ? TELNET_PORT : GOPHER_PORT);
  if (kind === "note" || place === undefined || !canBeSent(item.selector)) {
    return {
      url: menu.url,
      name,
      kind: "note",
      meta: { type, selector, host: item.host, port: item.port ?? 0 },
    };
  }
  const { host, port } = place;
  const meta = {
    type,
    selector,
    host,
    port,
    ...(item.plus ? { plus: true } : {}),
    ...(item.asks ? { asks: true } : {}),
  };
  if (kind === "session") return { url: telnetUrl(host, port, selector), name, kind, meta };
  const path = formatPath({ type: opensAs, selector: item.selector, search: undefined, plus: undefined });
  const url = urlOf(schemeFor(place, menu), host, port, GOPHER_PORT, path);
  return {
    url,
    name,
    kind,
    ...(transfer === "elsewhere" || transfer === "phonebook" ? {} : { type: mediaTypeOf(opensAs, selector) }),
    meta,
  };
}

/** TLS is a matter of one server: a link to any other place is in clear unless its own URL says otherwise. */
function schemeFor(place: { host: string; port: number }, menu: MenuPlace): string {
  const isOwn = place.port === menu.port && place.host.toLowerCase() === menu.host.toLowerCase();
  return isOwn ? menu.scheme : "gopher";
}

/** Host and port to open; undefined when the line's host cannot be one. */
function placeOf(
  { host: written, port }: MenuItem,
  menu: MenuPlace,
  standardPort: number,
): { host: string; port: number } | undefined {
  // A field left empty, and what C's printf makes of a host that was never set, mean this server.
  if (written === "" || /^\(null\)$/i.test(written)) return { host: menu.host, port: port ?? menu.port };
  const host = /^\[.*\]$/.test(written) ? written.slice(1, -1) : written;
  const isHost = isHostName(host) || /^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$/.test(host);
  return isHost ? { host, port: port ?? standardPort } : undefined;
}

function isHostName(host: string): boolean {
  // Nearly all are plain; the classes of Unicode take V8 longer to make than a menu to read.
  return /^[A-Za-z0-9][\w.-]*$/.test(host) || /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(host);
}

function canBeSent(selector: Buffer): boolean {
  return selector.length <= LONGEST_SELECTOR && !selector.includes(0);
}

/** RFC 1436, 3.8: the selector of a Telnet item is the name to log in with. */
function telnetUrl(host: string, port: number, login: string): string {
  return urlOf("telnet", host, port, TELNET_PORT, "", login === "" ? undefined : login);
}

function urlOf(
  scheme: string,
  host: string,
  port: number,
  defaultPort: number,
  path: string,
  user?: string,
): string {
  const url = { scheme, user, password: undefined, host, port, path, fragment: undefined };
  return formatUrl(url, { defaultPort });
}

/** `GET /path` at a web server's port: how menus pointed to the web before there was `URL:`. */
function webLinkOf({ type, host, port }: MenuItem, selector: string): string | undefined {
  const path = /^[hw]$/.test(type) ? /^GET (\/\S*)$/.exec(selector)?.[1] : undefined;
  if (path === undefined || !isHostName(host)) return undefined;
  return urlOf("http", host, port ?? 80, 80, encodeOctets(Buffer.from(path), "/?=&%"));
}

/**
 * The URL that an `h` item's `URL:` selector carries, whoever can open it (`magnet:?...`). A menu may point to any host, but
 * never into this machine: what is no such URL stays a selector, to which most servers answer with a page that names it.
 */
function linkOf(type: string, selector: string): string | undefined {
  const text = type === "h" ? /^\/?URL:(.+)$/i.exec(selector)?.[1] : undefined;
  if (text === undefined) return undefined;
  try {
    const url = parseUrl(text);
    const leadsOut = !/^(?:file|maildir|mbox|eml|data|javascript|vbscript)$|unix/.test(url.scheme);
    return leadsOut ? formatUrl(url) : undefined;
  } catch (thrown) {
    if (thrown instanceof PortholeError) return undefined;
    throw thrown;
  }
}
