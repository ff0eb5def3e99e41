import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "smtp",
  title: "SMTP",
  summary: "sending mail",
  schemes: {
    smtp: { port: 25, tls: "upgrade" },
    smtps: { port: 465, tls: "always" },
    submission: { port: 587, tls: "upgrade" },
    lmtp: { port: 24, tls: "upgrade" },
  },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
