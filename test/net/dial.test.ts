import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { PortholeError } from "../../src/errors.js";
import { interleave } from "../../src/net/resolve.js";
import {
  dial,
  endOf,
  endpointOf,
  failureOf,
  leavesNothing,
  NEVER,
  textOf,
  watchedDialer,
} from "./dialing.js";
import { silentPort } from "./silent.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-dial-"));
});
afterAll(() => rm(folder, { recursive: true }));

const HELLO = conversation(`
  S: hello
  C: bye
  S drop
`);

/** A port on 127.0.0.1 where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

describe("a TCP connection", () => {
  it("carries octets both ways and knows how it came about", async () => {
    await using server = await scripted(HELLO);
    const connection = await dial(endpointOf(server));
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    await server.done;
    expect(connection.facts).toMatchObject({ host: "127.0.0.1", port: server.port, address: "127.0.0.1" });
    expect(connection.facts.attempts).toMatchObject([{ address: "127.0.0.1" }]);
    expect(connection.facts.attempts[0]).not.toHaveProperty("failure");
    expect(connection.facts).not.toHaveProperty("tls");
    expect(connection.bytesRead).toBe(7);
    expect(connection.bytesWritten).toBe(5);
    expect([connection.secure, connection.encrypted, connection.loopback]).toEqual([false, false, true]);
    connection.destroy();
  });

  it("looks like a socket to packages", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server));
    expect(connection.remoteAddress).toBe("127.0.0.1");
    expect(connection.remoteFamily).toBe("IPv4");
    expect(connection.remotePort).toBe(server.port);
    expect(connection.localAddress).toBe("127.0.0.1");
    expect(connection.localPort).toBeGreaterThan(0);
    expect(connection.setTimeout(1).setNoDelay().setKeepAlive(true).unref().ref()).toBe(connection);
    connection.destroy();
  });

  it("goes over IPv6", async () => {
    await using server = await scripted(HELLO, { host: "::1" });
    const connection = await dial(endpointOf(server));
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    expect([connection.remoteFamily, connection.loopback]).toEqual(["IPv6", true]);
    connection.destroy();
  });

  it("is refused with exit status 4 where nobody listens", async () => {
    const port = await closedPort();
    const error = await failureOf(dial({ host: "127.0.0.1", port, scheme: "tcp" }));
    expect(error.message).toBe(`127.0.0.1:${port}: connection refused`);
    expect([error.code, error.exit, error.hint]).toEqual([
      "connect",
      4,
      "is the server running, and on this port?",
    ]);
  });

  it("that is reset by the server ends with an error, not with a crash, when nobody listens", async () => {
    await using server = await scripted(script().expect("now").reset());
    const connection = await dial(endpointOf(server));
    const end = endOf(connection);
    connection.write("now\r\n");
    expect(await end).toMatchObject({
      code: "connect",
      message: `127.0.0.1:${server.port}: the connection was reset by the other side`,
    });
  });

  it("that is reset fails the reader", async () => {
    await using server = await scripted(script().send("part").expect("now").reset());
    const connection = await dial(endpointOf(server));
    connection.write("now\r\n");
    expect((await failureOf(textOf(connection))).code).toBe("connect");
  });

  it("that is closed fails the writer", async () => {
    await using server = await scripted(script().truncate());
    const connection = await dial(endpointOf(server));
    connection.resume();
    const write = () =>
      new Promise<void>((resolve, reject) => {
        connection.write("x".repeat(65_536), (error) => (error ? reject(error) : resolve()));
      });
    await expect(
      (async () => {
        for (let times = 0; times < 1000; times++) await write();
      })(),
    ).rejects.toThrow();
    const end = connection.closed ? connection.errored : await endOf(connection);
    expect(end === null || (end instanceof PortholeError && end.code === "connect")).toBe(true);
  });
});

describe("a Unix socket", () => {
  it("is dialed by its path", async () => {
    const socketPath = join(folder, "hello.sock");
    await using _server = await scripted(HELLO, { socketPath });
    const connection = await dial({ host: "", port: 0, socketPath, scheme: "unix" });
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    expect(connection.facts.socketPath).toBe(socketPath);
    expect(connection.loopback).toBe(true);
    connection.destroy();
  });

  it("stands in for every host with --unix-socket, past proxies", async () => {
    const unixSocket = join(folder, "stand-in.sock");
    await using _server = await scripted(HELLO, { socketPath: unixSocket });
    const settings = { unixSocket, proxy: { url: "http://127.0.0.1:1" } };
    const connection = await dial({ host: "nowhere.invalid", port: 80, scheme: "http" }, settings);
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    connection.destroy();
  });

  it("that is not there is named in the error", async () => {
    const socketPath = join(folder, "missing.sock");
    const error = await failureOf(dial({ host: "", port: 0, socketPath, scheme: "unix" }));
    expect([error.code, error.message]).toEqual(["connect", `${socketPath}: there is no such Unix socket`]);
  });

  it("names its path when the server stays silent", async () => {
    const socketPath = join(folder, "silent.sock");
    await using _server = await scripted(script().drain(), { socketPath });
    const connection = await dial({ host: "", port: 0, socketPath, scheme: "unix" }, { idleTimeout: 60 });
    expect((await failureOf(textOf(connection))).message).toBe(`no answer from ${socketPath} for 0.06 s`);
  });
});

describe("the address", () => {
  it("is given by --resolve, for that host and port alone", async () => {
    await using server = await scripted(HELLO);
    const resolve = new Map([[`www.example:${server.port}`, ["127.0.0.1"]]]);
    const connection = await dial({ host: "WWW.example", port: server.port, scheme: "tcp" }, { resolve });
    expect(connection.facts).toMatchObject({ host: "WWW.example", address: "127.0.0.1" });
    connection.destroy();
    const elsewhere = dial({ host: "www.invalid", port: server.port, scheme: "tcp" }, { resolve });
    expect((await failureOf(elsewhere)).code).toBe("resolve");
  });

  it("is given by --resolve for all hosts with a star", async () => {
    await using server = await scripted(HELLO);
    const resolve = new Map([[`*:${server.port}`, ["127.0.0.1"]]]);
    const connection = await dial({ host: "a.invalid", port: server.port, scheme: "tcp" }, { resolve });
    connection.destroy();
  });

  it("given by --resolve must be one", async () => {
    const resolve = new Map([["a.invalid:1", ["b.invalid"]]]);
    const error = await failureOf(dial({ host: "a.invalid", port: 1, scheme: "tcp" }, { resolve }));
    expect([error.code, error.hint]).toEqual(["usage", "--resolve takes HOST:PORT:ADDRESS"]);
  });

  it("of another family is not used under -4 or -6", async () => {
    const resolve = new Map([["both.invalid:1", ["127.0.0.1"]]]);
    const error = await failureOf(
      dial({ host: "both.invalid", port: 1, scheme: "tcp" }, { resolve, family: 6 }),
    );
    expect([error.code, error.message, error.hint]).toEqual([
      "resolve",
      "both.invalid has no IPv6 address",
      "leave out -6",
    ]);
    const literal = await failureOf(dial({ host: "::1", port: 1, scheme: "tcp" }, { family: 4 }));
    expect(literal.message).toBe("::1 has no IPv4 address");
  });

  it("of the family asked for is used", async () => {
    await using server = await scripted(HELLO);
    const resolve = new Map([[`both.invalid:${server.port}`, ["::1", "127.0.0.1"]]]);
    const place = { host: "both.invalid", port: server.port, scheme: "tcp" };
    const connection = await dial(place, { resolve, family: 4 });
    expect(connection.facts.attempts.map(({ address }) => address)).toEqual(["127.0.0.1"]);
    connection.destroy();
  });

  it("does not exist for a name that does not: exit status 3", async () => {
    const error = await failureOf(dial({ host: "nowhere.invalid", port: 80, scheme: "http" }));
    expect([error.code, error.exit]).toEqual(["resolve", 3]);
    expect(error.message).toContain("nowhere.invalid");
  });

  it("to connect from is --interface's", async () => {
    await using server = await scripted(
      script().call((client) => {
        expect(client.stream.remoteAddress).toBe("127.0.0.9");
      }),
    );
    const connection = await dial(endpointOf(server), { localAddress: "127.0.0.9" });
    expect(connection.localAddress).toBe("127.0.0.9");
    await server.done;
    connection.destroy();
  });

  it("to connect from leaves only its own family", async () => {
    await using server = await scripted(HELLO);
    const resolve = new Map([[`both.invalid:${server.port}`, ["::1", "127.0.0.1"]]]);
    const place = { host: "both.invalid", port: server.port, scheme: "tcp" };
    const connection = await dial(place, { resolve, localAddress: "127.0.0.1" });
    expect(connection.facts.attempts.map(({ address }) => address)).toEqual(["127.0.0.1"]);
    connection.destroy();
    const error = await failureOf(
      dial({ host: "::1", port: server.port, scheme: "tcp" }, { localAddress: "127.0.0.1" }),
    );
    expect([error.code, error.message]).toEqual(["resolve", "::1 has no IPv4 address"]);
  });

  it("to connect from must be one of this machine", async () => {
    const bad = await failureOf(
      dial({ host: "127.0.0.1", port: 1, scheme: "tcp" }, { localAddress: "eth0" }),
    );
    expect([bad.code, bad.hint]).toEqual(["usage", "--interface takes an IP address"]);
    const foreign = await failureOf(
      dial({ host: "127.0.0.1", port: 1, scheme: "tcp" }, { localAddress: "198.51.100.7" }),
    );
    expect([foreign.code, foreign.message]).toEqual([
      "connect",
      "198.51.100.7 is not an address of this machine",
    ]);
  });
});

describe("several addresses", () => {
  it("are tried in turn when the first refuses", async () => {
    await using server = await scripted(HELLO);
    const resolve = new Map([[`many.invalid:${server.port}`, ["127.0.0.2", "::1", "127.0.0.1"]]]);
    const connection = await dial({ host: "many.invalid", port: server.port, scheme: "tcp" }, { resolve });
    expect(connection.facts.address).toBe("127.0.0.1");
    expect(connection.facts.attempts.map(({ address, failure }) => [address, failure !== undefined])).toEqual(
      [
        ["127.0.0.2", true],
        ["::1", true],
        ["127.0.0.1", false],
      ],
    );
    connection.destroy();
  });

  it("are tried beside one another when the first is silent", async () => {
    await using server = await scripted(HELLO);
    await using _silent = await silentPort("127.0.0.2", server.port);
    const resolve = new Map([[`many.invalid:${server.port}`, ["127.0.0.2", "127.0.0.1"]]]);
    const connection = await dial({ host: "many.invalid", port: server.port, scheme: "tcp" }, { resolve });
    expect(connection.facts.address).toBe("127.0.0.1");
    expect(connection.facts.attempts).toMatchObject([
      { address: "127.0.0.2", failure: "no answer yet" },
      { address: "127.0.0.1" },
    ]);
    // RFC 8305, 5: a quarter of a second, not a time-out.
    expect(connection.facts.connectMs).toBeGreaterThan(200);
    expect(connection.facts.connectMs).toBeLessThan(3000);
    connection.destroy();
  });

  it("that all refuse are all named", async () => {
    const port = await closedPort();
    const resolve = new Map([[`many.invalid:${port}`, ["127.0.0.2", "127.0.0.3"]]]);
    const error = await failureOf(dial({ host: "many.invalid", port, scheme: "tcp" }, { resolve }));
    expect(error.code).toBe("connect");
    expect(error.message).toBe(`many.invalid:${port}: connection refused (tried 127.0.0.2, 127.0.0.3)`);
  });

  it("that cannot be reached at all say less than one that refuses", async () => {
    const port = await closedPort();
    // A link-local address without its zone has no way to it.
    const resolve = new Map([[`many.invalid:${port}`, ["127.0.0.2", "fe80::1"]]]);
    const error = await failureOf(dial({ host: "many.invalid", port, scheme: "tcp" }, { resolve }));
    expect(error.message).toBe(`many.invalid:${port}: connection refused (tried 127.0.0.2, fe80::1)`);
  });

  it("take turns by family, beginning with the resolver's first choice", () => {
    const four = (end: number) => ({ address: `192.0.2.${end}`, family: 4 }) as const;
    const six = (end: number) => ({ address: `2001:db8::${end}`, family: 6 }) as const;
    expect(interleave([six(1), six(2), six(3), four(1)])).toEqual([six(1), four(1), six(2), six(3)]);
    expect(interleave([four(1), four(2), six(1), six(2)])).toEqual([four(1), six(1), four(2), six(2)]);
    expect(interleave([four(1)])).toEqual([four(1)]);
    expect(interleave([])).toEqual([]);
  });
});

describe("the connect time-out", () => {
  it("ends the wait for a silent address", async () => {
    await using silent = await silentPort();
    const error = await failureOf(dial(endpointOf(silent), { connectTimeout: 150 }));
    expect([error.code, error.exit, error.message, error.hint]).toEqual([
      "timeout",
      6,
      `127.0.0.1:${silent.port}: no connection within 0.15 s`,
      "--connect-timeout sets how long to wait",
    ]);
  });

  it("ends the wait for a server that takes the connection and never speaks TLS", async () => {
    await using server = await scripted(script().drain());
    const error = await failureOf(dial(endpointOf(server, { tls: {} }), { connectTimeout: 150 }));
    expect([error.code, error.message]).toEqual([
      "timeout",
      `127.0.0.1:${server.port}: no connection within 0.15 s`,
    ]);
  });
});

describe("an AbortSignal", () => {
  const stop = new PortholeError("aborted", "stopped by the test");

  it("that has fired already lets nothing begin", async () => {
    await using server = await scripted(HELLO);
    const error = await failureOf(dial(endpointOf(server), {}, AbortSignal.abort()));
    expect([error.code, error.exit]).toEqual(["aborted", 130]);
    expect(server.connections).toHaveLength(0);
  });

  it("ends the look-up", async () => {
    const controller = new AbortController();
    const dialed = dial({ host: "localhost", port: 1, scheme: "tcp" }, {}, controller.signal);
    controller.abort(stop);
    expect(await failureOf(dialed)).toBe(stop);
  });

  it("ends the wait for a silent address", async () => {
    await using silent = await silentPort();
    const controller = new AbortController();
    const dialed = dial(endpointOf(silent), {}, controller.signal);
    setTimeout(() => controller.abort(), 50);
    expect((await failureOf(dialed)).code).toBe("aborted");
  });

  it("ends the wait for a proxy's answer", async () => {
    const controller = new AbortController();
    await using proxy = await scripted(
      script()
        .expectUntil("\r\n\r\n")
        .call(() => controller.abort(stop))
        .drain(),
    );
    const endpoint = { host: "a.invalid", port: 1, scheme: "tcp" };
    const dialed = dial(endpoint, { proxy: { url: proxy.url("http") } }, controller.signal);
    expect(await failureOf(dialed)).toBe(stop);
    await proxy.done;
  });

  it("ends the TLS handshake", async () => {
    await using server = await scripted(script().drain());
    const controller = new AbortController();
    const dialed = dial(endpointOf(server, { tls: {} }), {}, controller.signal);
    setTimeout(() => controller.abort(stop), 50);
    expect(await failureOf(dialed)).toBe(stop);
    await server.done;
  });

  it("ends an established connection, with an error for whoever reads", async () => {
    await using server = await scripted(script().send("hello").drain());
    const controller = new AbortController();
    const connection = await dial(endpointOf(server), {}, controller.signal);
    const read = textOf(connection);
    setTimeout(() => controller.abort(), 50);
    expect(await failureOf(read)).toMatchObject({ code: "aborted", exit: 130 });
    await server.done;
  });

  it("from AbortSignal.timeout is a time-out", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server), {}, AbortSignal.timeout(50));
    expect(await failureOf(textOf(connection))).toMatchObject({ code: "timeout", exit: 6 });
  });

  it("may serve many connections without a warning", async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on("warning", warned);
    await using server = await scripted(script().drain(), { connections: 30 });
    const connections = await Promise.all(Array.from({ length: 30 }, () => dial(endpointOf(server))));
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of connections) connection.destroy();
    await server.done;
    process.off("warning", warned);
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([]);
  });
});

describe("the transcript of a dial", () => {
  it("tells where it went and how it ended", async () => {
    await using server = await scripted(conversation("S: hello\nC: bye\nS: adieu\nS drop"));
    const { dialer, seen } = watchedDialer();
    const connection = await dialer.dial(endpointOf(server), NEVER);
    await new Promise((resolve) => connection.once("data", resolve));
    connection.end("bye\r\n");
    await endOf(connection);
    expect(seen).toEqual([
      "N: connected to 127.0.0.1",
      "S: hello\r\n",
      "C: bye\r\n",
      "S: adieu\r\n",
      "N: closed",
    ]);
  });

  it("tells why it failed", async () => {
    const port = await closedPort();
    const { dialer, seen } = watchedDialer();
    await failureOf(dialer.dial({ host: "127.0.0.1", port, scheme: "tcp" }, NEVER));
    expect(seen).toEqual([`N: no connection: 127.0.0.1:${port}: connection refused`]);
  });
});

describe("nothing is left open", () => {
  it("after success, refusal, time-out and abort", async () => {
    await using server = await scripted(script().drain(), { connections: 5 });
    await using silent = await silentPort();
    const port = await closedPort();
    const refusing = { host: "127.0.0.1", port, scheme: "tcp" };
    await using slow = await silentPort("127.0.0.2", server.port);
    const resolve = new Map([[`many.invalid:${server.port}`, [slow.host, server.host]]]);
    await leavesNothing(async () => {
      const connection = await dial(endpointOf(server));
      connection.destroy();
      const winner = await dial({ host: "many.invalid", port: server.port, scheme: "tcp" }, { resolve });
      winner.destroy();
      await failureOf(dial(refusing));
      await failureOf(dial(endpointOf(silent), { connectTimeout: 60 }));
      await failureOf(dial(endpointOf(server, { tls: {} }), { connectTimeout: 60 }));
      const controller = new AbortController();
      const aborted = await dial(
        endpointOf(server),
        { idleTimeout: 1000, rateLimit: 100 },
        controller.signal,
      );
      aborted.on("data", () => undefined);
      aborted.write("x".repeat(1000));
      setTimeout(() => controller.abort(), 50);
      await endOf(aborted);
      const left = dial(endpointOf(silent), {}, AbortSignal.timeout(50));
      await failureOf(left);
    });
  });
});
