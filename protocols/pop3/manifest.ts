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
  verbs: ["ls", "get", "stat", "rm", "watch", "check"],
  options: [
    {
      flag: "thread",
      type: "boolean",
      summary: "messages as threads: answers behind what they answer, oldest first",
      verbs: ["open", "ls"],
    },
    {
      flag: "lang",
      type: "string",
      placeholder: "TAG",
      summary: "the language of the server's words, where it speaks several: de, pt-BR (LANG)",
    },
  ],
  commands: [
    {
      name: "stat",
      usage: "URL",
      summary: "how many messages there are, and how large they are together (STAT)",
    },
    { name: "uidl", usage: "URL", summary: "the unique identifier of each message, or of one (UIDL)" },
    { name: "top", usage: "URL [LINES]", summary: "a message's header, and so many lines of its text (TOP)" },
    { name: "capa", usage: "URL", summary: "what the server says it can do (CAPA)" },
    {
      name: "lang",
      usage: "URL [TAG]",
      summary: "the languages that the server speaks, or what it says in one (LANG)",
    },
    { name: "quote", usage: "URL COMMAND...", summary: "send one command as it is, and show the answer" },
  ],
  load: async () => (await import("./index.js")).plugin,
} as const satisfies Manifest;
