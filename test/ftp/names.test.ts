import { describe, expect, it } from "vitest";
import { FileTree } from "../../fixtures/servers/files.js";
import { conversation, scripted } from "../../fixtures/servers/scripted.js";
import { namesIn } from "../../protocols/ftp/names.js";
import { FromNetworkLines, ToNetworkLines } from "../../protocols/ftp/network-lines.js";
import { all, contentOf, failureOf, GOODBYE, opened, pieces } from "./opened.js";
import { prepareSandbox, sandbox } from "./served.js";

prepareSandbox();

const octets = (text: string) => Buffer.from(text, "utf8").toString("latin1");

describe("--filename-charset", () => {
  it("writes names in the server's charset, and has them in UTF-8 here", async () => {
    const names = await namesIn("iso-8859-1");
    expect(names.toWire(octets("häfen"))).toBe("häfen");
    expect(names.toUrl("häfen")).toBe(octets("häfen"));
    const cp437 = await namesIn("cp437");
    expect(cp437.toWire(octets("häfen"))).toBe("h\x84fen");
    expect(cp437.toUrl("h\x84fen")).toBe(octets("häfen"));
  });

  it("leaves alone what the charset lacks, and what is no UTF-8", async () => {
    const names = await namesIn("iso-8859-1");
    expect(names.toWire(octets("€"))).toBe(octets("€"));
    expect(names.toWire("h\xe4fen")).toBe("h\xe4fen");
  });

  it("that nobody knows is wrong usage", async () => {
    expect(await failureOf(namesIn("klingon-1"))).toMatchObject({ code: "usage" });
  });

  it("lists, opens and makes names", async () => {
    await sandbox({ files: new FileTree() }, async ({ url }) => {
      await opened(
        url,
        async (session) => {
          await session.write("/h%C3%A4fen.txt", { body: pieces("latin") });
          const [found] = await all(session.list("/"));
          expect(found).toMatchObject({
            name: "häfen.txt",
            url: `${url.replace(":sandbox", "")}/h%C3%A4fen.txt`,
          });
        },
        { options: { "filename-charset": "iso-8859-1" } },
      );
      await opened(url, async (session) => {
        const [found] = await all(session.list("/"));
        expect(found?.url).toBe(`${url.replace(":sandbox", "")}/h%E4fen.txt`);
        expect(await contentOf(session, "/h%E4fen.txt")).toBe("latin");
      });
    });
  });
});

describe("lines of a text", () => {
  const cuts = (text: string) => Array.from({ length: text.length + 1 }, (_, at) => at);

  it("from the network end with LF, wherever they are cut, and a CR by itself stays", () => {
    const text = "one\r\ntwo\rhalf\r\r\n\nlast\r";
    for (const at of cuts(text)) {
      const lines = new FromNetworkLines();
      const parts = [text.slice(0, at), text.slice(at)].map((part) => lines.write(Buffer.from(part)));
      expect(String(Buffer.concat([...parts, lines.end()]))).toBe("one\ntwo\rhalf\r\n\nlast\r");
    }
  });

  it("to the network end with CRLF, once", () => {
    const text = "one\ntwo\r\n\n\rlast";
    for (const at of cuts(text)) {
      const lines = new ToNetworkLines();
      const parts = [text.slice(0, at), text.slice(at)].map((part) => lines.write(Buffer.from(part)));
      expect(String(Buffer.concat(parts))).toBe("one\r\ntwo\r\n\r\n\rlast");
    }
  });

  it("are the server's again when a text was sent by ;type=a", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        await session.write("/incoming/t.txt;type=a", { body: pieces("one\n", "two\n") });
        expect(await contentOf(session, "/incoming/t.txt")).toBe("one\ntwo\n");
        expect(await contentOf(session, "/incoming/t.txt;type=a")).toBe("one\ntwo\n");
      });
    });
  });
});

describe("the login", () => {
  it("gives the account that the server asks for", async () => {
    await sandbox({ account: "harbour" }, async ({ url }) => {
      const nothing = () => Promise.resolve("in");
      expect(await opened(url, nothing, { options: { account: "harbour" } })).toBe("in");
      expect(await failureOf(opened(url, nothing))).toMatchObject({
        code: "auth",
        hint: "--account NAME gives it",
      });
      expect(await failureOf(opened(url, nothing, { options: { account: "other" } }))).toMatchObject({
        code: "auth",
      });
    });
  });

  it("names the host that is meant before anything else", async () => {
    await using server = await scripted(
      conversation(`
        S: 220 ready
        C: HOST ftp.example.org
        S: 220 yes
        C: USER anonymous
        S: 230 come in
        C: FEAT
        S: 502 what?
      `).and(GOODBYE),
    );
    await opened(server.url("ftp", "/"), () => Promise.resolve(), {
      options: { "virtual-host": "ftp.example.org" },
    });
    await server.done;
    await sandbox({}, async ({ url }) => {
      const other = opened(url, () => Promise.resolve(), { options: { "virtual-host": "other.example" } });
      expect(await failureOf(other)).toMatchObject({
        code: "refused",
        reply: "504 There is no such host here.",
      });
    });
  });
});
