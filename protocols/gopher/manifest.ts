import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "gopher",
  title: "Gopher",
  summary: "menus and documents",
  schemes: { gopher: { port: 70, tls: "never" }, gophers: { port: 70, tls: "always" } },
  verbs: ["ls", "get", "stat", "search", "check"],
  options: [],
  commands: [],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
