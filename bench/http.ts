/** Downloads. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Bench, porthole } from "./bench.js";

const GIB = 1024 ** 3;

export const bench: Bench = ({ urls, folder }) => {
  const url = `${urls["http"]}stream?bytes=${GIB}`;
  const file = join(folder, "large");
  const fresh = () => rmSync(file, { force: true });
  const subject = { name: "porthole get -o", argv: porthole("get", url, "-o", file, "-q"), prepare: fresh };
  return {
    pairs: [
      {
        what: "1 GiB over HTTP to a file",
        subject,
        peer: {
          name: "curl",
          argv: ["curl", "-s", "-o", file, url],
          version: ["curl", "--version"],
          prepare: fresh,
        },
        runs: 3,
      },
    ],
    bounds: [{ what: "1 GiB over HTTP to a file, memory", subject, limit: 150 }],
  };
};
