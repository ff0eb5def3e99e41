import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { perform, steps } from "./performed.js";

const [DONT, DO, WONT, WILL, SB, SE, IAC] = [254, 253, 252, 251, 250, 240, 255];
/** Offers, a subnegotiation and a doubled IAC amid text. */
const SAID = [
  IAC,
  DO,
  24,
  IAC,
  WILL,
  1,
  97,
  13,
  0,
  IAC,
  IAC,
  IAC,
  SB,
  24,
  1,
  IAC,
  SE,
  IAC,
  249,
  IAC,
  DONT,
  3,
  IAC,
  WONT,
  5,
  98,
];
const ANSWERED = Buffer.from([IAC, WONT, 24, IAC, DONT, 1]).toString("latin1");

/** Says all of it in pieces of that many octets, then ends; tells what it was answered. */
async function serving(size: number) {
  let answered: (text: string) => void = () => undefined;
  const heard = new Promise<string>((resolve) => {
    answered = resolve;
  });
  const talk = async (socket: Socket) => {
    socket.setNoDelay();
    for (let at = 0; at < SAID.length; at += size) {
      socket.write(Buffer.from(SAID.slice(at, at + size)));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    socket.end();
    socket.setEncoding("latin1");
    answered(await textOf(socket));
  };
  const server = createServer((socket) => void talk(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `tcp://127.0.0.1:${port}`, heard, close: () => server.close() };
}

describe("--telnet", () => {
  it.each([1, 2, 5, 100])("answers offers, and takes commands out, in pieces of %i octets", async (size) => {
    const server = await serving(size);
    const { text } = await perform(
      "socket",
      "connect",
      [server.url],
      { telnet: true },
      { stdin: Readable.from([]) },
    );
    expect(text).toBe("a\r\xffb");
    expect(await server.heard).toBe(ANSWERED);
    server.close();
  });

  it("goes with --expect and --send", async () => {
    const server = await serving(100);
    const options = { telnet: true, ...steps("expect=a", "send=hello") };
    const { text } = await perform("socket", "connect", [server.url], options);
    expect(text).toBe("a\r\xffb");
    expect(await server.heard).toBe(`${ANSWERED}hello`);
    server.close();
  });

  it("is nothing for datagrams", async () => {
    await expect(perform("socket", "connect", ["udp://127.0.0.1:9"], { telnet: true })).rejects.toMatchObject(
      { code: "usage" },
    );
  });
});
