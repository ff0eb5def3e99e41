/** Overviews and articles from INN, where Debian's inn2 is installed; a million overview lines; side by side with nntplib. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { hasInn, startInn } from "../test/real/inn.js";
import { type Bench, porthole } from "./bench.js";

const ARTICLES = 10_000;
const FETCHED = 1000;
/** Milliseconds, there and back. */
const ROUND_TRIP = 20;
const MILLION = 1_000_000;
const GROUP = "misc.test";

/** nntplib was taken out of Python with 3.13. */
const PYTHON = "python3.11";

const OVERVIEW = `
import sys, warnings
warnings.simplefilter("ignore")
import nntplib
server = nntplib.NNTP("127.0.0.1", int(sys.argv[1]), readermode=True)
_, count, first, last, _ = server.group("${GROUP}")
for number, fields in server.over((first, last))[1]:
    print(number, nntplib.decode_header(fields["subject"]), fields["from"], sep="\\t")
server.quit()
`;

const ONE_BY_ONE = `
import sys, warnings
warnings.simplefilter("ignore")
import nntplib
server = nntplib.NNTP("127.0.0.1", int(sys.argv[1]), readermode=True)
_, count, first, last, _ = server.group("${GROUP}")
for number in range(first, first + ${FETCHED}):
    sys.stdout.buffer.write(b"\\n".join(server.article(number)[1].lines))
server.quit()
`;

export const bench: Bench = async () => {
  const endless = await startMillion();
  const bounds = [
    {
      what: "a million overview lines, memory",
      subject: {
        name: "porthole nntp over",
        argv: porthole("nntp", "over", `nntp://127.0.0.1:${endless.port}/${GROUP}`, "--json"),
      },
      limit: 160,
    },
  ];
  if (!hasInn()) {
    process.stdout.write("NNTP: skipped, inn2 is not installed or this is not root\n");
    return { pairs: [], bounds, close: () => endless.close() };
  }
  const inn = await startInn();
  await fill(inn.url);
  const port = new URL(inn.url.replace("nntp:", "http:")).port;
  const far = await startFar(Number(port));
  const version: [string, ...string[]] = [PYTHON, "--version"];
  return {
    pairs: [
      {
        what: `overview of ${ARTICLES} articles from INN`,
        subject: { name: "porthole nntp over", argv: porthole("nntp", "over", `${inn.url}${GROUP}`) },
        peer: { name: "nntplib", argv: [PYTHON, "-c", OVERVIEW, port], version },
        limit: 0.8,
      },
      {
        what: `the same as a listing, newest first`,
        subject: { name: "porthole ls", argv: porthole("ls", `${inn.url}${GROUP}`, "--json") },
        peer: { name: "nntplib", argv: [PYTHON, "-c", OVERVIEW, port], version },
      },
      {
        what: `${FETCHED} articles over ${ROUND_TRIP} ms from INN`,
        subject: {
          name: "porthole get",
          argv: porthole("get", `nntp://127.0.0.1:${far.port}/${GROUP}/1-${FETCHED}`),
        },
        peer: { name: "nntplib, one by one", argv: [PYTHON, "-c", ONE_BY_ONE, String(far.port)], version },
        limit: 0.03,
        runs: 1,
      },
    ],
    bounds,
    close: async () => {
      await far.close();
      await endless.close();
      await inn.close();
    },
  };
};

/** Feeds articles of some 2 KB as another server would (RFC 4644). */
async function fill(url: string): Promise<void> {
  const port = Number(new URL(url.replace("nntp:", "http:")).port);
  const socket = connect(port, "127.0.0.1");
  let taken = 0;
  let words = "";
  const done = new Promise<void>((resolve, reject) => {
    socket.on("data", (octets: Buffer) => {
      words += octets.toString("latin1");
      const lines = words.split("\r\n");
      words = lines.pop() ?? "";
      taken += lines.filter((line) => line.startsWith("239 ")).length;
      const refused = lines.find((line) => line.startsWith("4"));
      if (refused !== undefined) reject(new Error(`INN: ${refused}`));
      if (taken === ARTICLES) resolve();
    });
    socket.once("error", reject);
  });
  socket.write("MODE STREAM\r\n");
  const text = "Some text of an article, seventy octets or so, as they usually are...\r\n".repeat(28);
  const date = new Date().toUTCString().replace("GMT", "+0000");
  for (let number = 1; number <= ARTICLES; number++) {
    const id = `<${number}@bench.example>`;
    const references = number % 4 === 0 ? `References: <${number - 1}@bench.example>\r\n` : "";
    const header = `Path: bench.example!not-for-mail\r\nFrom: Poster ${number % 97} <p${number % 97}@bench.example>\r\nNewsgroups: ${GROUP}\r\nSubject: Number ${number} of many\r\nMessage-ID: ${id}\r\nDate: ${date}\r\n${references}`;
    if (!socket.write(`TAKETHIS ${id}\r\n${header}\r\n${text}.\r\n`)) await once(socket, "drain");
  }
  await done;
  socket.destroy();
}

interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** The same server, half of the round trip further away in each direction. */
function startFar(port: number): Promise<Listener> {
  return startListener((near) => {
    const there = connect(port, "127.0.0.1");
    delayed(near, there);
    delayed(there, near);
    return there;
  });
}

/** In order, for timers of the same length fire in order. */
function delayed(from: Socket, to: Socket): void {
  from.on("data", (octets: Buffer) => setTimeout(() => to.write(octets), ROUND_TRIP / 2));
  from.on("end", () => setTimeout(() => to.end(), ROUND_TRIP / 2));
  from.on("error", () => to.destroy());
  from.on("close", () => setTimeout(() => to.destroy(), ROUND_TRIP / 2));
}

/** A group of a million articles, whose overview is made while it is sent. */
function startMillion(): Promise<Listener> {
  return startListener((socket) => {
    let words = "";
    let answered = Promise.resolve();
    socket.write("200 ready\r\n");
    socket.on("data", (octets: Buffer) => {
      words += octets.toString("latin1");
      const lines = words.split("\r\n");
      words = lines.pop() ?? "";
      for (const line of lines) answered = answered.then(() => answer(socket, line)).catch(() => undefined);
    });
    return undefined;
  });
}

async function answer(socket: Socket, line: string): Promise<void> {
  if (line.startsWith("CAPABILITIES")) {
    socket.write("101 list\r\nVERSION 2\r\nREADER\r\nOVER\r\nLIST ACTIVE\r\n.\r\n");
  } else if (line.startsWith("GROUP")) socket.write(`211 ${MILLION} 1 ${MILLION} ${GROUP}\r\n`);
  else if (line.startsWith("OVER")) {
    const [low = 1, high = MILLION] = line.slice(5).split("-").map(Number);
    const rows = Array.from(
      { length: high - low + 1 },
      (_, at) =>
        `${low + at}\tNumber ${low + at} of a million\tp@bench.example\tMon, 4 Mar 2024 18:05:00 +0000\t<${low + at}@bench.example>\t\t2000\t28\r\n`,
    );
    if (!socket.write(`224 overview\r\n${rows.join("")}.\r\n`)) await once(socket, "drain");
  } else socket.end("205 bye\r\n");
}

async function startListener(serve: (socket: Socket) => Socket | undefined): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    sockets.add(socket);
    const other = serve(socket);
    if (other !== undefined) sockets.add(other.setNoDelay(true));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
