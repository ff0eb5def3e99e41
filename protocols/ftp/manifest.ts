import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "ftp",
  title: "FTP",
  summary: "files and directories",
  schemes: { ftp: { port: 21, tls: "upgrade" }, ftps: { port: 990, tls: "always" } },
  verbs: ["ls", "get", "put", "stat", "rm", "mv", "mkdir", "check"],
  options: [],
  commands: [
    { name: "features", usage: "URL", summary: "what the server says it can do (FEAT)" },
    { name: "quote", usage: "URL COMMAND...", summary: "send one command as it is, and show the answer" },
  ],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
