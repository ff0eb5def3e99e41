/** The words that people type: verbs over every protocol, and Porthole's own tools. Data alone; code is loaded when a word is used. */
import type { Manifest, OptionSpec, Verb } from "../plugin.js";
import type { CommandModule } from "./command.js";
import {
  BROWSING,
  CHECKING,
  FORCE,
  INPUT,
  LIMIT,
  LONG,
  MAIL,
  MAX_SIZE,
  RECURSIVE,
  RESUME,
  SAVING,
  SORTING,
  VIEWING,
  WATCHING,
  YES,
} from "./word-options.js";

export interface WordSpec {
  readonly name: string;
  /** What follows the word, as in help. */
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  /** The protocol must do one of these; absent: the word asks nothing of a protocol. */
  readonly needs?: readonly Verb[];
  /** What it does is of use with a protocol that does one of these; absent: it is as with `needs`. */
  readonly over?: readonly Verb[];
  /** Absent: in the plan, not yet built. */
  readonly load?: () => Promise<CommandModule>;
  readonly examples?: readonly string[];
}

const everyday = () => import("./commands/everyday.js");

/** A bare URL: the word that nobody needs to type. */
export const OPEN: WordSpec = {
  name: "open",
  usage: "URL",
  summary: "show what is there",
  options: [LIMIT, LONG, ...SORTING, ...VIEWING, ...SAVING],
  needs: ["ls", "get", "interact", "check"],
  load: async () => (await everyday()).open,
};

export const VERBS: readonly WordSpec[] = [
  {
    name: "ls",
    usage: "URL...",
    summary: "list what a place holds",
    options: [LONG, RECURSIVE, LIMIT, ...SORTING],
    needs: ["ls"],
    load: async () => (await everyday()).ls,
    examples: [
      "porthole ls ftp://ftp.example.org/pub -l",
      "porthole ls ftp://ftp.example.org/pub -l --sort time --limit 10",
      "porthole ls gopher://gopher.example.org --json",
    ],
  },
  {
    name: "get",
    usage: "URL...",
    summary: "fetch: to standard output, or to a file with -o, -O or -d",
    options: [
      ...VIEWING,
      ...SAVING,
      INPUT,
      {
        flag: "part",
        type: "string",
        placeholder: "N.M",
        summary: "of a message, the part with this number",
      },
      { flag: "attachments", type: "boolean", summary: "of a message, all attachments, into -d DIR or here" },
    ],
    needs: ["get"],
    load: async () => (await everyday()).get,
    examples: [
      "porthole get https://example.org/big.iso -O",
      "porthole get ftp://ftp.example.org/pub/file -o file --resume",
      "porthole get imaps://me@mail.example.org/INBOX/;UID=7 --attachments -d ./papers",
    ],
  },
  {
    name: "put",
    usage: "FILE... URL",
    summary: "upload files, or - for standard input",
    options: [FORCE, RESUME],
    needs: ["put"],
    load: async () => (await everyday()).put,
    examples: ["porthole put report.pdf ftp://me@ftp.example.org/incoming/"],
  },
  {
    name: "cp",
    usage: "FROM... TO",
    summary: "copy between any two places",
    options: [RECURSIVE, FORCE, RESUME, MAX_SIZE],
    over: ["get", "put"],
    load: () => import("./commands/cp.js"),
    examples: [
      "porthole cp https://example.org/big.iso ftp://me@ftp.example.org/incoming/",
      "porthole cp -r ftp://ftp.example.org/pub ./pub --jobs 4",
    ],
  },
  {
    name: "mirror",
    usage: "FROM TO",
    summary: "make TO the same as FROM",
    options: [
      { flag: "dry-run", type: "boolean", summary: "print the plan, change nothing" },
      { flag: "delete", type: "boolean", summary: "remove at TO what FROM has not" },
      {
        flag: "delete-after",
        type: "number",
        placeholder: "DAYS",
        summary: "remove messages from FROM so many days after they were carried; 0: at once",
      },
      {
        flag: "watch",
        type: "boolean",
        summary:
          "go on, round after round, as soon as the server tells of something new (IMAP), else by --interval",
      },
      {
        flag: "interval",
        type: "number",
        placeholder: "S",
        summary: "with --watch: the next round S seconds after the last at the latest (60)",
      },
      { flag: "include", type: "list", placeholder: "GLOB", summary: "only these" },
      { flag: "exclude", type: "list", placeholder: "GLOB", summary: "not these" },
      MAX_SIZE,
      { flag: "follow-links", type: "boolean", summary: "carry what symbolic links lead to" },
      {
        flag: "outside-links",
        type: "boolean",
        summary: "follow also the links that lead out of FROM",
      },
      {
        flag: "keep-links",
        type: "boolean",
        summary: "symbolic links stay links, where TO is a folder here",
      },
      {
        flag: "keep-names",
        type: "boolean",
        summary: "mailboxes keep their names where TO has another one for the same use (sent mail, drafts)",
      },
      { flag: "only-newer", type: "boolean", summary: "leave what is not older at TO as it is" },
      {
        flag: "compare-content",
        type: "boolean",
        summary: "tell files apart by what is in them, not by dates",
      },
      {
        flag: "depth",
        type: "number",
        placeholder: "N",
        summary: "of a site or a Gopher hole: follow N links from the start (5)",
      },
      {
        flag: "robots",
        type: "boolean",
        summary: "of a site or a hole: do as its robots.txt asks (the default; --no-robots)",
      },
      {
        flag: "wait",
        type: "number",
        placeholder: "S",
        summary: "of a site or a hole: seconds between two requests",
      },
    ],
    over: ["ls"],
    load: () => import("./commands/mirror.js"),
    examples: [
      "porthole mirror ftp://ftp.example.org/pub ./pub --jobs 4",
      "porthole mirror https://docs.example.org/guide/ ./guide --depth 3 --wait 1",
      "porthole mirror pop3s://me@mail.example.org maildir:./mail --max-size 5M --delete-after 30",
      "porthole mirror imaps://me@mail.example.org/INBOX maildir:./mail --watch --interval 300",
      "porthole mirror gopher://gopher.example.org ./hole    and then: porthole browse ./hole",
      "porthole mirror ./site ftp://me@ftp.example.org/www --delete --dry-run",
    ],
  },
  {
    name: "rm",
    usage: "URL...",
    summary: "remove",
    options: [RECURSIVE, YES],
    needs: ["rm"],
    load: async () => (await everyday()).rm,
  },
  {
    name: "mv",
    usage: "FROM TO",
    summary: "move or rename within one server",
    options: [FORCE],
    needs: ["mv"],
    load: async () => (await everyday()).mv,
  },
  {
    name: "mkdir",
    usage: "URL...",
    summary: "make folders",
    options: [
      {
        flag: "parents",
        alias: "p",
        type: "boolean",
        summary: "make the folders above too, and mind none that is there",
      },
    ],
    needs: ["mkdir"],
    load: async () => (await everyday()).mkdir,
  },
  {
    name: "stat",
    usage: "URL...",
    summary: "what is known of one thing",
    options: [],
    needs: ["stat"],
    load: async () => (await everyday()).stat,
  },
  {
    name: "search",
    usage: "URL WORDS...",
    summary: "ask the server's own search, or look through names and texts",
    options: [LONG, LIMIT],
    needs: ["search", "ls", "get"],
    over: ["search", "ls"],
    load: async () => (await everyday()).search,
    examples: [
      "porthole search gopher://gopher.example.org/7/find lighthouse",
      "porthole search ftp://ftp.example.org/pub '*.iso'",
    ],
  },
  {
    name: "send",
    usage: "URL",
    summary:
      "send a mail or an article, a text or a file to a web place or a socket, or follow a script (Telnet)",
    options: MAIL,
    needs: ["send"],
    load: () => import("./commands/send.js"),
    examples: [
      'porthole send https://hooks.example.org/x --text "It works"',
      'porthole send smtp://mail.example.org --from a@x --to b@y --subject Hi --text "It works" --attach report.pdf',
      "echo hello | porthole send tcp://localhost:12345",
      "porthole send telnet://router.example.org --script restart.yaml",
    ],
  },
  {
    name: "watch",
    usage: "URL",
    summary: "tell what is new, as it comes",
    options: WATCHING,
    needs: ["watch", "ls", "stat"],
    load: () => import("./commands/watch.js"),
    examples: [
      "porthole watch ftp://ftp.example.org/pub --json",
      "porthole watch https://example.org/news --interval 300 --exec 'notify-send \"News\"'",
    ],
  },
  {
    name: "check",
    usage: "URL...",
    summary: "test servers step by step",
    options: CHECKING,
    needs: ["check", "ls", "get", "send", "interact"],
    load: () => import("./commands/check.js"),
    examples: [
      "porthole check imaps://mail.example.org smtp://mail.example.org https://example.org",
      "porthole check --nagios --warn-days 30 https://example.org",
    ],
  },
  {
    name: "browse",
    usage: "[URL]",
    summary: "the full-screen browser",
    options: BROWSING,
    over: ["ls", "get", "interact"],
    load: () => import("./commands/browse.js"),
    examples: ["porthole browse gopher://gopher.example.org", "porthole browse"],
  },
  {
    name: "shell",
    usage: "URL",
    summary: "one connection kept open, for commands line by line",
    options: [
      { flag: "command", alias: "c", type: "list", placeholder: "LINE", summary: "do this, then end" },
      {
        flag: "script",
        type: "string",
        placeholder: "FILE",
        summary: "lines from a file; - for standard input",
      },
    ],
    over: ["ls", "get", "put", "send", "interact"],
    load: () => import("./commands/shell.js"),
    examples: [
      "porthole shell ftp://me@ftp.example.org/pub",
      "porthole shell imaps://me@mail.example.org -c 'cd INBOX; ls -l'",
    ],
  },
];

export const TOOLS: readonly WordSpec[] = [
  {
    name: "protocols",
    usage: "",
    summary: "the table of protocols: schemes, ports, what each can do",
    options: [],
    load: () => import("./commands/protocols.js"),
  },
  {
    name: "sandbox",
    usage: "",
    summary: "embedded servers on this machine, with sample content",
    options: [
      {
        flag: "only",
        type: "list",
        placeholder: "NAME",
        summary: "these servers alone: http, nntp, ftp, smtp, pop3, imap, telnet, gopher, socket",
      },
      { flag: "host", type: "string", placeholder: "ADDRESS", summary: "listen here (127.0.0.1)" },
      {
        flag: "ports",
        type: "string",
        placeholder: "SCHEME=N,...",
        summary: "ports of your choice: smtp=2525,http=8080; free ones are taken for the others",
      },
      {
        flag: "demand-tls",
        type: "boolean",
        summary: "what begins in clear serves nothing before STARTTLS",
      },
      { flag: "demand-login", type: "boolean", summary: "SMTP and NNTP serve nobody without a login" },
      {
        flag: "delay",
        type: "number",
        placeholder: "MS",
        summary: "each answer of the line protocols waits so long, in milliseconds",
      },
    ],
    examples: [
      "porthole sandbox --only smtp --ports smtp=2525 --demand-tls --demand-login",
      "porthole sandbox --only ftp --delay 50",
    ],
    load: () => import("./commands/sandbox.js"),
  },
  {
    name: "tour",
    usage: "",
    summary: "the main jobs, run against the sandbox",
    options: [],
    load: () => import("./commands/tour.js"),
  },
  {
    name: "config",
    usage: "",
    summary: "where the configuration is, what holds, and why",
    options: [],
    load: () => import("./commands/config.js"),
  },
  {
    name: "completion",
    usage: "bash|zsh|fish",
    summary: "a completion script for your shell",
    options: [],
    load: () => import("./commands/completion.js"),
    examples: ["porthole completion bash > ~/.local/share/bash-completion/completions/porthole"],
  },
  {
    name: "replay",
    usage: "FILE",
    summary: "serve a recording as the server it was made from",
    options: [
      { flag: "port", type: "number", placeholder: "N", summary: "listen on this port" },
      { flag: "once", type: "boolean", summary: "end when the whole recording has been played" },
    ],
    load: () => import("./commands/replay.js"),
    examples: [
      "porthole get ftp://ftp.example.org/motd --record visit.rec",
      "porthole replay visit.rec --port 2121",
    ],
  },
];

export const WORDS: readonly WordSpec[] = [...VERBS, ...TOOLS];

export function wordNamed(name: string): WordSpec | undefined {
  return [OPEN, ...WORDS].find((word) => word.name === name);
}

/** Options of the command that `send` is another word for, where a protocol has one. */
export function sendCommandOptions({ sendCommand, commands }: Manifest): readonly OptionSpec[] {
  return commands.find(({ name }) => name === sendCommand)?.options ?? [];
}

/** The verbs that a protocol's row in the table shows: its own, and those that follow from them. */
export function verbsOf(manifest: Manifest): string[] {
  const own: readonly Verb[] = manifest.verbs;
  const opens = OPEN.needs?.some((verb) => own.includes(verb)) ?? false;
  return [...(opens ? ["open"] : []), ...own.filter((verb) => verb !== "interact")];
}

/** The words that are of use with a protocol beside its own verbs, in the order of the help. */
export function furtherWordsOf(manifest: Manifest): string[] {
  const own = verbsOf(manifest);
  const does: readonly Verb[] = manifest.verbs;
  return VERBS.filter(({ name, needs, over = needs }) => {
    return !own.includes(name) && over?.some((verb) => does.includes(verb)) === true;
  }).map(({ name }) => name);
}
