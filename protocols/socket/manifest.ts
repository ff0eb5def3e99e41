import type { CommandSpec, Manifest, OptionSpec } from "../../src/plugin.js";

const SEND = { flag: "send", type: "step", placeholder: "TEXT", summary: "send this" } as const;
const EXPECT = {
  flag: "expect",
  type: "step",
  placeholder: "TEXT|/REGEX/",
  summary: "wait until this comes, before the next --send",
} as const;

const SENDING = [
  SEND,
  { flag: "file", type: "string", placeholder: "FILE", summary: "send what is in FILE" },
  {
    flag: "escapes",
    type: "boolean",
    summary: "\\r, \\n, \\t, \\0, \\xNN and \\\\ in TEXT are what they stand for",
  },
  { flag: "crlf", type: "boolean", summary: "send CR LF for each line end, and one after each TEXT" },
] as const satisfies readonly OptionSpec[];

const SHOWING = [
  { flag: "hex", type: "boolean", summary: "TEXT is octets in hexadecimal; show what comes as a hex dump" },
  { flag: "raw", type: "boolean", summary: "let control characters through to the terminal" },
] as const satisfies readonly OptionSpec[];

const CONVERSING = [
  {
    flag: "half-close",
    type: "boolean",
    summary: "say that no more will be sent when all is out (the default; --no-half-close)",
  },
  { flag: "nodelay", type: "boolean", summary: "send small pieces at once (TCP_NODELAY)" },
  {
    flag: "keepalive",
    type: "boolean",
    summary: "ask now and then whether the peer is still there (SO_KEEPALIVE)",
  },
  {
    flag: "settle",
    type: "number",
    placeholder: "S",
    summary: "seconds of silence after which an answer is whole, where nothing else tells (1)",
  },
] as const satisfies readonly OptionSpec[];

const commands = [
  {
    name: "connect",
    usage: "URL",
    summary: "send standard input, or what --send says, and print what comes until the peer closes",
    options: [...SENDING, EXPECT, ...SHOWING, ...CONVERSING],
  },
  {
    name: "listen",
    usage: "URL",
    summary: "serve one peer, or with --keep-open any number",
    options: [
      ...SENDING,
      ...SHOWING,
      ...CONVERSING,
      { flag: "keep-open", type: "boolean", summary: "serve all who come, until Ctrl-C" },
      { flag: "echo", type: "boolean", summary: "send back what comes" },
      { flag: "max-conns", type: "number", placeholder: "N", summary: "so many peers at the same time" },
      {
        flag: "exec",
        type: "string",
        placeholder: "COMMAND",
        summary: "run this for each peer, with --allow-exec",
      },
      {
        flag: "allow-exec",
        type: "boolean",
        summary: "whoever can connect may use what --exec runs, as you",
      },
    ],
  },
  {
    name: "send",
    usage: "URL",
    summary: "send, and nothing else",
    options: [...SENDING, { flag: "hex", type: "boolean", summary: SHOWING[0].summary }],
  },
  {
    name: "recv",
    usage: "URL",
    summary: "print what comes: until the peer closes, or for udp: one datagram",
    options: [
      ...SHOWING,
      { flag: "count", type: "number", placeholder: "N", summary: "so many datagrams; 0 for no end" },
    ],
  },
  {
    name: "relay",
    usage: "FROM TO",
    summary: "listen at FROM and pass all on to TO; -v, --trace and --record keep what is said",
    options: [
      { flag: "max-conns", type: "number", placeholder: "N", summary: "so many peers at the same time" },
    ],
  },
] as const satisfies readonly CommandSpec[];

export const manifest = {
  name: "socket",
  title: "sockets",
  summary: "octets over TCP, TLS, UDP and Unix sockets",
  schemes: {
    tcp: { tls: "never", address: "socket" },
    tls: { tls: "always", address: "socket" },
    udp: { tls: "never", address: "socket" },
    unix: { tls: "never", address: "socket-path" },
  },
  verbs: ["get", "put", "send", "watch", "check", "interact"],
  sends: "octets",
  options: [],
  commands,
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
