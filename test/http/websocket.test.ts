import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { VERB_METHODS } from "../../src/plugin.js";
import { answered, asked, sent, withSession } from "./over-client.js";
import { perform } from "./performed.js";

describe("a WebSocket", () => {
  let sandbox: Sandbox;
  let url = "";
  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["http"] });
    url = `${sandbox.url("http").replace("http", "ws")}ws`;
  });
  afterAll(() => sandbox.close());

  it("sends lines, prints messages, and closes when all is said", async () => {
    const stdin = Readable.from([Buffer.from("hel"), Buffer.from("lo\r\nGrüße\nlast")]);
    const { text: told, failure } = await perform("ws", [url], { settle: 0.2 }, { stdin });
    expect(failure).toBeUndefined();
    expect(told).toBe("hello\nGrüße\nlast\n");
  });

  it("sends what --send says, as objects with --json, binary with --binary", async () => {
    const options = { send: ["a", "b"], settle: 0.2, json: true };
    const { records } = await perform("ws", [url], options);
    expect(records.map(({ event, text }) => [event, text])).toEqual([
      ["message", "a"],
      ["message", "b"],
    ]);
    const binary = await perform("ws", [url], { ...options, binary: true });
    expect(binary.records.map(({ base64 }) => base64)).toEqual(["YQ==", "Yg=="]);
  });

  it("listens until the server closes", async () => {
    const { text: told, failure } = await perform("ws", [`${url}?count=200&close=1000`], { listen: true });
    expect(failure).toBeUndefined();
    expect(told.split("\n")).toHaveLength(201);
    const busy = await perform("ws", [`${url}?close=1013`], { listen: true });
    expect(busy.failure).toMatchObject({
      code: "busy",
      message: "the server closed with 1013",
      reply: "as you wished",
    });
  });

  it("through TLS, by its http name too", async () => {
    const secure = `${sandbox.url("https").replace("https", "wss")}ws`;
    const network = { tls: { insecure: true } };
    expect((await perform("ws", [secure], { send: ["x"], settle: 0.2 }, { network })).text).toBe("x\n");
    expect((await perform("ws", [secure], { send: ["x"] })).failure).toMatchObject({ code: "tls" });
    expect((await perform("ws", [url.replace("ws", "http")], { send: ["x"], settle: 0.2 })).text).toBe("x\n");
  });

  it("takes the user's headers and login along", async () => {
    await using server = await scripted(asked().and(answered("403 Forbidden")).drain());
    const { failure } = await perform("ws", [server.url("ws", "/chat").replace("//", "//me:pw@")], {
      header: ["X-Key: 1", "Origin: https://example.org"],
      subprotocol: ["chat"],
    });
    expect(failure).toMatchObject({ code: "refused", reply: "403 Forbidden" });
    expect(sent(server, "x-key")).toEqual(["1"]);
    expect(sent(server, "origin")).toEqual(["https://example.org"]);
    expect(sent(server, "authorization")).toEqual(["Basic bWU6cHc="]);
    expect(sent(server, "sec-websocket-protocol")).toEqual(["chat"]);
    expect(sent(server, "host")).toEqual([`127.0.0.1:${server.port}`]);
  });

  it.each([["a place without one", "/lost", { code: "missing" }]])(
    "says what it met: %s",
    async (_what, path, failure) => {
      const met = await perform("ws", [url.replace("/ws", path).replace("ws:", "http:")], { send: ["x"] });
      expect(met.failure).toMatchObject(failure);
    },
  );

  it.each([
    ["the wrong key", "Sec-WebSocket-Accept: x", /Sec-WebSocket-Accept/],
    ["another upgrade", "Upgrade: lamp", /Upgrade/],
  ])("trusts no server with %s", async (_what, header, words) => {
    const upgrade = header.startsWith("Upgrade") ? [] : ["Upgrade: websocket"];
    const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", ...upgrade, header];
    await using server = await scripted(
      asked()
        .send(`${lines.join("\r\n")}\r\n\r\n`)
        .drain(),
    );
    const { failure } = await perform("ws", [server.url("ws", "/")], { send: ["x"] });
    expect(failure).toMatchObject({ code: "protocol", message: expect.stringMatching(words) });
  });

  it("says that a page is none", async () => {
    await using server = await scripted(
      asked()
        .and(answered("200 OK", [], "a page"))
        .drain(),
    );
    expect((await perform("ws", [server.url("ws", "/")], { send: ["x"] })).failure).toMatchObject({
      code: "refused",
      message: "the server does not speak WebSocket there",
      reply: "200 OK",
    });
  });

  it("refuses too many words, and names that are none", async () => {
    expect((await perform("ws", [])).failure).toMatchObject({ code: "usage" });
    expect((await perform("ws", [url, "x"])).failure).toMatchObject({ code: "usage" });
    expect((await perform("ws", [url], { subprotocol: ["a b"] })).failure).toMatchObject({ code: "usage" });
  });

  describe("as a URL of its own", () => {
    it("can do what its scheme says, and nothing else", async () => {
      const client = new Client();
      const target = client.target(url);
      expect(() => client.require(target, "get", ["get"])).toThrow("get is not for ws:");
      await client.use(target, async (session) => {
        const methods = Object.entries(VERB_METHODS).filter(([, method]) => session[method] !== undefined);
        expect(methods.map(([verb]) => verb)).toEqual(client.verbsOf(target));
      });
    });

    it("is watched message by message", async () => {
      const events = await withSession(`${url}?count=3&close=1000`, async (session) => {
        const seen: (string | undefined)[] = [];
        for await (const { event, text } of session.watch?.("/ws") ?? []) seen.push(`${event} ${text}`);
        return seen;
      });
      expect(events).toEqual(["data word 1", "data word 2", "data word 3"]);
      const refused = withSession(`${url}?close=4001`, async (session) => {
        for await (const _event of session.watch?.("/ws") ?? []);
      });
      await expect(refused).rejects.toMatchObject({ code: "refused", reply: "as you wished" });
    });

    it("is checked by its handshake", async () => {
      const steps = await withSession(url, async (session) => {
        const seen: string[] = [];
        for await (const { step, detail } of session.check?.() ?? []) seen.push(`${step}: ${detail}`);
        return seen;
      });
      expect(steps).toEqual(["roundtrip: a WebSocket"]);
      const lost = withSession(url.replace(/ws$/, "lost"), async (session) => {
        for await (const _step of session.check?.() ?? []);
      });
      await expect(lost).rejects.toMatchObject({ code: "missing", url: url.replace(/ws$/, "lost") });
    });

    it("is talked to in lines, however they are cut", async () => {
      await withSession(url, async (session) => {
        const stream = await session.interact?.();
        if (stream === undefined) throw new Error("nobody to talk to");
        for (const piece of ["on", "e\r\ntwo\nth"]) stream.write(piece);
        stream.end("ree");
        expect(await text(stream)).toBe("one\ntwo\nthree\n");
      });
    });
  });
});
