import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { perform, serve, steps } from "./performed.js";

/** Connects, sends, ends, and takes what comes until the server closes. */
async function talkTo(port: number, said = ""): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.end(said);
  return textOf(socket);
}

describe("the simple server", () => {
  it("tells who came, thanks, closes, and ends", async () => {
    const server = await serve("socket", "listen", ["tcp://:0"], steps("send=Thank you for connecting"));
    expect(await talkTo(server.port)).toBe("Thank you for connecting");
    await server.ended;
    expect(server.warnings[1]).toMatch(/^Got connection from 127\.0\.0\.1:\d+$/);
    await expect(once(connect(server.port, "127.0.0.1"), "connect")).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  it("serves for ever with --keep-open, also one peer that stays", async () => {
    const options = { "keep-open": true, ...steps("send=Thank you for connecting") };
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], options);
    const lingering = connect({ host: "127.0.0.1", port: server.port, allowHalfOpen: true });
    await once(lingering, "data");
    expect([await talkTo(server.port), await talkTo(server.port)]).toEqual([
      "Thank you for connecting",
      "Thank you for connecting",
    ]);
    lingering.destroy();
    await server.stop();
    expect(server.warnings.filter((text) => text.startsWith("Got connection"))).toHaveLength(3);
  });

  it("serves its own simple client", async () => {
    const server = await serve("socket", "listen", ["tcp://:0"], steps("send=Thank you for connecting"));
    const { text } = await perform("socket", "connect", [`tcp://localhost:${server.port}`]);
    await server.ended;
    expect(text).toBe("Thank you for connecting");
  });

  it("prints what the peer sends", async () => {
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], steps("send=hi"));
    await talkTo(server.port, "something\r\nelse");
    expect((await server.ended).text).toBe("something\r\nelse");
  });

  it("echoes", async () => {
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { echo: true });
    const said = "all of it ".repeat(20_000);
    expect(await talkTo(server.port, said)).toBe(said);
    await server.ended;
  });

  it("gives the peer what is on standard input", async () => {
    const stdin = Readable.from([Buffer.from("from "), Buffer.from("the pipe")]);
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], {}, { stdin });
    const socket = connect(server.port, "127.0.0.1");
    expect(await textOf(socket)).toBe("from the pipe");
    await server.ended;
  });

  it("sends a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-socket-"));
    const file = join(folder, "big.bin");
    await writeFile(file, Buffer.alloc(3_000_000, "0123456789"));
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { file });
    expect((await talkTo(server.port)).length).toBe(3_000_000);
    await server.ended;
    await rm(folder, { recursive: true });
  });

  it("tells events with --json", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-socket-"));
    const path = join(folder, "s");
    const ended = perform("socket", "listen", [`unix:${path}`], { json: true, ...steps("send=hi") });
    while (!existsSync(path)) await sleep(5);
    const socket = connect({ path });
    socket.end("\xff");
    expect(await textOf(socket)).toBe("hi");
    const { records } = await ended;
    expect(records).toMatchObject([
      { event: "listening", path },
      { event: "connection", connection: 1, path },
      { event: "data", connection: 1, size: 2, text: "ÿ" },
      { event: "closed", connection: 1, received: 2, sent: 2 },
    ]);
    expect(existsSync(path)).toBe(false);
    await rm(folder, { recursive: true });
  });

  it("keeps small pieces and long silences as the user says (TCP_NODELAY, SO_KEEPALIVE)", async () => {
    const options = { nodelay: true, keepalive: true, echo: true, "keep-open": true };
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], options);
    const url = `tcp://127.0.0.1:${server.port}`;
    const { text } = await perform("socket", "connect", [url], {
      nodelay: true,
      keepalive: true,
      ...steps("send=a"),
    });
    expect(text).toBe("a");
    // The port of what was just served can be listened at again at once (SO_REUSEADDR).
    await server.stop();
    const again = await serve("socket", "listen", [url], options);
    await again.stop();
  });

  it("turns away more peers than it may have", async () => {
    const options = { "keep-open": true, echo: true, "max-conns": 1 };
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], options);
    const first = connect(server.port, "127.0.0.1");
    first.write("a");
    await once(first, "data");
    expect(await talkTo(server.port).catch(() => "reset")).toMatch(/^(?:reset)?$/);
    first.destroy();
    await server.stop();
  });

  it("holds a thousand peers at once", async () => {
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { "keep-open": true, echo: true });
    const peers = Array.from({ length: 1000 }, () => connect(server.port, "127.0.0.1"));
    await Promise.all(
      peers.map(async (peer) => {
        peer.write("ping");
        await once(peer, "data");
      }),
    );
    for (const peer of peers) peer.destroy();
    await server.stop();
    expect(server.warnings.filter((text) => text.startsWith("Got connection"))).toHaveLength(1000);
  });
});

describe("TLS", () => {
  it("tells of a client that is lost in the handshake, and why", async () => {
    const server = await serve("socket", "listen", ["tls://127.0.0.1:0"], { "keep-open": true });
    const plain = connect(server.port, "127.0.0.1");
    plain.on("error", () => undefined);
    plain.end("hello, is there TLS?");
    await once(plain, "close");
    await vi.waitFor(() =>
      expect(server.warnings.slice(1)).toEqual([
        "a client gave up during the TLS handshake: it does not speak TLS",
      ]),
    );
    await server.stop();
  });

  it("has a certificate made for the occasion, and says which", async () => {
    const server = await serve("socket", "listen", ["tls://127.0.0.1:0"], steps("send=secret"));
    const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { fingerprint256, subjectaltname } = socket.getPeerCertificate();
    expect(server.warnings[0]).toContain(`certificate SHA-256 ${fingerprint256}`);
    expect(subjectaltname).toContain("DNS:localhost");
    expect(await textOf(socket)).toBe("secret");
    await server.ended;
  });

  it("outlives a client that does not speak it", async () => {
    const server = await serve("socket", "listen", ["tls://127.0.0.1:0"], steps("send=secret"));
    await talkTo(server.port, "GET / HTTP/1.0\r\n\r\n").catch(() => "");
    const settings = { network: { tls: { insecure: true } } };
    const { text } = await perform("socket", "connect", [`tls://127.0.0.1:${server.port}`], {}, { settings });
    expect(text).toBe("secret");
    await server.ended;
  });
});

describe("what cannot be listened at", () => {
  it("is told, with who is there already", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" ? address?.port : 0;
    await expect(perform("socket", "listen", [`tcp://127.0.0.1:${port}`])).rejects.toMatchObject({
      code: "connect",
      exit: 4,
      message: expect.stringMatching(
        new RegExp(`127\\.0\\.0\\.1:${port}: in use by .+ \\(process ${process.pid}\\)`),
      ),
    });
    holder.close();
    await expect(perform("socket", "listen", ["tcp://192.0.2.1:0"])).rejects.toMatchObject({
      code: "connect",
      message: "192.0.2.1: not an address of this machine",
    });
    await expect(perform("socket", "listen", ["tcp://127.0.0.1"])).rejects.toMatchObject({ code: "usage" });
  });

  it("takes the place of a Unix socket that nobody serves any more, and of no other", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-socket-"));
    const path = join(folder, "s");
    const code = "require('node:net').createServer((s) => s.resume()).listen(process.argv[1])";
    const holder = spawn(process.execPath, ["-e", code, path]);
    // The file is there before anybody listens.
    (await connected(path)).destroy();
    await expect(perform("socket", "listen", [`unix:${path}`])).rejects.toMatchObject({
      code: "connect",
      message: `${path}: in use by node (process ${holder.pid})`,
    });
    holder.kill("SIGKILL");
    await once(holder, "close");
    expect(existsSync(path)).toBe(true);
    const ended = perform("socket", "listen", [`unix:${path}`], { json: true, ...steps("send=mine now") });
    const peer = await connected(path);
    expect(await textOf(peer)).toBe("mine now");
    await ended;
    await writeFile(path, "a file");
    await expect(perform("socket", "listen", [`unix:${path}`])).rejects.toMatchObject({
      code: "connect",
      message: `${path}: there is a file already, and it is no socket`,
    });
    expect(existsSync(path)).toBe(true);
    await rm(folder, { recursive: true });
  });
});

it.each([
  [{ file: "/nonexistent/file" }, "local"],
  [{ hex: true, ...steps("send=4g") }, "usage"],
  [{ "max-conns": 0 }, "usage"],
] as const)("what cannot be sent is found before anybody is served: %j", async (options, code) => {
  const warnings: string[] = [];
  const onWarning = (text: string) => warnings.push(text);
  await expect(
    perform("socket", "listen", ["tcp://127.0.0.1:0"], options, { onWarning }),
  ).rejects.toMatchObject({ code });
  expect(warnings).toEqual([]);
});

describe("--exec", () => {
  it("gives the command a terminal with --pty", async () => {
    const options = { exec: "tty", "allow-exec": true, pty: true };
    const listening = await serve("socket", "listen", ["tcp://127.0.0.1:0"], options);
    const socket = connect(listening.port, "127.0.0.1");
    expect(await textOf(socket)).toMatch(/^\/dev\/pts\/\d+\r\n$/);
    await listening.ended;
  });

  it("is refused without the user's word", async () => {
    await expect(perform("socket", "listen", ["tcp://127.0.0.1:0"], { exec: "cat" })).rejects.toMatchObject({
      code: "usage",
      message: "--exec lets whoever can connect run a command here, as you",
    });
  });

  it("runs a command for each peer", async () => {
    const options = { exec: "tr a-z A-Z; echo oops >&2", "allow-exec": true };
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], options);
    expect(await talkTo(server.port, "hello")).toBe("HELLO");
    await server.ended;
    expect(server.warnings).toContain("oops");
    const failing = await serve("socket", "listen", ["tcp://127.0.0.1:0"], {
      exec: "exit 3",
      "allow-exec": true,
    });
    await talkTo(failing.port, "hello");
    await failing.ended;
    expect(failing.warnings).toContain("exit 3: ended with status 3");
  });
});

describe("datagrams", () => {
  it("are answered, each to its sender, and printed", async () => {
    const server = await serve("socket", "listen", ["udp://127.0.0.1:0"], steps("send=thanks"));
    const client = createSocket("udp4");
    client.send("one datagram", server.port, "127.0.0.1");
    const [answer] = await once(client, "message");
    client.close();
    expect(String(answer)).toBe("thanks");
    expect((await server.ended).text).toBe("one datagram");
  });

  it("are received one by one, their boundaries kept, empty ones too", async () => {
    const port = await freeUdpPort();
    const received = perform("socket", "recv", [`udp://127.0.0.1:${port}`], { json: true, count: 3 });
    await sleep(100);
    await perform("socket", "send", [`udp://127.0.0.1:${port}`], steps("send=one", "send=", "send=three"));
    const { records } = await received;
    expect(records).toMatchObject([
      { event: "data", address: "127.0.0.1", size: 3, text: "one" },
      { event: "data", size: 0 },
      { event: "data", text: "three" },
    ]);
  });

  it("reach all who joined a group", async () => {
    const port = await freeUdpPort();
    const url = `udp://239.255.77.1:${port}`;
    const settings = { network: { localAddress: "127.0.0.1" } };
    const both = [0, 1].map(() => perform("socket", "recv", [url], {}, { settings }));
    await sleep(200);
    const sender = createSocket("udp4").bind(0, "127.0.0.1");
    await once(sender, "listening");
    sender.setMulticastInterface("127.0.0.1");
    sender.send("to the group", port, "239.255.77.1");
    expect((await Promise.all(both)).map(({ text }) => text)).toEqual(["to the group", "to the group"]);
    sender.close();
  });

  it("are sent to all hosts of a network, where there is one", async () => {
    const port = await freeUdpPort();
    const received = perform("socket", "recv", [`udp://:${port}`], { timeout: 1 });
    const outcome = received.then(
      ({ text }) => text,
      (thrown: { code?: string }) => thrown.code,
    );
    await sleep(100);
    const sent = await perform("socket", "send", [`udp://<broadcast>:${port}`], steps("send=to all")).then(
      () => "sent",
      (thrown: { code?: string; message?: string }) => `${thrown.code}: ${thrown.message}`,
    );
    // A machine without a network has no broadcast address; that it may be used there was not the question.
    expect(["sent", "connect: 255.255.255.255:PORT: the network is unreachable"]).toContain(
      sent.replace(String(port), "PORT"),
    );
    expect(await outcome).toBe(sent === "sent" ? "to all" : "timeout");
  });

  it("are not waited for longer than the user said", async () => {
    await expect(perform("socket", "recv", ["udp://127.0.0.1:0"], { timeout: 0.1 })).rejects.toMatchObject({
      code: "timeout",
      exit: 6,
    });
  });
});

/** As soon as somebody serves the socket. */
async function connected(path: string): Promise<Socket> {
  for (;;) {
    const socket = connect({ path, allowHalfOpen: true });
    try {
      await once(socket, "connect");
      socket.end();
      return socket;
    } catch {
      await sleep(10);
    }
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}
