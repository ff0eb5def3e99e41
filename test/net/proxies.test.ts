import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import {
  type ProxyOptions,
  startHttpProxy,
  startSocksProxy,
  type TestProxy,
} from "../../fixtures/servers/proxy.js";
import {
  conversation,
  type Script,
  type ScriptedServer,
  script,
  scripted,
} from "../../fixtures/servers/scripted.js";
import { Dialer } from "../../src/net/dialer.js";
import { type ProxyServer, parseProxy } from "../../src/net/proxy/choose.js";
import { readAnswer } from "../../src/net/proxy/octets.js";
import type { NetworkSettings } from "../../src/net/settings.js";
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

let folder: string;
let caFile: string;
let good: TlsMaterial;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-proxies-"));
  good = await makeTlsMaterial();
  caFile = join(folder, "ca.pem");
  await writeFile(caFile, good.ca);
});
afterAll(() => rm(folder, { recursive: true }));

const HELLO = conversation(`
  S: hello
  C: bye
  S drop
`);

const SCHEMES = ["http", "https", "socks4a", "socks5", "socks5h"] as const;
type Scheme = (typeof SCHEMES)[number];

function startProxy(scheme: Scheme, options: ProxyOptions = {}): Promise<TestProxy> {
  if (scheme === "https") return startHttpProxy({ ...options, tls: good });
  return scheme === "http" ? startHttpProxy(options) : startSocksProxy(options);
}

function through(proxy: { url(scheme: string, rest?: string): string }, scheme: string, login?: string) {
  const url = login === undefined ? proxy.url(scheme) : proxy.url(scheme).replace("://", `://${login}@`);
  return { proxy: { url }, tls: { caFile } } satisfies Partial<NetworkSettings>;
}

describe.each(SCHEMES)("a tunnel through %s", (scheme) => {
  it("carries octets both ways, and half-closes", async () => {
    await using server = await scripted(
      script().sendLines("hello").expect("bye").eof().sendLines("adieu").drop(),
    );
    await using proxy = await startProxy(scheme);
    const connection = await dial(endpointOf(server), through(proxy, scheme));
    connection.end("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\nadieu\r\n");
    await server.done;
    expect(proxy.asked).toHaveLength(1);
    expect(proxy.asked[0]).toMatchObject({ host: "127.0.0.1", port: server.port });
    expect(connection.facts.proxy).toBe(`${scheme}://127.0.0.1:${proxy.port}`);
    // What leaves through a proxy leaves this machine, whatever the host's name.
    expect(connection.loopback).toBe(false);
  });

  it("carries TLS to the target, verified by the target's name", async () => {
    await using server = await scripted(HELLO, { tls: good });
    await using proxy = await startProxy(scheme);
    const endpoint = { host: "localhost", port: server.port, scheme: "tls", tls: {} };
    const resolve = new Map([[`localhost:${server.port}`, ["127.0.0.1"]]]);
    const connection = await dial(endpoint, { ...through(proxy, scheme), resolve });
    expect(connection.facts.tls).toMatchObject({ authorized: true, servername: "localhost" });
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    connection.destroy();
  });

  it("is upgraded in place", async () => {
    await using server = await scripted(
      conversation("C: STARTTLS\nS: 220 go ahead").startTls(good).sendLines("hello").drop(),
    );
    await using proxy = await startProxy(scheme);
    const connection = await dial(endpointOf(server), through(proxy, scheme));
    connection.write("STARTTLS\r\n");
    await new Promise((resolve) => connection.once("readable", resolve));
    expect(String(connection.read())).toBe("220 go ahead\r\n");
    await connection.startTls();
    expect(await textOf(connection)).toBe("hello\r\n");
    connection.destroy();
  });

  it("begins right after the answer, though both come in one packet", async () => {
    await using server = await scripted(HELLO);
    await using proxy = await startProxy(scheme, { first: "early\r\n" });
    const connection = await dial(endpointOf(server), through(proxy, scheme));
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("early\r\nhello\r\n");
    connection.destroy();
  });

  it("begins right after the answer, though that comes octet by octet", async () => {
    await using server = await scripted(HELLO);
    await using proxy = await startProxy(scheme, { slow: true, first: "early\r\n", ...withLogin(scheme) });
    const connection = await dial(endpointOf(server), through(proxy, scheme, "me:s%40crét%2F"));
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("early\r\nhello\r\n");
    connection.destroy();
  });

  it("is refused with exit status 4", async () => {
    await using proxy = await startProxy(scheme, { refuse: true });
    const error = await failureOf(
      dial({ host: "127.0.0.1", port: 9, scheme: "tcp" }, through(proxy, scheme)),
    );
    expect([error.code, error.exit, error.message]).toEqual([
      "connect",
      4,
      `the proxy ${scheme}://127.0.0.1:${proxy.port} does not connect to 127.0.0.1:9`,
    ]);
    const words = { http: "HTTP/1.1 403 Forbidden", socks4a: "code 91", socks5: "not allowed by its rules" };
    expect(error.reply).toBe(words[scheme === "https" ? "http" : scheme === "socks5h" ? "socks5" : scheme]);
  });

  it("is not there when the proxy cannot connect", async () => {
    await using proxy = await startProxy(scheme);
    await using gone = await scripted(HELLO);
    const { port } = gone;
    await gone.close();
    const error = await failureOf(dial({ host: "127.0.0.1", port, scheme: "tcp" }, through(proxy, scheme)));
    expect(error.code).toBe("connect");
    expect(error.message).toContain(`does not connect to 127.0.0.1:${port}`);
  });

  it("wants the right login", async () => {
    await using server = await scripted(HELLO);
    await using proxy = await startProxy(scheme, withLogin(scheme));
    const wrong = scheme === "socks4a" ? "you" : "me:wrong";
    const none = await failureOf(dial(endpointOf(server), through(proxy, scheme)));
    expect([none.code, none.exit, none.hint]).toEqual([
      "auth",
      7,
      "put user and password into the proxy's URL",
    ]);
    expect((await failureOf(dial(endpointOf(server), through(proxy, scheme, wrong)))).code).toBe("auth");
    const connection = await dial(endpointOf(server), through(proxy, scheme, "me:s%40cr%C3%A9t%2F"));
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    expect(proxy.asked.at(-1)).toMatchObject({ user: "me" });
    connection.destroy();
  });

  it("is not where nobody listens", async () => {
    await using gone = await startHttpProxy();
    await gone[Symbol.asyncDispose]();
    const error = await failureOf(dial({ host: "a.invalid", port: 1, scheme: "tcp" }, through(gone, scheme)));
    // The target's name is not looked up when the proxy is not there.
    const where = `127.0.0.1:${gone.port}`;
    expect([error.code, error.message]).toEqual([
      "connect",
      `the proxy ${scheme}://${where} is not reached: ${where}: connection refused`,
    ]);
  });

  it("leaves nothing open, whatever came of it", async () => {
    await leavesNothing(async () => {
      await using server = await scripted(HELLO);
      await using proxy = await startProxy(scheme);
      await using refusing = await startProxy(scheme, { refuse: true });
      await using silent = await scripted(script().drain(), { connections: 2 });
      const connection = await dial(endpointOf(server), through(proxy, scheme));
      connection.destroy();
      await endOf(connection);
      await failureOf(dial(endpointOf(server), through(refusing, scheme)));
      const settings = { ...through(silent, scheme), connectTimeout: 60 };
      expect((await failureOf(dial(endpointOf(server), settings))).code).toBe("timeout");
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      const aborted = dial(endpointOf(server), through(silent, scheme), controller.signal);
      expect((await failureOf(aborted)).code).toBe("aborted");
    });
  });
});

function withLogin(scheme: Scheme): ProxyOptions {
  return { login: { user: "me", password: scheme === "socks4a" ? "" : "s@crét/" } };
}

describe("a name", () => {
  it.each(["http", "https", "socks4a", "socks5h"] as const)(
    "is the proxy's to look up with %s",
    async (scheme) => {
      await using server = await scripted(HELLO);
      await using proxy = await startProxy(scheme, { hosts: { "inside.invalid": "127.0.0.1" } });
      const endpoint = { host: "inside.invalid", port: server.port, scheme: "tcp" };
      const connection = await dial(endpoint, through(proxy, scheme));
      connection.write("bye\r\n");
      expect(await textOf(connection)).toBe("hello\r\n");
      expect(proxy.asked[0]?.host).toBe("inside.invalid");
      connection.destroy();
    },
  );

  it("is looked up here with socks5", async () => {
    await using server = await scripted(HELLO);
    await using proxy = await startProxy("socks5", { hosts: { "inside.invalid": "127.0.0.1" } });
    const inside = { host: "inside.invalid", port: server.port, scheme: "tcp" };
    expect((await failureOf(dial(inside, through(proxy, "socks5")))).code).toBe("resolve");
    const resolve = new Map([[`inside.invalid:${server.port}`, ["127.0.0.1"]]]);
    const connection = await dial(inside, { ...through(proxy, "socks5"), resolve });
    expect(proxy.asked.map(({ host }) => host)).toEqual(["127.0.0.1"]);
    connection.destroy();
  });

  it("that is an address goes to SOCKS 4 and 5 as one", async () => {
    await using four = await scripted(HELLO);
    await using six = await scripted(HELLO, { host: "::1", connections: 2 });
    await using proxy = await startSocksProxy();
    for (const [server, scheme] of [
      [four, "socks4a"],
      [four, "socks5h"],
      [six, "socks5"],
      [six, "socks5h"],
    ] as const) {
      const connection = await dial(endpointOf(server), through(proxy, scheme));
      connection.destroy();
    }
    expect(proxy.asked.map(({ way, host }) => [way, host])).toEqual([
      ["socks4", "127.0.0.1"],
      ["socks5", "127.0.0.1"],
      ["socks5", "0:0:0:0:0:0:0:1"],
      ["socks5", "0:0:0:0:0:0:0:1"],
    ]);
  });

  it("that is an IPv6 address is beyond SOCKS 4", async () => {
    await using proxy = await startSocksProxy();
    const error = await failureOf(
      dial({ host: "2001:db8::1", port: 1, scheme: "tcp" }, through(proxy, "socks4a")),
    );
    expect([error.code, error.message, error.hint]).toEqual([
      "usage",
      "SOCKS 4 knows no IPv6 addresses, and 2001:db8::1 is one",
      "use a socks5 proxy",
    ]);
  });

  it("that is an IPv6 address stands in brackets in CONNECT", async () => {
    await using proxy = await scripted(
      conversation(`
        C: CONNECT [2001:db8::1]:443 HTTP/1.1
        C: Host: [2001:db8::1]:443
        C:
        S: HTTP/1.1 200 OK
        S:
        S: hello
        S drop
      `),
    );
    const connection = await dial(
      { host: "2001:db8::1", port: 443, scheme: "https" },
      through(proxy, "http"),
    );
    expect(await textOf(connection)).toBe("hello\r\n");
    await proxy.done;
    connection.destroy();
  });

  it("too long for SOCKS 5 is refused before it is sent", async () => {
    await using proxy = await startSocksProxy();
    const endpoint = { host: `${"a".repeat(256)}.invalid`, port: 1, scheme: "tcp" };
    expect((await failureOf(dial(endpoint, through(proxy, "socks5h")))).code).toBe("usage");
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    ["2001:db8::", "2001:db8:0:0:0:0:0:0"],
    ["::ffff:192.0.2.1", "0:0:0:0:0:ffff:c000:201"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["::", "0:0:0:0:0:0:0:0"],
    ["fe80::1%lo", "fe80:0:0:0:0:0:0:1"],
  ])("%s goes to SOCKS 5 as its sixteen octets", async (host, groups) => {
    await using proxy = await startSocksProxy({ refuse: true });
    await failureOf(dial({ host, port: 1, scheme: "tcp" }, through(proxy, "socks5h")));
    expect(proxy.asked[0]?.host).toBe(groups);
  });
});

describe("an answer cut anywhere", () => {
  const CONNECTED = "HTTP/1.1 200 Connection established\r\nVia: 1.1 cut\r\n\r\n";
  const TARGET = { host: "a.invalid", port: 25, scheme: "tcp" };

  it("opens the tunnel all the same", async () => {
    const cuts = Array.from({ length: CONNECTED.length - 1 }, (_, at) => at + 1);
    const plays = cuts.map((cut) =>
      script().expectUntil("\r\n\r\n").sendCut(`${CONNECTED}hello`, [cut]).drop(),
    );
    await using proxy = await scripted(plays);
    for (const cut of cuts) {
      const connection = await dial(TARGET, through(proxy, "http"));
      expect(await textOf(connection), `cut at ${cut}`).toBe("hello");
      connection.destroy();
    }
    await proxy.done;
  });

  it.each([
    ["socks4a", [8, 90, 0, 0, 0, 0, 0, 0].with(0, 0), [] as number[]],
    ["socks5h", [5, 0, 0, 1, 1, 2, 3, 4, 0, 80], [5, 0]],
    ["socks5h", [5, 0, 0, 3, 4, 104, 111, 115, 116, 0, 80], [5, 0]],
    ["socks5h", [5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80], [5, 0]],
  ] as const)("opens a %s tunnel all the same: %j", async (scheme, reply, choice) => {
    const greeting =
      choice.length === 0
        ? script()
        : script()
            .expect(Buffer.of(5, 1, 0))
            .send(Buffer.from(choice));
    const octets = Buffer.concat([Buffer.from(reply), Buffer.from("hello")]);
    const cuts = Array.from({ length: octets.length - 1 }, (_, at) => at + 1);
    const request = scheme === "socks4a" ? /a\.invalid\0$/ : undefined;
    const ask =
      request === undefined
        ? script().call(async (client) => void (await client.readBytes(16)))
        : script().expectUntil("invalid\0");
    await using proxy = await scripted(cuts.map((cut) => greeting.and(ask).sendCut(octets, [cut]).drop()));
    for (const cut of cuts) {
      const connection = await dial(TARGET, through(proxy, scheme));
      expect(await textOf(connection), `cut at ${cut}`).toBe("hello");
      connection.destroy();
    }
    await proxy.done;
  });

  it.each(["http", "socks4a", "socks5h"] as const)("and ended there fails, for %s", async (scheme) => {
    const [first, ask, answer]: readonly [Script, number, Buffer] =
      scheme === "http"
        ? [script(), 20, Buffer.from(CONNECTED)]
        : scheme === "socks4a"
          ? [script(), 9, Buffer.of(0, 90, 0, 0, 0, 0, 0, 0)]
          : [
              script()
                .expect(Buffer.of(5, 1, 0))
                .send(Buffer.of(5, 0)),
              16,
              Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0),
            ];
    const cuts = Array.from({ length: answer.length }, (_, at) => at);
    const plays = cuts.map((cut) =>
      first
        .call(async (client) => void (await client.readBytes(ask)))
        .send(answer.subarray(0, cut))
        .drop(),
    );
    await using proxy = await scripted(plays);
    for (const cut of cuts) {
      const error = await failureOf(dial(TARGET, { ...through(proxy, scheme), connectTimeout: 3000 }));
      expect([cut, error.code, error.message]).toEqual([
        cut,
        "connect",
        `the proxy ${scheme}://127.0.0.1:${proxy.port} closed the connection`,
      ]);
    }
  });
});

describe("a proxy that is none", () => {
  const TARGET = { host: "a.invalid", port: 25, scheme: "tcp" };

  it.each([
    ["SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"],
    ["220 mail.example ESMTP\r\n", "220 mail.example ESMTP"],
    ["\u0005\u00ff", "\u0005\u00ff"],
    ["HTTP/2 200\r\n\r\n", "HTTP/2 200"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 2000 OK"],
    ["HTTP/1.1 \r\n\r\n", "HTTP/1.1 "],
  ])("answers CONNECT with %j: exit status 11, without waiting", async (answer, reply) => {
    await using proxy = await scripted(
      script().expectUntil("\r\n\r\n").send(Buffer.from(answer, "latin1")).drain(),
    );
    const error = await failureOf(dial(TARGET, { ...through(proxy, "http"), connectTimeout: 3000 }));
    expect([error.code, error.exit, error.reply]).toEqual(["protocol", 11, reply]);
    expect(error.message).toBe(`the proxy http://127.0.0.1:${proxy.port} does not answer in HTTP`);
  });

  it("says nothing: the wait ends, and it is named", async () => {
    await using proxy = await scripted(script().drain());
    const error = await failureOf(dial(TARGET, { ...through(proxy, "socks5h"), connectTimeout: 150 }));
    expect([error.code, error.message]).toEqual([
      "timeout",
      `a.invalid:25, through the proxy socks5h://127.0.0.1:${proxy.port}: no connection within 0.15 s`,
    ]);
  });

  it("answers CONNECT with a head that does not end", async () => {
    await using proxy = await scripted(
      script()
        .expectUntil("\r\n\r\n")
        .send("HTTP/1.1 200 OK\r\n")
        .flood(1024 * 1024, "X-Filler: x\r\n"),
    );
    const error = await failureOf(dial(TARGET, through(proxy, "http")));
    expect([error.code, error.message]).toEqual([
      "protocol",
      `the proxy http://127.0.0.1:${proxy.port} answers without end`,
    ]);
  });

  it.each([
    ["socks5h", "HTTP/1.1 400 Bad Request\r\n\r\n", "5"],
    ["socks4a", "HTTP/1.1 400 Bad Request\r\n\r\n", "4"],
  ])("answers %s in HTTP", async (scheme, answer, version) => {
    await using proxy = await scripted(
      script()
        .call(async (client) => void (await client.readBytes(3)))
        .send(answer)
        .drain(),
    );
    const error = await failureOf(dial(TARGET, through(proxy, scheme)));
    expect([error.code, error.message, error.hint]).toEqual([
      "protocol",
      `the proxy ${scheme}://127.0.0.1:${proxy.port} does not speak SOCKS ${version}`,
      "is it an HTTP proxy? then write http://",
    ]);
  });

  it.each([
    ["a login that was not offered", [[5, 2]], "chose a login method that was not offered"],
    ["a method that there is not", [[5, 9]], "chose a login method that was not offered"],
    [
      "a version that there is not",
      [
        [5, 0],
        [4, 0, 0, 1],
      ],
      "does not speak SOCKS 5",
    ],
    [
      "an address of no known type",
      [
        [5, 0],
        [5, 0, 0, 9, 1],
      ],
      "answers with an address of no known type",
    ],
  ] as const)("asks for %s in SOCKS 5", async (_what, answers, words) => {
    const [choice = [], reply = []] = answers as readonly (readonly number[])[];
    await using proxy = await scripted(
      script()
        .expect(Buffer.of(5, 1, 0))
        .send(Buffer.from(choice))
        .call(async (client) => void (await client.readBytes(1)))
        .send(Buffer.from(reply))
        .drain(),
    );
    const error = await failureOf(dial(TARGET, { ...through(proxy, "socks5h"), connectTimeout: 3000 }));
    expect([error.code, error.message]).toEqual([
      "protocol",
      `the proxy socks5h://127.0.0.1:${proxy.port} ${words}`,
    ]);
  });

  it("refuses in SOCKS 5 in one of its words, or with a code of its own", async () => {
    for (const [code, words] of [
      [4, "host unreachable"],
      [6, "TTL expired"],
      [200, "code 200"],
    ] as const) {
      await using proxy = await scripted(
        script()
          .expect(Buffer.of(5, 1, 0))
          .send(Buffer.of(5, 0))
          .call(async (client) => void (await client.readBytes(16)))
          .send(Buffer.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0))
          .drain(),
      );
      const error = await failureOf(dial(TARGET, through(proxy, "socks5h")));
      expect([error.code, error.reply]).toEqual(["connect", words]);
    }
  });

  it("closes or resets at once", async () => {
    for (const play of [script().drop(), script().truncate(), script().reset()]) {
      for (const scheme of SCHEMES) {
        await using proxy = await scripted(play);
        const error = await failureOf(
          dial({ ...TARGET, host: "127.0.0.1" }, { ...through(proxy, scheme), connectTimeout: 3000 }),
        );
        expect(scheme === "https" ? ["tls", "connect"] : ["connect"]).toContain(error.code);
      }
    }
  });
});

describe("a proxy that has gone before it is listened to", () => {
  const server: ProxyServer = parseProxy("http://p:1", "--proxy");

  it.each([
    ["ended", script().drop()],
    ["reset", script().reset()],
  ])("because it %s is not waited for", async (how, play) => {
    await using proxy = await scripted(play);
    const socket = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true });
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once(how === "ended" ? "end" : "close", resolve));
    const error = await failureOf(readAnswer(socket, server, NEVER, () => 2));
    expect([error.code, error.message]).toEqual(["connect", "the proxy http://p:1 closed the connection"]);
    socket.destroy();
  });
});

describe("an HTTP proxy", () => {
  it("may answer with interim heads first (RFC 9110, 15.2), and with bare line feeds", async () => {
    await using proxy = await scripted(
      script()
        .expectUntil("\r\n\r\n")
        .send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 200 OK\nVia: y\n\nhello\r\n\r\nmore")
        .drop(),
    );
    const connection = await dial({ host: "a.invalid", port: 1, scheme: "tcp" }, through(proxy, "http"));
    expect(await textOf(connection)).toBe("hello\r\n\r\nmore");
    connection.destroy();
  });

  it("is shown the login only when its URL has one", async () => {
    await using proxy = await scripted(
      conversation(`
        C: CONNECT a.invalid:25 HTTP/1.1
        C: Host: a.invalid:25
        C: Proxy-Authorization: Basic bWU6c0BjcmV0
        C:
        S: HTTP/1.1 407 Proxy Authentication Required
        S:
      `),
    );
    const error = await failureOf(
      dial({ host: "a.invalid", port: 25, scheme: "smtp" }, through(proxy, "http", "me:s%40cret")),
    );
    await proxy.done;
    expect([error.code, error.message, error.reply, error.hint]).toEqual([
      "auth",
      `the proxy http://127.0.0.1:${proxy.port} refused user and password`,
      "HTTP/1.1 407 Proxy Authentication Required",
      undefined,
    ]);
  });

  it("refuses a login by 401, as tinyproxy does", async () => {
    const refusal = 'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="Tinyproxy"\r\n\r\n';
    await using proxy = await scripted(script().expectUntil("\r\n\r\n").send(refusal).drop());
    const target = { host: "a.invalid", port: 25, scheme: "smtp" };
    const error = await failureOf(dial(target, through(proxy, "http", "me:wrong")));
    expect([error.code, error.exit, error.message]).toEqual([
      "auth",
      7,
      `the proxy http://127.0.0.1:${proxy.port} refused user and password`,
    ]);
  });

  it("is addressed by a caller that can do so itself", async () => {
    await using page = await scripted(
      script()
        .expect("GET /x?y=1 HTTP/1.1")
        .expectUntil("\r\n\r\n")
        .send("HTTP/1.1 204 No Content\r\n\r\n")
        .drop(),
    );
    await using proxy = await startHttpProxy({ login: { user: "me", password: "pw" } });
    const dialer = new Dialer(through(proxy, "http", "me:pw"));
    const endpoint = { ...endpointOf(page), scheme: "http", forwardsThroughProxy: true };
    const asking = { method: "GET", uri: "/" };
    expect(dialer.forwardProxy(endpoint)?.authorization(asking)).toBe("Basic bWU6cHc=");
    const connection = await dialer.dial(endpoint, NEVER);
    connection.write(
      `GET http://127.0.0.1:${page.port}/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n`,
    );
    expect(await textOf(connection)).toBe("HTTP/1.1 204 No Content\r\n\r\n");
    expect(proxy.asked).toEqual([
      { way: "forward", host: "127.0.0.1", port: page.port, user: "me", password: "pw" },
    ]);
    await page.done;
    connection.destroy();
  });

  it("is none for a caller when there is no proxy, or one that is not HTTP", () => {
    const endpoint = { host: "a.invalid", port: 80, scheme: "http", forwardsThroughProxy: true };
    expect(new Dialer().forwardProxy(endpoint)).toBeUndefined();
    expect(new Dialer({ proxy: { url: "socks5://p" } }).forwardProxy(endpoint)).toBeUndefined();
    const open = new Dialer({ proxy: { url: "http://p" } }).forwardProxy(endpoint);
    expect(open?.authorization({ method: "GET", uri: "/" })).toBeUndefined();
  });
});

describe("an HTTP proxy that wants a digest", () => {
  const TARGET = { host: "a.invalid", port: 25, scheme: "smtp" };
  const REFUSAL = "HTTP/1.1 407 Proxy Authentication Required\r\n";
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");
  const nothing = "Content-Length: 0\r\n\r\n";
  const refusing = (challenge: string) =>
    script().expectUntil("\r\n\r\n").send(`${REFUSAL}Proxy-Authenticate: ${challenge}\r\n${nothing}`).drop();
  const opening = script().expectUntil("\r\n\r\n").send("HTTP/1.1 200 OK\r\n\r\n").sendLines("hello").drop();

  function fieldsOf(server: ScriptedServer): Record<string, string>[] {
    return server.lines
      .filter((line) => /^proxy-authorization: digest /i.test(line))
      .map((line) => Object.fromEntries([...line.matchAll(/(\w+)="?([^",]*)"?/g)].map((m) => [m[1], m[2]])));
  }

  it("gets one, on another connection, and the next time at once", async () => {
    await using proxy = await scripted([
      refusing('Digest realm="r", qop="auth", nonce="n1", algorithm=MD5'),
      opening,
      opening,
    ]);
    const dialer = new Dialer(through(proxy, "http", "me:s%40cret"));
    for (const count of [1, 2]) {
      const connection = await dialer.dial(TARGET, NEVER);
      expect(await textOf(connection)).toBe("hello\r\n");
      connection.destroy();
      const fields = fieldsOf(proxy);
      expect(fields).toHaveLength(count);
      const { username, nonce, nc, cnonce, uri, response } = fields[count - 1] ?? {};
      expect([username, nonce, nc, uri]).toEqual(["me", "n1", `0000000${count}`, "a.invalid:25"]);
      const [a1, a2] = [md5("me:r:s@cret"), md5("CONNECT:a.invalid:25")];
      expect(response).toBe(md5(`${a1}:n1:${nc}:${cnonce}:auth:${a2}`));
    }
  });

  it("by the stronger of two hashes, and never with the password in clear when --proxy-auth digest says so", async () => {
    await using proxy = await scripted([
      refusing(
        'Digest realm="r", nonce="n1", algorithm=MD5, Digest realm="r", nonce="n2", algorithm=SHA-256',
      ),
      opening,
    ]);
    const settings = through(proxy, "http", "me:pw");
    const connection = await dial(TARGET, { ...settings, proxy: { ...settings.proxy, login: "digest" } });
    connection.destroy();
    expect(fieldsOf(proxy)).toMatchObject([{ algorithm: "SHA-256", nonce: "n2" }]);
    expect(proxy.received.toString()).not.toContain("Basic");
  });

  it("gets another one when the nonce has become stale, and no third when it stays so", async () => {
    const stale = (nonce: string) => refusing(`Digest realm="r", nonce="${nonce}", stale=TRUE`);
    await using proxy = await scripted([stale("n1"), stale("n2"), opening]);
    (await dial(TARGET, through(proxy, "http", "me:pw"))).destroy();
    expect(fieldsOf(proxy).map(({ nonce }) => nonce)).toEqual(["n1", "n2"]);

    await using endless = await scripted([stale("1"), stale("2"), stale("3"), stale("4")]);
    const error = await failureOf(dial(TARGET, through(endless, "http", "me:pw")));
    expect([error.code, error.message]).toEqual([
      "auth",
      `the proxy http://127.0.0.1:${endless.port} refuses one login after the other`,
    ]);
    expect(endless.connections).toHaveLength(3);
  });

  it.each([
    ["the digest is wrong", "me:pw", 'Digest realm="r", nonce="n"', "refused user and password"],
    ["Basic went ahead and was offered", "me:pw", 'Basic realm="r", Digest realm="r", nonce="n"', "refused"],
    ["its hash is not known", "me:pw", 'Digest realm="r", nonce="n", algorithm=TIGER', "refused"],
    ["nobody is named", undefined, 'Digest realm="r", nonce="n"', "wants a login"],
  ])("refuses when %s", async (_when, login, challenge, words) => {
    await using proxy = await scripted([refusing(challenge), refusing(challenge)]);
    const error = await failureOf(dial(TARGET, through(proxy, "http", login)));
    expect([error.code, error.exit]).toEqual(["auth", 7]);
    expect(error.message).toContain(words);
  });
});

describe("an https proxy", () => {
  it("must have a good certificate of its own", async () => {
    await using proxy = await startHttpProxy({ tls: await makeTlsMaterial("expired") });
    const error = await failureOf(
      dial({ host: "a.invalid", port: 1, scheme: "tcp" }, through(proxy, "https")),
    );
    expect([error.code, error.message]).toEqual([
      "tls",
      `127.0.0.1:${proxy.port}: the certificate has expired`,
    ]);
  });

  it("is not asked for the name of --sni", async () => {
    await using server = await scripted(HELLO, { tls: await makeTlsMaterial("wrong-name") });
    await using proxy = await startProxy("https");
    const settings = through(proxy, "https");
    const connection = await dial(endpointOf(server, { tls: {} }), {
      ...settings,
      tls: { ...settings.tls, servername: "elsewhere.example" },
    });
    expect(connection.facts.tls?.servername).toBe("elsewhere.example");
    connection.destroy();
  });
});

describe("the transcript of a proxied dial", () => {
  it("names the proxy without its password", async () => {
    await using server = await scripted(HELLO);
    await using proxy = await startHttpProxy({ login: { user: "me", password: "hunter22" } });
    const { dialer, seen } = watchedDialer(through(proxy, "http", "me:hunter22"));
    const connection = await dialer.dial(endpointOf(server), NEVER);
    connection.write("hunter22 bye\r\n");
    await textOf(connection).catch(() => undefined);
    connection.destroy();
    expect(seen.slice(0, 3)).toEqual([
      "N: connected to 127.0.0.1",
      `N: through the proxy http://127.0.0.1:${proxy.port}`,
      "C: [masked] bye\r\n",
    ]);
    expect(seen.join("")).not.toContain("hunter22");
  });
});
