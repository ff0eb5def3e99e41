import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { fails, failure, mail, PIPELINING, send, sends, TWO, talk } from "./talk.js";

/** The client's end within the message, before the lone dot that would make the server keep it. */
const CUT_OFF = script().step({
  title: "see the end without the dot",
  async run(connection) {
    const came = await connection.readUntil(Buffer.from("\r\n.\r\n"));
    if (came.toString().endsWith("\r\n.\r\n")) throw new Error("the message was ended");
  },
});

describe("the message", () => {
  const taking = (check: (bytes: string) => void) =>
    PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n", (bytes) => check(bytes.toString("latin1")))
      .sendLines("250 queued")
      .and(conversation("C: QUIT\nS: 221 bye"));

  it("has its dots doubled", async () => {
    const play = taking((bytes) => expect(bytes).toBe("Subject: x\r\n\r\n..\r\n...two\r\nthree.\r\n.\r\n"));
    await sends(play, mail("Subject: x\r\n\r\n.\r\n..two\r\nthree."));
  });

  it("goes out with CRLF alone, so that no receiver sees an end where there is none", async () => {
    const smuggled = ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\0\r\n.\r\n"];
    for (const trick of smuggled) {
      const text = `Subject: x\r\n\r\nhello${trick}MAIL FROM:<evil@z.example>\r\n`;
      const play = PIPELINING.expectUntil("DATA\r\n")
        .sendLines("250 ok", "250 ok", "354 go on")
        .expectUntil("evil@z.example>\r\n.\r\n", (bytes) => {
          const sent = bytes.toString("latin1");
          expect(sent.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
          expect(sent.slice(0, -3)).not.toMatch(/\r\n\.\r\n/);
          expect(sent).toMatch(/\r\n\.\.\r\nMAIL FROM/);
        })
        .sendLines("250 queued")
        .and(conversation("C: QUIT\nS: 221 bye"));
      await sends(play, mail(text));
    }
  });

  it("goes out whole however it is cut", async () => {
    const text = "Subject: x\r\n\r\n.a\r\n\r\n..b\r\nc";
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
        async (sizes) => {
          const pieces: string[] = [];
          for (let at = 0, turn = 0; at < text.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            pieces.push(text.slice(at, at + size));
            at += size;
          }
          const play = taking((bytes) =>
            expect(bytes).toBe("Subject: x\r\n\r\n..a\r\n\r\n...b\r\nc\r\n.\r\n"),
          );
          await sends(play, mail(Readable.from(pieces)));
        },
      ),
      { numRuns: 15 },
    );
  });

  it("is read no faster than the server takes it", async () => {
    let made = 0;
    const chunk = Buffer.alloc(64 * 1024, `${"x".repeat(70)}\r\n`);
    const source = Readable.from(
      (function* () {
        for (; made < 512; made++) yield chunk;
      })(),
      { objectMode: false },
    );
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .pause(300)
      .call(() => expect(made).toBeLessThan(200))
      .step({
        title: "take 32 MiB",
        async run(connection) {
          for (let size = 0; size < 512 * chunk.length; )
            size += (await connection.readBytes(chunk.length)).length;
        },
      })
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued")
      .and(conversation("C: QUIT\nS: 221 bye"));
    await using server = await scripted(play, { keep: 64 * 1024 * 1024 });
    const client = new Client();
    const session = await client.open(client.target(server.url("smtp")));
    const report = await send(session, mail(source));
    await session[Symbol.asyncDispose]();
    await server.done;
    expect(report.size).toBe(512 * chunk.length);
  });

  it("that cannot be read leaves nothing at the server", async () => {
    const source = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000, "x\r\n");
        throw Object.assign(new Error("EIO: i/o error, read"), {
          code: "EACCES",
          syscall: "read",
          path: "/some/file",
        });
      })(),
      { objectMode: false },
    );
    const play = PIPELINING.expectUntil("DATA\r\n").sendLines("250 ok", "250 ok", "354 go on").and(CUT_OFF);
    await talk(play, async (session, server) => {
      expect(await failure(send(session, mail(source)))).toMatchObject({
        code: "local",
        exit: 12,
        message: "/some/file: permission denied",
      });
      await server.done;
      expect(await failure(send(session, mail()))).toMatchObject({ code: "aborted" });
    });
  });

  it("that is stopped by the user leaves nothing at the server", async () => {
    const stop = new AbortController();
    const warnings: string[] = [];
    const source = new Readable({ read: () => {} });
    source.push(Buffer.alloc(100_000, "x\r\n"));
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .call(() => stop.abort())
      .and(CUT_OFF);
    await talk(
      play,
      async (session, server) => {
        expect(await failure(send(session, mail(source)))).toMatchObject({ code: "aborted", exit: 130 });
        await server.done;
        expect(source.destroyed).toBe(true);
      },
      { signal: stop.signal, warn: (text) => warnings.push(text) },
    );
    // Nothing is open: who stopped it is told that it stopped, and once.
    expect(warnings).toEqual([]);
  });

  it("may be broken off by the server, and then its words are told", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x\r\n");
    const endless = Readable.from(
      (function* () {
        for (;;) yield chunk;
      })(),
      { objectMode: false },
    );
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .step({ title: "read some", run: async (connection) => void (await connection.readBytes(100_000)) })
      .sendLines("552 5.3.4 too large")
      .drain();
    expect(await fails(play, mail(endless))).toMatchObject({
      code: "refused",
      message: "the server broke off the message",
      reply: "552 5.3.4 too large",
    });
  });

  it("that the server leaves in the middle is not delivered", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x\r\n");
    const endless = Readable.from(
      (function* () {
        for (;;) yield chunk;
      })(),
      { objectMode: false },
    );
    const play = PIPELINING.expectUntil("DATA\r\n").sendLines("250 ok", "250 ok", "354 go on").reset();
    const failed = await fails(play, mail(endless));
    expect(failed).toMatchObject({ code: "protocol", exit: 11 });
    expect(String(failed)).toContain("in the middle of what it had asked for");
  });
});

describe("an answer to the message that does not come", () => {
  it("leaves it unknown, says so, and nothing is sent again", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .drop();
    expect(await fails(play, mail(undefined, TWO))).toMatchObject({
      code: "protocol",
      exit: 11,
      message:
        "the answer to the message did not come (the server closed the connection): it is not known whether it was accepted for b@y.example, c@z.example",
      hint: "it was not sent again; look for the message <1@x.example> at the other end before you do",
    });
  });

  it("is as unknown when only a part of it came", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .send("25")
      .drop();
    expect(await fails(play)).toMatchObject({ code: "protocol", exit: 11 });
  });

  it("in time is exit 6, and as unknown", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .eof();
    await talk(
      play,
      async (session) => {
        const failed = await failure(send(session, mail()));
        expect(failed).toMatchObject({ code: "timeout", exit: 6 });
        expect(String(failed)).toContain("it is not known whether it was accepted");
      },
      { network: { idleTimeout: 100 } },
    );
  });

  it("because the user stopped is warned of", async () => {
    const stop = new AbortController();
    const warnings: string[] = [];
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .call(() => stop.abort())
      .eof();
    await talk(
      play,
      async (session) => {
        expect(await failure(send(session, mail()))).toMatchObject({ code: "aborted" });
      },
      { signal: stop.signal, warn: (text) => warnings.push(text) },
    );
    expect(warnings).toEqual([
      expect.stringContaining("it is not known whether it was accepted for b@y.example"),
    ]);
  });
});
