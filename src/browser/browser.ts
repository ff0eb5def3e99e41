/**
 * The full-screen browser: keys in, rows out, pages from any Session that lists or reads. It touches neither process
 * nor terminal; whoever has one gives it a screen and tells it what is typed.
 */
import { messageOf } from "../errors.js";
import type { Credentials, Target } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import { Asking } from "./asking.js";
import { History } from "./been.js";
import type { Action, Bindings } from "./bindings.js";
import { Downloads } from "./downloads.js";
import { Finding } from "./finding.js";
import { Frame } from "./frame.js";
import type { Placement } from "./graphics.js";
import { wordOf } from "./listing.js";
import { scroll, select } from "./moving.js";
import { downloadsPage, helpPage, historyPage, type StartGroup } from "./own-pages.js";
import type { PageLink } from "./page.js";
import type { BrowserScreen, Input } from "./screen.js";
import { screenRows } from "./screen-rows.js";
import type { Visit } from "./tab.js";
import { THEMES, type ThemeName } from "./theme.js";
import { Tools } from "./tools.js";
import { type BrowserDoors, Travel } from "./travel.js";
import { bodyHeight, pageColumns, placementOf, type Surface, statusRow } from "./view.js";

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
const THEME_ORDER: readonly ThemeName[] = ["dark", "light", "plain"];
const WHEEL_ROWS = 3;

export class Browser {
  readonly #settings: BrowserSettings;
  readonly #screen: BrowserScreen;
  readonly #frame = new Frame();
  readonly #asking: Asking;
  readonly #travel: Travel;
  readonly #downloads: Downloads;
  readonly #tools: Tools;
  readonly #history: History;
  readonly #finding = new Finding(
    (words) => this.tell(words),
    () => this.#paint(),
  );
  #theme: ThemeName;
  #wrapped = true;
  #centred = false;
  #notice = "";
  #number = "";
  #timer: NodeJS.Timeout | undefined;
  #away = false;
  /** Keys pressed before the first page stood: it must not come over what they ask for. Undefined from then on. */
  #early: Input[] | undefined = [];
  #quit: () => void = () => undefined;

  constructor(settings: BrowserSettings) {
    this.#settings = settings;
    this.#screen = settings.screen;
    this.#theme = settings.theme;
    this.#asking = new Asking(() => this.#paintSoon(true));
    this.#history = new History(settings.history);
    this.#downloads = new Downloads(settings.doors, () => this.#paintSoon(false));
    this.#travel = new Travel({
      doors: settings.doors,
      asking: this.#asking,
      history: this.#history,
      converse: (target) => this.#converse(target),
      columns: () => pageColumns(this.#screen.columns, this.#view),
      cell: () => this.#screen.graphics?.cell,
      changed: (now) => this.#paintSoon(now),
      tell: (words) => this.tell(words),
    });
    this.#tools = new Tools({
      ...settings,
      travel: this.#travel,
      asking: this.#asking,
      history: this.#history,
      downloads: this.#downloads,
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
      if (url === undefined) await this.#tools.showStart();
      else void this.#travel.goTo(url);
      this.#paint();
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const input of early) this.input(input);
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
    if (this.#early !== undefined) {
      this.#early.push(input);
      return;
    }
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
        void this.#finding.ask(this.#asking, travel.visit);
        return;
      case "find-next":
        this.#finding.from(travel.visit, 1);
        return;
      case "find-previous":
        this.#finding.from(travel.visit, -1);
        return;
      case "search":
        void this.#tools.searchHere();
        return;
      case "form":
        void travel.fillInWebForm();
        return;
      case "address":
        void this.#tools.address("");
        return;
      case "edit-address":
        void this.#tools.address(travel.visit?.page.url ?? "");
        return;
      case "reload":
        travel.reload();
        return;
      case "start":
        void this.#tools.showStart();
        return;
      case "download":
        void this.#tools.download(link === undefined ? undefined : link.url);
        return;
      case "download-page":
        void this.#tools.download(undefined);
        return;
      case "downloads":
        travel.show(downloadsPage(this.#downloads.list));
        return;
      case "picture":
        travel.showPicture();
        return;
      case "source":
        this.#tools.showSource();
        return;
      case "encoding":
        void this.#tools.encoding();
        return;
      case "info":
        this.#tools.showInfo();
        return;
      case "bookmark-page":
        void this.#tools.bookmark(travel.visit?.page.url ?? "", travel.visit?.page.title ?? "");
        return;
      case "bookmark-link":
        if (link !== undefined) void this.#tools.bookmark(link.url, link.name);
        return;
      case "bookmarks":
        void this.#tools.showBookmarks();
        return;
      case "history":
        travel.show(historyPage(this.#history.places));
        return;
      case "new-tab":
        travel.addTab();
        void this.#tools.showStart();
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
    if (visit !== undefined) scroll(visit, rows, this.#height);
  }

  #select(step: 1 | -1): void {
    const visit = this.#layOut();
    if (visit !== undefined) select(visit, step, this.#height);
  }

  #nextTheme(): void {
    const at = THEME_ORDER.indexOf(this.#theme);
    this.#theme = THEME_ORDER[(at + 1) % Object.keys(THEMES).length] ?? "plain";
    this.#frame.forget();
  }

  async #load(): Promise<void> {
    try {
      await this.#history.load();
      await this.#tools.learnBookmarks();
    } catch (thrown) {
      this.tell(messageOf(thrown));
    }
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

  #paint(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#away) return;
    const { columns, rows } = this.#screen;
    const surface = { columns, rows, theme: this.#theme };
    const visit = this.#layOut();
    const height = this.#height;
    const asked = this.#asking.shown(columns);
    const { out, covered } = screenRows({
      surface,
      visit,
      tabs: this.#travel.tabs,
      at: this.#travel.at,
      bars: this.#bars,
      height,
      view: this.#view,
      notice: asked === undefined ? this.#notice : "",
      last: () => asked?.row ?? this.#status(visit, surface),
    });
    this.#frame.draw(
      this.#screen,
      out,
      asked === undefined ? undefined : { column: asked.cursor, row: Math.min(rows, out.length) },
      this.#placement(visit, height - covered, surface),
    );
  }

  /** The picture that lies over the rows; a screen is asked for its pixels when the first one comes. */
  #placement(visit: Visit | undefined, height: number, surface: Surface): Placement | undefined {
    if (visit?.page.picture === undefined) return undefined;
    const { graphics } = this.#screen;
    if (graphics !== undefined) return placementOf(visit, graphics, this.#bars, height, surface, this.#view);
    this.#screen.wantGraphics?.();
    return undefined;
  }

  #status(visit: Visit | undefined, surface: Surface): string {
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
