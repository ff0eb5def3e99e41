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
  verbs: ["send", "check"],
  options: [
    {
      flag: "ehlo-name",
      type: "string",
      placeholder: "NAME",
      summary: "the name said in EHLO, HELO or LHLO (this side's address in brackets)",
    },
  ],
  commands: [],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
