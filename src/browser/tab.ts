/** A tab: the pages that were seen in it, one after the other, and where in each the person was. */
import { Layout } from "./layout.js";
import type { Page } from "./page.js";

const NOTHING_ASKED = { words: undefined, posted: undefined };

export class Visit {
  page: Page;
  /** Reopens what the page was made from, in another character set if one is named. */
  readonly reopen: ((charset?: string) => void) | undefined;
  readonly layout = new Layout();
  /** The row at the top of the screen. */
  top = 0;
  /** The selected link's place in the page; -1: none. */
  selected = -1;
  /** Words that were looked for in it. */
  found = "";
  /** The words that a search was asked for. */
  readonly words: string | undefined;
  /** The form that the page answers. */
  readonly posted: string | undefined;

  constructor(
    page: Page,
    reopen?: (charset?: string) => void,
    asked: Pick<Visit, "words" | "posted"> = NOTHING_ASKED,
  ) {
    this.page = page;
    this.reopen = reopen;
    this.words = asked.words;
    this.posted = asked.posted;
  }
}

/** What is loading, and how to leave it. */
export interface Load {
  readonly url: string;
  readonly controller: AbortController;
  page: Page | undefined;
}

/** Pages that a tab goes back to. */
const MOST_VISITS = 100;
/** Characters of all pages of a tab that are kept; older ones are asked for anew when the person goes back to them. */
const MOST_KEPT = 64 * 1024 * 1024;

export class Tab {
  readonly visits: Visit[] = [];
  at = -1;
  load: Load | undefined;

  get visit(): Visit | undefined {
    return this.visits[this.at];
  }

  /** After the page that is seen now; what was ahead is forgotten. */
  push(visit: Visit): void {
    this.visits.splice(this.at + 1, this.visits.length, visit);
    if (this.visits.length > MOST_VISITS) this.visits.shift();
    this.at = this.visits.length - 1;
    this.#bound();
  }

  /** @returns false when there is nothing there */
  move(step: number): boolean {
    if (this.visits[this.at + step] === undefined) return false;
    this.at += step;
    return true;
  }

  #bound(): void {
    let kept = 0;
    for (let at = this.at; at >= 0; at--) {
      const page = this.visits[at]?.page;
      if (page === undefined) continue;
      kept += page.characters + (page.source?.length ?? 0) + (page.picture?.pixels.rgb.length ?? 0);
      if (kept > MOST_KEPT && at < this.at && page.target !== undefined) {
        page.clear();
        page.source = undefined;
        page.state = "left";
      }
    }
  }
}
