import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "gopher",
  title: "Gopher",
  summary: "menus and documents",
  schemes: { gopher: { port: 70, tls: "never" }, gophers: { port: 70, tls: "always" } },
  verbs: ["ls", "get", "stat", "search", "check"],
  folderType: "1",
  options: [
    {
      flag: "tofu",
      type: "boolean",
      summary: "gophers: trust a certificate when it is first seen, and then that one alone",
    },
    {
      flag: "charset",
      type: "string",
      placeholder: "NAME",
      summary: "the character set of menus and texts (guessed: UTF-8, Latin-1, CP437)",
    },
  ],
  commands: [
    {
      name: "attributes",
      usage: "URL",
      summary: "what a Gopher+ server knows of an item: admin, views, abstract, form",
      options: [{ flag: "all", type: "boolean", summary: "of all items of a menu" }],
    },
    {
      name: "ask",
      usage: "URL",
      summary: "fill in a Gopher+ form and send it",
      options: [
        {
          flag: "answer",
          type: "list",
          placeholder: "TEXT",
          summary:
            "the next answer; what is not answered is as the form proposes; where it asks for several lines, \\n begins the next",
        },
      ],
    },
    { name: "caps", usage: "URL", summary: "what a server says of itself (caps.txt) and to robots" },
    {
      name: "crawl",
      usage: "URL",
      summary: "go through a hole's menus, politely, and tell which links are dead",
      options: [
        { flag: "depth", type: "number", placeholder: "N", summary: "menus below menus at most (10)" },
        { flag: "limit", type: "number", placeholder: "N", summary: "items looked at, at most (10000)" },
        { flag: "documents", type: "boolean", summary: "ask for documents too, and leave when they begin" },
        { flag: "external", type: "boolean", summary: "ask other servers for what links there name" },
        { flag: "ignore-robots", type: "boolean", summary: "your own hole: pass over its robots.txt" },
        {
          flag: "delay",
          type: "number",
          placeholder: "MS",
          summary: "each session waits so long between requests (0)",
        },
      ],
    },
  ],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
