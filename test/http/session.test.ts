import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { startHttp } from "../../fixtures/servers/http.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { type Arrival, SANDBOX_USER, type SandboxServer } from "../../fixtures/servers/server.js";
import { Client } from "../../src/client.js";
import type { Credentials } from "../../src/plugin.js";
import { answered, asked, OK, read, requests, sent, talk, textOf, withSession } from "./over-client.js";
import { ENGINES, type EngineName } from "./over-engine.js";

const BASIC = 'WWW-Authenticate: Basic realm="harbour"';
const CHALLENGE = answered("401 Unauthorized", [BASIC], "who are you?");

function credentials(user: string, password: string, kind: Credentials["kind"] = "password") {
  return async () => ({ user, password, kind }) satisfies Credentials;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

describe.each(ENGINES)("a session on %s", (engine) => {
  describe("reads", () => {
    it("a page: what it is, and its octets", async () => {
      const headers = [
        "Content-Type: Text/HTML; Charset=UTF-8",
        "Last-Modified: Fri, 01 Mar 2024 08:30:15 GMT",
        'ETag: "v1"',
      ];
      await talk(
        asked().and(answered("200 OK", headers, "<p>Hello")),
        async (session, server) => {
          const document = await read(session, "/docs/caf%C3%A9.html?x=1");
          expect(document).toMatchObject({
            entry: {
              url: server.url("http", "/docs/caf%C3%A9.html?x=1"),
              name: "café.html",
              kind: "page",
              size: 8,
              modified: new Date("2024-03-01T08:30:15Z"),
              type: "text/html",
              meta: { status: 200, reason: "OK", headers: { "content-length": "8", etag: '"v1"' } },
            },
            type: "text/html",
            charset: "utf-8",
            offset: 0,
            total: 8,
            validator: '"v1"',
          });
          expect(await buffer(document.body)).toEqual(Buffer.from("<p>Hello"));
          expect(requests(server)).toEqual(["GET /docs/caf%C3%A9.html?x=1"]);
          const zstd = "createZstdDecompress" in zlib ? ", zstd" : "";
          expect(sent(server, "accept-encoding")).toEqual([`gzip, deflate, br${zstd}`]);
        },
        { engine },
      );
    });

    it.each([
      ["", "/"],
      ["?x=1", "/?x=1"],
      ["/a b/ü|", "/a%20b/%C3%BC%7C"],
      ["/a/../b%2f", "/a/../b%2f"],
    ])("the path '%s' as %s", async (path, wanted) => {
      await talk(
        asked().and(answered("200 OK")),
        async (session, server) => {
          await textOf(session, path);
          expect(requests(server)).toEqual([`GET ${wanted}`]);
        },
        { engine },
      );
    });

    it("several pages over one connection, one left early", async () => {
      const large = answered("200 OK", [], Buffer.alloc(1024 * 1024));
      const play = [
        asked()
          .and(answered("200 OK", [], "one"))
          .and(asked())
          .and(large)
          .drain(),
        asked()
          .and(answered("200 OK", [], "three"))
          .drain(),
      ];
      await talk(
        play,
        async (session, server) => {
          expect(await textOf(session, "/1")).toBe("one");
          const { body } = await read(session, "/2");
          for await (const chunk of body) {
            expect(chunk).toBeInstanceOf(Buffer);
            break;
          }
          await finished(body).catch(() => undefined);
          expect(await textOf(session, "/3")).toBe("three");
          expect(server.connections).toHaveLength(2);
        },
        { engine },
      );
    });

    it("a body that is cut short: what came, then exit 11", async () => {
      const play = asked().send(`${OK}\r\nContent-Length: 10\r\n\r\nhello`).drop();
      await talk(
        play,
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "protocol",
            exit: 11,
            protocol: "http",
            message: "the connection ended before the whole body had come",
          });
        },
        { engine },
      );
    });

    it("a file name that the server proposes, in all its spellings", async () => {
      const cases: readonly (readonly [string, string | undefined])[] = [
        ['attachment; filename="a b.txt"', "a b.txt"],
        ["attachment; filename=a.txt", "a.txt"],
        ["attachment; filename=\"plan.txt\"; filename*=UTF-8''pl%C3%A4n.txt", "plän.txt"],
        ["attachment; filename*=iso-8859-1'de'pl%E4n.txt", "plän.txt"],
        ['attachment; filename*=broken; filename="fallback.txt"', "fallback.txt"],
        ['attachment; filename="plän.txt"', "plän.txt"],
        ['attachment; name="x; filename=evil"; filename="a\\"b.txt"', 'a"b.txt'],
        // Unsafe as it is; whoever saves it cleans it.
        ['attachment; filename="../../etc/passwd"', "../../etc/passwd"],
        ["inline", undefined],
      ];
      const play = cases.reduce(
        (so, [value]) => so.and(asked()).and(answered("200 OK", [`Content-Disposition: ${value}`])),
        script(),
      );
      await talk(
        play,
        async (session) => {
          const names: (string | undefined)[] = [];
          for (const _case of cases) {
            const document = await read(session, "/");
            names.push(document.filename);
            await buffer(document.body);
          }
          expect(names).toEqual(cases.map(([, name]) => name));
        },
        { engine },
      );
    });

    it("the media type, or octets when there is none that can be read", async () => {
      const cases: readonly (readonly [string, string, string | undefined])[] = [
        ["text/plain", "text/plain", undefined],
        ['text/plain; charset="ISO-8859-1"', "text/plain", "iso-8859-1"],
        ["text/html;charset=utf-8;x=y", "text/html", "utf-8"],
        ["image/svg+xml", "image/svg+xml", undefined],
        ["text", "application/octet-stream", undefined],
        ["", "application/octet-stream", undefined],
      ];
      const play = cases.reduce(
        (so, [value]) => so.and(asked()).and(answered("200 OK", [`Content-Type: ${value}`])),
        script(),
      );
      await talk(
        play,
        async (session) => {
          for (const [, type, charset] of cases) {
            const document = await read(session, "/");
            expect([document.type, document.charset]).toEqual([type, charset]);
            await buffer(document.body);
          }
        },
        { engine },
      );
    });
  });

  describe("tells statuses apart", () => {
    it.each([
      ["404 Not Found", "missing", 8],
      ["410 Gone", "missing", 8],
      ["403 Forbidden", "refused", 9],
      ["418 I'm a teapot", "refused", 9],
      ["407 Proxy Authentication Required", "auth", 7],
      ["429 Too Many Requests", "busy", 10],
      ["500 Internal Server Error", "busy", 10],
      ["503 Service Unavailable", "busy", 10],
      ["999 Denied", "busy", 10],
    ] as const)("%s is %s, exit %i, with the server's words", async (status, code, exit) => {
      const play = asked()
        .and(answered(status, [], "an explanation"))
        .and(asked())
        .and(answered("200 OK", [], "ok"));
      await talk(
        play,
        async (session, server) => {
          await expect(textOf(session, "/x")).rejects.toMatchObject({
            code,
            exit,
            reply: status,
            url: server.url("http", "/x"),
          });
          // The refusal's body was read: the connection serves on.
          expect(await textOf(session, "/y")).toBe("ok");
        },
        { engine },
      );
    });

    it("and does not wait for the end of a refusal's body", async () => {
      const play = [
        asked().send("HTTP/1.1 404 Not Found\r\n\r\n").sendSlowly("x".repeat(100), 50).drain(),
        asked().send("HTTP/1.1 404 Not Found\r\n\r\n").flood(Number.POSITIVE_INFINITY),
      ];
      await talk(
        play,
        async (session) => {
          const began = performance.now();
          await expect(textOf(session, "/slow")).rejects.toMatchObject({ code: "missing" });
          await expect(textOf(session, "/endless")).rejects.toMatchObject({ code: "missing" });
          expect(performance.now() - began).toBeLessThan(3000);
        },
        { engine },
      );
    });

    it("304 is no empty document", async () => {
      await talk(
        asked().send('HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nContent-Length: 5\r\n\r\n').drain(),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "other",
            reply: "304 Not Modified",
          });
        },
        { engine, options: { header: ['If-None-Match: "v1"'] } },
      );
    });
  });

  describe("follows redirects", () => {
    const to = (location: string, status = "302 Found") =>
      answered(status, [`Location: ${location}`], "moved");

    it("relative, to another path, with a query, over the same connection", async () => {
      const play = asked()
        .and(to("other?x=1#top"))
        .and(asked())
        .and(to("/third"))
        .and(asked())
        .and(to("?y=2"))
        .and(asked())
        .and(answered("200 OK", [], "there"));
      await talk(
        play,
        async (session, server) => {
          const document = await read(session, "/a/b");
          expect(document.entry.url).toBe(server.url("http", "/third?y=2"));
          expect((await buffer(document.body)).toString()).toBe("there");
          expect(requests(server)).toEqual(["GET /a/b", "GET /a/other?x=1", "GET /third", "GET /third?y=2"]);
        },
        { engine },
      );
    });

    it("written in UTF-8, in Latin-1, and with blanks", async () => {
      const latin1 = Buffer.concat([
        Buffer.from("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /caf"),
        Buffer.from([0xe9]),
        Buffer.from("\r\n\r\n"),
      ]);
      const play = asked()
        .and(to("/café"))
        .and(asked())
        .send(latin1)
        .and(asked())
        .and(to("/a b"))
        .and(asked())
        .and(answered("200 OK"));
      await talk(
        play,
        async (session, server) => {
          await textOf(session, "/");
          expect(requests(server)).toEqual(["GET /", "GET /caf%C3%A9", "GET /caf%E9", "GET /a%20b"]);
        },
        { engine },
      );
    });

    it("up to a limit", async () => {
      const loop = script().repeat(4, asked().and(to("/")));
      await talk(
        loop,
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "refused",
            message: "the server redirects more than 3 times",
            hint: "--max-redirects N allows more",
          });
        },
        { engine, options: { "max-redirects": 3 } },
      );
      await talk(
        asked().and(to("/")),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "refused" });
        },
        { engine, options: { "max-redirects": 0 } },
      );
    });

    it.each(["file:///etc/passwd", "ftp://127.0.0.1/", "javascript:alert(1)", "gopher://127.0.0.1/"])(
      "but not to %s",
      async (location) => {
        await talk(
          asked().and(to(location)),
          async (session) => {
            await expect(textOf(session, "/")).rejects.toMatchObject({ code: "refused", reply: location });
          },
          { engine },
        );
      },
    );

    it("and says so when the Location is none", async () => {
      await talk(
        asked().and(to("http://[")),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "protocol", reply: "http://[" });
        },
        { engine },
      );
    });

    it("a redirect without Location is the answer", async () => {
      await talk(
        asked().and(answered("300 Multiple Choices", [], "one, two")),
        async (session) => expect(await textOf(session, "/")).toBe("one, two"),
        { engine },
      );
    });

    it("to another port without the login and the headers that were meant for the first", async () => {
      const elsewhere = asked().and(answered("200 OK", [], "elsewhere"));
      await using other = await scripted(elsewhere);
      const play = asked()
        .and(CHALLENGE)
        .and(asked())
        .and(answered("302 Found", [`Location: ${other.url("http", "/")}`]))
        .drain();
      await talk(
        play,
        async (session, server) => {
          expect(await textOf(session, "/")).toBe("elsewhere");
          expect(sent(server, "authorization")).toHaveLength(1);
          expect(sent(server, "x-key")).toEqual(["secret", "secret"]);
          expect(sent(other, "authorization")).toEqual([]);
          expect(sent(other, "x-key")).toEqual([]);
          expect(sent(other, "cookie")).toEqual([]);
        },
        { engine, login: "me:pw", options: { header: ["X-Key: secret", "Cookie: a=b"] } },
      );
    });

    it("does not log in to a server that the first one led to, and asks nobody for a password", async () => {
      await using other = await scripted(asked().and(CHALLENGE));
      let questions = 0;
      await talk(
        asked()
          .and(answered("302 Found", [`Location: ${other.url("http", "/")}`]))
          .drain(),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "auth" });
          expect(sent(other, "authorization")).toEqual([]);
          expect(questions).toBe(0);
        },
        {
          engine,
          credentials: async () => {
            questions += 1;
            return { user: "me", password: "pw", kind: "password" };
          },
        },
      );
    });

    describe("with a body", () => {
      const put = () => script().expectUntil("\r\n\r\n").expectUntil("hello");
      const small = { body: () => pieces("hello"), size: 5, replace: true };

      it("303 becomes GET", async () => {
        const play = put()
          .and(to("/done", "303 See Other"))
          .and(asked())
          .and(answered("200 OK", [], "thanks"));
        await talk(
          play,
          async (session, server) => {
            const entry = await session.write?.("/x", { ...small, body: small.body() });
            expect(entry?.url).toBe(server.url("http", "/done"));
            expect(requests(server)).toEqual(["PUT /x", "GET /done"]);
            expect(sent(server, "content-type")).toEqual(["application/octet-stream"]);
          },
          { engine },
        );
      });

      it.each(["307 Temporary Redirect", "308 Permanent Redirect", "301 Moved Permanently"])(
        "%s sends a small one again",
        async (status) => {
          const play = put().and(to("/y", status)).and(put()).and(answered("201 Created"));
          await talk(
            play,
            async (session, server) => {
              const entry = await session.write?.("/x", { ...small, body: small.body() });
              expect(entry).toMatchObject({ url: server.url("http", "/y"), size: 5 });
              expect(requests(server)).toEqual(["PUT /x", "PUT /y"]);
            },
            { engine },
          );
        },
      );
    });
  });

  describe("logs in", () => {
    it("by Basic when the server asks, and keeps to it", async () => {
      const play = asked()
        .and(CHALLENGE)
        .and(asked())
        .and(answered("200 OK", [], "in"))
        .and(asked())
        .and(answered("200 OK", [], "still in"));
      await talk(
        play,
        async (session, server) => {
          expect(await textOf(session, "/")).toBe("in");
          expect(await textOf(session, "/")).toBe("still in");
          const basic = `Basic ${Buffer.from("me:pä:ss").toString("base64")}`;
          expect(sent(server, "authorization")).toEqual([basic, basic]);
          expect(server.connections).toHaveLength(1);
        },
        { engine, login: "me:p%C3%A4:ss" },
      );
    });

    it("to the first server also after another one led back to it", async () => {
      const back = { location: "" };
      await using other = await scripted(
        asked().step({
          title: "lead back",
          run: (connection) =>
            connection.write(
              Buffer.from(`HTTP/1.1 302 Found\r\nLocation: ${back.location}\r\nContent-Length: 0\r\n\r\n`),
            ),
        }),
      );
      const play = asked()
        .and(answered("302 Found", [`Location: ${other.url("http", "/")}`]))
        .and(asked())
        .and(CHALLENGE)
        .and(asked())
        .and(answered("200 OK", [], "in"));
      await talk(
        play,
        async (session, server) => {
          back.location = server.url("http", "/in");
          expect(await textOf(session, "/")).toBe("in");
          expect(sent(server, "authorization")).toHaveLength(1);
        },
        { engine, login: "me:pw" },
      );
    });

    it("also when the server closes the connection after its 401", async () => {
      const play = [
        asked().send(`HTTP/1.0 401 Unauthorized\r\n${BASIC}\r\n\r\nno`).drop(),
        asked().and(answered("200 OK", [], "in")),
      ];
      await talk(
        play,
        async (session, server) => {
          expect(await textOf(session, "/")).toBe("in");
          expect(sent(server, "authorization")).toHaveLength(1);
        },
        { engine, login: "me:pw" },
      );
    });

    it("with a token as Bearer", async () => {
      const play = asked()
        .and(answered("401 Unauthorized", ['WWW-Authenticate: Bearer realm="api"']))
        .and(asked())
        .and(answered("200 OK", [], "in"));
      await talk(
        play,
        async (session, server) => {
          expect(await textOf(session, "/")).toBe("in");
          expect(sent(server, "authorization")).toEqual(["Bearer t0ken"]);
        },
        { engine, credentials: credentials("", "t0ken", "token") },
      );
    });

    it("by Basic among several schemes in one header", async () => {
      const offer = 'WWW-Authenticate: Negotiate, Digest realm="a, Bearer b", nonce="x", Basic realm="c"';
      const play = asked()
        .and(answered("401 Unauthorized", [offer]))
        .and(asked())
        .and(answered("200 OK", [], "in"));
      await talk(play, async (session) => expect(await textOf(session, "/")).toBe("in"), {
        engine,
        login: "me:pw",
      });
    });

    it("not by Basic where only another scheme is offered", async () => {
      const offer = 'WWW-Authenticate: Negotiate, NTLM, Digest realm="Basic x", nonce="x", algorithm=X';
      await talk(
        asked()
          .and(answered("401 Unauthorized", [offer]))
          .drain(),
        async (session, server) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "auth",
            message: "the server does not offer basic authentication",
            reply: "negotiate, ntlm, digest",
          });
          expect(sent(server, "authorization")).toEqual([]);
        },
        { engine, login: "me:pw" },
      );
    });

    it("and is refused: exit 7, and not asked a third time", async () => {
      await talk(
        asked().and(CHALLENGE).and(asked()).and(CHALLENGE).drain(),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "auth",
            exit: 7,
            reply: "401 Unauthorized",
            message: "the server refuses these credentials",
            hint: "check user and password",
          });
        },
        { engine, login: "me:wrong" },
      );
    });

    it("with nothing: exit 7, and what to do", async () => {
      await talk(
        asked().and(CHALLENGE).drain(),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "auth",
            message: "the server wants a login",
            hint: "give -u USER, or an account in the configuration",
          });
        },
        { engine },
      );
    });

    it("with the Authorization that the user wrote, and no other", async () => {
      await talk(
        asked().and(CHALLENGE).drain(),
        async (session, server) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "auth" });
          expect(sent(server, "authorization")).toEqual(["Custom abc"]);
        },
        { engine, login: "me:pw", options: { header: ["Authorization: Custom abc"] } },
      );
    });

    it("never in clear beyond this machine", async () => {
      // A proxy stands for the way there: what is handed to it leaves this machine.
      await using proxy = await scripted(asked().and(CHALLENGE).drain());
      const settings = {
        engine,
        network: { proxy: { url: proxy.url("http") } },
      };
      await withSession(
        "http://me:pw@far.example/",
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "tls", exit: 5 });
        },
        settings,
      );
      expect(sent(proxy, "authorization")).toEqual([]);
    });

    it("and again with an upload that is small", async () => {
      const put = () => script().expectUntil("\r\n\r\n").expectUntil("hello");
      await talk(
        put().and(CHALLENGE).and(put()).and(answered("201 Created")),
        async (session, server) => {
          await session.write?.("/x", { body: pieces("hello"), size: 5, replace: true });
          expect(sent(server, "authorization")).toHaveLength(1);
        },
        { engine, login: "me:pw" },
      );
    });
  });

  describe("asks for parts", () => {
    it("with Range and If-Range, uncoded", async () => {
      const part = answered("206 Partial Content", ["Content-Range: bytes 6-11/12", 'ETag: "v1"'], " world");
      await talk(
        asked().and(part),
        async (session, server) => {
          const document = await read(session, "/", { offset: 6, validator: '"v1"' });
          expect(document).toMatchObject({ offset: 6, total: 12, validator: '"v1"' });
          expect((await buffer(document.body)).toString()).toBe(" world");
          expect(sent(server, "range")).toEqual(["bytes=6-"]);
          expect(sent(server, "if-range")).toEqual(['"v1"']);
          expect(sent(server, "accept-encoding")).toEqual(["identity"]);
        },
        { engine },
      );
    });

    it("with an end", async () => {
      const part = answered("206 Partial Content", ["Content-Range: bytes 0-4/*"], "hello");
      await talk(
        asked().and(part),
        async (session, server) => {
          const document = await read(session, "/", { length: 5 });
          expect(document.offset).toBe(0);
          expect(document.total).toBeUndefined();
          expect((await buffer(document.body)).toString()).toBe("hello");
          expect(sent(server, "range")).toEqual(["bytes=0-4"]);
        },
        { engine },
      );
    });

    it.each([
      ['"v1"', 'ETag: "v2"'],
      ["Sat, 01 Aug 2026 10:00:00 GMT", "Last-Modified: Sun, 02 Aug 2026 10:00:00 GMT"],
    ])(
      "as a whole, when a server that knows no If-Range sends a part of another version: %s",
      async (validator, now) => {
        const part = answered("206 Partial Content", ["Content-Range: bytes 6-11/12", now], "NEWEST");
        const all = () => asked().and(answered("200 OK", [now], "newer NEWEST"));
        await talk(
          // The connection may serve for both, or go with what is left of the part.
          [asked().and(part).and(all()).drain(), all().drain()],
          async (session, server) => {
            const document = await read(session, "/", { offset: 6, validator });
            expect(document.offset).toBe(0);
            expect((await buffer(document.body)).toString()).toBe("newer NEWEST");
            expect(sent(server, "range")).toEqual(["bytes=6-"]);
          },
          { engine },
        );
      },
    );

    it("and gets all when the server does not do that, or the original changed", async () => {
      await talk(
        asked().and(answered("200 OK", ['ETag: "v2"'], "hello world")),
        async (session) => {
          const document = await read(session, "/", { offset: 6, validator: '"v1"' });
          expect(document).toMatchObject({ offset: 0, total: 11, validator: '"v2"' });
          expect((await buffer(document.body)).toString()).toBe("hello world");
        },
        { engine },
      );
    });

    it("and has all already: 416 with the same size", async () => {
      await talk(
        asked().and(answered("416 Range Not Satisfiable", ["Content-Range: bytes */12"], "no")),
        async (session) => {
          const document = await read(session, "/", { offset: 12 });
          expect(document).toMatchObject({ offset: 12, total: 12 });
          expect((await buffer(document.body)).length).toBe(0);
        },
        { engine },
      );
    });

    it("and is refused: 416 with another size", async () => {
      await talk(
        asked().and(answered("416 Range Not Satisfiable", ["Content-Range: bytes */5"], "no")),
        async (session) => {
          await expect(textOf(session, "/", { offset: 12 })).rejects.toMatchObject({ code: "refused" });
        },
        { engine },
      );
    });

    it.each([
      ["another start", "Content-Range: bytes 0-11/12", "hello world!"],
      ["no Content-Range", "X-Nothing: 1", " world"],
      ["a length that does not fit", "Content-Range: bytes 6-7/12", " world"],
      ["an end before the start", "Content-Range: bytes 6-3/12", ""],
    ])("and does not take 206 with %s", async (_what, header, body) => {
      await talk(
        asked()
          .and(answered("206 Partial Content", [header], body))
          .drain(),
        async (session) => {
          await expect(textOf(session, "/", { offset: 6 })).rejects.toMatchObject({ code: "protocol" });
        },
        { engine },
      );
    });

    it("and takes no part that it did not ask for", async () => {
      await talk(
        asked()
          .and(answered("206 Partial Content", ["Content-Range: bytes 6-11/12"], " world"))
          .drain(),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "protocol" });
        },
        { engine },
      );
    });

    it("and asks for all when a part is coded, which nobody can undo", async () => {
      const coded = zlib.gzipSync("hello world");
      const part = ["Content-Range: bytes 6-11/12", "Content-Encoding: gzip", "Connection: close"];
      const play = [
        asked()
          .and(answered("206 Partial Content", part, "xxxxxx"))
          .drain(),
        asked().and(answered("200 OK", ["Content-Encoding: gzip"], coded)),
      ];
      await talk(
        play,
        async (session) => {
          const document = await read(session, "/", { offset: 6 });
          expect(document.offset).toBe(0);
          expect((await buffer(document.body)).toString()).toBe("hello world");
        },
        { engine },
      );
    });

    it.each([
      ["a strong ETag", ['ETag: "v1"', "Last-Modified: Fri, 01 Mar 2024 08:30:15 GMT"], '"v1"'],
      ["the date beside a weak one", ['ETag: W/"v1"', "Last-Modified: x"], "x"],
      ["nothing where there is nothing", [], undefined],
      ["nothing for what was coded", ['ETag: "v1"', "Content-Encoding: gzip"], undefined],
    ])("later by %s", async (_what, headers, validator) => {
      await talk(
        asked().and(answered("200 OK", headers, zlib.gzipSync("x"))),
        async (session) => {
          const document = await read(session, "/");
          expect(document.validator).toBe(validator);
          await buffer(document.body);
        },
        { engine },
      );
    });
  });

  describe("undoes codings", () => {
    const text = "the tide tables of the harbour, ".repeat(4000);
    const codings: readonly (readonly [string, Buffer])[] = [
      ["gzip", zlib.gzipSync(text)],
      ["x-gzip", zlib.gzipSync(text)],
      ["deflate", zlib.deflateSync(text)],
      ["deflate", zlib.deflateRawSync(text)],
      ["br", zlib.brotliCompressSync(text)],
      ["gzip, br", zlib.brotliCompressSync(zlib.gzipSync(text))],
      ["identity", Buffer.from(text)],
    ];

    it.each(codings)("%s", async (coding, octets) => {
      await talk(
        asked().and(answered("200 OK", [`Content-Encoding: ${coding}`], octets)),
        async (session) => {
          const document = await read(session, "/");
          expect((await buffer(document.body)).toString()).toBe(text);
          // The size that was sent is not the size of what comes out.
          expect(document.total).toBe(coding === "identity" ? text.length : undefined);
        },
        { engine },
      );
    });

    it("of two gzip members", async () => {
      const two = Buffer.concat([zlib.gzipSync("first, "), zlib.gzipSync("second")]);
      await talk(
        asked().and(answered("200 OK", ["Content-Encoding: gzip"], two)),
        async (session) => expect(await textOf(session, "/")).toBe("first, second"),
        { engine },
      );
    });

    it("of an empty body, which needs none", async () => {
      await talk(
        asked().and(answered("200 OK", ["Content-Encoding: gzip"])),
        async (session) => expect(await textOf(session, "/")).toBe(""),
        { engine },
      );
    });

    it.each(codings.filter(([coding]) => !["identity", "x-gzip"].includes(coding)))(
      "and tells %s that is cut short",
      async (coding, octets) => {
        const cut = octets.subarray(0, -9);
        await talk(
          asked()
            .and(answered("200 OK", [`Content-Encoding: ${coding}`], cut))
            .drain(),
          async (session) => {
            await expect(textOf(session, "/")).rejects.toMatchObject({
              code: "protocol",
              message: expect.stringMatching(/^the (?:gzip|deflate|br) body breaks off$/),
            });
          },
          { engine },
        );
      },
    );

    it("and tells a connection that is cut short from it", async () => {
      const whole = zlib.gzipSync(text);
      const play = asked()
        .send(`${OK}\r\nContent-Encoding: gzip\r\nContent-Length: ${whole.length}\r\n\r\n`)
        .send(whole.subarray(0, 100))
        .drop();
      await talk(
        play,
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "protocol",
            message: "the connection ended before the whole body had come",
          });
        },
        { engine },
      );
    });

    it("and tells what says gzip and is not", async () => {
      await talk(
        asked()
          .and(answered("200 OK", ["Content-Encoding: gzip"], "plain text"))
          .drain(),
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "protocol",
            message: "the body says it is gzip and is not (incorrect header check)",
          });
        },
        { engine },
      );
    });

    it.each([
      ["compress", "the body is coded in 'compress', which was not asked for"],
      ["gzip, gzip, gzip, gzip", "the body is coded 4 times over"],
    ])("but not %s, and serves on", async (coding, message) => {
      const play = [
        asked()
          .and(answered("200 OK", [`Content-Encoding: ${coding}`, "Connection: close"], "xxx"))
          .drain(),
        asked().and(answered("200 OK", [], "next")),
      ];
      await talk(
        play,
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({ code: "protocol", message });
          expect(await textOf(session, "/")).toBe("next");
        },
        { engine },
      );
    });

    it("as they come, and takes no more than it is read", async () => {
      // 200 MiB decoded: members of one mebibyte each, for packing them all takes a busy machine longer than the test has.
      const member = zlib.gzipSync(Buffer.alloc(1024 * 1024));
      const octets = Buffer.concat(Array.from({ length: 200 }, () => member));
      await talk(
        asked()
          .and(answered("200 OK", ["Content-Encoding: gzip"], octets))
          .drain(),
        async (session) => {
          const before = process.memoryUsage.rss();
          const { body } = await read(session, "/");
          let came = 0;
          for await (const chunk of body) {
            came += Buffer.isBuffer(chunk) ? chunk.length : 0;
            if (came > 10 * 1024 * 1024) break;
          }
          expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
        },
        { engine },
      );
    });
  });

  describe("sends the headers that the user wrote", () => {
    it("instead of its own, in order, twice where they are twice, in UTF-8", async () => {
      const header = ["accept: text/html", "X-Two: 1", "X-Two: 2", "X-Empty:", "X-Name: Häfen"];
      await talk(
        asked().and(answered("200 OK")),
        async (session, server) => {
          await textOf(session, "/");
          expect(sent(server, "accept")).toEqual(["text/html"]);
          expect(sent(server, "x-two")).toEqual(["1", "2"]);
          expect(sent(server, "x-empty")).toEqual([""]);
          expect(sent(server, "x-name")).toEqual(["Häfen"]);
          expect(sent(server, "user-agent")).toEqual(["Porthole"]);
        },
        { engine, options: { header } },
      );
    });

    it.each(["X-A: b\r\nX-Evil: 1", "X-A: b\nX-Evil: 1", "X-A: b\0", "no colon", ": nameless", "X A: b"])(
      "but not %j",
      async (line) => {
        const client = new Client({ options: { header: [line], "http-engine": engine } });
        await expect(client.open(client.target("http://127.0.0.1:9/"))).rejects.toMatchObject({
          code: "usage",
          exit: 2,
        });
      },
    );
  });

  describe("looks at a page", () => {
    it("by HEAD, without codings, and serves on", async () => {
      const head = `${OK}\r\nContent-Length: 1000\r\nContent-Type: image/png\r\n\r\n`;
      const next =
        engine !== "undici"
          ? [
              asked()
                .send(head)
                .and(asked())
                .and(answered("200 OK", [], "next")),
            ]
          : [asked().send(head).drain(), asked().and(answered("200 OK", [], "next"))];
      await talk(
        next,
        async (session, server) => {
          expect(await session.stat?.("/a.png")).toMatchObject({
            url: server.url("http", "/a.png"),
            name: "a.png",
            size: 1000,
            type: "image/png",
          });
          expect(requests(server)).toEqual(["HEAD /a.png"]);
          expect(sent(server, "accept-encoding")).toEqual(["identity"]);
          expect(await textOf(session, "/")).toBe("next");
        },
        { engine },
      );
    });
  });

  describe("writes", () => {
    const put = (body: string) => script().expectUntil("\r\n\r\n").expectUntil(body);

    it("a new file: asked for first, then sent with If-None-Match", async () => {
      const play = asked().send("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n");
      const then = put("hello").and(answered("201 Created"));
      await talk(
        engine !== "undici" ? play.and(then) : [play.drain(), then],
        async (session, server) => {
          const entry = await session.write?.("/new.txt", {
            body: pieces("hel", "lo"),
            size: 5,
            type: "text/plain",
          });
          expect(entry).toMatchObject({ url: server.url("http", "/new.txt"), name: "new.txt", size: 5 });
          expect(requests(server)).toEqual(["HEAD /new.txt", "PUT /new.txt"]);
          expect(sent(server, "content-type")).toEqual(["text/plain"]);
          expect(sent(server, "content-length")).toEqual(["5"]);
          expect(sent(server, "if-none-match")).toEqual(["*"]);
          expect(sent(server, "expect")).toEqual([]);
        },
        { engine },
      );
    });

    it("nothing over what is there: exit 12, untouched", async () => {
      await talk(
        asked().send(`${OK}\r\nContent-Length: 3\r\n\r\n`).drain(),
        async (session, server) => {
          await expect(session.write?.("/old.txt", { body: pieces("hello"), size: 5 })).rejects.toMatchObject(
            {
              code: "local",
              exit: 12,
              message: "there is something at that place already",
              hint: "--force replaces it",
              url: server.url("http", "/old.txt"),
            },
          );
          expect(requests(server)).toEqual(["HEAD /old.txt"]);
        },
        { engine },
      );
    });

    it("nothing over what came there meanwhile: 412", async () => {
      const play = asked().send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
      const then = put("hello").and(answered("412 Precondition Failed", [], "no"));
      await talk(
        engine !== "undici" ? play.and(then) : [play.drain(), then],
        async (session) => {
          await expect(session.write?.("/x", { body: pieces("hello"), size: 5 })).rejects.toMatchObject({
            code: "local",
            exit: 12,
            reply: "412 Precondition Failed",
          });
        },
        { engine },
      );
    });

    it("over what is there when told to, and 412 is the server's refusal then", async () => {
      await talk(
        put("hello")
          .and(answered("204 No Content"))
          .and(put("hello"))
          .and(answered("412 Precondition Failed")),
        async (session, server) => {
          const source = () => ({ body: pieces("hello"), size: 5, replace: true });
          await session.write?.("/x", source());
          expect(sent(server, "if-none-match")).toEqual([]);
          await expect(session.write?.("/x", source())).rejects.toMatchObject({ code: "refused" });
        },
        { engine },
      );
    });

    it("what has no known size, in chunks", async () => {
      const play = script()
        .expectUntil("\r\n\r\n")
        .expectUntil("\r\n0\r\n\r\n", (sent) => expect(sent.toString()).toMatch(/5\r\nhello\r\n/))
        .and(answered("201 Created"));
      const agreed = script().expectUntil("\r\n\r\n").send("HTTP/1.1 100 Continue\r\n\r\n");
      const consenting = agreed.expectUntil("\r\n0\r\n\r\n").and(answered("201 Created"));
      await talk(
        engine !== "undici" ? consenting : play,
        async (session, server) => {
          await session.write?.("/x", { body: pieces("hello"), replace: true });
          expect(sent(server, "transfer-encoding")).toEqual(["chunked"]);
          expect(sent(server, "content-length")).toEqual([]);
        },
        { engine },
      );
    });

    it.each([
      [6, "6 octets were to be sent, and there were only 5"],
      [4, "4 octets were to be sent, and there were at least 5"],
      [100_000, "100000 octets were to be sent, and there were only 5"],
    ])("nothing whole when the source has not the %i octets it said", async (size, message) => {
      await talk(
        script().drain(),
        async (session) => {
          await expect(
            session.write?.("/x", { body: pieces("hello"), size, replace: true }),
          ).rejects.toMatchObject({
            code: "local",
            message,
          });
        },
        { engine, network: { idleTimeout: 4000 } },
      );
    });

    it("and does not continue a partial upload", async () => {
      await talk(
        script().drain(),
        async (session, server) => {
          const source = { body: pieces("hello"), size: 5, offset: 3 };
          await expect(session.write?.("/x", source)).rejects.toMatchObject({ code: "usage" });
          expect(server.received.length).toBe(0);
        },
        { engine },
      );
    });
  });

  it("removes", async () => {
    await talk(
      asked()
        .expectUntil("</propfind>\n")
        .and(answered("405 Method Not Allowed"))
        .and(asked().and(answered("204 No Content")))
        .and(asked().expectUntil("</propfind>\n").and(answered("404 Not Found"))),
      async (session, server) => {
        // It might be a folder of WebDAV, which would go with all that is in it.
        await session.remove?.("/x");
        expect(requests(server)).toEqual(["PROPFIND /x", "DELETE /x"]);
        await expect(session.remove?.("/x")).rejects.toMatchObject({ code: "missing" });
      },
      { engine },
    );
  });

  describe("through a proxy", () => {
    it("names the proxy as who may have refused, or gone", async () => {
      await using proxy = await scripted([
        asked()
          .and(answered("401 Unauthorized", ['WWW-Authenticate: Basic realm="Tinyproxy"']))
          .drop(),
        asked().drop(),
      ]);
      const settings = { network: { proxy: { url: `http://squid:no@127.0.0.1:${proxy.port}` } } };
      const asking = () =>
        withSession("http://far.example/", (session) => textOf(session, "/"), {
          engine: "direct",
          ...settings,
        });
      await expect(asking()).rejects.toMatchObject({
        code: "auth",
        hint: "give -u USER, or an account in the configuration; is it the proxy that says so, check its URL",
      });
      await expect(asking()).rejects.toMatchObject({
        code: "connect",
        message: "the proxy closed the connection without an answer",
      });
    });

    it("asks it for the whole URL, with the proxy's login and the server's", async () => {
      await using proxy = await scripted(
        asked()
          .and(answered("200 OK", [], "by proxy"))
          .and(asked())
          .and(answered("404 Not Found")),
      );
      const settings = {
        engine,
        network: { proxy: { url: `http://squid:ink@127.0.0.1:${proxy.port}` } },
        options: { header: ["X-Own: 1"] },
      };
      await withSession(
        "http://far.example:8080/a?b",
        async (session) => {
          expect(await textOf(session, "/a?b")).toBe("by proxy");
          await expect(textOf(session, "/lost")).rejects.toMatchObject({
            code: "missing",
            url: "http://far.example:8080/lost",
          });
        },
        settings,
      );
      expect(requests(proxy)).toEqual([
        "GET http://far.example:8080/a?b",
        "GET http://far.example:8080/lost",
      ]);
      expect(sent(proxy, "host")).toEqual(["far.example:8080", "far.example:8080"]);
      const login = `Basic ${Buffer.from("squid:ink").toString("base64")}`;
      expect(sent(proxy, "proxy-authorization")).toEqual([login, login]);
      expect(sent(proxy, "x-own")).toEqual(["1", "1"]);
    });

    it("proves the password to one that wants a digest, and sends a small body once more", async () => {
      const challenge = 'Proxy-Authenticate: Digest realm="ink", qop="auth", nonce="n1"';
      await using proxy = await scripted([
        asked()
          .expectUntil("small")
          .and(answered("407 Proxy Authentication Required", [challenge], "who?"))
          .expectUntil("\r\n\r\n")
          .expectUntil("small")
          .and(answered("200 OK", ['Proxy-Authentication-Info: nextnonce="n2"']))
          .and(asked())
          .and(answered("200 OK", [], "by proxy")),
      ]);
      const url = `http://squid:ink@127.0.0.1:${proxy.port}`;
      await withSession(
        "http://far.example/a",
        async (session) => {
          const source = { body: pieces("small"), size: 5 };
          await session.send?.({ kind: "octets", source });
          expect(await textOf(session, "/a")).toBe("by proxy");
        },
        { engine, network: { proxy: { url, login: "digest" } } },
      );
      const proofs = sent(proxy, "proxy-authorization");
      expect(proofs.map((proof) => /nonce="(\w+)", uri="([^"]+)".*nc=(\w+)/.exec(proof)?.slice(1))).toEqual([
        ["n1", "http://far.example/a", "00000001"],
        ["n2", "http://far.example/a", "00000001"],
      ]);
    });

    it("tells that the proxy wants a login", async () => {
      await using proxy = await scripted(asked().and(answered("407 Proxy Authentication Required")));
      await withSession(
        "http://far.example/",
        async (session) => {
          await expect(textOf(session, "/")).rejects.toMatchObject({
            code: "auth",
            hint: "put user and password into the proxy's URL",
          });
        },
        { engine, network: { proxy: { url: proxy.url("http") } } },
      );
    });
  });
});

describe("an upload on node that is too large to be held", () => {
  const large = () => ({ body: pieces("x".repeat(40_000), "y".repeat(40_000)), size: 80_000, replace: true });
  const rest = `${"x".repeat(40_000)}${"y".repeat(40_000)}`;
  const settings = { engine: "node" } as const;

  it("waits for the server's consent", async () => {
    const play = asked().send("HTTP/1.1 100 Continue\r\n\r\n").expectUntil(rest).and(answered("201 Created"));
    await talk(
      play,
      async (session, server) => {
        const began = performance.now();
        await session.write?.("/x", large());
        expect(sent(server, "expect")).toEqual(["100-continue"]);
        expect(performance.now() - began).toBeLessThan(900);
      },
      settings,
    );
  });

  it("goes out after a second to a server that knows of no consent", async () => {
    await talk(
      asked().expectUntil(rest).and(answered("201 Created")),
      async (session) => {
        const began = performance.now();
        await session.write?.("/x", large());
        expect(performance.now() - began).toBeGreaterThan(900);
      },
      settings,
    );
  });

  it("logs in, and follows a redirect, before it is sent", async () => {
    const play = [
      asked().and(CHALLENGE).drain(),
      asked()
        .and(answered("307 Temporary Redirect", ["Location: /y"]))
        .drain(),
      asked().send("HTTP/1.1 100 Continue\r\n\r\n").expectUntil(rest).and(answered("201 Created")),
    ];
    await talk(
      play,
      async (session, server) => {
        const entry = await session.write?.("/x", large());
        expect(entry).toMatchObject({ url: server.url("http", "/y"), size: 80_000 });
        expect(sent(server, "authorization")).toHaveLength(2);
      },
      { ...settings, login: "me:pw" },
    );
  });

  it("is not sent a second time when the server changes its mind in the middle", async () => {
    const play = asked()
      .send("HTTP/1.1 100 Continue\r\n\r\n")
      .expectUntil(rest)
      .and(answered("308 Permanent Redirect", ["Location: /y"]));
    await talk(
      play,
      async (session, server) => {
        await expect(session.write?.("/x", large())).rejects.toMatchObject({
          code: "refused",
          message: "the server wants it sent again, and what was streamed to it is gone",
          reply: "308 Permanent Redirect",
          hint: `send it to ${server.url("http", "/y")}`,
        });
      },
      settings,
    );
  });
});

it("on undici an upload that is too large to be held is sent at once, and not again", async () => {
  const large = { body: pieces("x".repeat(80_000)), size: 80_000, replace: true };
  await talk(
    asked().expectUntil("x".repeat(80_000)).and(CHALLENGE).drain(),
    async (session, server) => {
      await expect(session.write?.("/x", large)).rejects.toMatchObject({
        code: "refused",
        hint: "--auth BASIC logs in at once; --http-engine node asks first",
      });
      expect(sent(server, "expect")).toEqual([]);
    },
    { engine: "undici", login: "me:pw" },
  );
});

describe("--http-engine", () => {
  // undici writes names in lower case; node:http adds Connection.
  const asks = async (engine: "auto" | EngineName, jobs: number) => {
    let head = "";
    await talk(
      asked().and(answered("200 OK")),
      async (session, server) => {
        await textOf(session, "/");
        head = server.lines.join("\n");
      },
      { engine, policy: { jobs } },
    );
    return /^host:/m.test(head) ? "undici" : /^Connection:/m.test(head) ? "node" : "direct";
  };

  it("chooses; auto is Porthole's own, for one job and for several", async () => {
    for (const engine of ENGINES) expect(await asks(engine, 1)).toBe(engine);
    expect(await asks("auto", 1)).toBe("direct");
    expect(await asks("auto", 4)).toBe("direct");
  });

  it.each(["direct", "node"])("and --http2 is not for %s", async (engine) => {
    const client = new Client({ options: { "http-engine": engine, http2: true } });
    await expect(client.open(client.target("http://127.0.0.1:9/"))).rejects.toMatchObject({ code: "usage" });
  });

  it.each([-1, 1.5, Number.NaN])("and --max-redirects %d is refused", async (count) => {
    const client = new Client({ options: { "max-redirects": count } });
    await expect(client.open(client.target("http://127.0.0.1:9/"))).rejects.toMatchObject({ code: "usage" });
  });
});

describe("against the sandbox", () => {
  const arrivals: Arrival[] = [];
  let sandbox: SandboxServer;
  let base: string;

  beforeAll(async () => {
    const tls = await makeTlsMaterial();
    sandbox = await startHttp({ tls, onArrival: (arrival) => arrivals.push(arrival) });
    base = sandbox.urls.find(({ name }) => name === "http")?.url ?? "";
  });

  afterAll(() => sandbox.close());

  it.each(ENGINES)("puts, looks, reads, resumes, replaces and removes on %s", async (engine) => {
    const path = `/files/incoming/${engine}.txt`;
    await withSession(
      base,
      async (session) => {
        await session.write?.(path, { body: pieces("hello ", "world"), size: 11 });
        expect(await session.stat?.(path)).toMatchObject({ size: 11, type: "text/plain" });
        const again = session.write?.(path, { body: pieces("other"), size: 5 });
        await expect(again).rejects.toMatchObject({ code: "local", exit: 12 });
        const whole = await read(session, path);
        expect((await buffer(whole.body)).toString()).toBe("hello world");
        const validator = whole.validator ?? "";
        expect(await textOf(session, path, { offset: 6, validator })).toBe("world");
        await session.write?.(path, { body: pieces("a new ", "text"), replace: true });
        expect(await textOf(session, path, { offset: 6, validator })).toBe("a new text");
        const end = await read(session, path, { offset: 10 });
        expect([end.offset, (await buffer(end.body)).length]).toEqual([10, 0]);
        await session.remove?.(path);
        await expect(session.stat?.(path)).rejects.toMatchObject({ code: "missing", exit: 8 });
      },
      { engine },
    );
    const uploads = arrivals.filter(({ kind }) => kind === "upload");
    expect(uploads.filter((upload) => upload.kind === "upload" && upload.path === path)).toHaveLength(2);
  });

  it.each(ENGINES)("logs in, and is led through redirects and codings, on %s", async (engine) => {
    const { user, password } = SANDBOX_USER;
    await withSession(
      base.replace("//", `//${user}:${password}@`),
      async (session) => {
        expect(JSON.parse(await textOf(session, "/auth/basic"))).toEqual({ authenticated: true, user });
        expect(await textOf(session, "/redirect/5")).toContain("Arrived");
        const plain = await textOf(session, "/gzip");
        expect(await textOf(session, "/deflate")).toBe(plain);
        expect(await textOf(session, "/br")).toBe(plain);
        const attachment = await read(session, "/attachment");
        expect(attachment.filename).toBe("harbour plan – Häfen.txt");
        await buffer(attachment.body);
      },
      { engine },
    );
  });
});
