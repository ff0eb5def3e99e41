import type { Manifest } from "../../src/plugin.js";

export const manifest = {
  name: "socket",
  title: "sockets",
  summary: "octets over TCP, TLS, UDP and Unix sockets",
  schemes: {
    tcp: { tls: "never" },
    tls: { tls: "always" },
    udp: { tls: "never" },
    unix: { tls: "never", address: "socket-path" },
  },
  verbs: [],
  options: [],
  commands: [],
} as const satisfies Manifest;
