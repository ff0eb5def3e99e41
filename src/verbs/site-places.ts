/** Where the documents of a site lie in a folder: the same place for the same URL, and names that open in a browser. */
import { createHash } from "node:crypto";
import type { Hyperlink } from "../plugin.js";
import { safeFileName } from "../text/filename.js";
import { encodeSegment } from "../url.js";

/** Documents that servers make: what comes is a page, whatever the name ends in. */
const MADE = /\.(?:php\d?|aspx?|jsp|cgi|pl|cfm|do|action|s?html?|xhtml)$/i;
const PAGE = /\.(?:s?html?|xhtml)$/i;
/** For what belongs to the pages and lies beside the start. */
const BESIDE = "_";

export class SitePlaces {
  readonly #origin: string;
  /** The path that the site begins at, ended by a slash. */
  readonly #start: string;
  readonly #taken = new Map<string, string>();
  readonly #places = new Map<string, string>();

  /** @param known places that URLs had before, by URL */
  constructor(start: string, known: Iterable<readonly [string, string]>) {
    const url = new URL(start);
    this.#origin = url.origin === "null" ? `${url.protocol}//${url.host}` : url.origin;
    this.#start = url.pathname.replace(/[^/]*$/, "");
    for (const [address, place] of known) this.#keep(address, place);
  }

  /** On the site that the start is on. */
  isHere(url: string): boolean {
    return url.startsWith(`${this.#origin}/`);
  }

  /** Not above the start. */
  isBelow(url: string): boolean {
    return this.isHere(url) && new URL(url).pathname.startsWith(this.#start);
  }

  /** Names parted by slashes, each fit for any file system. */
  placeOf(url: string, role: Hyperlink["role"]): string {
    const known = this.#places.get(url);
    if (known !== undefined) return known;
    const plain = this.#plain(new URL(url), role);
    const place = this.#taken.has(plain.toLowerCase()) ? told(plain, url) : plain;
    this.#keep(url, place);
    return place;
  }

  #keep(url: string, place: string): void {
    this.#places.set(url, place);
    this.#taken.set(place.toLowerCase(), url);
  }

  #plain({ pathname, search }: URL, role: Hyperlink["role"]): string {
    const isBelow = pathname.startsWith(this.#start);
    const rest = isBelow ? pathname.slice(this.#start.length) : pathname.slice(1);
    const segments = rest.split("/");
    const last = segments.pop() ?? "";
    const folders = segments.map((segment) => safe(decoded(segment)));
    const [, stem = "", extension = ""] =
      /^(.*?)(\.[A-Za-z0-9]{1,8})?$/s.exec(last === "" ? "index.html" : decoded(last)) ?? [];
    const name = `${stem}${search === "" ? "" : `_${decoded(search.slice(1))}`}${extension}`;
    const isMade = role === "menu" || (role === "page" && (extension === "" || MADE.test(name)));
    const isPage = isMade && !PAGE.test(name);
    return [...(isBelow ? [] : [BESIDE]), ...folders, safe(isPage ? `${name}.html` : name)].join("/");
  }
}

/** Two URLs that differ in what a file's name cannot tell. */
function told(place: string, url: string): string {
  const mark = createHash("sha256").update(url).digest("hex").slice(0, 8);
  return place.replace(/(\.[A-Za-z0-9]{1,8})?$/, (extension) => `-${mark}${extension}`);
}

/** How one place is written in another, for a browser. */
export function relativeAddress(from: string, to: string): string {
  const above = from.split("/").slice(0, -1);
  const goal = to.split("/");
  let shared = 0;
  while (shared < above.length && shared < goal.length - 1 && above[shared] === goal[shared]) shared += 1;
  const path = [
    ...above.slice(shared).map(() => ".."),
    ...goal.slice(shared).map((name) => encodeSegment(name)),
  ];
  // A name with a colon at the beginning would be taken for a scheme.
  return path[0]?.includes(":") === true ? `./${path.join("/")}` : path.join("/");
}

function safe(name: string): string {
  return safeFileName(name === "" ? "_" : name, { fallback: "_", allowHidden: true });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
