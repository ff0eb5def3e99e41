import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { perform, type Service, serve, steps } from "./performed.js";

/** A peer, and all that it has heard so far. */
function heardBy(socket: Socket): { readonly socket: Socket; readonly text: () => string } {
  let text = "";
  socket
    .on("error", () => undefined)
    .on("data", (octets: Buffer) => {
      text += octets.toString();
    });
  return { socket, text: () => text };
}

async function arrive(server: Service, port = server.port) {
  const before = server.warnings.length;
  const peer = heardBy(connect(port, "127.0.0.1"));
  // It is among them once it was told of.
  await vi.waitFor(() => expect(server.warnings.length).toBeGreaterThan(before));
  return peer;
}

describe("a broker", () => {
  it("passes what one says, and standard input, to all others, and prints what peers say", async () => {
    const stdin = new PassThrough();
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { broker: true }, { stdin });
    const [one, two, three] = [await arrive(server), await arrive(server), await arrive(server)];
    one.socket.write("from one\n");
    await vi.waitFor(() => expect([two.text(), three.text()]).toEqual(["from one\n", "from one\n"]));
    two.socket.end("from two\n");
    await once(two.socket, "close");
    await vi.waitFor(() => expect(one.text()).toBe("from two\n"));
    stdin.end("from us\n");
    await vi.waitFor(() => expect(one.text()).toBe("from two\nfrom us\n"));
    await vi.waitFor(() => expect(three.text()).toBe("from one\nfrom two\nfrom us\n"));
    expect(two.text()).toBe("from one\n");
    const closed = [one, three].map(({ socket }) => once(socket, "close"));
    await server.stop();
    await Promise.all(closed);
  });

  it("greets each with --send, and tells events with --json, at a Unix socket too", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-broker-"));
    const path = join(folder, "s");
    const stop = new AbortController();
    const records: unknown[] = [];
    const options = { broker: true, json: true, ...steps("send=hi ") };
    const ended = perform("socket", "listen", [`unix:${path}`], options, {
      settings: { signal: stop.signal },
      onRecord: (data) => records.push(data),
    });
    await vi.waitFor(() => expect(existsSync(path)).toBe(true));
    const peers = [heardBy(connect({ path })), heardBy(connect({ path }))];
    await vi.waitFor(() => expect(peers.map(({ text }) => text())).toEqual(["hi ", "hi "]));
    peers[0]?.socket.end("a");
    await vi.waitFor(() => expect(peers[1]?.text()).toBe("hi a"));
    await vi.waitFor(() => expect(records).toHaveLength(5));
    expect(records).toMatchObject([
      { event: "listening", path },
      { event: "connection", connection: 1, path },
      { event: "connection", connection: 2, path },
      { event: "data", connection: 1, text: "a" },
      { event: "closed", connection: 1, received: 1, sent: 3 },
    ]);
    stop.abort();
    await expect(ended).rejects.toMatchObject({ code: "aborted" });
    await rm(folder, { recursive: true });
  });

  it("drops a peer that takes nothing, and the others go on with all that was said", async () => {
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { broker: true });
    const speaker = await arrive(server);
    const listener = await arrive(server);
    const stuck = connect(server.port, "127.0.0.1").pause();
    stuck.on("error", () => undefined);
    await vi.waitFor(() => expect(server.warnings).toHaveLength(4));
    const said = Buffer.alloc(32 * 1024 * 1024, "0123456789abcdef");
    let heard = 0;
    listener.socket.on("data", (octets: Buffer) => {
      heard += octets.length;
    });
    speaker.socket.write(said);
    await vi.waitFor(() => expect(heard).toBe(said.length), { timeout: 30_000, interval: 50 });
    expect(server.warnings[4]).toMatch(
      /^127\.0\.0\.1:\d+ does not take what is said: \d+ octets wait for it, the others waited 5 s; dropped$/,
    );
    // What waited for it: the limit, and one piece of what was said beyond.
    expect(Number(/(\d+) octets/.exec(server.warnings[4] ?? "")?.[1])).toBeLessThan(2 * 1024 * 1024);
    stuck.destroy();
    await server.stop();
  }, 40_000);

  it("does not go with what answers peers by itself, nor with datagrams", async () => {
    const refused = (url: string, options: object) =>
      expect(perform("socket", "listen", [url], { broker: true, ...options })).rejects.toMatchObject({
        code: "usage",
      });
    await refused("tcp://127.0.0.1:0", { echo: true });
    await refused("tcp://127.0.0.1:0", { exec: "date", "allow-exec": true });
    await refused("udp://127.0.0.1:0", {});
  });
});

describe("a chat", () => {
  it("leads each line by who said it, tells who comes and goes, and lets no control characters through", async () => {
    const server = await serve("socket", "listen", ["tcp://127.0.0.1:0"], { chat: true });
    const one = await arrive(server);
    const two = await arrive(server);
    await vi.waitFor(() => expect(two.text()).toContain("already connected"));
    one.socket.write("hel");
    one.socket.write("lo\r\n\x1b[31mred");
    await vi.waitFor(() => expect(two.text()).toContain("<user1> hello\n"));
    one.socket.end();
    await vi.waitFor(() =>
      expect(two.text()).toBe(
        "<announce> 127.0.0.1 is connected as <user2>.\n<announce> already connected: 127.0.0.1 as <user1>.\n" +
          "<user1> hello\n<user1> \\x1b[31mred\n<announce> <user1> is disconnected.\n",
      ),
    );
    two.socket.destroy();
    await server.stop();
    expect((await server.ended.catch(() => undefined))?.text ?? "").toBe("");
  });

  it("is ncat's for ncat, and under TLS", async () => {
    const server = await serve("socket", "listen", ["tls://127.0.0.1:0"], { chat: true });
    const before = server.warnings.length;
    const one = heardBy(connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false }));
    await vi.waitFor(() => expect(server.warnings.length).toBeGreaterThan(before));
    const ncat = spawn("ncat", ["--ssl", "127.0.0.1", String(server.port)], { stdio: "pipe" });
    await vi.waitFor(() => expect(one.text()).toContain("is connected as <user2>"));
    ncat.stdin.write("from ncat\n");
    await vi.waitFor(() => expect(one.text()).toContain("<user2> from ncat\n"));
    one.socket.write("to ncat\n");
    const [said] = await once(ncat.stdout, "data");
    expect(String(said)).toContain("is connected as <user2>");
    ncat.kill();
    await once(ncat, "close");
    await server.stop();
  });
});
