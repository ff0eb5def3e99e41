/** Sockets and Telnet, side by side with ncat, Python's telnetlib and telnet-client. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { freePort } from "../test/real/free-port.js";
import { hasTelnetd, LOGIN, startTelnetd } from "../test/real/telnetd.js";
import { type Bench, porthole } from "./bench.js";
import type { Pair } from "./harness.js";

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

/** Sends a gibibyte to a port, as soon as somebody listens there. */
const SENDER = `
const { connect } = require("node:net");
const piece = Buffer.alloc(256 * 1024, "x");
const attempt = () => {
  const socket = connect(Number(process.argv[1]), "127.0.0.1");
  socket.on("error", () => setTimeout(attempt, 10));
  socket.once("connect", () => {
    let left = 4096;
    const goOn = () => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(piece)) return socket.once("drain", goOn);
      }
      socket.end();
    };
    goOn();
  });
};
attempt();
`;

/** A login, a command and a logout, as a script of telnetlib does it. */
const TELNETLIB = `
import sys, warnings
warnings.simplefilter("ignore")
import telnetlib
t = telnetlib.Telnet(sys.argv[1], int(sys.argv[2]))
t.read_until(b"login: "); t.write(b"keeper\\r\\n")
t.read_until(b"Password: "); t.write(b"light\\r\\n")
t.read_until(b"harbour$ "); t.write(b"echo one two\\r\\n")
t.read_until(b"harbour$ "); t.write(b"exit\\r\\n")
t.read_all()
`;

/** The same with telnet-client. */
const TELNET_CLIENT = `
const { Telnet } = require(process.argv[2]);
const run = async () => {
  const telnet = new Telnet();
  await telnet.connect({
    host: process.argv[3], port: Number(process.argv[4]), username: "keeper", password: "light",
    loginPrompt: /login: ?$/, passwordPrompt: /Password: ?$/, shellPrompt: /harbour\\$ ?$/, timeout: 5000,
  });
  const said = await telnet.exec("echo one two");
  if (!said.includes("one two")) throw new Error(said);
  const closed = new Promise((resolve) => telnet.once("close", resolve));
  // Its own send() would wait two seconds for an answer.
  telnet.getSocket().write("exit\\r\\n");
  await closed;
};
run().catch((error) => { console.error(error); process.exit(1); });
`;

const STEPS = ["--expect", "login:", "--send", "keeper", "--expect", "Password:", "--send", "light"];

export const bench: Bench = async ({ folder }) => {
  const port = await startSource();
  const shell = join(folder, "login");
  writeFileSync(shell, LOGIN, { mode: 0o755 });
  chmodSync(folder, 0o755);
  const server = hasTelnetd() ? await startTelnetd(shell) : undefined;
  const telnet = server?.port ?? 0;
  const script = join(folder, "login.py");
  writeFileSync(script, TELNETLIB);
  const client = join(folder, "login.cjs");
  writeFileSync(client, TELNET_CLIENT);
  const telnetClient = createRequire(import.meta.url).resolve("telnet-client");
  const login = {
    name: "porthole telnet run",
    argv: porthole(
      ...[
        "telnet",
        "run",
        `telnet://127.0.0.1:${telnet}`,
        ...STEPS,
        "--expect",
        "harbour$",
        "--send",
        "echo one two",
      ],
      ...["--expect", "two\r\nharbour$", "--send", "exit"],
    ),
  };
  const sessions: Pair[] =
    server === undefined
      ? []
      : [
          {
            what: "Telnet: login, a command, logout",
            subject: login,
            peer: {
              name: "telnetlib",
              argv: ["python3", script, "127.0.0.1", String(telnet)],
              version: ["python3", "--version"],
            },
            limit: 1,
          },
          {
            what: "Telnet: login, a command, logout",
            subject: login,
            peer: {
              name: "telnet-client",
              argv: [process.execPath, client, telnetClient, "127.0.0.1", String(telnet)],
              version: [process.execPath, "-p", 'require("telnet-client/package.json").version'],
            },
            limit: 1,
          },
        ];
  if (server === undefined) process.stdout.write("Telnet: skipped, inetutils-telnetd is not installed\n");
  const place = await freePort();
  const listen = {
    name: "porthole socket listen",
    argv: porthole("socket", "listen", `tcp://127.0.0.1:${place}`, "--max-conns", "1", "-q"),
    prepare: () => void spawn(process.execPath, ["-e", SENDER, String(place)], { stdio: "ignore" }),
  };
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
      ...sessions,
    ],
    bounds: [
      {
        what: "1 GiB from a TCP socket",
        subject: { name: "porthole socket recv", argv: receive },
        limit: 100,
      },
      { what: "1 GiB to a TCP listener", subject: listen, limit: 100 },
    ],
    close: async () => server?.close(),
  };
};
