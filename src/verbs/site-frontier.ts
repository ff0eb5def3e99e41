/** What is fetched of a site: links within the start, so many from it, what robots.txt and the patterns allow, each once. */
import { PortholeError } from "../errors.js";
import type { Hyperlink, JsonObject, RobotRules, Target } from "../plugin.js";
import type { MirrorRequest } from "./mirror-events.js";
import { type Selection, selectionOf } from "./mirror-side.js";
import type { SitePlaces } from "./site-places.js";
import { pathOn } from "./walk.js";

/** Links from the start that are followed when nothing else is said. */
export const USUAL_DEPTH = 5;
/** Documents of one mirror: a calendar without end is not followed for ever. */
const MOST_DOCUMENTS = 50_000;
/** Links of one page that are followed and remembered. */
const MOST_LINKS = 5000;

export interface Item {
  readonly url: string;
  readonly role: Hyperlink["role"];
  /** Links from the start. */
  readonly depth: number;
}

export class SiteFrontier {
  robots: RobotRules | undefined;
  readonly #source: Target;
  readonly #places: SitePlaces;
  readonly #most: number;
  readonly #taken: Selection;
  readonly #visited: Selection;
  readonly #seen = new Set<string>();
  #next: Item[] = [];

  constructor(request: MirrorRequest, source: Target, places: SitePlaces) {
    const { include = [], exclude = [], depth = USUAL_DEPTH } = request;
    this.#source = source;
    this.#places = places;
    this.#most = depth;
    this.#taken = selectionOf(include, exclude);
    this.#visited = selectionOf([], exclude);
  }

  /** @throws PortholeError `refused` for a site without end */
  add(item: Item): void {
    if (this.#seen.has(item.url)) return;
    if (this.#seen.size >= MOST_DOCUMENTS) {
      throw new PortholeError("refused", `the site has more than ${MOST_DOCUMENTS} documents`, {
        hint: "--depth, --exclude or a deeper start mirror less of it",
      });
    }
    this.#seen.add(item.url);
    this.#next.push(item);
  }

  /** All that were added since the last time: level by level a page is reached by its shortest way. */
  takeLevel(): readonly Item[] {
    const level = this.#next;
    this.#next = [];
    return level;
  }

  hasMet(url: string): boolean {
    return this.#seen.has(url);
  }

  /** Adds what is followed of a document's links. @param from the document @returns those that are remembered */
  follow(links: readonly Hyperlink[], from: Item): readonly Hyperlink[] {
    const first = links.slice(0, MOST_LINKS);
    for (const link of first) {
      const item = itemOf(link, from);
      if (this.#follows(item)) this.add(item);
    }
    return first;
  }

  /** Whether a link of a document leads to something that the mirror has, or will have. */
  isKept(link: Hyperlink, from: Item): boolean {
    const isMet = this.#seen.has(link.url) || this.#follows(itemOf(link, from));
    return isMet && link.role !== "other" && this.takes(link);
  }

  /** Whether a document is kept: what `--include` leaves out is looked through for links all the same. */
  takes({ url, role }: Pick<Item, "url" | "role">): boolean {
    return this.#taken.takesFile(this.#namesOf(url, role));
  }

  /** @param path as the source's session has it */
  isAllowed(path: string): boolean {
    return this.robots?.allows(path) ?? true;
  }

  #follows({ url, role, depth }: Item): boolean {
    if (role === "other") return false;
    const isNear =
      role === "requisite" ? this.#places.isHere(url) : this.#places.isBelow(url) && depth <= this.#most;
    const path = isNear ? pathOn(this.#source, url) : undefined;
    return path !== undefined && this.isAllowed(path) && this.#visited.takesFile(this.#namesOf(url, role));
  }

  #namesOf(url: string, role: Item["role"]): string[] {
    return namesIn(this.#places.placeOf(url, role));
  }
}

function itemOf({ url, role }: Hyperlink, { depth }: Item): Item {
  return { url, role, depth: role === "requisite" ? depth : depth + 1 };
}

/** The names of a place, as octets. */
export function namesIn(file: string): string[] {
  return file.split("/").map((name) => Buffer.from(name, "utf8").toString("latin1"));
}

/** The links that an earlier run remembered of a document. */
export function linksIn(facts: JsonObject | undefined): readonly Hyperlink[] {
  const links = facts?.["links"];
  if (!Array.isArray(links)) return [];
  return links.flatMap((link: unknown) => {
    if (!Array.isArray(link)) return [];
    const [url, role]: unknown[] = link;
    return typeof url === "string" && (role === "page" || role === "menu" || role === "requisite")
      ? [{ url, role }]
      : [];
  });
}
