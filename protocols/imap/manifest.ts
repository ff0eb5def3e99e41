import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "imap",
  title: "IMAP4",
  summary: "reading and keeping mail on the server",
  schemes: { imap: { port: 143, tls: "upgrade" }, imaps: { port: 993, tls: "always" } },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
