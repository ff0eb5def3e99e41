/** Going from page to page: tabs, links, back and forward, and leaving what takes too long. */
import { isAbort, messageOf, PortholeError } from "../errors.js";
import type { EntryKind, FormQuestion, Target } from "../plugin.js";
import { safeLine } from "../text/safe.js";
import type { Doors } from "../verbs/doors.js";
import type { Asking } from "./asking.js";
import type { History } from "./been.js";
import { crossing, refusedAddress, type SchemeRows } from "./crossing.js";
import { describeLink } from "./document.js";
import { load } from "./loading.js";
import { Page, type PageLink } from "./page.js";
import { Sessions } from "./sessions.js";
import { type Load, Tab, Visit } from "./tab.js";
import { formsOf } from "./web-forms.js";

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
  /** There is something new to see; `now` when a person waits for it. */
  readonly changed: (now: boolean) => void;
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
    const { asking, doors, tell } = this.#settings;
    const target = this.#target(link.url);
    if (target === undefined) return;
    const way = crossing(this.visit?.page.target, target, doors.registry);
    if (!way.allowed) {
      tell(way.words ?? "");
      return;
    }
    if (way.words !== undefined && !(await asking.yes(way.words))) return;
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
      title: link.name,
      asks: link.asks,
      ...(link.kind === "link" ? {} : { kind: link.kind }),
    });
  }

  async searchAt(target: Target, name: string, title = name): Promise<void> {
    const words = await this.#settings.asking.line(`${safeLine(name)}: `);
    if (words !== undefined && words.trim() !== "")
      await this.open(target, { kind: "search", words, title: safeLine(title) });
  }

  /** Loads a page into this tab; the page before stays until the place answers. Never throws. */
  async open(target: Target, options: OpenOptions = {}): Promise<void> {
    const { changed, columns, history } = this.#settings;
    const { tab } = this;
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
    const reopen = () => void this.open(target, { ...options, again: true });
    const begun = () => {
      if (tab.load !== under) return;
      under.page = page;
      const visit = new Visit(page, reopen, words);
      const now = tab.visit;
      if (options.again === true && now !== undefined) {
        visit.top = now.top;
        visit.selected = now.selected;
        tab.visits[tab.at] = visit;
      } else tab.push(visit);
      changed(true);
    };
    try {
      const opening = { ...options, target, columns: columns() };
      const found = await load(opening, page, this.#sessions, under.controller.signal, {
        begun,
        grew: () => changed(false),
        ask: (questions) => this.#fillIn(questions),
      });
      page.state = "done";
      if (tab.load !== under) return;
      tab.load = undefined;
      if (found === "search") await this.searchAt(target, titleOf(target));
      else if (found === "session") await this.#converse(target);
      if (found !== "search") history.add(url, found === "page" ? page.title : titleOf(target));
    } catch (thrown) {
      page.state = under.controller.signal.aborted ? "left" : "failed";
      if (tab.load === under) tab.load = undefined;
      if (!under.controller.signal.aborted) this.#failed(thrown, page, under.page !== undefined);
      else if (under.page !== undefined) page.add("(left before the end - r loads it again)", "note");
    } finally {
      changed(true);
    }
  }

  /** Question by question, at the bottom of the screen. */
  async #fillIn(questions: readonly FormQuestion[]): Promise<readonly string[] | undefined> {
    const answers: string[] = [];
    for (const { question, proposed, choices, hidden } of questions) {
      const among = choices.length === 0 ? "" : ` (${choices.join(", ")})`;
      const answer = await this.#settings.asking.line(`${question}${among}: `, {
        text: proposed,
        hidden,
        complete: (typed) => choices.filter((choice) => choice.startsWith(typed)),
      });
      if (answer === undefined) return undefined;
      answers.push(answer);
    }
    return answers;
  }

  /** Fills in a form of the page that is seen, and goes where it leads. */
  async fillInWebForm(): Promise<void> {
    const { asking, tell } = this.#settings;
    const page = this.visit?.page;
    const forms = page?.type === "text/html" ? formsOf(page.source?.toString("utf8") ?? "", page.url) : [];
    if (forms.length === 0) {
      tell("there is no form on this page");
      return;
    }
    const names = forms.map(({ name }, at) => `${at + 1} ${name}`).join(", ");
    const which = forms.length === 1 ? "1" : await asking.line(`Which form (${safeLine(names)})? `);
    const form = forms[Number(which) - 1];
    if (which === undefined || form === undefined) return;
    if (form.method !== "get") {
      tell(
        `this form is sent by ${safeLine(form.method.toUpperCase())}: porthole http post ${safeLine(form.action)} NAME=VALUE...`,
      );
      return;
    }
    const open = form.fields.filter(({ hidden }) => !hidden);
    const answers = await this.#fillIn(
      open.map(({ name, value, choices, secret }) => ({
        question: name,
        proposed: value,
        choices,
        hidden: secret,
      })),
    );
    if (answers === undefined) return;
    const values = new Map(open.map((field, at) => [field, answers[at] ?? ""]));
    const url = new URL(form.action);
    url.search = new URLSearchParams(
      form.fields.map((field): [string, string] => [field.name, values.get(field) ?? field.value]),
    ).toString();
    await this.follow({ url: url.href, name: form.name, line: -1 });
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

  reload(charset?: string): void {
    const { visit } = this;
    if (visit?.page.target === undefined) return;
    void this.open(visit.page.target, { again: true, words: visit.words, charset });
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
