import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { perform, serve } from "./performed.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-ends-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A server that says back what it hears, in capitals. */
async function capitals() {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("data", (octets: Buffer) => socket.write(octets.toString("latin1").toUpperCase(), "latin1"));
    socket.on("end", () => socket.end()).on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, close: () => server.close() };
}

async function said(port: number, text: string | Buffer): Promise<string> {
  const socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(text);
  return textOf(socket);
}

async function bound(socket: DatagramSocket): Promise<number> {
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

/** Ends a program of ours. */
async function end(child: ChildProcess): Promise<void> {
  child.kill();
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}

describe("a relay between any two ends", () => {
  it("standard input and output to a server, two servers, and listening on the far side", async () => {
    const server = await capitals();
    const url = `tcp://127.0.0.1:${server.port}`;
    const stdin = Readable.from([Buffer.from("from "), Buffer.from("here")]);
    expect((await perform("socket", "relay", ["-", url], {}, { stdin })).text).toBe("FROM HERE");
    const speaker = createServer((socket) => {
      socket.end("spoken");
    }).listen(0, "127.0.0.1");
    await once(speaker, "listening");
    const heard = once(speaker, "connection").then(([socket]: Socket[]) =>
      textOf(socket ?? Readable.from([])),
    );
    const address = speaker.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await perform("socket", "relay", [`connect:tcp://127.0.0.1:${port}`, `connect:${url}`]);
    expect(await heard).toBe("SPOKEN");
    speaker.close();
    const relay = await serve("socket", "relay", [`connect:${url}`, "listen:tcp://127.0.0.1:0"]);
    expect(await said(relay.port, "abc")).toBe("ABC");
    await relay.ended;
    server.close();
  });

  it("tells of each peer with --json, whatever the other end is", async () => {
    const server = await capitals();
    const path = join(folder, "told");
    const words = [`connect:tcp://127.0.0.1:${server.port}`, `listen:unix:${path}`];
    const ended = perform("socket", "relay", words, { json: true });
    await vi.waitFor(() => expect(existsSync(path)).toBe(true));
    const socket = connect({ path, allowHalfOpen: true });
    socket.end("abc");
    expect(await textOf(socket)).toBe("ABC");
    expect((await ended).records).toMatchObject([
      { event: "listening", path },
      { event: "connection", connection: 1 },
      { event: "closed", connection: 1, received: 3, sent: 3 },
    ]);
    server.close();
  });

  it("a command for each peer, only with --allow-exec, and with a terminal if wanted", async () => {
    await expect(perform("socket", "relay", ["tcp://127.0.0.1:0", "exec:cat"])).rejects.toMatchObject({
      code: "usage",
    });
    const relay = await serve("socket", "relay", ["tcp://127.0.0.1:0", "exec:tr a-z A-Z"], {
      "allow-exec": true,
    });
    const large = Buffer.alloc(5_000_000, "some of it ");
    expect(await Promise.all([said(relay.port, "abc"), said(relay.port, large)])).toEqual([
      "ABC",
      large.toString().toUpperCase(),
    ]);
    await relay.stop();
    const terminal = await serve(
      "socket",
      "relay",
      ["tcp://127.0.0.1:0", "exec:tty; stty size; exec sleep 60"],
      {
        "allow-exec": true,
        pty: true,
      },
    );
    const socket = connect(terminal.port, "127.0.0.1");
    let shown = "";
    socket.on("data", (octets: Buffer) => {
      shown += octets.toString();
    });
    await vi.waitFor(() => expect(shown).toMatch(/^\/dev\/pts\/\d+\r\n\d+ \d+\r\n$/));
    // The command ends with the relay.
    const closed = once(socket, "close");
    await terminal.stop();
    await closed;
  });

  it("datagrams, each sender with a way of its own", async () => {
    const echo = createSocket("udp4");
    echo.on("message", (octets, { port, address }) => {
      echo.send(`${octets.length} ${octets.subarray(0, 20).toString("latin1").toUpperCase()}`, port, address);
    });
    const relay = await serve("socket", "relay", [
      "udp://127.0.0.1:0",
      `udp://127.0.0.1:${await bound(echo)}`,
    ]);
    const [one, two] = [createSocket("udp4"), createSocket("udp4")];
    const heard: string[] = [];
    one.on("message", (octets) => heard.push(`one: ${octets.toString()}`));
    two.on("message", (octets) => heard.push(`two: ${octets.toString()}`));
    one.send("first", relay.port, "127.0.0.1");
    two.send("second", relay.port, "127.0.0.1");
    await vi.waitFor(() => expect(heard.sort()).toEqual(["one: 5 FIRST", "two: 6 SECOND"]));
    // The largest there is stays one, and so does an empty one.
    one.send(Buffer.alloc(65_507, "a"), relay.port, "127.0.0.1");
    two.send("", relay.port, "127.0.0.1");
    const letters = "A".repeat(20);
    await vi.waitFor(() =>
      expect(heard.slice(2).sort()).toEqual([`one: 65507 ${letters}`, "two: 0 "].sort()),
    );
    await relay.stop();
    for (const socket of [echo, one, two]) socket.close();
  });

  it("datagrams from a stream, and to a command", async () => {
    const server = createSocket("udp4");
    server.on("message", (octets, { port, address }) => server.send(`got ${octets.length}`, port, address));
    const url = `udp://127.0.0.1:${await bound(server)}`;
    const stdin = Readable.from([Buffer.from("hello")]);
    expect((await perform("socket", "relay", ["-", url], { settle: 0.2 }, { stdin })).text).toBe("got 5");
    const relay = await serve("socket", "relay", ["udp://127.0.0.1:0", "exec:head -c 3 | tr a-z A-Z"], {
      "allow-exec": true,
    });
    const client = createSocket("udp4");
    const answered = once(client, "message");
    client.send("abc", relay.port, "127.0.0.1");
    expect(String((await answered)[0])).toBe("ABC");
    await relay.stop();
    server.close();
    client.close();
  });

  it("files: read, written, and not written over", async () => {
    const server = await capitals();
    const url = `tcp://127.0.0.1:${server.port}`;
    const [source, target] = [join(folder, "source"), join(folder, "target")];
    await writeFile(source, "kept\n");
    await perform("socket", "relay", [`file:${source}`, url]);
    const stdin = () => Readable.from([Buffer.from("one\n")]);
    await perform("socket", "relay", ["-", `file:${target}`], {}, { stdin: stdin() });
    await expect(
      perform("socket", "relay", ["-", `file:${target}`], {}, { stdin: stdin() }),
    ).rejects.toMatchObject({ code: "local", exit: 12 });
    await perform("socket", "relay", ["-", `file:${target}?append`], {}, { stdin: stdin() });
    expect(await readFile(target, "utf8")).toBe("one\none\n");
    await expect(perform("socket", "relay", ["file:/nowhere/x", url])).rejects.toMatchObject({
      code: "local",
    });
    server.close();
  });

  it("a serial line, as two ends of a pseudo terminal are one", async () => {
    const [near, far] = [join(folder, "near"), join(folder, "far")];
    const line = spawn("socat", [`PTY,raw,echo=0,link=${near}`, `PTY,raw,echo=0,link=${far}`]);
    await vi.waitFor(() => expect(existsSync(near) && existsSync(far)).toBe(true));
    const settings = "speed=9600&bits=8&parity=none&stop=1&flow=none";
    const stdin = Readable.from([Buffer.from("at\r")]);
    const echo = spawn("sh", ["-c", `head -c 3 <"${far}" | tr a-z A-Z >"${far}"`]);
    const { text } = await perform("socket", "relay", ["-", `serial:${near}?${settings}`], {}, { stdin });
    expect(text).toBe("AT\r");
    await end(echo);
    await end(line);
    await expect(perform("socket", "relay", ["-", "serial:/dev/null?speed=9600"])).rejects.toMatchObject({
      code: "local",
    });
    await expect(perform("socket", "relay", ["-", `serial:${near}?parity=mark`])).rejects.toMatchObject({
      code: "usage",
    });
  });

  it("a pseudo terminal with a name, gone afterwards", async () => {
    const server = await capitals();
    const path = join(folder, "terminal");
    const stop = new AbortController();
    const words = [`pty:${path}`, `tcp://127.0.0.1:${server.port}`];
    const ended = perform("socket", "relay", words, {}, { settings: { signal: stop.signal } });
    ended.catch(() => undefined);
    await vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 5000 });
    const user = spawn("sh", ["-c", `exec 3<>"${path}"; printf 'at\\r' >&3; head -c 3 <&3`]);
    expect(await textOf(user.stdout)).toBe("AT\r");
    stop.abort();
    await ended.catch(() => undefined);
    expect(existsSync(path)).toBe(false);
    server.close();
  });
});
