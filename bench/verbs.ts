/** What crosses protocols: an unchanged tree, many checks at once, a large mbox file. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Bench, porthole } from "./bench.js";

const FILES = 1000;
const TARGETS = 100;
/** Milliseconds that each of them takes to answer. */
const SLOW = 2000;
const GIB = 1024 ** 3;

export const bench: Bench = async ({ folder }) => {
  const [from, to] = [join(folder, "tree"), join(folder, "copy")];
  for (let at = 0; at < FILES; at++) {
    const place = join(from, `folder-${at % 25}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `file-${at}.txt`), `number ${at}\n`);
  }
  const mirror = porthole("mirror", from, to, "-q");
  const { urls, close } = await slowServers();
  const list = join(folder, "targets");
  writeFileSync(list, urls.join("\n"));
  const mbox = join(folder, "large.mbox");
  writeMbox(mbox);
  const listing = { name: "porthole ls", argv: porthole("ls", `mbox:${mbox}`, "-q") };
  return {
    pairs: [
      {
        what: `mirror of ${FILES} unchanged files`,
        subject: { name: "porthole mirror", argv: mirror },
        peer: {
          name: "porthole ls -r",
          argv: porthole("ls", "-r", from, "-q"),
          version: porthole("--version"),
        },
        extra: 0.3,
        runs: 7,
      },
      {
        what: `check of ${TARGETS} targets that take ${SLOW / 1000} s each`,
        subject: { name: "porthole check", argv: porthole("check", "--input", list, "-q") },
        peer: {
          name: "porthole check of one",
          argv: porthole("check", urls[0] ?? "", "-q"),
          version: porthole("--version"),
        },
        limit: 1.5,
        runs: 3,
      },
    ],
    throughputs: [{ what: "1 GiB of mbox listed", subject: listing, octets: GIB, limit: 150 }],
    bounds: [{ what: "1 GiB of mbox listed, memory", subject: listing, limit: 150 }],
    close,
  };
};

async function slowServers(): Promise<{ urls: string[]; close: () => Promise<void> }> {
  const servers: Server[] = [];
  for (let at = 0; at < TARGETS; at++) {
    const server = createServer((_request, response) => {
      setTimeout(() => response.end("well"), SLOW);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
  }
  return {
    urls: servers.map((server) => `http://127.0.0.1:${portOf(server)}/`),
    close: async () => {
      for (const server of servers) server.close();
    },
  };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Mails of 64 KiB. */
function writeMbox(path: string): void {
  const line = "A line of a mail, as long as others are, with nothing to be said of it.\n";
  const text = line.repeat(Math.ceil((64 * 1024) / line.length));
  const file = openSync(path, "w");
  try {
    for (let size = 0, at = 0; size < GIB; at++) {
      const head = `From m${at}@x.example Mon Nov  2 08:00:00 2026\nFrom: Mail ${at} <m${at}@x.example>\nSubject: number ${at}\n`;
      size += writeSync(file, `${head}Date: Mon, 2 Nov 2026 08:00:00 +0000\n\n${text}\n`);
    }
  } finally {
    closeSync(file);
  }
}
