import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, writeAuthority } from "../../fixtures/servers/certificate.js";
import { generatedContent, piecesOf } from "../../fixtures/servers/content.js";
import { startHttp } from "../../fixtures/servers/http.js";
import { type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import type { SandboxServer } from "../../fixtures/servers/server.js";
import type { HttpResponse } from "../../protocols/http/engine.js";
import { Client } from "../../src/client.js";
import { Transcript, type TranscriptEvent } from "../../src/net/transcript.js";
import { against, asker, ENGINES, outcome } from "./over-engine.js";
import { temporaryFolder } from "./temporary-folder.js";

const KIB = 1024;
const MIB = 1024 * KIB;

const OK = "HTTP/1.1 200 OK";

/** The lines of a head, and the empty one that ends it. */
function head(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Takes a request without a body. */
function request(): Script {
  return script().expectUntil("\r\n\r\n");
}

/** Takes a request and answers with a small body of known length; the connection stays. */
function exchange(body: string): Script {
  return request().send(head(OK, `Content-Length: ${body.length}`) + body);
}

const IMPROPER = "no answer, protocol: the answer is not proper HTTP:";
const TOO_LONG = "no answer, protocol: the answer's headers are longer than Porthole accepts";
const CUT = "200, then protocol: the connection ended before the whole body had come";
const NO_ANSWER = "no answer, connect: the server closed the connection without an answer";
const CHUNKED = "Transfer-Encoding: chunked";

interface HardCase {
  readonly server: Script;
  readonly node: string;
  /** Where they differ. */
  readonly undici?: string;
  readonly direct?: string;
}

const HARD_CASES: Readonly<Record<string, HardCase>> = {
  "a body shorter than its Content-Length": {
    server: request()
      .send(`${head(OK, "Content-Length: 10")}hello`)
      .drop(),
    node: CUT,
  },
  "a body longer than its Content-Length": {
    server: request()
      .send(`${head(OK, "Content-Length: 5")}hello, world`)
      .drop(),
    node: "200 hello",
  },
  "two different Content-Lengths": {
    server: request()
      .send(`${head(OK, "Content-Length: 5", "Content-Length: 6")}hello!`)
      .drop(),
    node: `${IMPROPER} Duplicate Content-Length`,
    direct: `${IMPROPER} two different Content-Lengths`,
    undici: `${IMPROPER} Response body length does not match content-length header`,
  },
  "Content-Length beside chunks": {
    server: request()
      .send(`${head(OK, "Content-Length: 5", CHUNKED)}5\r\nhello\r\n0\r\n\r\n`)
      .drop(),
    node: `${IMPROPER} Transfer-Encoding can't be present with Content-Length`,
    direct: `${IMPROPER} both Content-Length and Transfer-Encoding`,
    undici: `${IMPROPER} Response body length does not match content-length header`,
  },
  "a Content-Length below 0": {
    server: request()
      .send(`${head(OK, "Content-Length: -5")}hello`)
      .drop(),
    node: `${IMPROPER} Invalid character in Content-Length`,
    direct: `${IMPROPER} a Content-Length that is no number of octets`,
  },
  "a chunk that is cut": {
    server: request()
      .send(`${head(OK, CHUNKED)}5\r\nhel`)
      .drop(),
    node: CUT,
  },
  "chunks without the last one": {
    server: request()
      .send(`${head(OK, CHUNKED)}5\r\nhello\r\n`)
      .drop(),
    node: CUT,
  },
  "a chunk size that is no number": {
    server: request()
      .send(`${head(OK, CHUNKED)}5\r\nhello\r\nzz\r\n`)
      .drop(),
    node: "200, then protocol: the answer is not proper HTTP: Invalid character in chunk size",
    direct: "200, then protocol: the answer is not proper HTTP: a chunk's size that is no number",
  },
  "chunks with extensions and trailers": {
    server: request()
      .send(`${head(OK, CHUNKED)}5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`)
      .drain(),
    node: "200 hello",
  },
  "a reset in the body": {
    server: request()
      .send(`${head(OK, "Content-Length: 10")}hello`)
      .pause(50)
      .reset(),
    node: CUT,
  },
  "a stall in the body": {
    server: request()
      .send(`${head(OK, "Content-Length: 10")}hello`)
      .drain(),
    node: "200, then timeout: no answer from 127.0.0.1 for 0.3 s",
  },
  "a server that says nothing": {
    server: request().drain(),
    node: "no answer, timeout: no answer from 127.0.0.1 for 0.3 s",
  },
  "100 unasked": {
    server: request().send(head("HTTP/1.1 100 Continue")).and(answer("hello")),
    node: "200 hello",
    undici: `${IMPROPER} bad response`,
  },
  "102 unasked": {
    server: request().send(head("HTTP/1.1 102 Processing")).and(answer("hello")),
    node: "200 hello",
  },
  "103 unasked": {
    server: request().send(head("HTTP/1.1 103 Early Hints", "Link: </style.css>")).and(answer("hello")),
    node: "200 hello",
  },
  "101 unasked": {
    server: request()
      .send(`${head("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: upgrade")}xxx`)
      .drain(),
    node: "no answer, protocol: the server changes to another protocol without being asked",
    undici: `${IMPROPER} bad upgrade`,
  },
  "headers ended by LF alone": {
    server: request().send("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello").drop(),
    node: `${IMPROPER} Missing expected CR after response line`,
    direct: `${IMPROPER} a line of the headers ends by LF alone`,
  },
  "a folded header": {
    server: request()
      .send(`${head(OK, "X-Long: one\r\n two", "Content-Length: 5")}hello`)
      .drop(),
    node: `${IMPROPER} Unexpected whitespace after header value`,
    direct: "200 hello",
  },
  "a blank before the colon": {
    server: request()
      .send(`${head(OK, "Content-Length : 5")}hello`)
      .drop(),
    node: `${IMPROPER} Invalid header field char`,
    direct: `${IMPROPER} a header's name with characters that none may have`,
  },
  "a NUL in a header": {
    server: request()
      .send(`${head(OK, "X-Nul: a\0b", "Content-Length: 5")}hello`)
      .drop(),
    node: `${IMPROPER} Invalid header value char`,
    direct: `${IMPROPER} a control character in a header`,
  },
  "a header of 64 KiB": {
    server: request()
      .send(`${head(OK, `X-Long: ${"a".repeat(64 * KIB)}`, "Content-Length: 5")}hello`)
      .drop(),
    node: "200 hello",
  },
  "a header without end": {
    server: request()
      .send(`${OK}\r\nX-Long: `)
      .flood(10 * MIB),
    node: TOO_LONG,
  },
  "headers without end": {
    server: request()
      .send(`${OK}\r\n`)
      .flood(10 * MIB, "X-More: and more\r\n"),
    node: TOO_LONG,
  },
  "304 with a Content-Length": {
    server: request().send(head("HTTP/1.1 304 Not Modified", "Content-Length: 5")).drain(),
    node: "304 ",
  },
  "204 with a Content-Length": {
    server: request().send(head("HTTP/1.1 204 No Content", "Content-Length: 5")).drain(),
    node: "204 ",
  },
  "no Content-Length, and the server closes": {
    server: request()
      .send(`${head(OK)}hello`)
      .drop(),
    node: "200 hello",
  },
  "HTTP/1.0": {
    server: request()
      .send(`${head("HTTP/1.0 200 OK", "Content-Length: 5")}hello`)
      .drop(),
    node: "200 hello",
  },
  "HTTP/0.9": {
    server: request().send("<p>hello").drop(),
    node: `${IMPROPER} Expected HTTP/, RTSP/ or ICE/`,
    direct: `${IMPROPER} it begins with no status line`,
  },
  "a server of another protocol": {
    server: script().send("SSH-2.0-OpenSSH_9.2\r\n").drain(),
    node: `${IMPROPER} Expected HTTP/, RTSP/ or ICE/`,
    direct: `${IMPROPER} it begins with no status line`,
    undici: `${IMPROPER} Expected HTTP/, RTSP/ or ICE/`,
  },
  "a close before the answer": { server: request().drop(), node: NO_ANSWER },
  "a close within the headers": {
    server: request().send("HTTP/1.1 200 OK\r\nContent-").drop(),
    node: "no answer, protocol: the connection ended within the answer's headers",
  },
  "a status without a reason": {
    server: request()
      .send(`${head("HTTP/1.1 200", "Content-Length: 5")}hello`)
      .drop(),
    node: "200 hello",
  },
  "a status below 100": {
    server: request()
      .send(`${head("HTTP/1.1 099 Odd", "Content-Length: 5")}hello`)
      .drop(),
    node: "no answer, protocol: the server answers with status 99",
    undici: `${IMPROPER} The expression evaluated to a falsy value: assert(statusCode >= 100)`,
  },
};

/** An answer with a small body, the connection left open. */
function answer(body: string): Script {
  return script()
    .send(head(OK, `Content-Length: ${body.length}`) + body)
    .drain();
}

const SIZES = [3 * KIB, 300 * KIB, 3 * MIB];

type Framing = "Content-Length" | "chunks" | "the close";

/** An answer of `size` octets, and the server closes at once. */
function closing(framing: Framing, octets: Buffer): Script {
  const play = request();
  if (framing === "the close") return play.send(head(OK)).send(octets).drop();
  if (framing === "Content-Length") {
    return play
      .send(head(OK, `Content-Length: ${octets.length}`, "Connection: close"))
      .send(octets)
      .drop();
  }
  const chunks: Buffer[] = [];
  for (let at = 0; at < octets.length; at += 10_000) {
    const chunk = octets.subarray(at, at + 10_000);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  return play
    .send(head(OK, CHUNKED, "Connection: close"))
    .send(Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]))
    .drop();
}

/** Reads like a slow disk: a rest after each chunk. */
async function readSlowly({ body }: HttpResponse, startAfterMs: number): Promise<Buffer> {
  await new Promise((resolve) => setTimeout(resolve, startAfterMs));
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return Buffer.concat(chunks);
}

/** A number once it has stopped growing. */
async function steady(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (before > 0 && read() === before) return before;
  }
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

describe.each(ENGINES)("the engine on %s", (engine) => {
  describe("a server that sends all and closes, a reader that takes its time", () => {
    const cases = (["Content-Length", "chunks", "the close"] as const).flatMap((framing) =>
      SIZES.flatMap((size) => [0, 100].map((startAfterMs) => ({ framing, size, startAfterMs }))),
    );
    it.each(cases)(
      "ends by $framing, $size octets, read after $startAfterMs ms, 8 at once",
      async (given) => {
        const octets = Buffer.concat([...piecesOf(generatedContent(given.size))]);
        await using server = await scripted(closing(given.framing, octets), { connections: 8 });
        const bodies = await Promise.all(
          Array.from({ length: 8 }, async () => {
            await using asking = asker(engine);
            return await readSlowly(await asking.ask(server.url("http", "/")), given.startAfterMs);
          }),
        );
        expect(bodies.map((body) => body.equals(octets))).toEqual(Array.from({ length: 8 }, () => true));
        await server.done;
      },
    );
  });

  describe("meets", () => {
    it.each(Object.entries(HARD_CASES))(
      "%s",
      async (_name, { server: play, node, undici = node, direct = node }) => {
        await against(
          engine,
          play,
          async (asking, server) => {
            const came = await outcome(asking.ask(server.url("http", "/")));
            expect(came).toBe({ node, undici, direct }[engine]);
          },
          { idleTimeout: 300 },
        );
      },
    );

    it("a reset before the answer", async () => {
      await against(engine, request().reset(), async (asking, server) => {
        await expect(asking.ask(server.url("http", "/"))).rejects.toMatchObject({
          code: "connect",
          message: `127.0.0.1:${server.port}: the connection was reset by the other side`,
        });
      });
    });

    it("a refused connection", async () => {
      const server = await scripted(request());
      const url = server.url("http", "/");
      await server.close();
      await using asking = asker(engine);
      await expect(asking.ask(url)).rejects.toMatchObject({ code: "connect", exit: 4 });
    });
  });

  describe("asks", () => {
    it("with the headers as they are given, in order, with case and duplicates", async () => {
      const play = request().and(answer("ok"));
      await against(engine, play, async (asking, server) => {
        const headers = [
          ["X-Second", "2"],
          ["x-FIRST", "1"],
          ["X-Second", "3"],
        ] as const;
        await buffer((await asking.ask(server.url("http", "/a/../b?c=d%20e"), { headers })).body);
        const lines = server.lines.filter((line) => line !== "");
        expect(lines[0]).toBe("GET /b?c=d%20e HTTP/1.1");
        expect(lines.filter((line) => /^x-/i.test(line))).toEqual([
          "X-Second: 2",
          "x-FIRST: 1",
          "X-Second: 3",
        ]);
        expect(lines.filter((line) => /^host:/i.test(line)).map((line) => line.slice(6))).toEqual([
          `127.0.0.1:${server.port}`,
        ]);
      });
    });

    it("for the Host that is given instead of its own", async () => {
      await against(engine, request().and(answer("ok")), async (asking, server) => {
        const headers = [["Host", "other.example"]] as const;
        await buffer((await asking.ask(server.url("http", "/"), { headers })).body);
        const hosts = server.lines.filter((line) => /^host:/i.test(line)).map((line) => line.slice(6));
        expect(hosts).toEqual(["other.example"]);
      });
    });

    it("and refuses CR and LF in what it is given", async () => {
      await against(engine, request(), async (asking, server) => {
        const split = [["X-A", "b\r\nX-Evil: 1"]] as const;
        await expect(asking.ask(server.url("http", "/"), { headers: split })).rejects.toMatchObject({
          code: "usage",
        });
        await expect(
          asking.ask(server.url("http", "/"), { method: "GET / HTTP/1.1\r\n" }),
        ).rejects.toMatchObject({
          code: expect.stringMatching(/^(?:usage|other)$/),
        });
        expect(server.received.length).toBe(0);
      });
    });

    it("with a body of known size, and with one in chunks", async () => {
      const known = script()
        .expectUntil("hello, world")
        .call(({ lines }) => {
          expect(lines.filter((line) => /^content-length:/i.test(line))).toHaveLength(1);
          expect(lines.join()).not.toMatch(/transfer-encoding/i);
        })
        .send(`${head(OK, "Content-Length: 2")}ok`)
        .drain();
      await against(engine, known, async (asking, server) => {
        const body = { octets: pieces("hello, ", "world"), size: 12, awaitsConsent: false };
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "PUT", body }))).toBe("200 ok");
      });
      const chunked = script()
        .expectUntil(/* the last chunk */ "\r\n0\r\n\r\n", (sent) => {
          expect(sent.toString()).toMatch(/transfer-encoding: chunked\r\n/i);
          expect(sent.toString()).toMatch(/\r\n7\r\nhello, \r\n5\r\nworld\r\n/);
        })
        .send(`${head(OK, "Content-Length: 2")}ok`)
        .drain();
      await against(engine, chunked, async (asking, server) => {
        const body = { octets: pieces("hello, ", "world"), awaitsConsent: false };
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "PUT", body }))).toBe("200 ok");
      });
    });

    it("with an empty body", async () => {
      const play = script()
        .expectUntil("\r\n\r\n", (sent) => expect(sent.toString()).toMatch(/content-length: 0\r\n/i))
        .and(answer("ok"));
      await against(engine, play, async (asking, server) => {
        const body = { octets: pieces(), size: 0, awaitsConsent: false };
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "PUT", body }))).toBe("200 ok");
      });
    });

    it("with a body that fails: its failure is the request's", async () => {
      await against(engine, script().drain(), async (asking, server) => {
        const octets = (async function* () {
          yield Buffer.from("hello");
          throw new Error("the disk is gone");
        })();
        const body = { octets, awaitsConsent: false };
        await expect(asking.ask(server.url("http", "/"), { method: "PUT", body })).rejects.toThrow(
          "the disk is gone",
        );
      });
    });

    it("with a body that the server refuses before it has come", async () => {
      const play = script()
        .expectUntil("\r\n\r\n")
        .send(`${head("HTTP/1.1 413 Too Large", "Content-Length: 3", "Connection: close")}big`)
        .drain();
      await against(engine, play, async (asking, server) => {
        let given = 0;
        const octets = (async function* () {
          for (; given < 1000; given++) yield Buffer.alloc(64 * KIB);
        })();
        const body = { octets, size: 1000 * 64 * KIB, awaitsConsent: false };
        const came = await outcome(asking.ask(server.url("http", "/"), { method: "PUT", body }));
        expect(came).toBe("413 big");
        expect(given).toBeLessThan(1000);
      });
    });

    it("HEAD, and reads no body for it", async () => {
      const play = request().send(head(OK, "Content-Length: 1000")).and(script().drain());
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "HEAD" }))).toBe("200 ");
      });
    });
  });

  describe("gives", () => {
    it("the answer's headers in order, with case, duplicates and odd octets", async () => {
      const bytes = Buffer.concat([
        Buffer.from(`${OK}\r\nSet-Cookie: a=1\r\nX-Name: caf`),
        Buffer.from([0xe9]),
        Buffer.from("\r\nSet-Cookie: b=2\r\nX-UTF: \u00e9\r\nContent-Length: 0\r\n\r\n"),
      ]);
      await against(engine, request().send(bytes).drain(), async (asking, server) => {
        const response = await asking.ask(server.url("http", "/"));
        expect(response.headers).toEqual([
          ["Set-Cookie", "a=1"],
          ["X-Name", "caf\xe9"],
          ["Set-Cookie", "b=2"],
          ["X-UTF", "\xc3\xa9"],
          ["Content-Length", "0"],
        ]);
        expect(response.reason).toBe("OK");
        await buffer(response.body);
      });
    });

    it("what came before the failure", async () => {
      const play = request()
        .send(`${head(OK, "Content-Length: 10")}hello`)
        .drop();
      await against(engine, play, async (asking, server) => {
        const { body } = await asking.ask(server.url("http", "/"));
        let came = "";
        await expect(async () => {
          for await (const chunk of body) came += String(chunk);
        }).rejects.toMatchObject({ code: "protocol", exit: 11 });
        expect(came).toBe("hello");
      });
    });
  });

  describe("keeps the connection", () => {
    it("for the next request", async () => {
      const play = exchange("one").and(exchange("two")).and(script().drain());
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 two");
        expect(server.connections).toHaveLength(1);
      });
    });

    it("and asks again on a new one when the server has closed it", async () => {
      const play = [exchange("one").drop(), exchange("two").drain()];
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 two");
        expect(server.connections).toHaveLength(2);
      });
    });

    it("and asks again when the server closes it on the second request", async () => {
      const play = [exchange("one").and(request()).reset(), exchange("two").drain()];
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 two");
        expect(server.connections).toHaveLength(2);
      });
    });

    it("but does not ask a third time", async () => {
      const play = [exchange("one").and(request()).drop(), request().drop()];
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe(NO_ANSWER);
        await server.done;
      });
    });

    it("and sends a body once more that is held, where twice is the same as once (RFC 9110, 9.2.2)", async () => {
      const body = {
        octets: { [Symbol.asyncIterator]: () => pieces("hello") },
        size: 5,
        awaitsConsent: false,
        repeatable: true,
      };
      const taken = script().expectUntil("hello");
      const play = [
        exchange("one").and(taken).drop(),
        taken
          .send(`${head(OK, "Content-Length: 3")}put`)
          .and(taken)
          .drop(),
      ];
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "PUT", body }))).toBe("200 put");
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "POST", body }))).toBe(NO_ANSWER);
        expect(server.connections).toHaveLength(2);
      });
    });

    it("and asks for nothing twice that may count twice, without a body either", async () => {
      const play = exchange("one").and(request()).drop();
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/"), { method: "POST" }))).toBe(NO_ANSWER);
        expect(server.connections).toHaveLength(1);
      });
    });

    it("and never sends a body twice that is gone", async () => {
      const play = exchange("one").and(script().expectUntil("hello").drop());
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        const body = { octets: pieces("hello"), size: 5, awaitsConsent: false };
        const came = await outcome(asking.ask(server.url("http", "/"), { method: "PUT", body }));
        expect(came).toBe(NO_ANSWER);
        expect(server.connections).toHaveLength(1);
      });
    });

    it("clean of what a server sent beyond the end of its answer", async () => {
      const play = [
        request()
          .send(`${head(OK, "Content-Length: 3")}one${head(OK, "Content-Length: 4")}evil`)
          .drain(),
        exchange("two").drain(),
      ];
      await against(engine, play, async (asking, server) => {
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 one");
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 two");
      });
    });
  });

  describe("is left", () => {
    it("while it connects, in the middle of the TLS handshake", async () => {
      await using server = await scripted(script().drain());
      const controller = new AbortController();
      await using asking = asker(engine, {}, controller.signal);
      setTimeout(() => controller.abort(), 100);
      await expect(asking.ask(server.url("https", "/"))).rejects.toMatchObject({ code: "aborted" });
      await server.done;
    });

    it("before it asks, while it waits, and while it reads", async () => {
      await using server = await scripted(request().drain(), { connections: 2 });
      const url = server.url("http", "/");
      await using before = asker(engine, {}, AbortSignal.abort());
      await expect(before.ask(url)).rejects.toMatchObject({ code: "aborted", exit: 130 });
      const controller = new AbortController();
      await using waiting = asker(engine, {}, controller.signal);
      setTimeout(() => controller.abort(), 100);
      await expect(waiting.ask(url)).rejects.toMatchObject({ code: "aborted" });

      const half = request()
        .send(`${head(OK, "Content-Length: 10")}hello`)
        .drain();
      await using answering = await scripted(half);
      const later = new AbortController();
      await using reading = asker(engine, {}, later.signal);
      const answer = reading.ask(answering.url("http", "/"));
      await answer;
      setTimeout(() => later.abort(), 100);
      expect(await outcome(answer)).toBe("200, then aborted: stopped before the end");
      await answering.done;
    });

    it("by the request's own signal, while the engine stays", async () => {
      await using server = await scripted([request().drain(), exchange("two").drain()]);
      await using asking = asker(engine);
      const url = server.url("http", "/");
      await expect(asking.ask(url, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
        code: "timeout",
      });
      expect(await outcome(asking.ask(url))).toBe("200 two");
    });

    it("in the middle of a body, and asked again", async () => {
      const endless = request().send(head(OK)).flood(Number.POSITIVE_INFINITY);
      await against(engine, [endless, exchange("two").drain()], async (asking, server) => {
        const { body } = await asking.ask(server.url("http", "/"));
        await once(body, "readable");
        body.destroy();
        await once(body, "close");
        expect(await outcome(asking.ask(server.url("http", "/")))).toBe("200 two");
      });
    });

    it("by closing it, and the body says so", async () => {
      const play = request()
        .send(`${head(OK, "Content-Length: 10")}hello`)
        .drain();
      await against(engine, play, async (asking, server) => {
        const answer = asking.ask(server.url("http", "/"));
        await answer;
        const came = outcome(answer);
        await new Promise((resolve) => setTimeout(resolve, 100));
        await asking.close();
        expect(await came).toBe("200, then aborted: the session was closed before the whole body had come");
        await server.done;
      });
    });
  });

  it("takes no more than it is read: a body of 100 MB nobody reads stops the server", async () => {
    const play = request()
      .send(head(OK, `Content-Length: ${100 * MIB}`))
      .flood(100 * MIB);
    await against(engine, play, async (asking, server) => {
      const before = process.memoryUsage.rss();
      const { body } = await asking.ask(server.url("http", "/"));
      await once(body, "readable");
      const taken = await steady(() => server.connections[0]?.accepted ?? 0);
      // What two sockets' buffers hold, and not what was announced.
      expect(taken).toBeLessThan(20 * MIB);
      expect(process.memoryUsage.rss() - before).toBeLessThan(50 * MIB);
      let octets = 0;
      for await (const chunk of body) octets += Buffer.isBuffer(chunk) ? chunk.length : 0;
      expect(octets).toBe(100 * MIB);
    });
  });

  describe("against the sandbox", () => {
    let sandbox: SandboxServer;
    let caFile: string;
    const folder = temporaryFolder("engines");

    beforeAll(async () => {
      const tls = await makeTlsMaterial();
      caFile = folder.path("ca.pem");
      await writeAuthority(tls, caFile);
      sandbox = await startHttp({ tls, onArrival: () => undefined });
    });

    afterAll(() => sandbox.close());

    function url(name: string, path: string): string {
      return `${sandbox.urls.find((known) => known.name === name)?.url ?? ""}${path}`;
    }

    it("fetches 20 MB whole, in clear and through TLS", async () => {
      const wanted = Buffer.concat([...piecesOf(generatedContent(20 * MIB))]);
      await using asking = asker(engine, { tls: { caFile } });
      for (const scheme of ["http", "https"]) {
        const { body } = await asking.ask(url(scheme, `stream?bytes=${20 * MIB}`));
        expect((await buffer(body)).equals(wanted)).toBe(true);
      }
    });

    it("uploads as it reads, 20 MB", async () => {
      const octets = Readable.from(piecesOf(generatedContent(20 * MIB)));
      await using asking = asker(engine);
      const body = { octets, size: 20 * MIB, awaitsConsent: true };
      const put = await asking.ask(url("http", `files/incoming/${engine}.bin`), { method: "PUT", body });
      expect(put.status).toBe(201);
      await buffer(put.body);
      const got = await asking.ask(url("http", `files/incoming/${engine}.bin`));
      const wanted = Buffer.concat([...piecesOf(generatedContent(20 * MIB))]);
      expect((await buffer(got.body)).equals(wanted)).toBe(true);
    });

    it("does not talk to a server whose certificate it does not trust", async () => {
      await using asking = asker(engine);
      await expect(asking.ask(url("https", ""))).rejects.toMatchObject({ code: "tls", exit: 5 });
    });
  });
});

describe("HTTP/2, agreed on by ALPN, on undici", () => {
  let server: Http2SecureServer;
  let base: string;
  let caFile: string;
  let sessions = 0;
  const folder = temporaryFolder("http2");

  beforeAll(async () => {
    const tls = await makeTlsMaterial();
    caFile = folder.path("ca.pem");
    await writeAuthority(tls, caFile);
    server = createSecureServer({ cert: tls.cert, key: tls.key, allowHTTP1: true });
    server.on("session", () => {
      sessions += 1;
    });
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => undefined);
      void answerStream(stream, String(headers[":path"]), String(headers[":method"]));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the listener has no port");
    base = `https://127.0.0.1:${address.port}`;
  });

  afterAll(async () => {
    server.close();
  });

  async function answerStream(stream: ServerHttp2Stream, path: string, method: string): Promise<void> {
    if (path === "/echo") {
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    } else if (path === "/large") {
      stream.respond({ ":status": 200, "content-length": 20 * MIB });
      Readable.from(piecesOf(generatedContent(20 * MIB))).pipe(stream);
    } else if (path === "/broken") {
      stream.respond({ ":status": 200, "content-length": 10 });
      stream.write("hello", () => stream.close(2));
    } else if (path === "/short") {
      stream.respond({ ":status": 200, "content-length": 10 });
      stream.end("hello");
    } else if (path === "/goodbye") {
      stream.session?.goaway();
      stream.session?.destroy();
    } else {
      stream.respond({ ":status": 404, "x-method": method });
      stream.end("nothing");
    }
  }

  it("carries requests one after the other over one session", async () => {
    const before = sessions;
    await using asking = asker("undici", { tls: { caFile } });
    expect(await outcome(asking.ask(`${base}/nothing`, { method: "DELETE" }))).toBe("404 nothing");
    const body = { octets: pieces("hello, ", "world"), awaitsConsent: false };
    expect(await outcome(asking.ask(`${base}/echo`, { method: "PUT", body }))).toBe("200 hello, world");
    const { body: large } = await asking.ask(`${base}/large`);
    const wanted = Buffer.concat([...piecesOf(generatedContent(20 * MIB))]);
    expect((await buffer(large)).equals(wanted)).toBe(true);
    expect(sessions - before).toBe(1);
  });

  it("shows no transcript what it sends: no mask sees through its code (RFC 7541, 5.2)", async () => {
    const transcript = new Transcript();
    const events: TranscriptEvent[] = [];
    transcript.subscribe((event) => events.push(event));
    const credentials = async () => ({ user: "me", password: "pw", kind: "password" as const });
    const client = new Client({
      options: { http2: true },
      network: { tls: { caFile } },
      transcript,
      credentials,
    });
    const target = client.target(base.replace("://", "://me@"));
    await client.use(target, async (session) => {
      await expect(session.read?.("/nothing")).rejects.toMatchObject({ code: "missing" });
    });
    expect(events.map(({ text }) => text)).toContain("HTTP/2: what is sent is not shown");
    expect(events.filter(({ direction }) => direction === "client")).toEqual([]);
    expect(events.some(({ direction }) => direction === "server")).toBe(true);
  });

  it("leaves one body early and stays", async () => {
    const before = sessions;
    await using asking = asker("undici", { tls: { caFile } });
    const { body } = await asking.ask(`${base}/large`);
    await once(body, "readable");
    body.destroy();
    expect(await outcome(asking.ask(`${base}/nothing`))).toBe("404 nothing");
    expect(sessions - before).toBe(1);
  });

  it("tells a stream that breaks off, or ends too soon", async () => {
    await using asking = asker("undici", { tls: { caFile } });
    expect(await outcome(asking.ask(`${base}/broken`))).toMatch(/^200, then protocol: /);
    expect(await outcome(asking.ask(`${base}/short`))).toMatch(/^200, then protocol: /);
    expect(await outcome(asking.ask(`${base}/goodbye`))).toMatch(/^no answer, (?:connect|protocol): /);
  });

  it("is not offered by the engine on node", async () => {
    const http1: string[] = [];
    server.once("request", (request) => http1.push(request.httpVersion));
    await using asking = asker("node", { tls: { caFile } });
    const answered = asking.ask(`${base}/`);
    server.once("request", (_request, response) => response.end("by HTTP/1.1"));
    expect(await outcome(answered)).toBe("200 by HTTP/1.1");
    expect(http1).toEqual(["1.1"]);
  });
});
