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

const HEX_SENT = "TEXT is octets in hexadecimal";
const HEX_SHOWN = "show what comes as a hex dump";
const SHOWING = [
  { flag: "hex", type: "boolean", summary: `${HEX_SENT}; ${HEX_SHOWN}` },
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

const SOURCE_PORT = {
  flag: "source-port",
  type: "number",
  placeholder: "N",
  summary: "connect from this port of this machine",
} as const satisfies OptionSpec;

const ADMITTING = [
  {
    flag: "allow",
    type: "list",
    placeholder: "ADDRESS[/BITS]|NAME,...|@FILE",
    summary: "let in these alone",
  },
  {
    flag: "deny",
    type: "list",
    placeholder: "ADDRESS[/BITS]|NAME,...|@FILE",
    summary: "refuse these, allowed or not",
  },
] as const satisfies readonly OptionSpec[];

const commands = [
  {
    name: "connect",
    usage: "URL",
    summary: "send standard input, or what --send says, and print what comes until the peer closes",
    examples: [
      "porthole socket connect tcp://localhost:12345",
      'porthole socket connect tls://www.example.org:https --crlf --send "HEAD / HTTP/1.0" --send ""',
      'porthole socket connect tcp://device.example:5025 --send "*IDN?" --expect "/\\n/" --timeout 5',
      "porthole socket connect tcp://device.example:telnet --telnet",
      'porthole socket connect unix:/run/x.sock --hex --send "01 00 ff"',
    ],
    options: [
      ...SENDING,
      EXPECT,
      ...SHOWING,
      ...CONVERSING,
      SOURCE_PORT,
      {
        flag: "telnet",
        type: "boolean",
        summary: "refuse Telnet's options when the peer offers them, and print none of its commands",
      },
    ],
    shared: {
      timeout: "seconds of silence that end it (no limit), or for each --expect (60)",
      interface: "connect from this address of this machine",
      json: "an event a line: connected, data, closed",
    },
  },
  {
    name: "listen",
    usage: "URL",
    summary: "serve one peer, or with --keep-open any number",
    examples: [
      'porthole socket listen tcp://:12345 --send "Thank you for connecting"',
      "porthole socket listen tls://127.0.0.1:8443 --cert c.pem --key k.pem --keep-open --echo",
      "porthole socket listen tcp://127.0.0.1:7000 > received",
      "porthole socket listen tcp://127.0.0.1:7001 --keep-open --exec date --allow-exec",
      "porthole socket listen tls://:7002 --chat",
      "porthole socket listen tcp://:7003 --keep-open --echo --allow 192.0.2.0/24,friend.example --deny 192.0.2.9",
    ],
    options: [
      ...SENDING,
      ...SHOWING,
      ...CONVERSING,
      { flag: "keep-open", type: "boolean", summary: "serve all who come, until Ctrl-C" },
      { flag: "echo", type: "boolean", summary: "send back what comes" },
      {
        flag: "broker",
        type: "boolean",
        summary: "what one peer says, or standard input, goes to all others, until Ctrl-C",
      },
      { flag: "chat", type: "boolean", summary: "the same by lines, each led by who said it" },
      { flag: "max-conns", type: "number", placeholder: "N", summary: "so many peers at the same time" },
      ...ADMITTING,
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
      { flag: "pty", type: "boolean", summary: "give what --exec runs a terminal" },
    ],
    shared: {
      timeout: "seconds of silence after which a peer is left (no limit)",
      cert: "of this server, for tls:, PEM; one is made when absent",
      key: "its private key, PEM",
      json: "an event a line: listening, connection, refused, data, dropped, closed",
    },
  },
  {
    name: "send",
    usage: "URL",
    summary: "send, and nothing else",
    examples: [
      "porthole socket send tcp://host.example:7000 --file report.pdf",
      'porthole socket send udp://host.example:514 --send "<13>hello"',
      'porthole socket send udp://host.example:53 --source-port 5353 --hex --send "00 01"',
    ],
    options: [...SENDING, { flag: "hex", type: "boolean", summary: HEX_SENT }, SOURCE_PORT],
    shared: { interface: "send from this address of this machine" },
  },
  {
    name: "recv",
    usage: "URL",
    summary: "print what comes: until the peer closes, or for udp: one datagram",
    examples: [
      "porthole socket recv tcp://time.example:daytime",
      "porthole socket recv udp://:5000 --count 0 --json",
      "porthole socket recv udp://239.1.2.3:5000 --interface 192.0.2.7 --timeout 10",
    ],
    options: [
      { flag: "hex", type: "boolean", summary: HEX_SHOWN },
      SHOWING[1],
      { flag: "count", type: "number", placeholder: "N", summary: "so many datagrams (1); 0 for no end" },
      SOURCE_PORT,
    ],
    shared: {
      timeout: "seconds to wait for something to come (no limit)",
      interface: "join a group on the network with this address of this machine",
      json: "an event a line: what came, and from whom",
    },
  },
  {
    name: "relay",
    usage: "FROM TO",
    summary:
      "pass all between two ends; FROM listens and TO connects unless listen: or connect: stands before the URL; an end may be exec:COMMAND, serial:DEVICE, pty:PATH, file:PATH or -",
    examples: [
      "porthole socket relay tcp://127.0.0.1:8080 tls://www.example.org:443 -v",
      "porthole socket relay unix:/tmp/x.sock tcp://host.example:25 --record said.rec",
      "porthole socket relay connect:tcp://a.example:7000 connect:tcp://b.example:7000",
      "porthole socket relay tcp://127.0.0.1:7001 'serial:/dev/ttyS0?speed=9600'",
      "porthole socket relay pty:/tmp/modem tcp://device.example:2001",
      "porthole socket relay tcp://127.0.0.1:7002 exec:bash --allow-exec --pty",
      "porthole socket relay udp://127.0.0.1:5353 udp://192.0.2.53:53 -vv",
    ],
    options: [
      { flag: "max-conns", type: "number", placeholder: "N", summary: "so many peers at the same time" },
      ...ADMITTING,
      CONVERSING[3],
      {
        flag: "allow-exec",
        type: "boolean",
        summary: "whoever is at the other end may use what exec: runs, as you",
      },
      { flag: "pty", type: "boolean", summary: "give the command of exec: a terminal" },
      SHOWING[1],
    ],
    shared: {
      verbose: "show what both sides say, secrets masked; -vv with octets",
      trace: "write what both sides say to a file",
      record: "keep what both sides say as a replayable recording",
      timeout: "seconds of silence after which both are left (no limit)",
      cert: "of FROM, when it is tls:, PEM; one is made when absent",
      key: "its private key, PEM",
      cacert: "trust the authorities in this PEM file, when TO is tls:",
    },
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
