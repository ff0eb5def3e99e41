import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "local",
  title: "local",
  summary: "files, Maildir, mbox and eml on this machine",
  schemes: {
    file: { tls: "never", address: "local-path" },
    maildir: { tls: "never", address: "local-path" },
    mbox: { tls: "never", address: "local-path" },
    eml: { tls: "never", address: "local-path" },
  },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
