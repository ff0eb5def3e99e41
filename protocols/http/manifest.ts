import type { CommandSpec, Manifest, OptionSpec } from "../../src/plugin.js";

const SAVING = [
  { flag: "output", alias: "o", type: "string", placeholder: "FILE", summary: "write the body to FILE" },
  { flag: "remote-name", alias: "O", type: "boolean", summary: "write it to a file with the remote name" },
  { flag: "directory", alias: "d", type: "string", placeholder: "DIR", summary: "write it into DIR" },
  { flag: "force", alias: "f", type: "boolean", summary: "replace an existing file" },
  { flag: "max-size", type: "string", placeholder: "BYTES", summary: "refuse what is larger, decoded" },
] as const satisfies readonly OptionSpec[];

const REQUEST = [
  { flag: "form", type: "boolean", summary: "fields as a form, with files as multipart, instead of JSON" },
  { flag: "multipart", type: "boolean", summary: "fields as multipart/form-data" },
  { flag: "raw", type: "string", placeholder: "TEXT", summary: "this text as the body" },
  { flag: "offline", type: "boolean", summary: "print the request, send nothing" },
  { flag: "follow", type: "boolean", summary: "follow redirects (the default; --no-follow)" },
  { flag: "headers", alias: "i", type: "boolean", summary: "the answer's headers, then its body" },
  {
    flag: "print",
    alias: "p",
    type: "string",
    placeholder: "HBhb",
    summary: "what to print: the request's Headers and Body, the answer's headers and body",
  },
  { flag: "all", type: "boolean", summary: "the heads of redirects and refused logins too" },
  {
    flag: "check-status",
    type: "boolean",
    summary: "exit by the answer's status, after its body (the default; --no-check-status)",
  },
  { flag: "fail", type: "boolean", summary: "no body from a status of 400 and above" },
  {
    flag: "write-out",
    alias: "w",
    type: "string",
    placeholder: "FORMAT|@FILE",
    summary: "then print this, with curl's variables: %{http_code}, %{time_total}, ...",
  },
  { flag: "timing", type: "boolean", summary: "how long each part took, on standard error" },
  ...SAVING,
] as const satisfies readonly OptionSpec[];

const ITEMS = "URL [ITEM]...";

const commands = [
  { name: "get", usage: ITEMS, summary: "GET, with HTTPie's request items", options: REQUEST },
  { name: "head", usage: ITEMS, summary: "HEAD: the headers alone", options: REQUEST },
  { name: "post", usage: ITEMS, summary: "POST: name=value, name:=json, name@file, @file", options: REQUEST },
  { name: "put", usage: ITEMS, summary: "PUT, likewise", options: REQUEST },
  { name: "patch", usage: ITEMS, summary: "PATCH, likewise", options: REQUEST },
  { name: "delete", usage: ITEMS, summary: "DELETE, likewise", options: REQUEST },
  { name: "options", usage: ITEMS, summary: "OPTIONS: what can be asked there", options: REQUEST },
  { name: "request", usage: `METHOD ${ITEMS}`, summary: "any other method", options: REQUEST },
  {
    name: "ws",
    usage: "URL",
    summary: "a WebSocket: lines of standard input go out, messages come in",
    options: [
      { flag: "send", type: "list", placeholder: "TEXT", summary: "send this, instead of standard input" },
      { flag: "binary", type: "boolean", summary: "send binary messages" },
      { flag: "subprotocol", type: "list", placeholder: "NAME", summary: "ask for this subprotocol" },
      { flag: "listen", type: "boolean", summary: "stay when all is sent" },
      {
        flag: "settle",
        type: "number",
        placeholder: "S",
        summary: "seconds of silence after the last message until it is closed (1)",
      },
    ],
  },
  {
    name: "xmlrpc",
    usage: "URL METHOD [ARGUMENT]...",
    summary: "call a method: texts, :=JSON, int: i8: double: boolean: dateTime: base64: nil: values",
    options: [
      { flag: "describe", type: "boolean", summary: "all methods, with what they take and do" },
      {
        flag: "multicall",
        type: "boolean",
        summary: "many calls in one request: METHOD ARGS... : METHOD ARGS...",
      },
      { flag: "offline", type: "boolean", summary: "print the call, send nothing" },
    ],
  },
] as const satisfies readonly CommandSpec[];

export const manifest = {
  name: "http",
  title: "HTTP",
  summary: "web pages, downloads and APIs",
  schemes: {
    http: { port: 80, tls: "never" },
    https: { port: 443, tls: "always" },
    // RFC 6455, 3.
    ws: { port: 80, tls: "never", verbs: ["watch", "check", "interact"] },
    wss: { port: 443, tls: "always", verbs: ["watch", "check", "interact"] },
    // RFC 2397: the URL is the document.
    data: { tls: "never", address: "local-path" },
  },
  verbs: ["ls", "get", "put", "stat", "rm", "mv", "mkdir", "send", "watch", "check"],
  sends: "octets",
  options: [
    {
      flag: "http-engine",
      type: "string",
      choices: ["auto", "direct", "node", "undici"],
      summary: "who speaks HTTP: Porthole itself (auto, direct), node:http, or undici, which has HTTP/2",
    },
    { flag: "http2", type: "boolean", summary: "HTTP/2 where the server agrees to it (ALPN)" },
    {
      flag: "location",
      alias: "L",
      type: "boolean",
      summary: "follow redirects, as is done without it, too",
    },
    { flag: "max-redirects", type: "number", placeholder: "N", summary: "how many redirects to follow (20)" },
    {
      flag: "header",
      alias: "H",
      type: "list",
      placeholder: '"NAME: VALUE"',
      summary: "a header of the request, or of the mail",
    },
    { flag: "method", alias: "X", type: "string", placeholder: "WORD", summary: "get by this method" },
    {
      flag: "data",
      type: "list",
      placeholder: "TEXT|@FILE",
      summary: "get by POST with this form; several are joined by &",
    },
    { flag: "user-agent", alias: "A", type: "string", placeholder: "TEXT", summary: "who asks (Porthole)" },
    {
      flag: "cookies",
      type: "string",
      placeholder: "FILE",
      summary: "send the cookies in FILE and keep new ones there; curl's form",
    },
    {
      flag: "session",
      type: "string",
      placeholder: "NAME",
      summary: "headers, cookies and login of this host, kept between runs",
    },
    {
      flag: "session-read-only",
      type: "string",
      placeholder: "NAME",
      summary: "the same, without keeping what is new",
    },
    { flag: "dav", type: "boolean", summary: "list folders by WebDAV, without asking for their page first" },
    { flag: "cache", type: "boolean", summary: "keep answers on disk, and use them as RFC 9111 has it" },
    { flag: "cache-folder", type: "string", placeholder: "DIR", summary: "keep them there" },
  ],
  commands,
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
