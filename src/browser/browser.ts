/**
 * The full-screen browser: keys in, rows out, pages from any Session that lists or reads. It touches neither process
 * nor terminal; whoever has one gives it a screen and tells it what is typed.
 */
import { messageOf } from "../errors.js";
import type { Credentials, Target } from "../plugin.js";
import { actionsOf, scrolled } from "./acting.js";
import { Asking } from "./asking.js";
import { History } from "./been.js";
import type { Action, Bindings } from "./bindings.js";
import { Downloads } from "./downloads.js";
import { DownloadsPage } from "./downloads-page.js";
import { Finding } from "./finding.js";
import { LinkNumber } from "./link-number.js";
import { Logins } from "./logins.js";
import type { StartGroup } from "./own-pages.js";
import { Painter } from "./painter.js";
import type { BrowserScreen, Input } from "./screen.js";
import type { ThemeName } from "./theme.js";
import { Tools } from "./tools.js";
import { type BrowserDoors, Travel } from "./travel.js";

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

const WHEEL_ROWS = 3;

export class Browser {
  readonly #settings: BrowserSettings;
  readonly #asking: Asking;
  readonly #logins = new Logins();
  readonly #travel: Travel;
  readonly #downloads: Downloads;
  readonly #tools: Tools;
  readonly #history: History;
  readonly #painter: Painter;
  readonly #number: LinkNumber;
  readonly #actions: Readonly<Record<Action, () => void>>;
  /** Keys pressed before the first page stood: it must not come over what they ask for. Undefined from then on. */
  #early: Input[] | undefined = [];
  #quit: () => void = () => undefined;

  constructor(settings: BrowserSettings) {
    this.#settings = settings;
    const { bindings } = settings;
    const tell = (words: string) => this.tell(words);
    const asking = new Asking(() => this.#painter.paintSoon(true));
    const history = new History(settings.history);
    const refused = (target: Target) => this.#logins.forget(target);
    const downloads = new Downloads(settings.doors, () => this.#painter.paintSoon(false), refused);
    const downloadsPage = new DownloadsPage(downloads);
    const travel = new Travel({
      doors: settings.doors,
      asking,
      history,
      converse: (target) => this.#converse(target),
      columns: () => this.#painter.columns,
      cell: () => settings.screen.graphics?.cell,
      changed: (now) => this.#painter.paintSoon(now),
      refused,
      tell,
    });
    const tools = new Tools({ ...settings, travel, asking, history, downloads, tell });
    const number = new LinkNumber({
      count: () => travel.visit?.page.links.length ?? 0,
      open: (link) => this.#openLink(link - 1),
      tell,
    });
    const painter = new Painter({
      screen: settings.screen,
      theme: settings.theme,
      asking,
      downloads,
      downloadsPage,
      travel,
      typed: () => number.digits,
    });
    const finding = new Finding(tell, () => painter.paint());
    const { suspend } = settings;
    const quit = () => this.quit();
    const parts = {
      travel,
      tools,
      painter,
      asking,
      finding,
      downloads,
      downloadsPage,
      history,
      bindings,
      suspend,
      quit,
      tell,
    };
    this.#actions = actionsOf(parts);
    this.#asking = asking;
    this.#travel = travel;
    this.#downloads = downloads;
    this.#tools = tools;
    this.#history = history;
    this.#painter = painter;
    this.#number = number;
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
      this.#painter.paint();
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const input of early) this.input(input);
      await over;
    } finally {
      this.#painter.stop();
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
    this.#painter.redraw();
  }

  /** Something to be told, until the next key. */
  tell(words: string): void {
    this.#painter.notice = words;
    this.#painter.paintSoon(true);
  }

  /** A yes or no that a place wants before it opens. */
  confirm(question: string): Promise<boolean> {
    return this.#asking.yes(question);
  }

  /** What to log in with: the person is asked at the bottom of the screen. */
  credentials(target: Target, user: string | undefined): Promise<Credentials | undefined> {
    return this.#logins.of(target, user, async () => {
      const name = user ?? (await this.#asking.line(`User for ${target.host}: `));
      if (name === undefined || name === "") return undefined;
      const password = await this.#asking.line(`Password for ${name} at ${target.host}: `, { hidden: true });
      return password === undefined ? undefined : { user: name, password, kind: "password" };
    });
  }

  input(input: Input): void {
    if (this.#painter.away) return;
    if (this.#early !== undefined) {
      this.#early.push(input);
      return;
    }
    if (this.#asking.open) this.#asking.take(input);
    else {
      this.#painter.notice = "";
      if (input.kind === "mouse") this.#mouse(input);
      else if (input.kind === "key") this.#key(input.key);
    }
    this.#painter.paint();
  }

  #key(key: string): void {
    if (this.#number.take(key)) return;
    const [, tab] = /^M-([1-9])$/.exec(key) ?? [];
    if (tab !== undefined) this.#travel.turnTo(Math.min(Number(tab), this.#travel.tabs.length) - 1);
    const action = this.#settings.bindings.get(key);
    if (action !== undefined) this.#actions[action]();
  }

  #mouse({ action, column, row }: Extract<Input, { kind: "mouse" }>): void {
    if (action === "wheel-down") scrolled(this.#painter, WHEEL_ROWS);
    else if (action === "wheel-up") scrolled(this.#painter, -WHEEL_ROWS);
    else if (action === "back") this.#travel.back();
    else if (action === "forward") this.#travel.forward();
    else {
      const at = this.#painter.pointed(column, row);
      if (at === undefined) return;
      if ("link" in at) this.#openLink(at.link, action === "middle");
      else {
        this.#travel.turnTo(at.tab);
        if (action === "middle") this.#travel.closeTab();
      }
    }
  }

  #openLink(index: number, inTab?: boolean): void {
    const { visit } = this.#travel;
    const link = visit?.page.links[index];
    if (visit === undefined || link === undefined) return;
    visit.selected = index;
    void this.#travel.follow(link, inTab);
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
    this.#painter.away = true;
    try {
      await this.#settings.converse(target);
    } finally {
      this.#painter.away = false;
      this.#painter.forget();
    }
  }
}
