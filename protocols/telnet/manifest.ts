import type { CommandSpec, Manifest, OptionSpec } from "../../src/plugin.js";

const options = [
  {
    flag: "charset",
    type: "string",
    placeholder: "NAME",
    summary: "the far side's characters: cp437, latin1, koi8-r; UTF-8 when it does not say",
  },
  { flag: "term", type: "string", placeholder: "TYPE", summary: "the terminal type to tell" },
  { flag: "window", type: "string", placeholder: "COLSxROWS", summary: "the screen's size to tell" },
  {
    flag: "environment",
    type: "list",
    placeholder: "NAME=VALUE",
    summary: "a variable for the far side; it is told no others",
  },
  {
    flag: "escape",
    type: "string",
    placeholder: "CHARACTER",
    summary: "opens the small command line of a session: ^] when absent, or none",
  },
  {
    flag: "log",
    type: "string",
    placeholder: "FILE",
    summary: "keep what a session shows, control characters made visible",
  },
  { flag: "log-raw", type: "boolean", summary: "keep control characters in the log as they are" },
] as const satisfies readonly OptionSpec[];

const commands = [
  {
    name: "run",
    usage: "[URL]",
    summary: "a session by program: --expect and --send in the order given",
    examples: [
      'porthole telnet run telnet://router.example --login admin --expect "# " --send "show version" --expect "# "',
      "porthole telnet run telnet://router.example --script steps.yaml --json",
      'porthole telnet run --hosts routers --jobs 8 --login admin --expect "# " --send uptime --expect "# "',
    ],
    options: [
      {
        flag: "expect",
        type: "step",
        placeholder: "TEXT|/REGEX/",
        summary: "wait until this comes, before the next --send",
      },
      { flag: "send", type: "step", placeholder: "TEXT", summary: "send this" },
      {
        flag: "login",
        type: "string",
        placeholder: "USER",
        summary: "log in first, the password from the usual places",
      },
      {
        flag: "script",
        type: "string",
        placeholder: "FILE",
        summary: "steps and branches in YAML (- for standard input), or a module in JavaScript or TypeScript",
      },
      {
        flag: "hosts",
        type: "string",
        placeholder: "FILE",
        summary: "do it on each host of FILE, --jobs at once",
      },
      {
        flag: "settle",
        type: "number",
        placeholder: "S",
        summary: "seconds of silence after which an answer is whole, where nothing else tells (1)",
      },
      { flag: "raw", type: "boolean", summary: "let control characters through to the terminal" },
    ],
    shared: {
      timeout: "seconds for each --expect (60)",
      jobs: "with --hosts: how many at once (4)",
      json: "an object a line for each step, or each of --hosts, with what came",
      "password-command": "its first line is the password of --login",
    },
  },
] as const satisfies readonly CommandSpec[];

export const manifest = {
  name: "telnet",
  title: "Telnet",
  summary: "command lines of other machines",
  schemes: { telnet: { port: 23, tls: "upgrade" }, telnets: { port: 992, tls: "always" } },
  verbs: ["get", "send", "watch", "check", "interact"],
  sendCommand: "run",
  options,
  commands,
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
