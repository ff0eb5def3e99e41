import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "ftp",
  title: "FTP",
  summary: "files and directories",
  schemes: { ftp: { port: 21, tls: "upgrade" }, ftps: { port: 990, tls: "always" } },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
