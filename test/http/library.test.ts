import { buffer, json } from "node:stream/consumers";
import { ReadableStream } from "node:stream/web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { scripted } from "../../fixtures/servers/scripted.js";
import { request } from "../../protocols/http/library.js";
import { Client } from "../../src/client.js";
import { asked, sent } from "./over-client.js";

describe("request()", () => {
  let sandbox: Sandbox;
  let base = "";
  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["http"] });
    base = sandbox.url("http").replace(/\/$/, "");
  });
  afterAll(() => sandbox.close());

  it("asks by any method, with headers and a body of text, octets, JSON or a stream", async () => {
    const client = new Client();
    const bodies = [
      [{ body: "Grüße" }, "Grüße", "text/plain; charset=utf-8"],
      [{ body: Buffer.from("octets") }, "octets", "application/octet-stream"],
      [{ json: { name: "lamp" } }, '{"name":"lamp"}', "application/json"],
      [{ body: ReadableStream.from([Buffer.from("a"), Buffer.from("b")]) }, "ab", "application/octet-stream"],
    ] as const;
    for (const [given, body, type] of bodies) {
      await using answer = await request(client, "REPORT", `${base}/echo`, {
        ...given,
        headers: { "X-Key": ["1", "2"] },
      });
      expect([answer.status, answer.reason, answer.version]).toEqual([200, "OK", "1.1"]);
      expect(await json(answer.body)).toMatchObject({
        method: "REPORT",
        body,
        headers: { "x-key": "1, 2", "content-type": type },
      });
    }
  });

  it("gives any status, with headers as it came, the way and the times", async () => {
    await using answer = await request(new Client(), "GET", `${base}/redirect-to?url=/status/404`);
    expect(answer).toMatchObject({ status: 404, url: `${base}/status/404` });
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.rawHeaders.map(([name]) => name)).toContain("Content-Type");
    expect(answer.hops.map(({ response }) => response.status)).toEqual([302, 404]);
    expect((await buffer(answer.body)).toString()).toBe("GET is answered with 404\n");
    expect(answer.timing().total).toBeGreaterThan(0);
    await using stays = await request(new Client(), "GET", `${base}/redirect/1`, { follow: false });
    expect(stays.status).toBe(302);
  });

  it("takes no more of a body than is read, and is left early", async () => {
    await using server = await scripted(
      asked()
        .send("HTTP/1.1 200 OK\r\n\r\n")
        .flood(100 * 1024 ** 2),
    );
    await using answer = await request(new Client(), "GET", server.url("http", "/"));
    for await (const octets of answer.body) {
      expect(octets.length).toBeGreaterThan(0);
      break;
    }
    await server.done;
    expect(server.connections[0]?.accepted).toBeLessThan(50 * 1024 ** 2);
  });

  it("refuses line ends in headers, and methods that are none, before anything is sent", async () => {
    const client = new Client();
    const url = "http://127.0.0.1:1/";
    await expect(request(client, "GET", url, { headers: { "X-A": "b\r\nX-C: d" } })).rejects.toMatchObject({
      code: "usage",
    });
    await expect(request(client, "A B", url)).rejects.toMatchObject({ code: "usage" });
  });

  it("knows the command line's options", async () => {
    await using server = await scripted(asked().send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").drain());
    const client = new Client({ options: { header: ["X-Key: 1"], "user-agent": "lamp/1" } });
    await using answer = await request(client, "GET", server.url("http", "/"));
    expect(answer.status).toBe(200);
    expect(sent(server, "x-key")).toEqual(["1"]);
    expect(sent(server, "user-agent")).toEqual(["lamp/1"]);
  });
});
