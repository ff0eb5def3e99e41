/** What the person sees: the page that is shown, the rows around it, and when they are drawn again. */
import { safeLine } from "../text/safe.js";
import { humanSize } from "../text/units.js";
import type { AskedRows, Asking } from "./asking.js";
import type { Downloads } from "./downloads.js";
import type { DownloadsPage } from "./downloads-page.js";
import { Frame } from "./frame.js";
import type { Placement } from "./graphics.js";
import { wordOf } from "./listing.js";
import type { PageLink } from "./page.js";
import { linkAt, tabAt } from "./pointing.js";
import type { BrowserScreen } from "./screen.js";
import { screenRows, titlesOf } from "./screen-rows.js";
import type { Visit } from "./tab.js";
import { THEMES, type ThemeName } from "./theme.js";
import type { Travel } from "./travel.js";
import {
  bodyHeight,
  marginOf,
  type PageView,
  pageColumns,
  placementOf,
  type Surface,
  statusRow,
  tabNames,
} from "./view.js";

/** Milliseconds between two drawings of a page that grows. */
const REDRAW = 40;
const THEME_ORDER: readonly ThemeName[] = ["dark", "light", "plain"];

export interface Painted {
  readonly screen: BrowserScreen;
  readonly theme: ThemeName;
  readonly asking: Asking;
  readonly downloads: Downloads;
  readonly downloadsPage: DownloadsPage;
  readonly travel: Travel;
  /** Digits of a link's number, as far as they are typed. */
  readonly typed: () => string;
}

export class Painter {
  readonly #parts: Painted;
  readonly #screen: BrowserScreen;
  readonly #frame = new Frame();
  #theme: ThemeName;
  #wrapped = true;
  #centred = false;
  #timer: NodeJS.Timeout | undefined;
  /** Told until the next key. */
  notice = "";
  /** Somebody else has the screen. */
  away = false;

  constructor(parts: Painted) {
    this.#parts = parts;
    this.#screen = parts.screen;
    this.#theme = parts.theme;
  }

  get view(): PageView {
    return { wrapped: this.#wrapped, centred: this.#centred };
  }

  /** Columns of a page. */
  get columns(): number {
    return pageColumns(this.#screen.columns, this.view);
  }

  /** Rows of a page. */
  get height(): number {
    return bodyHeight(this.#screen.rows, this.#travel.tabs.length);
  }

  /** Rows above the page. */
  get bars(): number {
    const { rows } = this.#screen;
    return (rows < 3 ? 0 : 1) + (this.#travel.tabs.length > 1 && rows > 3 ? 1 : 0);
  }

  get selected(): PageLink | undefined {
    const { visit } = this.#travel;
    return visit?.page.links[visit.selected];
  }

  get #travel(): Travel {
    return this.#parts.travel;
  }

  /** What the mouse points at: a tab or a link of the page, by its place; columns and rows from 1. */
  pointed(column: number, row: number): { readonly tab: number } | { readonly link: number } | undefined {
    const { columns } = this.#screen;
    const { bars } = this;
    if (row <= bars) {
      const tab =
        bars === 2 && row === 1 ? tabAt(tabNames(titlesOf(this.#travel.tabs), columns), column) : undefined;
      return tab === undefined ? undefined : { tab };
    }
    const visit = row > bars + this.height ? undefined : this.layOut();
    const at = visit && linkAt(visit, row - 1 - bars, column - marginOf(columns, this.view));
    return at === undefined ? undefined : { link: at };
  }

  /** The page that is shown, laid out for the screen as it is. */
  layOut(): Visit | undefined {
    const { visit } = this.#travel;
    visit?.layout.update(visit.page, this.columns, this.#wrapped);
    return visit;
  }

  wrap(): void {
    this.#wrapped = !this.#wrapped;
  }

  centre(): void {
    this.#centred = !this.#centred;
    this.redraw();
  }

  nextTheme(): void {
    const at = THEME_ORDER.indexOf(this.#theme);
    this.#theme = THEME_ORDER[(at + 1) % Object.keys(THEMES).length] ?? "plain";
    this.forget();
  }

  /** Nothing of what was drawn is believed to stand there. */
  forget(): void {
    this.#frame.forget();
  }

  /** The screen has another size, or was drawn on by somebody else. */
  redraw(): void {
    this.forget();
    this.#travel.visit?.page.redraw?.(this.columns).then(
      () => this.paintSoon(true),
      () => undefined,
    );
    this.paint();
  }

  paintSoon(now: boolean): void {
    if (this.away) return;
    if (now) {
      // All that happens in one turn is drawn once.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.paint(), 0);
    } else this.#timer ??= setTimeout(() => this.paint(), REDRAW);
  }

  paint(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.away) return;
    const { columns, rows } = this.#screen;
    const { asking, downloadsPage } = this.#parts;
    downloadsPage.refresh();
    const { tabs, at } = this.#travel;
    const surface = { columns, rows, theme: this.#theme };
    const visit = this.layOut();
    const { height, bars, view } = this;
    const asked = asking.shown(columns, rows);
    const { out, covered } = screenRows({
      surface,
      visit,
      tabs,
      at,
      bars,
      height,
      view,
      notice: this.notice,
      asked: asked?.rows,
      last: () => this.#status(visit, surface),
    });
    this.#frame.draw(
      this.#screen,
      out,
      asked === undefined ? undefined : cursorOf(asked, out.length),
      this.#placement(visit, height - covered, surface),
    );
  }

  /** Nothing is drawn from now on. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.away = true;
  }

  /** The picture that lies over the rows; a screen is asked for its pixels when the first one comes. */
  #placement(visit: Visit | undefined, height: number, surface: Surface): Placement | undefined {
    if (visit?.page.picture === undefined) return undefined;
    const { graphics } = this.#screen;
    if (graphics !== undefined) return placementOf(visit, graphics, this.bars, height, surface, this.view);
    this.#screen.wantGraphics?.();
    return undefined;
  }

  #status(visit: Visit | undefined, surface: Surface): string {
    const { load } = this.#travel.tab;
    const link = this.selected;
    const typed = this.#parts.typed();
    const left =
      typed !== ""
        ? `link ${typed}`
        : load !== undefined && load.page === undefined
          ? `loading ${safeLine(load.url)} - back leaves it`
          : link !== undefined
            ? `${wordOf({ kind: link.kind ?? "link", ...(link.type === undefined ? {} : { type: link.type }) })} ${safeLine(link.url)}`
            : "? for help";
    const right = [this.#parts.downloads.status, place(visit, this.height)].filter(Boolean).join("  ");
    return statusRow(left, right, surface);
  }
}

/** Where it is on the screen, from 1. */
function cursorOf({ rows, cursor }: AskedRows, height: number): { column: number; row: number } {
  return { column: cursor.column, row: Math.max(1, height - rows.length + cursor.row) };
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
