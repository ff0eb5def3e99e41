import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "http",
  title: "HTTP",
  summary: "web pages, downloads and APIs",
  schemes: { http: { port: 80, tls: "never" }, https: { port: 443, tls: "always" } },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
