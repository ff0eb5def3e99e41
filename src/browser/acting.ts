/** What each action of a key does. */
import type { Asking } from "./asking.js";
import type { History } from "./been.js";
import type { Action, Bindings } from "./bindings.js";
import type { Downloads } from "./downloads.js";
import type { DownloadsPage } from "./downloads-page.js";
import type { Finding } from "./finding.js";
import { scroll, select } from "./moving.js";
import { helpPage, historyPage } from "./own-pages.js";
import type { Painter } from "./painter.js";
import type { Tools } from "./tools.js";
import type { Travel } from "./travel.js";

export interface Acting {
  readonly travel: Travel;
  readonly tools: Tools;
  readonly painter: Painter;
  readonly asking: Asking;
  readonly finding: Finding;
  readonly downloads: Downloads;
  readonly downloadsPage: DownloadsPage;
  readonly history: History;
  readonly bindings: Bindings;
  /** Leaves the program to wait in the shell. */
  readonly suspend: (() => void) | undefined;
  readonly quit: () => void;
  readonly tell: (words: string) => void;
}

/** Up and down in the page that is shown. */
export function scrolled(painter: Painter, rows: number): void {
  const visit = painter.layOut();
  if (visit !== undefined) scroll(visit, rows, painter.height);
}

export function actionsOf(parts: Acting): Readonly<Record<Action, () => void>> {
  const {
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
    tell,
  } = parts;
  const page = () => painter.height - 1 || 1;
  const selected = (step: 1 | -1) => {
    const visit = painter.layOut();
    if (visit !== undefined) select(visit, step, painter.height);
  };
  const leave = async () => {
    const { running } = downloads;
    const question = `${running} ${running === 1 ? "download is" : "downloads are"} not done - quit all the same?`;
    if (running === 0 || (await asking.yes(question))) parts.quit();
  };
  return {
    open: () => {
      const link = painter.selected;
      if (link !== undefined) void travel.follow(link);
    },
    back: () => travel.back(),
    forward: () => travel.forward(),
    up: () => void travel.up(),
    "next-link": () => selected(1),
    "previous-link": () => selected(-1),
    "line-down": () => scrolled(painter, 1),
    "line-up": () => scrolled(painter, -1),
    "page-down": () => scrolled(painter, page()),
    "page-up": () => scrolled(painter, -page()),
    "half-down": () => scrolled(painter, Math.ceil(painter.height / 2)),
    "half-up": () => scrolled(painter, -Math.ceil(painter.height / 2)),
    top: () => scrolled(painter, Number.NEGATIVE_INFINITY),
    bottom: () => scrolled(painter, Number.POSITIVE_INFINITY),
    find: () => void finding.ask(asking, travel.visit),
    "find-next": () => finding.from(travel.visit, 1),
    "find-previous": () => finding.from(travel.visit, -1),
    search: () => void tools.searchHere(),
    form: () => void travel.fillInWebForm(),
    address: () => void tools.address(""),
    "edit-address": () => void tools.address(travel.visit?.page.url ?? ""),
    reload: () => travel.reload(),
    start: () => void tools.showStart(),
    download: () => void tools.download(painter.selected),
    "download-page": () => void tools.download(undefined),
    downloads: () => travel.show(downloadsPage.shown()),
    picture: () => travel.showPicture(),
    source: () => tools.showSource(),
    encoding: () => void tools.encoding(),
    info: () => tools.showInfo(),
    "bookmark-page": () => void tools.bookmark(travel.visit?.page.url ?? "", travel.visit?.page.title ?? ""),
    "bookmark-link": () => {
      const link = painter.selected;
      if (link !== undefined) void tools.bookmark(link.url, link.name);
    },
    bookmarks: () => void tools.showBookmarks(),
    history: () => travel.show(historyPage(history.places)),
    "new-tab": () => {
      travel.addTab();
      void tools.showStart();
    },
    "open-in-tab": () => {
      const link = painter.selected;
      if (link !== undefined) void travel.follow(link, true);
    },
    "close-tab": () => {
      if (!travel.closeTab()) void leave();
    },
    "next-tab": () => travel.turnTo(travel.at + 1),
    "previous-tab": () => travel.turnTo(travel.at - 1),
    wrap: () => painter.wrap(),
    centre: () => painter.centre(),
    theme: () => painter.nextTheme(),
    redraw: () => painter.redraw(),
    suspend: () => suspend?.(),
    cancel: () => {
      if (travel.leave()) tell("left");
      else if (travel.visit !== undefined) travel.visit.found = "";
    },
    help: () => travel.show(helpPage(bindings)),
    quit: () => void leave(),
  };
}
