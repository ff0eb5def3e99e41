/** A gibibyte, a small page, two hundred small files and parts at once, from nginx where it is installed. */
import { mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasNginx, startNginx } from "../test/real/nginx.js";
import { BARE_NODE, type Bench, outOfTheWay, porthole } from "./bench.js";

const GIB = 1024 ** 3;
const MANY = 200;
const SMALL = 2048;

export const bench: Bench = async ({ folder }) => {
  if (!hasNginx()) {
    process.stdout.write("HTTP: skipped, nginx is not installed\n");
    return { pairs: [], bounds: [] };
  }
  const server = await startNginx((root) => {
    writeFileSync(join(root, "large.bin"), "");
    truncateSync(join(root, "large.bin"), GIB);
    for (let at = 0; at < MANY; at++) writeFileSync(join(root, `f${at}.bin`), Buffer.alloc(SMALL, at));
  });
  const large = `${server.url}/large.bin`;
  const file = join(folder, "large.bin");
  const fresh = () => rmSync(file, { force: true });
  const many = join(folder, "many");
  const list = join(folder, "urls.txt");
  const urls = Array.from({ length: MANY }, (_, at) => `${server.url}/f${at}.bin`);
  writeFileSync(list, urls.join("\n"));
  const freshMany = () => {
    outOfTheWay(many);
    mkdirSync(many);
  };
  const get = { name: "porthole get -o", argv: porthole("get", large, "-o", file, "-q"), prepare: fresh };
  const one = { name: "porthole get", argv: porthole("get", `${server.url}/f1.bin`, "-q") };
  const all = {
    name: "porthole get --jobs 8",
    argv: porthole("get", "--input", list, "-d", many, "--jobs", "8", "-q"),
    prepare: freshMany,
  };
  const version: [string, ...string[]] = ["curl", "--version"];
  return {
    pairs: [
      {
        what: "1 GiB over HTTP to a file, synced",
        subject: get,
        peer: { name: "curl, not synced", argv: ["curl", "-s", "-o", file, large], version, prepare: fresh },
        limit: 1.1,
        runs: 5,
      },
      {
        what: "1 GiB over HTTP to a file, both synced",
        subject: get,
        peer: {
          name: "curl, then sync",
          argv: ["sh", "-c", 'curl -s -o "$0" "$1" && sync "$0"', file, large],
          version,
          prepare: fresh,
        },
        runs: 5,
      },
      {
        what: "1 GiB in 4 parts",
        subject: {
          name: "porthole get --segments 4",
          argv: porthole("get", large, "-o", file, "-q", "--segments", "4"),
          prepare: fresh,
        },
        peer: {
          name: "aria2c -x4",
          argv: ["aria2c", "-q", "-x4", "-s4", "-d", folder, "-o", "large.bin", large],
          version: ["aria2c", "--version"],
          prepare: fresh,
        },
        limit: 0.8,
        runs: 5,
      },
      { what: "one small GET", subject: one, peer: BARE_NODE, limit: 2.2 },
      {
        what: "one small GET",
        subject: one,
        peer: {
          name: "HTTPie",
          argv: ["http", "--ignore-stdin", `${server.url}/f1.bin`],
          version: ["http", "--version"],
        },
        limit: 1 / 3,
      },
      {
        what: `${MANY} small files in one call, over one of them`,
        subject: all,
        peer: { ...one, name: "porthole get of one", version: BARE_NODE.version },
        extra: 0.2,
      },
      {
        what: `${MANY} small files in one call`,
        subject: all,
        peer: {
          name: "curl --parallel",
          argv: [
            "sh",
            "-c",
            'cd "$0" && shift 0 && curl -s --parallel --remote-name-all "$@"',
            many,
            ...urls,
          ],
          version,
          prepare: freshMany,
        },
      },
    ],
    bounds: [{ what: "1 GiB over HTTP to a file, memory", subject: get, limit: 150 }],
    inspect: () => {
      if (statSync(file).size !== GIB) throw new Error("the file is not whole");
    },
    close: () => server.stop(),
  };
};
