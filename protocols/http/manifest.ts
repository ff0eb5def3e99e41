import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "http",
  title: "HTTP",
  summary: "web pages, downloads and APIs",
  schemes: { http: { port: 80, tls: "never" }, https: { port: 443, tls: "always" } },
  verbs: ["get", "put", "stat", "rm", "check"],
  options: [
    {
      flag: "http-engine",
      type: "string",
      choices: ["auto", "node", "undici"],
      summary: "who speaks HTTP: node:http for single requests, undici for many (auto)",
    },
    { flag: "max-redirects", type: "number", placeholder: "N", summary: "how many redirects to follow (20)" },
    {
      flag: "header",
      type: "list",
      placeholder: '"NAME: VALUE"',
      summary: "a header of the request, or of the mail",
    },
  ],
  commands: [],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
