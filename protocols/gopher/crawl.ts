/** `gopher crawl`: a hole's menus, each once, by as many sessions as the job may open; what is dead is told. */
import { PortholeError } from "../../src/errors.js";
import type { Entry, Invocation, Output, Session } from "../../src/plugin.js";
import { isAllowed, parseRobots } from "./caps.js";
import { factsAt } from "./facts.js";
import { openedBy, urlOf } from "./opened.js";

const DEEPEST = 10;
const MOST_ITEMS = 10_000;
/** Links of one menu that are looked at. */
const MOST_LINKS = 5000;

interface Place {
  readonly url: string;
  /** On this server; undefined elsewhere. */
  readonly path: string | undefined;
  readonly kind: Entry["kind"];
  readonly depth: number;
  /** The menu that has the link. */
  readonly from: string;
}

interface Outcome {
  readonly place: Place;
  readonly links: readonly Place[];
  readonly error?: PortholeError;
}

export async function* crawl(invocation: Invocation): AsyncGenerator<Output> {
  const { options, signal } = invocation;
  const number = (flag: string, usual: number) => {
    const value = options[flag];
    return typeof value === "number" ? value : usual;
  };
  const first = await openedBy(invocation, urlOf(invocation));
  const { target } = first;
  const robots =
    options["ignore-robots"] === true ? [] : parseRobots(await factsAt(first.session, "/0robots.txt"));
  const jobs = Math.max(1, Math.floor(number("jobs", 1)));
  const rules = {
    depth: number("depth", DEEPEST),
    documents: options["documents"] === true,
    external: options["external"] === true,
    robots,
  };
  const waiting: Place[] = [
    { url: target.href(target.path), path: target.path, kind: "menu", depth: 0, from: "" },
  ];
  const seen = new Set(waiting.map(({ url }) => url));
  let left = number("limit", MOST_ITEMS);
  let looked = 0;
  let dead = 0;
  let passed = 0;
  const sessions: Session[] = [first.session];
  const idle: Session[] = [first.session];
  const under = new Map<Session, Promise<{ session: Session; outcome: Outcome }>>();
  while (waiting.length > 0 || under.size > 0) {
    signal.throwIfAborted();
    while (waiting.length > 0 && under.size < jobs && left > 0) {
      const place = waiting.shift();
      if (place === undefined) break;
      const session = idle.pop() ?? (await openedBy(invocation, target.href("/"))).session;
      if (!sessions.includes(session)) sessions.push(session);
      left -= 1;
      under.set(
        session,
        look(session, place, invocation, number("delay", 0)).then((outcome) => ({ session, outcome })),
      );
    }
    if (under.size === 0) break;
    const { session, outcome } = await Promise.race(under.values());
    under.delete(session);
    idle.push(session);
    looked += 1;
    const { place, error } = outcome;
    if (error !== undefined) {
      dead += 1;
      yield {
        kind: "record",
        text: `dead  ${place.url}  ${error.message}${error.reply === undefined ? "" : ` (${error.reply})`}${place.from === "" ? "" : `  in ${place.from}`}`,
        data: {
          dead: place.url,
          in: place.from,
          code: error.code,
          ...(error.reply === undefined ? {} : { reply: error.reply }),
        },
      };
    }
    for (const link of outcome.links) {
      if (seen.has(link.url)) continue;
      seen.add(link.url);
      if (isWanted(link, rules)) waiting.push(link);
      else passed += 1;
    }
  }
  const cut = waiting.length;
  yield {
    kind: "record",
    text: `${looked} asked for, ${dead} dead, ${passed} links passed over${cut === 0 ? "" : `, ${cut} not looked at: --limit`}`,
    data: { asked: looked, dead, passed, unseen: cut },
  };
  if (dead > 0) throw new PortholeError("partial", `${dead} of ${looked} links are dead`);
}

interface Rules {
  readonly depth: number;
  readonly documents: boolean;
  readonly external: boolean;
  readonly robots: readonly string[];
}

function isWanted({ path, kind, depth }: Place, rules: Rules): boolean {
  if (depth > rules.depth) return false;
  if (path === undefined) return rules.external && kind === "menu";
  if (kind !== "menu" && !rules.documents) return false;
  if (kind === "search" || kind === "session") return false;
  // The path is an item type and the selector.
  return isAllowed(decodeURIComponentSafely(path.slice(2)), rules.robots);
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function look(session: Session, place: Place, invocation: Invocation, delay: number): Promise<Outcome> {
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  try {
    if (place.path === undefined) {
      const other = await openedBy(invocation, place.url);
      await other.session.stat?.(other.target.path);
      return { place, links: [] };
    }
    if (place.kind !== "menu") {
      await session.stat?.(place.path);
      return { place, links: [] };
    }
    const links: Place[] = [];
    for await (const entry of session.list?.(place.path, { limit: MOST_LINKS }) ?? []) {
      if (entry.kind === "note") continue;
      links.push(placeOf(entry, place));
    }
    return { place, links };
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || thrown.code === "aborted") throw thrown;
    return { place, links: [], error: thrown };
  }
}

function placeOf(entry: Entry, menu: Place): Place {
  const depth = menu.depth + (entry.kind === "menu" ? 1 : 0);
  const [, own] = /^(gophers?:\/\/[^/]*)/.exec(menu.url) ?? [];
  const rest = own !== undefined && entry.url.startsWith(`${own}/`) ? entry.url.slice(own.length) : undefined;
  return { url: entry.url, path: rest, kind: entry.kind, depth, from: menu.url };
}
