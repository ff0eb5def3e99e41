/** From a place to a page: what is listed is listed, what is read is read, as it comes. */
import { PortholeError } from "../errors.js";
import {
  CONTAINERS,
  type Document,
  type Entry,
  type EntryKind,
  type FormQuestion,
  type Session,
  type Target,
} from "../plugin.js";
import { search } from "../verbs/search.js";
import { fillFrom } from "./document.js";
import { sourceOf } from "./form-filling.js";
import { addEntry, addThreads } from "./listing.js";
import { MOST_LINES, type Page } from "./page.js";
import type { Cell } from "./picture.js";
import type { Lease, Sessions } from "./sessions.js";

/** Articles of a group, the newest, that are put in threads. */
export const MOST_ARTICLES = 2000;

export interface Opening {
  readonly target: Target;
  /** What the link said that it is. */
  readonly kind?: EntryKind | undefined;
  /** What to search for there. */
  readonly words?: string | undefined;
  readonly charset?: string | undefined;
  readonly asSource?: boolean;
  readonly asPicture?: boolean;
  /** The menu that a folder opens as, when a hole was mirrored to it. */
  readonly keptMenu?: (session: Session) => Promise<string | undefined>;
  /** A form that was filled in goes there. */
  readonly posted?: string | undefined;
  /** A form comes first. */
  readonly asks?: boolean | undefined;
  readonly columns: number;
  /** Pixels of a character's cell, on a screen that shows them. */
  readonly cell?: () => Cell | undefined;
}

export interface LoadEvents {
  /** The place has answered: there is a page now. */
  begun(): void;
  /** There is more of it. */
  grew(): void;
  /** The person's answers; undefined when they gave it up. */
  ask(questions: readonly FormQuestion[]): Promise<readonly string[] | undefined>;
}

/** What a place turned out to be. A search wants words first; a session wants the whole screen. */
export type Found = "page" | "search" | "session";

/** @throws PortholeError, by its code; what has come stays in the page */
export async function load(
  opening: Opening,
  page: Page,
  sessions: Sessions,
  signal: AbortSignal,
  events: LoadEvents,
): Promise<Found> {
  let begun = false;
  const told: LoadEvents = {
    begun: () => {
      begun = true;
      events.begun();
    },
    grew: () => events.grew(),
    ask: (questions) => events.ask(questions),
  };
  // What may change something goes over a fresh connection, and once.
  const isPosted = opening.posted !== undefined;
  const lease = await sessions.take(opening.target, signal, isPosted);
  try {
    return await visit(opening, page, lease, told);
  } catch (thrown) {
    // A server closes what has waited too long; that is no reason to bother anybody.
    if (isPosted || !lease.waited || begun || signal.aborted || !isLoss(thrown)) throw thrown;
    return await visit(opening, page, await sessions.take(opening.target, signal), told);
  }
}

function isLoss(thrown: unknown): boolean {
  return thrown instanceof PortholeError && ["connect", "timeout", "protocol", "busy"].includes(thrown.code);
}

async function visit(opening: Opening, page: Page, lease: Lease, events: LoadEvents): Promise<Found> {
  let well = false;
  try {
    const found = await fill(opening, page, lease.session, events);
    well = true;
    return found;
  } catch (thrown) {
    well = thrown instanceof PortholeError && ["missing", "refused", "usage", "auth"].includes(thrown.code);
    throw thrown;
  } finally {
    lease.release(well);
  }
}

async function fill(opening: Opening, page: Page, session: Session, events: LoadEvents): Promise<Found> {
  const { target, words } = opening;
  if (words !== undefined) {
    // Kept as a bookmark, or typed anew, it leads to what was found.
    const results = session.resultsPath?.(target.path, words);
    if (results !== undefined) page.url = target.href(results);
    await list(page, search(session, target.path, words, {}), events);
    return "page";
  }
  if (opening.posted !== undefined) {
    if (session.submit === undefined) throw new PortholeError("usage", "no form can be sent there");
    await show(opening, page, await session.submit(target.path, sourceOf(opening.posted)), events);
    return "page";
  }
  if (session.interact !== undefined && session.list === undefined) return "session";
  if (opening.asks === true && session.form !== undefined && session.fillIn !== undefined) {
    const questions = await session.form(target.path);
    if (questions !== undefined) {
      const answers = await events.ask(questions);
      if (answers === undefined) throw new PortholeError("aborted", "the form was given up");
      await show(opening, page, await session.fillIn(target.path, answers), events);
      return "page";
    }
  }
  const kind = await kindAt(session, target, opening);
  if (kind === "search") return "search";
  if (kind === "link" && session.list !== undefined && session.read !== undefined) {
    try {
      await list(page, session.list(target.path, { limit: MOST_LINES }), events);
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || !["missing", "refused", "usage"].includes(thrown.code))
        throw thrown;
      await read(opening, page, session, events);
    }
  } else if (CONTAINERS.has(kind) && session.list !== undefined && opening.asSource !== true) {
    const menu = kind === "directory" ? await opening.keptMenu?.(session) : undefined;
    if (menu !== undefined && session.read !== undefined) {
      await show(opening, page, await session.read(menu), events);
      return "page";
    }
    const limit = kind === "group" ? MOST_ARTICLES : MOST_LINES;
    await list(page, session.list(target.path, { limit }), events);
  } else if (session.read !== undefined) await read(opening, page, session, events);
  else throw new PortholeError("usage", "there is nothing to show here");
  return "page";
}

async function read(opening: Opening, page: Page, session: Session, events: LoadEvents): Promise<void> {
  if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
  await show(opening, page, await session.read(opening.target.path), events);
}

async function show(opening: Opening, page: Page, document: Document, events: LoadEvents): Promise<void> {
  // Between two pieces nobody else listens.
  document.body.on("error", () => undefined);
  events.begun();
  await fillFrom(document, page, {
    columns: opening.columns,
    charset: opening.charset,
    asSource: opening.asSource === true,
    asPicture: opening.asPicture === true,
    ...(opening.cell === undefined ? {} : { cell: opening.cell }),
    grew: () => events.grew(),
  });
}

async function list(page: Page, entries: AsyncIterable<Entry>, events: LoadEvents): Promise<void> {
  let begun = false;
  const articles: Entry[] = [];
  for await (const entry of entries) {
    if (!begun) events.begun();
    begun = true;
    // Threads are known when all are here; until then they stand in the order of the server.
    if (entry.kind === "article") articles.push(entry);
    addEntry(page, entry);
    if (page.full) break;
    events.grew();
  }
  if (!begun) {
    events.begun();
    page.add("(nothing is here)", "note");
  }
  if (articles.length > 0 && !page.full) {
    page.clear();
    addThreads(page, articles);
  }
}

async function kindAt(session: Session, target: Target, { kind, asSource }: Opening): Promise<EntryKind> {
  if (asSource === true) return "file";
  const known = session.kindOf?.(target.path);
  if (known !== undefined) return known;
  if (kind !== undefined) return kind;
  if (session.list === undefined) return "page";
  if (session.read === undefined) return "directory";
  return session.stat === undefined ? "page" : (await session.stat(target.path)).kind;
}
