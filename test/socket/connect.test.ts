import { createSocket } from "node:dgram";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { isManyfold } from "../../protocols/socket/address.js";
import { Client } from "../../src/client.js";
import { perform, steps } from "./performed.js";

describe("the simple client", () => {
  it("prints what comes until the peer closes", async () => {
    await using server = await scripted(script().send("Thank you for connecting").drop());
    const { text } = await perform("socket", "connect", [server.url("tcp")]);
    expect(text).toBe("Thank you for connecting");
  });

  it("connects to this machine when the URL names no host, and by a service's name", async () => {
    await using server = await scripted(script().send("here").drop());
    expect((await perform("socket", "connect", [`tcp://:${server.port}`])).text).toBe("here");
    await expect(perform("socket", "connect", ["tcp://127.0.0.1:no-such-service"])).rejects.toMatchObject({
      code: "usage",
      message: "no service is named 'no-such-service'",
    });
    // A name of /etc/services stands for its number; nobody listens at tcpmux.
    await expect(perform("socket", "connect", ["tcp://127.0.0.1:telnet"])).rejects.toMatchObject({
      code: "connect",
      message: expect.stringContaining("127.0.0.1:23"),
    });
  });

  it.each([
    ["255.255.255.255", true],
    ["192.0.2.255", true],
    ["239.1.2.3", true],
    ["ff02::1", true],
    ["ff.example", false],
    ["230.example", false],
    ["192.0.2.2", false],
    ["fe80::ff", false],
  ])("knows whether %s is many", (host, many) => {
    expect(isManyfold(host)).toBe(many);
  });

  it("says what is amiss with an address of one link", async () => {
    await expect(perform("socket", "connect", ["tcp://[fe80::1%25nosuch]:9"])).rejects.toMatchObject({
      code: "connect",
      message: "[fe80::1%nosuch]:9: no interface is named 'nosuch' here",
      hint: expect.stringMatching(/^there are .*lo/),
    });
    await expect(perform("socket", "connect", ["tcp://[fe80::1]:9"])).rejects.toMatchObject({
      code: "connect",
      message: "[fe80::1]:9: which interface does this address lie on?",
      hint: expect.not.stringContaining("%lo]"),
    });
  });

  it("sends a text, says that no more will come, and prints the answer", async () => {
    await using server = await scripted(script().expect(Buffer.from("hello")).eof().send("and hello").drop());
    const { text } = await perform("socket", "connect", [server.url("tcp")], steps("send=hello"));
    await server.done;
    expect(text).toBe("and hello");
  });

  it("sends standard input", async () => {
    await using server = await scripted(script().expect(Buffer.from("a line\r\n")).eof().send("done").drop());
    const stdin = Readable.from([Buffer.from("a li"), Buffer.from("ne\n")]);
    const { text } = await perform("socket", "connect", [server.url("tcp")], { crlf: true }, { stdin });
    await server.done;
    expect(text).toBe("done");
  });

  it("ends with its peer, even when standard input does not", async () => {
    await using server = await scripted(script().send("bye").drop());
    const { text } = await perform(
      "socket",
      "connect",
      [server.url("tcp")],
      {},
      { stdin: new PassThrough() },
    );
    expect(text).toBe("bye");
  });

  it.each([
    [{ escapes: true }, "a\\r\\n\\x41\\\\", "a\r\nA\\"],
    [{ crlf: true }, "a", "a\r\n"],
    [{ hex: true }, "48 65:6C 0x6c6F", "Hello"],
    [{}, "a\\r\\n", "a\\r\\n"],
  ])("sends text with %j: %s", async (options, text, sent) => {
    await using server = await scripted(script().expect(Buffer.from(sent)).eof().drop());
    await perform("socket", "connect", [server.url("tcp")], { ...options, ...steps(`send=${text}`) });
    await server.done;
  });

  it("shows a hex dump", async () => {
    const octets = Buffer.from("Thank you for \x01\xff", "latin1");
    await using server = await scripted(script().send(octets).drop());
    const { text } = await perform("socket", "connect", [server.url("tcp")], { hex: true });
    expect(text).toBe("00000000  54 68 61 6e 6b 20 79 6f  75 20 66 6f 72 20 01 ff  |Thank you for ..|\n");
  });

  it("tells events with --json", async () => {
    await using server = await scripted(script().send("hi").drop());
    const { records } = await perform("socket", "connect", [server.url("tcp")], { json: true });
    expect(records).toMatchObject([
      { event: "connected", address: "127.0.0.1", port: server.port, localAddress: "127.0.0.1" },
      { event: "data", size: 2, text: "hi" },
      { event: "closed", received: 2, sent: 0 },
    ]);
  });

  it("speaks TLS", async () => {
    const tls = await makeTlsMaterial();
    await using server = await scripted(script().send("secret").drop(), { tls });
    await expect(perform("socket", "connect", [server.url("tls")])).rejects.toMatchObject({
      code: "tls",
      exit: 5,
    });
    const settings = { network: { tls: { insecure: true } } };
    await using other = await scripted(script().send("secret").drop(), { tls });
    expect((await perform("socket", "connect", [other.url("tls")], {}, { settings })).text).toBe("secret");
  });

  it.each(["connect", "send", "listen"])("looks for --file before it troubles anybody: %s", async (name) => {
    const file = "/nonexistent/file";
    await expect(perform("socket", name, ["tcp://127.0.0.1:1"], { file })).rejects.toMatchObject({
      exit: 12,
    });
  });

  it("refuses what cannot be", async () => {
    for (const [words, code] of [
      [[], "usage"],
      [["tcp://localhost"], "usage"],
      [["tcp://127.0.0.1:1"], "connect"],
      [["unix:/nonexistent/socket"], "connect"],
      [["tcp://a:1", "tcp://b:1"], "usage"],
    ] as const) {
      await expect(perform("socket", "connect", words)).rejects.toMatchObject({ code });
    }
    await expect(
      perform("socket", "connect", ["tcp://127.0.0.1:9"], { hex: true, ...steps("send=xyz") }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^(?:usage|connect)$/) });
  });
});

describe("--expect and --send", () => {
  it("take turns, in the order given", async () => {
    await using server = await scripted(
      script()
        .send("login: ")
        .expect(Buffer.from("keeper\n"))
        .send("password: ")
        .expect(Buffer.from("light\n"))
        .send("welcome")
        .drain(),
    );
    const { text } = await perform("socket", "connect", [server.url("tcp")], {
      escapes: true,
      ...steps("expect=login:", "send=keeper\\n", "expect=/pass\\w+:/", "send=light\\n", "expect=come"),
    });
    expect(text).toBe("login: password: welcome");
  });

  it("are read before the peer is troubled", async () => {
    await using server = await scripted(script().drop());
    await expect(
      perform("socket", "connect", [server.url("tcp")], steps("send=a", "expect=/(/")),
    ).rejects.toMatchObject({ code: "usage" });
    await expect(
      perform("socket", "connect", [server.url("tcp")], { file: "/nonexistent/file" }),
    ).rejects.toMatchObject({ code: "local" });
    expect(server.connections.length).toBe(0);
  });

  it("name the step that did not come about", async () => {
    await using server = await scripted(script().send("one\ntwo").drain());
    await expect(
      perform("socket", "connect", [server.url("tcp")], {
        timeout: 0.2,
        ...steps("expect=one", "expect=three"),
      }),
    ).rejects.toMatchObject({
      code: "timeout",
      exit: 6,
      message: "step 2 of 2: 'three' did not come within 0.2 s",
      reply: "two",
    });
    await using other = await scripted(script().send("one").drop());
    await expect(
      perform("socket", "connect", [other.url("tcp")], { timeout: 5, ...steps("expect=three") }),
    ).rejects.toMatchObject({ code: "connect", reply: "one" });
  });

  it("refuse a pattern that would run for ever", async () => {
    await using server = await scripted(
      script()
        .send(`${"a".repeat(40)}!`)
        .drain(),
    );
    await expect(
      perform("socket", "connect", [server.url("tcp")], { timeout: 5, ...steps("expect=/^(a+)+$/") }),
    ).rejects.toMatchObject({ code: "usage", message: "/^(a+)+$/ takes too long" });
  });
});

describe("datagrams", () => {
  it("are sent, and answers printed until there is a silence", async () => {
    const server = createSocket("udp4");
    server.on("message", (octets, { port, address }) => {
      server.send(`you said ${octets.toString()}; `, port, address);
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    const url = `udp://127.0.0.1:${server.address().port}`;
    const { text } = await perform("socket", "connect", [url], { settle: 0.2, ...steps("send=a", "send=b") });
    expect(text).toBe("you said a; you said b; ");
    server.close();
  });

  it("of a session end with a silence, when all is said", async () => {
    const server = createSocket("udp4");
    server.on("message", (octets, { port, address }) => server.send(octets, port, address));
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    const client = new Client();
    const session = await client.open(client.target(`udp://127.0.0.1:${server.address().port}`));
    const stream = await session.interact?.();
    stream?.end("hello");
    expect(await textOf(stream ?? Readable.from([]))).toBe("hello");
    await session[Symbol.asyncDispose]();
    server.close();
  });
});
