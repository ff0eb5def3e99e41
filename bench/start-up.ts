/** What it costs to begin. */
import { BARE_NODE, type Bench, porthole } from "./bench.js";

export const bench: Bench = ({ urls }) => ({
  pairs: [
    {
      what: "porthole --version",
      subject: { name: "porthole --version", argv: porthole("--version") },
      peer: BARE_NODE,
      limit: 1.25,
      runs: 21,
    },
    {
      what: "porthole --help",
      subject: { name: "porthole --help", argv: porthole("--help") },
      peer: BARE_NODE,
      runs: 15,
    },
    {
      what: "porthole get, a page of 1 KB",
      subject: { name: "porthole get", argv: porthole("get", `${urls["http"]}stream?bytes=1024`) },
      peer: BARE_NODE,
      limit: 2.6,
      runs: 21,
    },
    {
      what: "porthole, a Gopher menu",
      subject: { name: "porthole gopher:", argv: porthole(urls["gopher"] ?? "") },
      peer: BARE_NODE,
      runs: 15,
    },
  ],
  bounds: [],
});
