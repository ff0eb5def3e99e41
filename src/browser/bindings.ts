/** Which key does what: as people know it from phetch, lynx, less and vi, and as their own file says. */
import { PortholeError } from "../errors.js";

/** In the order of the page of help. */
export const ACTIONS = {
  open: "open the selected link",
  back: "back; while a page is loading: leave it",
  forward: "forward again",
  up: "the folder above",
  "next-link": "select the next link",
  "previous-link": "select the link before",
  "line-down": "one line down",
  "line-up": "one line up",
  "page-down": "one page down",
  "page-up": "one page up",
  "half-down": "half a page down",
  "half-up": "half a page up",
  top: "to the top",
  bottom: "to the end",
  find: "look for words in the page",
  "find-next": "the next place that has them",
  "find-previous": "the place before",
  search: "search this place: a Gopher search, names below a folder, headers of a mailbox",
  form: "fill in a form of the page",
  address: "go to an address",
  "edit-address": "edit the address of this page",
  reload: "load the page again",
  start: "the start page",
  download: "save what the selected link leads to",
  "download-page": "save this page",
  downloads: "what is being saved, and what was",
  picture: "see the picture that this page tells of",
  source: "the page as it came",
  encoding: "read the page in another character set",
  info: "what is known of the selected link, its URL in full",
  "bookmark-page": "keep this page among the bookmarks",
  "bookmark-link": "keep the selected link among the bookmarks",
  bookmarks: "the bookmarks",
  history: "where you have been",
  "new-tab": "a new tab",
  "open-in-tab": "open the selected link in a new tab",
  "close-tab": "close this tab",
  "next-tab": "the next tab",
  "previous-tab": "the tab before",
  wrap: "wrap long lines, or cut them",
  centre: "put the page in the middle, or to the left",
  theme: "colours for a dark screen, for a light one, or none",
  redraw: "draw the screen anew",
  suspend: "leave the program to wait in the shell",
  cancel: "leave what is loading, or what was begun",
  help: "this page",
  quit: "quit",
} as const satisfies Record<string, string>;

export type Action = keyof typeof ACTIONS;

export type Bindings = ReadonlyMap<string, Action>;

const USUAL: Readonly<Record<Action, string>> = {
  open: "Enter Right l",
  back: "Left Backspace h H u M-Left",
  forward: "L ] M-Right",
  up: "- ^ M-Up",
  "next-link": "Down Tab C-n",
  "previous-link": "Up S-Tab C-p",
  "line-down": "j C-e",
  "line-up": "k C-y",
  "page-down": "Space PageDown f C-f C-v",
  "page-up": "PageUp b C-b M-v",
  "half-down": "C-d",
  "half-up": "C-u",
  top: "Home < C-a",
  bottom: "End > G",
  find: "/",
  "find-next": "n",
  "find-previous": "N",
  search: "s",
  form: "F",
  address: "g o",
  "edit-address": "E",
  reload: "r R C-r F5",
  start: "m",
  download: "d",
  "download-page": "D",
  downloads: "J",
  picture: "I",
  source: "\\",
  encoding: "e",
  info: "= i",
  "bookmark-page": "a",
  "bookmark-link": "A",
  bookmarks: "v B",
  history: "y",
  "new-tab": "T C-t",
  "open-in-tab": "t",
  "close-tab": "w C-w",
  "next-tab": ". C-Right",
  "previous-tab": ", C-Left",
  wrap: "W",
  centre: "|",
  theme: "c",
  redraw: "C-l",
  suspend: "C-z",
  cancel: "Escape C-c C-g",
  help: "? F1",
  quit: "q Q",
};

const OWN_LINES = 1000;

export function usualBindings(): Map<string, Action> {
  const bindings = new Map<string, Action>();
  for (const action of actions()) for (const key of USUAL[action].split(" ")) bindings.set(key, action);
  return bindings;
}

function actions(): Action[] {
  return Object.keys(ACTIONS).filter(isAction);
}

function isAction(word: string): word is Action {
  return Object.hasOwn(ACTIONS, word);
}

/**
 * The usual keys with those of a file: `KEY ACTION` a line, `KEY -` for a key that does nothing, `#` before a remark.
 * @throws PortholeError `usage` with the line at fault
 */
export function parseBindings(text: string, file: string): Map<string, Action> {
  const bindings = usualBindings();
  for (const [at, line] of text.split("\n").slice(0, OWN_LINES).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [key = "", action = "", ...more] = line.trim().split(/\s+/);
    if (action === "-" && more.length === 0) bindings.delete(key);
    else if (isAction(action) && more.length === 0) bindings.set(key, action);
    else {
      throw new PortholeError("usage", `${file}:${at + 1}: '${line.trim()}' is no key and action`, {
        hint: "write: KEY ACTION, as `?` in the browser lists them",
      });
    }
  }
  return bindings;
}

/** The keys of each action, for the page of help. */
export function keysOf(bindings: Bindings): ReadonlyMap<Action, readonly string[]> {
  const keys = new Map<Action, string[]>(actions().map((action) => [action, []]));
  for (const [key, action] of bindings) keys.get(action)?.push(key);
  return keys;
}
