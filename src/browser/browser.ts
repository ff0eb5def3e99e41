/**
 * The full-screen browser: keys in, rows out, pages from any Session that lists or reads. It touches neither process
 * nor terminal; whoever has one gives it a screen and tells it what is typed.
 */
import { join } from "node:path";
import { messageOf } from "../errors.js";
import type { Credentials, Target } from "../plugin.js";
import { remoteFileName } from "../text/filename.js";
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import { wrap } from "../text/wrap.js";
import { Asking } from "./asking.js";
import { History } from "./been.js";
import type { Action, Bindings } from "./bindings.js";
import { BookmarkFile } from "./bookmarks.js";
import { Downloads } from "./downloads.js";
import { Frame } from "./frame.js";
import { wordOf } from "./listing.js";
import {
  bookmarksPage,
  downloadsPage,
  helpPage,
  historyPage,
  infoPage,
  type StartGroup,
  startPage,
} from "./own-pages.js";
import { Page, type PageLink } from "./page.js";
import type { BrowserScreen, Input } from "./screen.js";
import type { Visit } from "./tab.js";
import { TextLines } from "./text-lines.js";
import { THEMES, type ThemeName } from "./theme.js";
import { type BrowserDoors, Travel, wordsOf } from "./travel.js";
import { bar, bodyHeight, bodyRows, lineWith, pageColumns, statusRow, tabStrip } from "./view.js";

export interface BrowserSettings {
  readonly screen: BrowserScreen;
  readonly doors: BrowserDoors;
  readonly bindings: Bindings;
  readonly theme: ThemeName;
  /** Files; absent: nothing is kept. */
  readonly bookmarks: string;
  readonly history: string | undefined;
  /** Where downloads go unless the person says otherwise. */
  readonly folder: string;
  readonly start: readonly StartGroup[];
  /** Gives the whole screen to a session, and comes back when it is over. */
  readonly converse: (target: Target) => Promise<void>;
  /** Leaves the program to wait in the shell. */
  readonly suspend?: () => void;
}

/** Milliseconds between two drawings of a page that grows. */
const REDRAW = 40;
/** Rows of a notice. */
const NOTICE_ROWS = 4;
const THEME_ORDER: readonly ThemeName[] = ["dark", "light", "plain"];
const WHEEL_ROWS = 3;
const REMEMBERED = 100;

export class Browser {
  readonly #settings: BrowserSettings;
  readonly #screen: BrowserScreen;
  readonly #frame = new Frame();
  readonly #asking: Asking;
  readonly #travel: Travel;
  readonly #downloads: Downloads;
  readonly #bookmarks: BookmarkFile;
  readonly #history: History;
  #theme: ThemeName;
  #wrapped = true;
  #centred = false;
  #notice = "";
  #number = "";
  #words: string[] = [];
  #addresses: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #away = false;
  #quit: () => void = () => undefined;
  #known: readonly string[] = [];

  constructor(settings: BrowserSettings) {
    this.#settings = settings;
    this.#screen = settings.screen;
    this.#theme = settings.theme;
    this.#asking = new Asking(() => this.#paintSoon(true));
    this.#bookmarks = new BookmarkFile(settings.bookmarks);
    this.#history = new History(settings.history);
    this.#downloads = new Downloads(settings.doors, () => this.#paintSoon(false));
    this.#travel = new Travel({
      doors: settings.doors,
      asking: this.#asking,
      history: this.#history,
      converse: (target) => this.#converse(target),
      columns: () => pageColumns(this.#screen.columns, this.#view),
      changed: (now) => this.#paintSoon(now),
      tell: (words) => this.tell(words),
    });
  }

  /** Browses until the person quits. @param url where to begin; absent: the start page */
  async run(url: string | undefined): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#quit = resolve;
    });
    try {
      await this.#load();
      if (url === undefined) await this.#showStart();
      else void this.#travel.goTo(url);
      this.#paint();
      await over;
    } finally {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#away = true;
      this.#asking.cancel();
      this.#downloads.stop();
      await this.#travel[Symbol.asyncDispose]();
      await this.#history.save().catch(() => undefined);
    }
  }

  /** Ends `run`. */
  quit(): void {
    this.#quit();
  }

  /** The screen has another size, or was drawn on by somebody else. */
  redraw(): void {
    const { visit } = this.#travel;
    const columns = pageColumns(this.#screen.columns, this.#view);
    this.#frame.forget();
    visit?.page.redraw?.(columns).then(
      () => this.#paintSoon(true),
      () => undefined,
    );
    this.#paint();
  }

  /** Something to be told, until the next key. */
  tell(words: string): void {
    this.#notice = words;
    this.#paintSoon(true);
  }

  /** What to log in with: the person is asked at the bottom of the screen. */
  async credentials(target: Target, user: string | undefined): Promise<Credentials | undefined> {
    const name = user ?? (await this.#asking.line(`User for ${target.host}: `));
    if (name === undefined || name === "") return undefined;
    const password = await this.#asking.line(`Password for ${name} at ${target.host}: `, { hidden: true });
    return password === undefined ? undefined : { user: name, password, kind: "password" };
  }

  input(input: Input): void {
    if (this.#away) return;
    if (this.#asking.open) this.#asking.take(input);
    else {
      this.#notice = "";
      if (input.kind === "mouse") this.#mouse(input.action, input.row);
      else if (input.kind === "key") this.#key(input.key);
    }
    this.#paint();
  }

  // --- keys ---------------------------------------------------------------------------------------------------

  #key(key: string): void {
    if (/^\d$/.test(key) && (this.#number !== "" || key !== "0")) {
      this.#typedNumber(key);
      return;
    }
    const number = this.#number;
    this.#number = "";
    if (number !== "" && key === "Enter") {
      this.#openNumber(number);
      return;
    }
    if (number !== "" && (key === "Escape" || key === "Backspace")) return;
    const [, tab] = /^M-([1-9])$/.exec(key) ?? [];
    if (tab !== undefined) this.#travel.turnTo(Math.min(Number(tab), this.#travel.tabs.length) - 1);
    const action = this.#settings.bindings.get(key);
    if (action !== undefined) this.#act(action);
  }

  /** Digits name a link; it opens as soon as no longer number could be meant. */
  #typedNumber(digit: string): void {
    const count = this.#travel.visit?.page.links.length ?? 0;
    const number = this.#number + digit;
    if (Number(number) < 1 || Number(number) > count) {
      this.#number = "";
      this.tell(count === 0 ? "there are no links here" : `the links are numbered 1 to ${count}`);
      return;
    }
    this.#number = number;
    if (Number(number) * 10 > count) {
      this.#number = "";
      this.#openNumber(number);
    }
  }

  #openNumber(number: string): void {
    const { visit } = this.#travel;
    const link = visit?.page.links[Number(number) - 1];
    if (visit === undefined || link === undefined) return;
    visit.selected = Number(number) - 1;
    void this.#travel.follow(link);
  }

  #mouse(action: Extract<Input, { kind: "mouse" }>["action"], row: number): void {
    const { visit } = this.#travel;
    if (action === "wheel-down") this.#scroll(WHEEL_ROWS);
    else if (action === "wheel-up") this.#scroll(-WHEEL_ROWS);
    else if (action === "back") this.#travel.back();
    else if (visit !== undefined) {
      const at = visit.layout.rows[visit.top + row - 1 - this.#bars];
      const [span] = at === undefined || row <= this.#bars ? [] : (visit.page.lines[at.line]?.spans ?? []);
      const link = span === undefined ? undefined : visit.page.links[span.link];
      if (span === undefined || link === undefined) return;
      visit.selected = span.link;
      void this.#travel.follow(link, action === "middle");
    }
  }

  #act(action: Action): void {
    const travel = this.#travel;
    const link = this.#selected;
    switch (action) {
      case "open":
        if (link !== undefined) void travel.follow(link);
        return;
      case "back":
        travel.back();
        return;
      case "forward":
        travel.forward();
        return;
      case "next-link":
        this.#select(1);
        return;
      case "previous-link":
        this.#select(-1);
        return;
      case "line-down":
        this.#scroll(1);
        return;
      case "line-up":
        this.#scroll(-1);
        return;
      case "page-down":
        this.#scroll(this.#height - 1 || 1);
        return;
      case "page-up":
        this.#scroll(-(this.#height - 1 || 1));
        return;
      case "half-down":
        this.#scroll(Math.ceil(this.#height / 2));
        return;
      case "half-up":
        this.#scroll(-Math.ceil(this.#height / 2));
        return;
      case "top":
        this.#scroll(Number.NEGATIVE_INFINITY);
        return;
      case "bottom":
        this.#scroll(Number.POSITIVE_INFINITY);
        return;
      case "find":
        void this.#find();
        return;
      case "find-next":
        this.#findFrom(1);
        return;
      case "find-previous":
        this.#findFrom(-1);
        return;
      case "search":
        void this.#searchHere();
        return;
      case "form":
        void travel.fillInWebForm();
        return;
      case "address":
        void this.#address("");
        return;
      case "edit-address":
        void this.#address(travel.visit?.page.url ?? "");
        return;
      case "reload":
        travel.reload();
        return;
      case "start":
        void this.#showStart();
        return;
      case "download":
        void this.#download(link === undefined ? undefined : link.url);
        return;
      case "download-page":
        void this.#download(undefined);
        return;
      case "downloads":
        travel.show(downloadsPage(this.#downloads.list));
        return;
      case "source":
        this.#showSource();
        return;
      case "encoding":
        void this.#encoding();
        return;
      case "info":
        this.#showInfo();
        return;
      case "bookmark-page":
        void this.#bookmark(travel.visit?.page.url ?? "", travel.visit?.page.title ?? "");
        return;
      case "bookmark-link":
        if (link !== undefined) void this.#bookmark(link.url, link.name);
        return;
      case "bookmarks":
        void this.#showBookmarks();
        return;
      case "history":
        travel.show(historyPage(this.#history.places));
        return;
      case "new-tab":
        travel.addTab();
        void this.#showStart();
        return;
      case "open-in-tab":
        if (link !== undefined) void travel.follow(link, true);
        return;
      case "close-tab":
        if (!travel.closeTab()) void this.#leave();
        return;
      case "next-tab":
        travel.turnTo(travel.at + 1);
        return;
      case "previous-tab":
        travel.turnTo(travel.at - 1);
        return;
      case "wrap":
        this.#wrapped = !this.#wrapped;
        return;
      case "centre":
        this.#centred = !this.#centred;
        this.redraw();
        return;
      case "theme":
        this.#nextTheme();
        return;
      case "redraw":
        this.redraw();
        return;
      case "suspend":
        this.#settings.suspend?.();
        return;
      case "cancel":
        if (travel.leave()) this.tell("left");
        else if (travel.visit !== undefined) travel.visit.found = "";
        return;
      case "help":
        travel.show(helpPage(this.#settings.bindings));
        return;
      case "quit":
        void this.#leave();
    }
  }

  async #leave(): Promise<void> {
    const { running } = this.#downloads;
    const question = `${running} ${running === 1 ? "download is" : "downloads are"} not done - quit all the same?`;
    if (running === 0 || (await this.#asking.yes(question))) this.quit();
  }

  // --- within a page --------------------------------------------------------------------------------------------

  get #selected(): PageLink | undefined {
    const { visit } = this.#travel;
    return visit?.page.links[visit.selected];
  }

  #layOut(): Visit | undefined {
    const { visit } = this.#travel;
    visit?.layout.update(visit.page, pageColumns(this.#screen.columns, this.#view), this.#wrapped);
    return visit;
  }

  #scroll(rows: number): void {
    const visit = this.#layOut();
    if (visit === undefined) return;
    visit.top = this.#bounded(visit, visit.top + rows);
    if (this.#isSeen(visit, visit.selected)) return;
    // The selection comes along: Enter opens what is seen.
    const { links } = visit.page;
    const first = links.findIndex((_link, at) => this.#isSeen(visit, at));
    if (first >= 0) visit.selected = rows > 0 ? first : this.#lastSeen(visit, first);
  }

  #lastSeen(visit: Visit, first: number): number {
    let at = first;
    while (this.#isSeen(visit, at + 1)) at++;
    return at;
  }

  #bounded(visit: Visit, top: number): number {
    return Math.max(0, Math.min(top, visit.layout.rows.length - this.#height));
  }

  #rowOf(visit: Visit, at: number): number | undefined {
    const link = visit.page.links[at];
    if (link === undefined || link.line < 0) return undefined;
    const span = visit.page.lines[link.line]?.spans?.find((one) => one.link === at);
    return visit.layout.rowAt(link.line, span?.from ?? 0);
  }

  #isSeen(visit: Visit, at: number): boolean {
    const row = this.#rowOf(visit, at);
    return row !== undefined && row >= visit.top && row < visit.top + this.#height;
  }

  /** The next link when it is near; otherwise half a page on, so that no text is jumped over. */
  #select(step: 1 | -1): void {
    const visit = this.#layOut();
    if (visit === undefined) return;
    const height = this.#height;
    let at = visit.selected + step;
    if (visit.selected < 0) at = visit.page.links.findIndex((_link, place) => this.#isSeen(visit, place));
    let row = this.#rowOf(visit, at);
    while (row === undefined && at >= 0 && at < visit.page.links.length) {
      at += step;
      row = this.#rowOf(visit, at);
    }
    const near = Math.ceil(height / 2);
    if (row === undefined || row < visit.top - near || row >= visit.top + height + near) {
      this.#scroll(step * near);
      return;
    }
    visit.selected = at;
    if (row < visit.top) visit.top = row;
    else if (row >= visit.top + height) visit.top = this.#bounded(visit, row - height + 1);
  }

  async #find(): Promise<void> {
    const words = await this.#asking.line("/", { memory: this.#words });
    const { visit } = this.#travel;
    if (words === undefined || visit === undefined) return;
    if (words !== "") this.#words = [...this.#words.filter((one) => one !== words), words].slice(-REMEMBERED);
    visit.found = words === "" ? (this.#words.at(-1) ?? "") : words;
    const top = visit.layout.rows[visit.top]?.line ?? 0;
    this.#showFound(visit, lineWith(visit.page, visit.found, top - 1, 1));
  }

  #findFrom(step: 1 | -1): void {
    const { visit } = this.#travel;
    if (visit === undefined) return;
    if (visit.found === "") visit.found = this.#words.at(-1) ?? "";
    if (visit.found === "") this.tell("look for words with / first");
    else {
      const top = visit.layout.rows[visit.top]?.line ?? 0;
      this.#showFound(visit, lineWith(visit.page, visit.found, top, step));
    }
  }

  #showFound(visit: Visit, line: number | undefined): void {
    if (line === undefined) this.tell(`'${safeLine(visit.found)}' is not on this page`);
    else {
      // Also when the page ends on this screen: the line found is where n goes on from.
      visit.top = Math.min(visit.layout.rowOf(line), Math.max(0, visit.layout.rows.length - 1));
      const link = visit.page.lines[line]?.spans?.[0]?.link;
      if (link !== undefined) visit.selected = link;
      this.#paint();
    }
  }

  #nextTheme(): void {
    const at = THEME_ORDER.indexOf(this.#theme);
    this.#theme = THEME_ORDER[(at + 1) % Object.keys(THEMES).length] ?? "plain";
    this.#frame.forget();
  }

  // --- pages of its own, and what is asked for them -----------------------------------------------------------------

  async #load(): Promise<void> {
    try {
      await this.#history.load();
      await this.#learnBookmarks();
    } catch (thrown) {
      this.tell(messageOf(thrown));
    }
  }

  async #learnBookmarks(): Promise<void> {
    const lines = await this.#bookmarks.read();
    this.#known = lines.flatMap((line) => (line.kind === "bookmark" ? [line.url] : []));
  }

  async #showStart(): Promise<void> {
    const lines = await this.#bookmarks.read().catch(() => []);
    this.#travel.show(startPage(lines, this.#history.places, this.#settings.start));
  }

  async #showBookmarks(): Promise<void> {
    try {
      this.#travel.show(bookmarksPage(await this.#bookmarks.read(), this.#bookmarks.path));
    } catch (thrown) {
      this.tell(wordsOf(thrown));
    }
  }

  async #bookmark(url: string, name: string): Promise<void> {
    if (url === "") {
      this.tell("this page has no address");
      return;
    }
    const words = await this.#asking.line("Bookmark as: ", { text: name });
    if (words === undefined) return;
    try {
      const isNew = await this.#bookmarks.add(url, words);
      this.tell(isNew ? `kept in ${safeLine(this.#bookmarks.path)}` : "it is among the bookmarks already");
      await this.#learnBookmarks();
    } catch (thrown) {
      this.tell(wordsOf(thrown));
    }
  }

  async #address(text: string): Promise<void> {
    const known = () => [...this.#known, ...this.#history.places.map(({ url }) => url).reverse()];
    const address = await this.#asking.line("Go to: ", {
      text,
      memory: this.#addresses,
      complete: (typed) => completions(typed, known()),
    });
    if (address === undefined || address.trim() === "") return;
    this.#addresses = [...this.#addresses, address].slice(-REMEMBERED);
    await this.#travel.goTo(address);
  }

  async #searchHere(): Promise<void> {
    const target = this.#travel.visit?.page.target;
    if (target === undefined) this.tell("there is nothing to search here");
    else await this.#travel.searchAt(target, "Search here for");
  }

  async #download(url: string | undefined): Promise<void> {
    const place = url ?? this.#travel.visit?.page.url ?? "";
    if (place === "") {
      this.tell("there is nothing to save here");
      return;
    }
    try {
      const target = this.#settings.doors.target(place);
      const name = remoteFileName(target.href(target.path));
      const path = await this.#asking.line("Save as: ", { text: join(this.#settings.folder, name) });
      if (path === undefined || path.trim() === "") return;
      let saved = await this.#downloads.start(target, path, false);
      const exists = saved.state === "failed" && /exists/.test(saved.words);
      if (exists && (await this.#asking.yes(`${path} is there already - replace it?`)))
        saved = await this.#downloads.start(target, path, true);
      const shown = safeLine(saved.path);
      this.tell(
        saved.state === "done" ? `saved ${shown}, ${humanSize(saved.done)}` : `${shown}: ${saved.words}`,
      );
    } catch (thrown) {
      this.tell(wordsOf(thrown));
    }
  }

  #showSource(): void {
    const page = this.#travel.visit?.page;
    if (page?.target === undefined) {
      this.tell("this page has no source");
      return;
    }
    if (page.source === undefined) {
      void this.#travel.open(page.target, { asSource: true });
      return;
    }
    const source = new Page({ url: page.url, title: `source of ${page.title}`, target: page.target });
    const lines = new TextLines(source, false);
    lines.write(page.source.toString(isUtf8(page.charset) ? "utf8" : "latin1"));
    lines.end();
    source.state = "done";
    this.#travel.show(source);
  }

  async #encoding(): Promise<void> {
    const page = this.#travel.visit?.page;
    if (page?.source === undefined || page.target === undefined) {
      this.tell("this page has no character set to choose");
      return;
    }
    const charset = await this.#asking.line("Character set: ", {
      text: page.charset ?? "utf-8",
      memory: ["iso-8859-1", "cp437", "koi8-r", "shift_jis", "windows-1252", "utf-8"],
    });
    if (charset !== undefined && charset.trim() !== "") this.#travel.reload(charset.trim());
  }

  #showInfo(): void {
    const { visit } = this.#travel;
    const link = this.#selected;
    if (visit === undefined) return;
    const { page } = visit;
    this.#travel.show(
      infoPage([
        ...(link === undefined
          ? []
          : ([
              ["Link", link.name],
              ["URL", link.url],
              ["Kind", link.kind === undefined ? "not known" : link.kind],
              ["Type", link.type ?? "not known"],
              ...(link.size === undefined ? [] : [["Size", `${link.size} octets`] as const]),
              ["", ""],
            ] as const)),
        ["Page", page.title],
        ["URL", page.url],
        ["Type", page.type ?? "a list"],
        ["Charset", page.charset ?? "-"],
        ["Octets", String(page.octets)],
        ["Lines", String(page.lines.length)],
        ["Links", String(page.links.length)],
      ]),
    );
  }

  async #converse(target: Target): Promise<void> {
    this.#away = true;
    try {
      await this.#settings.converse(target);
    } finally {
      this.#away = false;
      this.#frame.forget();
    }
  }

  // --- the screen ---------------------------------------------------------------------------------------------------

  get #view() {
    return { wrapped: this.#wrapped, centred: this.#centred };
  }

  /** Rows above the page. */
  get #bars(): number {
    const { rows } = this.#screen;
    return (rows < 3 ? 0 : 1) + (this.#travel.tabs.length > 1 && rows > 3 ? 1 : 0);
  }

  get #height(): number {
    return bodyHeight(this.#screen.rows, this.#travel.tabs.length);
  }

  #paintSoon(now: boolean): void {
    if (this.#away) return;
    if (now) {
      // All that happens in one turn is drawn once.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#paint(), 0);
    } else this.#timer ??= setTimeout(() => this.#paint(), REDRAW);
  }

  /** As the page comes, its first link is selected: Enter has something to open. */
  #selectFirst(visit: Visit): void {
    const first = visit.page.links.findIndex((_link, at) => this.#isSeen(visit, at));
    if (first >= 0) visit.selected = first;
  }

  #paint(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#away) return;
    const { columns, rows } = this.#screen;
    const surface = { columns, rows, theme: this.#theme };
    const visit = this.#layOut();
    const { tabs, at } = this.#travel;
    const out: string[] = [];
    if (rows >= 3) out.push(bar(visit?.page.title ?? "Porthole", visit?.page.url ?? "", surface));
    if (this.#bars === 2) {
      const titles = tabs.map((tab) => tab.visit?.page.title ?? tab.load?.url ?? "new");
      out.unshift(tabStrip(titles.map(safeLine), at, surface));
    }
    const height = this.#height;
    if (visit === undefined) for (let row = 0; row < height; row++) out.push("");
    else {
      // A page that was found in stays where it was found; otherwise no row is wasted.
      if (visit.found === "") visit.top = this.#bounded(visit, visit.top);
      if (visit.selected < 0 && visit.top === 0 && visit.page.links.length > 0) this.#selectFirst(visit);
      out.push(...bodyRows(visit, height, surface, this.#view));
    }
    const asked = this.#asking.shown(columns);
    const notice = asked === undefined && this.#notice !== "" ? wrap(this.#notice, columns) : [];
    const lines = notice.length <= NOTICE_ROWS ? notice : [...notice.slice(0, NOTICE_ROWS - 1), "…"];
    // A long notice lies over the end of the page.
    for (const [index, line] of lines.slice(0, -1).entries())
      out[out.length - lines.length + 1 + index] = line;
    out.push(asked?.row ?? lines.at(-1) ?? this.#status(visit, surface));
    this.#frame.draw(
      this.#screen,
      out.slice(0, rows),
      asked === undefined ? undefined : { column: asked.cursor, row: Math.min(rows, out.length) },
    );
  }

  #status(visit: Visit | undefined, surface: { columns: number; rows: number; theme: ThemeName }): string {
    const { load } = this.#travel.tab;
    const link = this.#selected;
    const left =
      this.#number !== ""
        ? `link ${this.#number}`
        : load !== undefined && load.page === undefined
          ? `loading ${safeLine(load.url)} - back leaves it`
          : link !== undefined
            ? `${wordOf({ kind: link.kind ?? "link", ...(link.type === undefined ? {} : { type: link.type }) })} ${safeLine(link.url)}`
            : "? for help";
    return statusRow(
      left,
      [this.#downloads.status, place(visit, this.#height)].filter(Boolean).join("  "),
      surface,
    );
  }
}

function place(visit: Visit | undefined, height: number): string {
  if (visit === undefined) return "";
  const { page, layout, top } = visit;
  const last = Math.min(top + height, layout.rows.length);
  const share = layout.rows.length === 0 ? 100 : Math.floor((100 * last) / layout.rows.length);
  if (page.state === "loading") {
    return page.octets > 0 ? `loading ${humanSize(page.octets)}` : `loading ${page.lines.length}`;
  }
  return `${share}%`;
}

function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || /^utf-?8$/i.test(charset);
}

const OFFERED = 50;

/** Places that begin with what was typed, with or without their scheme; then those that hold it. */
function completions(typed: string, known: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  const unique = [...new Set(known)];
  const begins = (url: string) =>
    url.toLowerCase().startsWith(wanted) ||
    url
      .toLowerCase()
      .replace(/^\w+:\/\//, "")
      .startsWith(wanted);
  const first = unique.filter(begins);
  const holds = unique.filter((url) => !begins(url) && url.toLowerCase().includes(wanted));
  return [...first, ...holds].slice(0, OFFERED);
}
