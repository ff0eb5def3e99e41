import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "local",
  title: "local",
  summary: "files, Maildir, mbox and eml on this machine",
  schemes: {
    file: { tls: "never", address: "local-path", parallel: true },
    maildir: { tls: "never", address: "local-path", parallel: true },
    mbox: { tls: "never", address: "local-path" },
    eml: { tls: "never", address: "local-path", parallel: true },
  },
  verbs: ["ls", "get", "put", "stat", "rm", "mv", "mkdir", "search", "watch"],
  options: [
    {
      flag: "thread",
      type: "boolean",
      summary: "messages as threads: answers behind what they answer, oldest first",
      verbs: ["open", "ls"],
    },
    {
      flag: "mbox-format",
      type: "string",
      placeholder: "NAME",
      choices: ["auto", "mboxrd", "mboxo", "mboxcl2"],
      summary: "how an mbox file that is read keeps From lines apart (default: auto)",
    },
  ],
  commands: [],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
