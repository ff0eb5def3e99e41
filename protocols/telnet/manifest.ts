import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "telnet",
  title: "Telnet",
  summary: "command lines of other machines",
  schemes: { telnet: { port: 23, tls: "never" }, telnets: { port: 992, tls: "always" } },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
