import { describe, expect, it } from "vitest";
import { script } from "../../fixtures/servers/scripted.js";
import { parseDataUrl } from "../../protocols/http/data-url.js";
import { Client } from "../../src/client.js";
import { answered, asked, read, requests, sent, talk, textOf, withSession } from "./over-client.js";

describe("a data: URL", () => {
  it.each([
    [",A%20brief%20note", "text/plain;charset=US-ASCII", "A brief note"],
    ["text/html;charset=utf-8,<p>Gr%C3%BC%C3%9Fe", "text/html;charset=utf-8", "<p>Grüße"],
    ["text/plain;base64,SGk=", "text/plain", "Hi"],
    ["text/plain;base64,SGk", "text/plain", "Hi"],
    [";base64,SG%6B=", "text/plain;charset=US-ASCII", "Hi"],
    [";charset=utf-8,x", "text/plain;charset=utf-8", "x"],
    ["text/plain,100%", "text/plain", "100%"],
    ["text/plain,a,b", "text/plain", "a,b"],
    ["text/plain,", "text/plain", ""],
  ])("%s", (path, type, text) => {
    const parsed = parseDataUrl(path);
    expect([parsed.type, parsed.octets.toString()]).toEqual([type, text]);
  });

  it.each(["text/plain", ";base64,%%%", "text/plain;base64,a=b"])("%s is none", (path) => {
    expect(() => parseDataUrl(path)).toThrow(expect.objectContaining({ code: "usage", exit: 2 }));
  });

  it("is read, in parts too, and looked at", async () => {
    const url = "data:text/html;charset=utf-8,<p>Harbour";
    await withSession(url, async (session) => {
      const { path } = new Client().target(url);
      const document = await read(session, path);
      expect(document).toMatchObject({
        type: "text/html",
        charset: "utf-8",
        total: 10,
        filename: "data.html",
      });
      document.body.destroy();
      expect(await textOf(session, path, { offset: 3, length: 4 })).toBe("Harb");
      expect(await session.stat?.(path)).toMatchObject({
        url,
        size: 10,
        type: "text/html",
        name: "data.html",
      });
    });
  });
});

describe("a document asked for otherwise", () => {
  it("with --data: a form by POST, several joined", async () => {
    await talk(
      asked()
        .expectUntil("a=b&c=d")
        .and(answered("200 OK", [], "taken"))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/", { offset: 3 })).toBe("taken");
        expect(server.lines[0]).toBe("POST / HTTP/1.1");
        expect(sent(server, "content-type")).toEqual(["application/x-www-form-urlencoded"]);
        expect(sent(server, "range")).toEqual([]);
      },
      { options: { data: ["a=b", "c=d"] } },
    );
  });

  it("with --method, and --user-agent", async () => {
    await talk(
      asked()
        .and(answered("200 OK", [], "taken"))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("taken");
        expect(server.lines[0]).toBe("REPORT / HTTP/1.1");
        expect(sent(server, "user-agent")).toEqual(["lamp/1"]);
        expect(requests(server)).toEqual([]);
      },
      { options: { method: "REPORT", "user-agent": "lamp/1" } },
    );
  });

  it("by what is no method, or from a file that is not there, not at all", async () => {
    await expect(
      withSession("http://127.0.0.1:1/", async () => 0, { options: { method: "a b" } }),
    ).rejects.toMatchObject({
      code: "usage",
    });
    await talk(
      script().drain(),
      async (session) => {
        await expect(textOf(session, "/")).rejects.toMatchObject({ code: "local" });
      },
      { options: { data: ["@/lost/file"] } },
    );
  });
});
