/** Sockets and Telnet, side by side with ncat and Python's telnetlib. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { TelnetReader } from "../src/wire/telnet.js";
import { type Bench, porthole } from "./bench.js";

const GIBIBYTE = 1024 ** 3;
const PIECE = Buffer.alloc(256 * 1024, "x");

/** Sends a gibibyte to whoever connects. @returns its port on loopback */
async function startSource(): Promise<number> {
  const server = createServer((socket) => {
    let left = GIBIBYTE / PIECE.length;
    const goOn = () => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(PIECE)) {
          socket.once("drain", goOn);
          return;
        }
      }
      socket.end();
    };
    socket.on("error", () => undefined);
    goOn();
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the source has no port");
  return address.port;
}

/** A login, a command and a logout, as a script of telnetlib does it. */
const TELNETLIB = `
import sys, warnings
warnings.simplefilter("ignore")
import telnetlib
t = telnetlib.Telnet(sys.argv[1], int(sys.argv[2]))
t.read_until(b"login: "); t.write(b"porthole\\r\\n")
t.read_until(b"Password: "); t.write(b"sandbox\\r\\n")
t.read_until(b"harbour$ "); t.write(b"echo one two\\r\\n")
t.read_until(b"harbour$ "); t.write(b"exit\\r\\n")
t.read_all()
`;

const STEPS = ["--expect", "login:", "--send", "porthole", "--expect", "Password:", "--send", "sandbox"];

export const bench: Bench = async ({ urls, folder }) => {
  const port = await startSource();
  const telnet = new URL(urls["telnet"] ?? "telnet://127.0.0.1:23");
  const script = join(folder, "login.py");
  writeFileSync(script, TELNETLIB);
  const receive = porthole("socket", "recv", `tcp://127.0.0.1:${port}`);
  return {
    pairs: [
      {
        what: "1 GiB from a TCP socket",
        subject: { name: "porthole socket recv", argv: receive },
        peer: {
          name: "ncat",
          argv: ["ncat", "--recv-only", "127.0.0.1", String(port)],
          version: ["ncat", "--version"],
        },
        limit: 1.2,
        runs: 5,
      },
      {
        what: "Telnet: login, a command, logout",
        subject: {
          name: "porthole telnet run",
          argv: porthole(
            ...["telnet", "run", telnet.href, ...STEPS, "--expect", "harbour$", "--send", "echo one two"],
            ...["--expect", "two\r\nharbour$", "--send", "exit", "--expect", "winds."],
          ),
        },
        peer: {
          name: "telnetlib",
          argv: ["python3", script, telnet.hostname, telnet.port],
          version: ["python3", "--version"],
        },
        limit: 1,
      },
    ],
    bounds: [
      {
        what: "1 GiB from a TCP socket",
        subject: { name: "porthole socket recv", argv: receive },
        limit: 100,
      },
    ],
  };
};

/** MB/s of 100 MB of text through the reader: `npx tsx bench/sockets.ts`. */
function measureReader(): void {
  const text = Buffer.alloc(
    100_000_000,
    `${"A lighthouse says one word, again and again.".padEnd(70, ".")}\r\n`,
  );
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const reader = new TelnetReader();
    const began = performance.now();
    for (let at = 0; at < text.length; at += 65_536) {
      reader.feed(text.subarray(at, at + 65_536));
      while (reader.next() !== undefined);
    }
    best = Math.max(best, 100_000 / (performance.now() - began));
  }
  console.log(`TelnetReader, text ${best.toFixed(0).padStart(32)} MB/s`);
}

if (process.argv[1]?.endsWith("sockets.ts")) measureReader();
