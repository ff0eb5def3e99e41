import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "nntp",
  title: "NNTP",
  summary: "Usenet news: groups and articles",
  schemes: {
    nntp: { port: 119, tls: "upgrade" },
    nntps: { port: 563, tls: "always" },
    snews: { port: 563, tls: "always" },
    news: { port: 119, tls: "upgrade" },
  },
  verbs: ["ls", "get", "stat", "search", "send", "watch"],
  options: [],
  commands: [],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
