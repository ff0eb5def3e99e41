/** What can be typed in the shell, for its help and its completion. What it does is shell.ts's affair. */
import type { Verb } from "../../plugin.js";

export interface ShellWord {
  readonly usage: string;
  readonly summary: string;
  /** What completion offers for what follows. */
  readonly names: "remote" | "local" | "none";
  /** It is there where the protocol can do one of these; absent: everywhere. */
  readonly needs?: readonly Verb[];
}

export const SHELL_WORDS: Readonly<Record<string, ShellWord>> = {
  ls: {
    usage: "[-l] [-r] [--sort KEY] [NAME...]",
    summary: "what is here, or there",
    names: "remote",
    needs: ["ls"],
  },
  cd: {
    usage: "[NAME]",
    summary: "go into a folder, menu, group or mailbox; .. out of it, - back",
    names: "remote",
    needs: ["ls"],
  },
  pwd: { usage: "", summary: "where this is", names: "none" },
  cat: { usage: "NAME...", summary: "show it", names: "remote", needs: ["get"] },
  more: { usage: "NAME", summary: "show it through the pager", names: "remote", needs: ["get"] },
  get: {
    usage: "NAME... [-o FILE]",
    summary: "save it in the local folder",
    names: "remote",
    needs: ["get"],
  },
  put: { usage: "FILE... [-o NAME]", summary: "upload files", names: "local", needs: ["put"] },
  mirror: {
    usage: "[NAME [FOLDER]] | -R FOLDER [NAME]",
    summary: "a folder from there to here, or with -R from here to there; options as of `porthole mirror`",
    names: "remote",
    needs: ["ls"],
  },
  find: {
    usage: "[NAME] [GLOB]",
    summary: "all that is below, or what of it matches",
    names: "remote",
    needs: ["ls"],
  },
  search: {
    usage: "[NAME] WORDS...",
    summary: "the server's own search, or names and texts; of a menu's item that is a search",
    names: "remote",
    needs: ["search", "ls"],
  },
  stat: { usage: "[NAME...]", summary: "what is known of it", names: "remote", needs: ["stat"] },
  mkdir: { usage: "[-p] NAME...", summary: "make folders", names: "remote", needs: ["mkdir"] },
  rm: { usage: "[-r] NAME...", summary: "remove", names: "remote", needs: ["rm"] },
  mv: { usage: "FROM TO", summary: "move or rename", names: "remote", needs: ["mv"] },
  send: {
    usage: "--to ... --subject ...",
    summary: "send a mail, as `porthole send` does",
    names: "local",
    needs: ["send"],
  },
  watch: { usage: "[NAME]", summary: "tell what is new, until Ctrl-C", names: "remote", needs: ["watch"] },
  check: { usage: "", summary: "test the server step by step", names: "none" },
  open: { usage: "URL", summary: "go to another server", names: "none" },
  interact: { usage: "", summary: "talk to it key by key", names: "none", needs: ["interact"] },
  lcd: { usage: "[FOLDER]", summary: "change the local folder", names: "local" },
  lpwd: { usage: "", summary: "the local folder", names: "none" },
  queue: { usage: "[LINE]", summary: "do it beside the next lines, as & at its end does", names: "remote" },
  jobs: { usage: "", summary: "what was begun with queue, or with & at a line's end", names: "none" },
  wait: { usage: "[N]", summary: "until job N, or all of them, are done", names: "none" },
  kill: { usage: "N", summary: "end job N", names: "none" },
  history: { usage: "", summary: "what was typed", names: "none" },
  help: { usage: "[WORD]", summary: "this list", names: "none" },
  exit: { usage: "", summary: "leave; so do quit, bye and Ctrl-D", names: "none" },
};

/** Those that can be of use where these verbs are. */
export function wordsWhere(verbs: readonly Verb[]): [string, ShellWord][] {
  return Object.entries(SHELL_WORDS).filter(
    ([, { needs }]) => needs === undefined || needs.some((verb) => verbs.includes(verb)),
  );
}

/** Other names that people are used to. */
export const ALIASES: Readonly<Record<string, string>> = {
  dir: "ls",
  ll: "ls",
  less: "more",
  page: "more",
  quit: "exit",
  bye: "exit",
  q: "exit",
  "?": "help",
  del: "rm",
  delete: "rm",
  rename: "mv",
  mget: "get",
  mput: "put",
};
