import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { PortholeError } from "../../src/errors.js";
import type { DatagramChannel } from "../../src/net/datagram.js";
import { Dialer } from "../../src/net/dialer.js";
import type { NetworkSettings } from "../../src/net/settings.js";
import { eventually, failureOf, leavesNothing, NEVER, watchedDialer } from "./dialing.js";

interface UdpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly heard: string[];
  readonly peers: RemoteInfo[];
  send(octets: string | Buffer, peer?: RemoteInfo): Promise<void>;
}

/** Answers each datagram with what `answer` gives. */
async function udpServer(
  answer: (text: string) => readonly string[] = () => [],
  host = "127.0.0.1",
): Promise<UdpServer> {
  const socket: Socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const heard: string[] = [];
  const peers: RemoteInfo[] = [];
  socket.on("message", (octets, peer) => {
    heard.push(octets.toString("latin1"));
    peers.push(peer);
    for (const reply of answer(octets.toString("latin1"))) socket.send(reply, peer.port, peer.address);
  });
  socket.bind(0, host);
  await once(socket, "listening");
  return {
    host,
    port: socket.address().port,
    heard,
    peers,
    send: (octets, peer = peers[0]) =>
      new Promise((resolve, reject) => {
        socket.send(octets, peer?.port ?? 0, peer?.address, (error) => (error ? reject(error) : resolve()));
      }),
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

const ECHO = (text: string) => [text];

function open(
  server: { host: string; port: number },
  settings: Partial<NetworkSettings> = {},
  signal: AbortSignal = NEVER,
): Promise<DatagramChannel> {
  return new Dialer(settings).dialDatagrams({ host: server.host, port: server.port, scheme: "udp" }, signal);
}

describe("a UDP channel", () => {
  it("keeps the boundaries of what goes and comes, empty datagrams too", async () => {
    await using server = await udpServer((text) => [`${text}!`, "", "second"]);
    await using channel = await open(server);
    await channel.send(Buffer.from("one"));
    await channel.send(new Uint8Array(0));
    const came: string[] = [];
    for await (const datagram of channel) {
      came.push(String(datagram));
      if (came.length === 6) break;
    }
    expect(came).toEqual(["one!", "", "second", "!", "", "second"]);
    expect(server.heard).toEqual(["one", ""]);
    expect([channel.bytesRead, channel.bytesWritten, channel.dropped]).toEqual([17, 3, 0]);
    expect(channel.closed).toBe(false);
  });

  it("knows how it came about", async () => {
    await using server = await udpServer(ECHO);
    await using channel = await open(server);
    expect(channel.facts).toMatchObject({ host: "127.0.0.1", port: server.port, address: "127.0.0.1" });
    expect(channel.facts.attempts).toMatchObject([{ address: "127.0.0.1" }]);
    await channel.send(Buffer.from("x"));
    await channel.receive();
    expect(server.peers[0]?.port).toBe(channel.localPort);
  });

  it("goes over IPv6", async () => {
    await using server = await udpServer(ECHO, "::1");
    await using channel = await open(server);
    await channel.send(Buffer.from("six"));
    expect(String(await channel.receive())).toBe("six");
  });

  it("hears its peer alone", async () => {
    await using server = await udpServer(ECHO);
    await using stranger = await udpServer();
    await using channel = await open(server);
    const mine = { address: "127.0.0.1", port: channel.localPort ?? 0, family: "IPv4" as const, size: 0 };
    await stranger.send("let me in", mine);
    await channel.send(Buffer.from("you"));
    expect(String(await channel.receive())).toBe("you");
    expect(channel.bytesRead).toBe(3);
  });

  it("takes the largest datagram, and refuses to send a larger one", async () => {
    await using server = await udpServer((text) => [String(text.length)]);
    await using channel = await open(server);
    await channel.send(Buffer.alloc(65_507, "x"));
    expect(String(await channel.receive())).toBe("65507");
    const error = await failureOf(channel.send(Buffer.alloc(65_508)));
    expect([error.code, error.message, error.hint]).toEqual([
      "usage",
      "65508 octets do not fit into a datagram",
      "UDP carries at most 65507; send them in pieces",
    ]);
  });

  it("keeps what comes while nobody reads, up to a bound, and counts the rest", async () => {
    await using server = await udpServer();
    await using channel = await open(server);
    await channel.send(Buffer.from("here I am"));
    await eventually(() => server.peers.length === 1, "a peer");
    let sent = 0;
    for (let number = 0; number < 1500; number++) {
      await server.send(`${number}`);
      sent += `${number}`.length;
      // The system, too, drops what is not taken from it in time.
      if (number % 50 === 49) await eventually(() => channel.bytesRead === sent, "all taken from the system");
    }
    expect(channel.dropped).toBe(1500 - 1024);
    channel.close();
    const came: string[] = [];
    for await (const datagram of channel) came.push(String(datagram));
    expect(came).toHaveLength(1024);
    expect([came[0], came.at(-1)]).toEqual(["0", "1023"]);
  });

  it("keeps no more than a mebioctet waiting", async () => {
    await using server = await udpServer();
    await using channel = await open(server);
    await channel.send(Buffer.from("here I am"));
    await eventually(() => server.peers.length === 1, "a peer");
    for (let number = 1; number <= 25; number++) {
      await server.send(Buffer.alloc(60_000, "x"));
      await eventually(() => channel.bytesRead === number * 60_000, "all taken from the system");
    }
    await eventually(() => channel.dropped === 8, "8 drops");
    channel.close();
    let kept = 0;
    for await (const datagram of channel) kept += datagram.length;
    expect(kept).toBe(17 * 60_000);
  });

  it("ends its loop when it is closed, and can be closed again", async () => {
    await using server = await udpServer(ECHO);
    const channel = await open(server);
    setTimeout(() => channel.close(), 30);
    const came: Buffer[] = [];
    for await (const datagram of channel) came.push(datagram);
    expect(came).toEqual([]);
    channel.close();
    expect(await channel.receive()).toBeUndefined();
    expect(channel.localPort).toBeUndefined();
    expect((await failureOf(channel.send(Buffer.from("late")))).message).toBe("the channel is closed");
  });

  it("has one reader at a time", async () => {
    await using server = await udpServer(ECHO);
    await using channel = await open(server);
    const first = channel.receive();
    expect((await failureOf(channel.receive())).code).toBe("usage");
    await channel.send(Buffer.from("still there"));
    expect(String(await first)).toBe("still there");
  });

  it("tells when nobody listens there, and stays open", async () => {
    const gone = await udpServer();
    await gone[Symbol.asyncDispose]();
    await using channel = await open(gone, { idleTimeout: 5000 });
    await channel.send(Buffer.from("anybody?"));
    const error = await failureOf(channel.receive());
    expect([error.code, error.message]).toEqual(["connect", `127.0.0.1:${gone.port}: connection refused`]);
    expect(channel.closed).toBe(false);
  });

  it("tells once what went wrong while nobody waited", async () => {
    const gone = await udpServer();
    await gone[Symbol.asyncDispose]();
    await using channel = await open(gone, { idleTimeout: 60 });
    await channel.send(Buffer.from("anybody?"));
    await sleep(50);
    expect((await failureOf(channel.receive())).code).toBe("connect");
    expect((await failureOf(channel.receive())).code).toBe("timeout");
  });

  it("holds to the rate limit", async () => {
    await using server = await udpServer();
    await using channel = await open(server, { rateLimit: 100_000 });
    const began = performance.now();
    for (let number = 0; number < 6; number++) await channel.send(Buffer.alloc(10_000));
    expect(performance.now() - began).toBeGreaterThan(375);
    expect(channel.bytesWritten).toBe(60_000);
  });

  it("is in the transcript, a datagram an event, with secrets masked", async () => {
    await using server = await udpServer((text) => (text.startsWith("ping") ? ["pong hunter2"] : []));
    const { dialer, seen } = watchedDialer();
    dialer.transcript.mask("hunter2");
    const channel = await dialer.dialDatagrams(
      { host: server.host, port: server.port, scheme: "udp" },
      NEVER,
    );
    await channel.send(Buffer.from("ping\nhunter2"));
    await channel.receive();
    await channel.send(Buffer.from("a"));
    await channel.send(Buffer.from("b"));
    channel.close();
    expect(seen).toEqual([
      "N: sends datagrams to 127.0.0.1",
      "C: ping\n[masked]",
      "S: pong [masked]",
      "C: a",
      "C: b",
      "N: closed",
    ]);
  });
});

describe("the limits of a UDP channel", () => {
  it("end a wait for a silent peer, after which it can be asked again", async () => {
    await using server = await udpServer((text) => (text === "again" ? ["yes"] : []));
    await using channel = await open(server, { idleTimeout: 60 });
    await channel.send(Buffer.from("hello"));
    const error = await failureOf(channel.receive());
    expect([error.code, error.message]).toEqual([
      "timeout",
      `no answer from 127.0.0.1:${server.port} for 0.06 s`,
    ]);
    await channel.send(Buffer.from("again"));
    expect(String(await channel.receive())).toBe("yes");
  });

  it("rest while it is patient, and while nobody waits", async () => {
    await using server = await udpServer(() => ["late"]);
    await using channel = await open(server, { idleTimeout: 50 });
    await sleep(150);
    channel.patient = true;
    const received = channel.receive();
    await sleep(150);
    await channel.send(Buffer.from("now"));
    expect(String(await received)).toBe("late");
  });

  it("are the signal's too, at any time", async () => {
    await using server = await udpServer(ECHO);
    const stop = new PortholeError("aborted", "stopped by the test");
    expect(await failureOf(open(server, {}, AbortSignal.abort(stop)))).toBe(stop);
    const controller = new AbortController();
    const channel = await open(server, {}, controller.signal);
    const waiting = failureOf(channel.receive());
    controller.abort(stop);
    expect(await waiting).toBe(stop);
    expect(await failureOf(channel.receive())).toBe(stop);
    expect(await failureOf(channel.send(Buffer.from("x")))).toBe(stop);
  });
});

describe("where a UDP channel goes", () => {
  it("is decided by --resolve, -4, -6 and --interface", async () => {
    await using server = await udpServer(ECHO);
    const place = { host: "many.invalid", port: server.port };
    const resolve = new Map([[`many.invalid:${server.port}`, ["::1", "127.0.0.1"]]]);
    await using four = await open(place, { resolve, family: 4 });
    expect(four.facts.address).toBe("127.0.0.1");
    await using from = await open(place, { resolve, localAddress: "127.0.0.9" });
    await from.send(Buffer.from("x"));
    await from.receive();
    expect(server.peers.at(-1)?.address).toBe("127.0.0.9");
    const six = await failureOf(open({ host: "127.0.0.1", port: server.port }, { family: 6 }));
    expect([six.code, six.message]).toEqual(["resolve", "127.0.0.1 has no IPv6 address"]);
    const bad = await failureOf(open(place, { resolve, localAddress: "eth0" }));
    expect(bad.code).toBe("usage");
    const foreign = await failureOf(open(place, { resolve, localAddress: "198.51.100.7" }));
    expect(foreign.code).toBe("connect");
  });

  it("is nowhere for a name that does not exist", async () => {
    expect((await failureOf(open({ host: "nowhere.invalid", port: 9 }))).code).toBe("resolve");
  });

  it("is never past a proxy that was asked for", async () => {
    const place = { host: "a.invalid", port: 53 };
    const proxied = await failureOf(open(place, { proxy: { url: "socks5://127.0.0.1:1080" } }));
    expect([proxied.code, proxied.message, proxied.hint]).toEqual([
      "usage",
      "UDP does not go through the proxy socks5://127.0.0.1:1080",
      "--noproxy a.invalid lets it go straight there",
    ]);
    const unix = await failureOf(open(place, { unixSocket: "/tmp/x.sock" }));
    expect([unix.code, unix.message]).toEqual(["usage", "UDP does not go through a Unix socket"]);
  });

  it("leaves nothing open", async () => {
    await using server = await udpServer(ECHO);
    await leavesNothing(async () => {
      const channel = await open(server, { idleTimeout: 5000, rateLimit: 10 });
      const sent = channel.send(Buffer.alloc(1000));
      const received = channel.receive();
      await sleep(30);
      channel.close();
      await Promise.all([sent, received]);
      await failureOf(open({ host: "127.0.0.1", port: 9 }, { localAddress: "198.51.100.7" }));
      await failureOf(open({ host: "nowhere.invalid", port: 9 }));
    });
  });
});
