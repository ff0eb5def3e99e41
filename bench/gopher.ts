/** Gopher: one menu beside bare Node, a large binary beside curl in clear and under TLS, a crawl by one and by eight. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { BARE_NODE, type Bench, outOfTheWay, porthole } from "./bench.js";

const GIBIBYTE = 1024 ** 3;
const MENUS = 1000;
/** Milliseconds after which the server of the crawl answers: a line with that round trip. */
const ROUND_TRIP = 20;

export const bench: Bench = async ({ urls, folder }) => {
  const plain = urls["gopher"] ?? "";
  const secure = urls["gophers"] ?? "";
  const file = join(folder, "gopher-large");
  const curl = { version: ["curl", "--version"] as const, prepare: () => outOfTheWay(file) };
  const large = (what: string, url: string) => ({
    what,
    subject: {
      name: "porthole get -o",
      argv: porthole("get", url, "-o", file, "-f", "-q", "-k"),
      prepare: () => outOfTheWay(file),
    },
    peer: { name: "curl -o", argv: ["curl", "-s", "-k", url, "-o", file] as [string, ...string[]], ...curl },
    limit: 1.2,
    runs: 3,
  });
  const hole = await slowHole();
  const crawl = (jobs: number) => porthole("gopher", "crawl", hole.url, "--jobs", String(jobs), "-q");
  return {
    pairs: [
      {
        what: "one Gopher menu",
        subject: { name: "porthole ls", argv: porthole("ls", plain) },
        peer: BARE_NODE,
        limit: 2,
      },
      large("1 GiB of binary over Gopher to a file", `${plain}9/bytes/${GIBIBYTE}`),
      large("1 GiB of binary over gophers to a file", `${secure}9/bytes/${GIBIBYTE}`),
      {
        what: `crawl of ${MENUS} menus over ${ROUND_TRIP} ms, 8 at once`,
        subject: { name: "porthole gopher crawl --jobs 8", argv: crawl(8) },
        peer: { name: "--jobs 1", argv: crawl(1), version: BARE_NODE.version },
        limit: 1 / 6,
        runs: 1,
      },
    ],
    bounds: [
      {
        what: "1 GiB of binary over Gopher, memory",
        subject: { name: "porthole get", argv: porthole("get", `${plain}9/bytes/${GIBIBYTE}`, "-q") },
        limit: 130,
      },
    ],
    close: hole.close,
  };
};

/** A hole of so many menus, each of which answers late: the first lists all others. */
async function slowHole(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((socket: Socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (request: Buffer) => {
      const selector = request.toString().trim();
      const { port } = here();
      const items = Array.from(
        { length: MENUS - 1 },
        (_, at) => `1Menu ${at}\t/m${at}\t127.0.0.1\t${port}\r\n`,
      );
      const menu = selector === "" ? items.join("") : "0A text\t/t\t127.0.0.1\t1\r\n";
      setTimeout(() => socket.end(`${menu}.\r\n`), ROUND_TRIP);
    });
  });
  const here = () => {
    const address = server.address();
    return { port: typeof address === "object" && address !== null ? address.port : 0 };
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `gopher://127.0.0.1:${here().port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
