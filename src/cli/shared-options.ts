/** The options that every protocol shares, as one table: flags, help, environment names and docs come from it. */
import type { OptionSpec } from "../plugin.js";

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly OptionSpec[];
}

export const SHARED_OPTIONS: readonly OptionGroup[] = [
  {
    title: "Output",
    options: [
      {
        flag: "json",
        type: "boolean",
        summary: "one JSON object a line for every listing, event and result",
      },
      { flag: "quiet", alias: "q", type: "boolean", summary: "no progress, no warnings" },
      {
        flag: "verbose",
        alias: "v",
        type: "count",
        summary: "show the dialogue, secrets masked; -vv with octets",
      },
      { flag: "trace", type: "string", placeholder: "FILE", summary: "write the dialogue to a file" },
      {
        flag: "record",
        type: "string",
        placeholder: "FILE",
        summary: "keep the whole conversation as a replayable recording",
      },
      { flag: "progress", type: "boolean", summary: "show progress even where it is not a terminal" },
      {
        flag: "color",
        type: "string",
        choices: ["auto", "always", "never"],
        summary: "colours: by terminal and NO_COLOR, always, or never",
      },
    ],
  },
  {
    title: "Credentials",
    options: [
      { flag: "user", alias: "u", type: "string", placeholder: "USER[:PASS]", summary: "who logs in" },
      {
        flag: "password-command",
        type: "string",
        placeholder: "CMD",
        summary: "a command that prints the password",
      },
      {
        flag: "netrc",
        type: "optional",
        placeholder: "FILE",
        summary: "read user and password from ~/.netrc, or from FILE",
      },
      {
        flag: "oauth2-token-command",
        type: "string",
        placeholder: "CMD",
        summary: "a command that prints an access token",
      },
      {
        flag: "auth",
        type: "string",
        placeholder: "MECH",
        summary: "this authentication mechanism and no other",
      },
      {
        flag: "allow-plaintext-auth",
        type: "boolean",
        summary: "send a password without TLS beyond this machine",
      },
    ],
  },
  {
    title: "Limits",
    options: [
      { flag: "timeout", type: "number", placeholder: "S", summary: "seconds without an answer (60)" },
      { flag: "connect-timeout", type: "number", placeholder: "S", summary: "seconds until connected (20)" },
      { flag: "max-time", type: "number", placeholder: "S", summary: "seconds for the whole run" },
      {
        flag: "retry",
        type: "number",
        placeholder: "N",
        summary: "repeat what may be repeated, N times at most",
      },
      {
        flag: "limit-rate",
        type: "string",
        placeholder: "RATE",
        summary: "octets a second in each direction: 200k, 1.5M",
      },
      { flag: "jobs", type: "number", placeholder: "N", summary: "how many at once" },
    ],
  },
  {
    title: "TLS",
    options: [
      { flag: "insecure", alias: "k", type: "boolean", summary: "accept any certificate" },
      {
        flag: "cacert",
        type: "string",
        placeholder: "FILE",
        summary: "trust the authorities in this PEM file",
      },
      { flag: "cert", type: "string", placeholder: "FILE", summary: "client certificate, PEM" },
      { flag: "key", type: "string", placeholder: "FILE", summary: "its private key, PEM" },
      {
        flag: "tls-min",
        type: "string",
        placeholder: "VERSION",
        choices: ["1.0", "1.1", "1.2", "1.3"],
        summary: "no older version of TLS",
      },
      {
        flag: "starttls",
        type: "string",
        choices: ["auto", "require", "never"],
        summary: "TLS on a connection that began in clear",
      },
      {
        flag: "sni",
        type: "string",
        placeholder: "NAME",
        summary: "ask for, and expect, this name's certificate",
      },
    ],
  },
  {
    title: "Network",
    options: [
      {
        flag: "proxy",
        alias: "x",
        type: "string",
        placeholder: "URL",
        summary: "http, https, socks5, socks5h or socks4a proxy",
      },
      {
        flag: "proxy-auth",
        type: "string",
        choices: ["basic", "digest"],
        summary: "log in to an HTTP proxy in this way alone (basic at once, digest when it asks for that)",
      },
      { flag: "noproxy", type: "string", placeholder: "HOSTS", summary: "hosts reached without the proxy" },
      { flag: "ipv4", alias: "4", type: "boolean", summary: "IPv4 alone" },
      { flag: "ipv6", alias: "6", type: "boolean", summary: "IPv6 alone" },
      {
        flag: "resolve",
        type: "list",
        placeholder: "HOST:PORT:ADDR",
        summary: "use this address for that host and port",
      },
      { flag: "interface", type: "string", placeholder: "ADDR", summary: "connect from this local address" },
      { flag: "unix-socket", type: "string", placeholder: "PATH", summary: "connect to this socket instead" },
    ],
  },
  {
    title: "The rest",
    options: [
      { flag: "config", type: "string", placeholder: "FILE", summary: "this configuration file" },
      { flag: "no-config", type: "boolean", summary: "no configuration file" },
      { flag: "help", alias: "h", type: "boolean", summary: "this text" },
      { flag: "version", alias: "V", type: "boolean", summary: "which version this is" },
    ],
  },
];

export const ALL_SHARED: readonly OptionSpec[] = SHARED_OPTIONS.flatMap((group) => group.options);
