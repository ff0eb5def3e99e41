/** Going from page to page: tabs, links, back and forward, and leaving what takes too long. */
import { isAbort, messageOf, PortholeError } from "../errors.js";
import type { EntryKind, Session, Target } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import type { Doors } from "../verbs/doors.js";
import { keptMenuIn } from "../verbs/kept-menu.js";
import { pathAbove } from "./above.js";
import type { Asking } from "./asking.js";
import type { History } from "./been.js";
import { crossing, refusedAddress, type SchemeRows } from "./crossing.js";
import { describeLink } from "./document.js";
import { answersTo, beforePosting, filledWebForm } from "./form-filling.js";
import { load } from "./loading.js";
import { isRefusedLogin } from "./logins.js";
import { Page, type PageLink } from "./page.js";
import type { Cell } from "./picture.js";
import { Sessions } from "./sessions.js";
import { type Load, Tab, Visit } from "./tab.js";

/** What a browser needs of a Client. */
export type BrowserDoors = Doors & { readonly registry: SchemeRows };

export interface TravelSettings {
  readonly doors: BrowserDoors;
  readonly asking: Asking;
  readonly history: History;
  /** Gives the whole screen to a session (Telnet), and comes back when it is over. */
  readonly converse: (target: Target) => Promise<void>;
  /** Columns that a page has. */
  readonly columns: () => number;
  /** Pixels of a character's cell, on a screen that shows them. */
  readonly cell: () => Cell | undefined;
  /** There is something new to see; `now` when a person waits for it. */
  readonly changed: (now: boolean) => void;
  /** The place would not have what it was to be logged in with. */
  readonly refused: (target: Target) => void;
  /** Something to be told, until the next key. */
  readonly tell: (words: string) => void;
}

export interface OpenOptions {
  readonly kind?: EntryKind | undefined;
  readonly words?: string | undefined;
  readonly charset?: string | undefined;
  readonly asSource?: boolean;
  readonly asPicture?: boolean;
  readonly asks?: boolean | undefined;
  /** A form that goes there. */
  readonly posted?: string | undefined;
  /** As the link to it had it. */
  readonly title?: string;
  /** The page takes the place of the one that is seen: it was loaded again. */
  readonly again?: boolean;
}

export class Travel implements AsyncDisposable {
  readonly tabs: Tab[] = [new Tab()];
  at = 0;
  readonly #settings: TravelSettings;
  readonly #sessions: Sessions;

  constructor(settings: TravelSettings) {
    this.#settings = settings;
    this.#sessions = new Sessions(settings.doors);
  }

  get tab(): Tab {
    const tab = this.tabs[this.at];
    if (tab === undefined) throw new Error("a browser has a tab");
    return tab;
  }

  get visit(): Visit | undefined {
    return this.tab.visit;
  }

  /** The browser's own page. */
  show(page: Page): void {
    this.leave();
    this.tab.push(new Visit(page));
    this.#settings.changed(true);
  }

  /** What a person typed. */
  async goTo(text: string): Promise<void> {
    const address = text.trim();
    if (address === "") return;
    const target = this.#target(address);
    if (target !== undefined) await this.open(target);
  }

  /** A link that a person chose. */
  async follow(link: PageLink, inNewTab = false): Promise<void> {
    const way = this.#crossingTo(link.url);
    if (way === undefined) return;
    const { target, words } = way;
    // Without a question nothing is waited for: the next key is meant for the page that opens now.
    if (words !== undefined && !(await this.#settings.asking.yes(words))) return;
    if (inNewTab) this.addTab();
    if (link.kind === "search") return this.searchAt(target, link.name);
    const isBinary = link.kind === "file" && link.type !== undefined && !showable(link.type);
    if (isBinary) {
      const page = new Page({ url: target.href(target.path), title: link.name, target });
      describeLink(page, link);
      page.state = "done";
      this.tab.push(new Visit(page, () => void this.open(target, { again: true })));
      this.#settings.changed(true);
      return;
    }
    // A link may lead anywhere: only the place itself knows what it is.
    await this.open(target, {
      // Of a web page only the address is known, which stands beside the title anyway.
      ...(link.name === link.url ? {} : { title: link.name }),
      asks: link.asks,
      ...(link.kind === "link" ? {} : { kind: link.kind }),
    });
  }

  /** Where the page leads, and what is asked first; undefined when it may not lead there. */
  #crossingTo(url: string): { readonly target: Target; readonly words: string | undefined } | undefined {
    const { doors, tell } = this.#settings;
    const target = this.#target(url);
    if (target === undefined) return undefined;
    const way = crossing(this.visit?.page.target, target, doors.registry);
    if (!way.allowed) {
      tell(way.words ?? "");
      return undefined;
    }
    return { target, words: way.words };
  }

  async searchAt(target: Target, name: string, title = name): Promise<void> {
    const words = await this.#settings.asking.line(`${safeLine(name)}: `);
    if (words !== undefined && words.trim() !== "")
      await this.open(target, { kind: "search", words, title: safeLine(title) });
  }

  /** Loads a page into this tab; the page before stays until the place answers. Never throws. */
  async open(target: Target, options: OpenOptions = {}): Promise<void> {
    const { changed, columns, cell, history } = this.#settings;
    const { tab } = this;
    if (options.again === true && options.posted !== undefined) {
      const question = "This page answers a form. Send the form once more?";
      if (!(await this.#settings.asking.yes(question))) return;
    }
    this.leave();
    const url = target.href(target.path);
    const under: Load = { url, controller: new AbortController(), page: undefined };
    tab.load = under;
    changed(true);
    const { words } = options;
    const title = options.title ?? titleOf(target);
    const page = new Page({
      url,
      title: words === undefined ? title : `${safeLine(words)} - ${title}`,
      target,
    });
    const reopen = (charset = options.charset) =>
      void this.open(target, { ...options, charset, title, again: true });
    const begun = () => {
      if (tab.load !== under) return;
      under.page = page;
      const visit = new Visit(page, reopen, { words, posted: options.posted });
      const now = tab.visit;
      if (options.again === true && now !== undefined) {
        visit.top = now.top;
        visit.selected = now.selected;
        tab.visits[tab.at] = visit;
      } else tab.push(visit);
      changed(true);
    };
    try {
      const { doors } = this.#settings;
      const keptMenu = (session: Session) => keptMenuIn(doors, target, session);
      const opening = { ...options, target, columns: columns(), cell, keptMenu };
      const found = await load(opening, page, this.#sessions, under.controller.signal, {
        begun,
        grew: () => changed(false),
        ask: (questions) => answersTo(this.#settings.asking, questions),
      });
      page.state = "done";
      if (tab.load !== under) return;
      tab.load = undefined;
      if (found === "search") await this.searchAt(target, titleOf(target));
      else if (found === "session") await this.#converse(target);
      const place = words === undefined ? url : page.url;
      if (found !== "search") history.add(place, found === "page" ? page.title : titleOf(target));
    } catch (thrown) {
      page.state = under.controller.signal.aborted ? "left" : "failed";
      if (tab.load === under) tab.load = undefined;
      if (isRefusedLogin(thrown)) this.#settings.refused(target);
      if (!under.controller.signal.aborted) this.#failed(thrown, page, under.page !== undefined);
      else if (under.page !== undefined) page.add("(left before the end - r loads it again)", "note");
    } finally {
      changed(true);
    }
  }

  /** Fills in a form of the page that is seen, and goes where it leads; what may change something is asked for first. */
  async fillInWebForm(): Promise<void> {
    const { asking, tell } = this.#settings;
    const filled = await filledWebForm(this.visit?.page, asking, tell);
    if (filled === undefined) return;
    const { name, url, posted } = filled;
    if (posted === undefined) return this.follow({ url, name, line: -1 });
    const way = this.#crossingTo(url);
    if (way === undefined || (way.words !== undefined && !(await asking.yes(way.words)))) return;
    if (await asking.yes(beforePosting(filled))) await this.open(way.target, { posted, title: name });
  }

  /** Leaves what this tab is loading. @returns false when it loads nothing */
  leave(): boolean {
    const { load: under } = this.tab;
    if (under === undefined) return false;
    this.tab.load = undefined;
    under.controller.abort(new PortholeError("aborted", "the page was left"));
    return true;
  }

  /** Back, or out of what is loading. */
  back(): void {
    const { tab } = this;
    const pending = tab.load !== undefined && tab.load.page === undefined;
    this.leave();
    if (pending) this.#settings.tell("left");
    else if (!tab.move(-1)) this.#settings.tell("there is nothing before this page");
    this.#refresh();
  }

  forward(): void {
    this.leave();
    if (!this.tab.move(1)) this.#settings.tell("there is nothing after this page");
    this.#refresh();
  }

  /** The folder that the page is in. */
  async up(): Promise<void> {
    const url = this.visit?.page.url ?? "";
    const target = url === "" ? undefined : this.#target(url);
    if (target === undefined) return;
    const rows: SchemeRows = this.#settings.doors.registry;
    const above = pathAbove(target.path, rows.forScheme(target.url.scheme)?.manifest.folderType);
    if (above === undefined) this.#settings.tell("there is nothing above this place");
    else await this.open(this.#settings.doors.target(target.href(above)));
  }

  reload(charset?: string): void {
    const { visit } = this;
    if (visit?.reopen !== undefined) visit.reopen(charset);
    else if (visit?.page.target !== undefined) void this.open(visit.page.target, { again: true, charset });
  }

  /** What was named and not fetched, or could not be shown as a text, as a picture. */
  showPicture(): void {
    const page = this.visit?.page;
    if (page?.target === undefined) this.#settings.tell("there is no picture here");
    else void this.open(page.target, { again: true, asPicture: true, kind: "file", title: page.title });
  }

  addTab(): void {
    this.tabs.splice(this.at + 1, 0, new Tab());
    this.at += 1;
    this.#settings.changed(true);
  }

  /** @returns false when it was the last */
  closeTab(): boolean {
    this.leave();
    if (this.tabs.length === 1) return false;
    this.tabs.splice(this.at, 1);
    this.at = Math.min(this.at, this.tabs.length - 1);
    this.#settings.changed(true);
    return true;
  }

  turnTo(at: number): void {
    const { length } = this.tabs;
    this.at = ((at % length) + length) % length;
    this.#settings.changed(true);
  }

  /** What the text names; what cannot be opened is told, with the address to copy. */
  #target(text: string): Target | undefined {
    try {
      return this.#settings.doors.target(text);
    } catch (thrown) {
      this.#settings.tell(refusedAddress(safeLine(text), messageOf(thrown)));
      return undefined;
    }
  }

  async #converse(target: Target): Promise<void> {
    try {
      await this.#settings.converse(target);
    } catch (thrown) {
      this.#failed(thrown, undefined, false);
    }
  }

  #failed(thrown: unknown, page: Page | undefined, begun: boolean): void {
    if (isAbort(thrown)) return;
    const words = wordsOf(thrown);
    if (begun && page !== undefined) page.add(`(it ends here: ${words})`, "error");
    else this.#settings.tell(words);
  }

  /** A page that memory had no room for is asked for again. */
  #refresh(): void {
    const { visit } = this;
    if (visit !== undefined && visit.page.state === "left" && visit.page.lines.length === 0) visit.reopen?.();
    this.#settings.changed(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { load: under } of this.tabs) under?.controller.abort();
    await this.#sessions[Symbol.asyncDispose]();
  }
}

/** What went wrong, in one line, with the server's own words and what to do. */
export function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof PortholeError)) return safeLine(messageOf(thrown));
  const reply = thrown.reply === undefined ? "" : ` (${thrown.reply})`;
  const hint = thrown.hint === undefined ? "" : ` - ${thrown.hint}`;
  return safeLine(`${thrown.message}${reply}${hint}`.slice(0, 1000));
}

function titleOf(target: Target): string {
  const last = /([^/]+)\/*$/.exec(target.path)?.[1];
  return safeLine(last ?? (target.host === "" ? target.path : target.host));
}

/** True for what may be text: what surely is none is not fetched to be looked at. */
function showable(type: string): boolean {
  return /^text\/|^message\/|^multipart\/|menu$|html|xml$|json$|yaml$|javascript$|x-sh$|rtf$/.test(type);
}
