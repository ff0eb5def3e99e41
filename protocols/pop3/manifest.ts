import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "pop3",
  title: "POP3",
  summary: "fetching mail",
  schemes: {
    pop3: { port: 110, tls: "upgrade" },
    pop3s: { port: 995, tls: "always" },
    pop: { port: 110, tls: "upgrade" },
    pops: { port: 995, tls: "always" },
  },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
