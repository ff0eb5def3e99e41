import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import type { SendReport } from "../../src/plugin.js";
import { failure, mail, send, talk } from "./talk.js";

function hello(...extensions: readonly string[]): Script {
  const lines = ["hi", ...extensions].map(
    (words, at) => `250${at === extensions.length ? " " : "-"}${words}`,
  );
  return script()
    .sendLines("220 hi")
    .expect("EHLO [127.0.0.1]")
    .sendLines(...lines);
}

const STEPWISE = hello();
const PIPELINING = hello("PIPELINING");
const TWO = { to: ["b@y.example", "c@z.example"] };

async function sends(play: Script, outgoing = mail()): Promise<SendReport> {
  let report: SendReport | undefined;
  await talk(play, async (session, server) => {
    report = await send(session, outgoing);
    await session[Symbol.asyncDispose]();
    await server.done;
  });
  if (report === undefined) throw new Error("no report");
  return report;
}

async function fails(play: Script, outgoing = mail()): Promise<unknown> {
  let failed: unknown;
  await talk(play, async (session, server) => {
    failed = await failure(send(session, outgoing));
    await session[Symbol.asyncDispose]();
    await server.done;
  });
  expect(outgoing.raw.destroyed).toBe(true);
  return failed;
}

describe("pipelining", () => {
  it("sends envelope and DATA in one go", async () => {
    const play = PIPELINING.expect(
      Buffer.from("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@z.example>\r\nDATA\r\n"),
    )
      .sendLines("250 ok", "250 ok", "250 ok", "354 go on")
      .expect(Buffer.from("Subject: x\r\n\r\nhello\r\n.\r\n"))
      .sendLines("250 queued")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await sends(play, mail(undefined, TWO))).toMatchObject({ accepted: TWO.to, refused: [] });
  });

  it("understands answers that are cut anywhere", async () => {
    const before = "250 ok\r\n250-b is\r\n250 fine\r\n550-5.1.1 c\r\n550 5.1.1 who?\r\n354 go on\r\n";
    const after = "250-2.0.0\r\n250 2.0.0 queued\r\n";
    const plays = (cuts: {
      before: readonly number[] | "everywhere";
      after: readonly number[] | "everywhere";
    }) =>
      PIPELINING.expectUntil("DATA\r\n")
        .sendCut(before, cuts.before)
        .expectUntil("\r\n.\r\n")
        .sendCut(after, cuts.after)
        .and(conversation("C: QUIT\nS: 221 bye"));
    const want = {
      accepted: ["b@y.example"],
      refused: [{ recipient: "c@z.example", code: 550, reply: "550 5.1.1 c 5.1.1 who?" }],
      reply: "250 2.0.0 2.0.0 queued",
    };
    expect(
      await sends(plays({ before: "everywhere", after: "everywhere" }), mail(undefined, TWO)),
    ).toMatchObject(want);
    const cutsIn = (text: string) =>
      fc
        .uniqueArray(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 4 })
        .map((cuts) => cuts.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(cutsIn(before), cutsIn(after), async (first, second) => {
        expect(await sends(plays({ before: first, after: second }), mail(undefined, TWO))).toMatchObject(
          want,
        );
      }),
      { numRuns: 25 },
    );
  });

  it("takes more recipients than may be unanswered", async () => {
    const to = Array.from({ length: 250 }, (_, at) => `r${at}@y.example`);
    const play = PIPELINING.step({
      title: "answer 252 commands",
      async run(connection) {
        for (let at = 0; at < 252; at++) {
          await connection.readLine();
          await connection.write(Buffer.from(at === 251 ? "354 go on\r\n" : "250 ok\r\n"));
        }
      },
    })
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect((await sends(play, mail(undefined, { to }))).accepted).toEqual(to);
  });

  it("sends an empty message when the server wants one though no recipient is left", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "550 no", "354 go on")
      .expect(".")
      .sendLines("554 no valid recipients")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({
      code: "refused",
      exit: 9,
      message: "the recipient b@y.example was refused",
      reply: "550 no",
    });
  });

  it("does not take the answers to what was sent ahead for the cause", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("553 5.1.8 unknown sender", "503 MAIL first", "503 MAIL first")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({
      code: "refused",
      message: "the sender a@x.example was refused",
      reply: "553 5.1.8 unknown sender",
    });
  });

  it("does not send ahead where it is not offered", async () => {
    const play = STEPWISE.expect(Buffer.from("MAIL FROM:<a@x.example>\r\n"))
      .pause(50)
      .call((connection) => expect(connection.unread.length).toBe(0))
      .and(conversation("S: 250 ok\nC: RCPT TO:<b@y.example>\nS: 250 ok\nC: DATA\nS: 354 go on"))
      .expectUntil("\r\n.\r\n")
      .and(conversation("S: 250 ok\nC: QUIT\nS: 221 bye"));
    await sends(play);
  });
});

describe("refusals", () => {
  it.each([
    ["451 4.3.0 try later", "busy", 10],
    ["550 5.7.1 blocked", "refused", 9],
    ["354 what?", "protocol", 11],
  ])("of the sender: %s", async (reply, code, exit) => {
    const play = STEPWISE.and(conversation(`C: MAIL FROM:<a@x.example>\nS: ${reply}\nC: QUIT\nS: 221 bye`));
    expect(await fails(play)).toMatchObject({
      code,
      exit,
      reply,
      message: "the sender a@x.example was refused",
    });
  });

  it("of some recipients do not keep the others from their mail", async () => {
    const play = STEPWISE.and(
      conversation(`
        C: MAIL FROM:<a@x.example>
        S: 250 ok
        C: RCPT TO:<b@y.example>
        S: 452 4.2.2 full
        C: RCPT TO:<c@z.example>
        S: 251 will forward
        C: DATA
        S: 354 go on
      `),
    )
      .expectUntil("\r\n.\r\n")
      .and(conversation("S: 250 ok\nC: QUIT\nS: 221 bye"));
    expect(await sends(play, mail(undefined, TWO))).toMatchObject({
      accepted: ["c@z.example"],
      refused: [{ recipient: "b@y.example", code: 452, reply: "452 4.2.2 full" }],
    });
  });

  it("of all recipients are an error by the first, and nothing is sent", async () => {
    const play = STEPWISE.and(
      conversation(`
        C: MAIL FROM:<a@x.example>
        S: 250 ok
        C: RCPT TO:<b@y.example>
        S: 454 4.7.1 relay access denied
        C: RCPT TO:<c@z.example>
        S: 550 no
        C: QUIT
        S: 221 bye
      `),
    );
    expect(await fails(play, mail(undefined, TWO))).toMatchObject({
      code: "busy",
      exit: 10,
      message: "all 2 recipients were refused: b@y.example, c@z.example",
      reply: "454 4.7.1 relay access denied",
      hint: "the server may want a login (-u USER), or not take mail for this domain",
    });
  });

  it("of DATA are an error", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "451 no room")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({
      code: "busy",
      message: "the server does not take the message",
    });
  });

  it.each([
    ["554 5.6.0 spam", "refused"],
    ["451 4.7.0 greylisted", "busy"],
  ])("of the message after its end: %s", async (reply, code) => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .sendLines(reply)
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({ code, reply, message: "the server refused the message" });
  });

  it("let the session go on: RSET comes before the next mail", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "550 no", "503 no recipients")
      .expect(Buffer.from("RSET\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
      .sendLines("250 reset", "250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued")
      .expect(Buffer.from("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued again")
      .and(conversation("C: QUIT\nS: 221 bye"));
    await talk(play, async (session, server) => {
      expect(await failure(send(session, mail()))).toMatchObject({ code: "refused" });
      expect((await send(session, mail())).reply).toBe("250 queued");
      expect((await send(session, mail())).reply).toBe("250 queued again");
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });
});

describe("421", () => {
  it.each([
    ["MAIL", script().expect(/^MAIL/)],
    ["RCPT", script().expect(/^MAIL/).sendLines("250 ok").expect(/^RCPT/)],
    ["DATA", script().expect(/^MAIL/).sendLines("250 ok").expect(/^RCPT/).sendLines("250 ok").expect("DATA")],
    [
      "the message",
      script()
        .expect(/^MAIL/)
        .sendLines("250 ok")
        .expect(/^RCPT/)
        .sendLines("250 ok")
        .expect("DATA")
        .sendLines("354 go on")
        .expectUntil("\r\n.\r\n"),
    ],
  ])("as the answer to %s ends the session", async (_step, rest) => {
    const play = STEPWISE.and(rest).sendLines("421 4.3.2 shutting down").drop();
    expect(await fails(play)).toMatchObject({
      code: "busy",
      exit: 10,
      message: "the server closes the session",
      reply: "421 4.3.2 shutting down",
    });
  });

  it("within what was sent ahead is the cause, not the end that follows it", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n").sendLines("250 ok", "421 4.3.2 shutting down").drop();
    expect(await fails(play)).toMatchObject({ code: "busy", reply: "421 4.3.2 shutting down" });
  });

  it("while nothing is asked is the answer to the next mail", async () => {
    await talk(STEPWISE.pause(20).sendLines("421 idle for too long").eof(), async (session, server) => {
      await server.done;
      expect(await failure(send(session, mail()))).toMatchObject({
        code: "busy",
        reply: "421 idle for too long",
      });
    });
  });
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
    const play = PIPELINING.expectUntil("DATA\r\n").sendLines("250 ok", "250 ok", "354 go on").drain();
    expect(await fails(play, mail(source))).toMatchObject({
      code: "local",
      exit: 12,
      message: "/some/file: permission denied",
    });
  });

  it("that is stopped by the user leaves nothing at the server", async () => {
    const stop = new AbortController();
    const source = new Readable({ read: () => {} });
    source.push(Buffer.alloc(100_000, "x\r\n"));
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .call(() => stop.abort())
      .step({
        title: "see the end without the dot",
        async run(connection) {
          const came = await connection.readUntil(Buffer.from("\r\n.\r\n"));
          if (came.toString().endsWith("\r\n.\r\n")) throw new Error("the message was ended");
        },
      });
    await talk(
      play,
      async (session, server) => {
        expect(await failure(send(session, mail(source)))).toMatchObject({ code: "aborted", exit: 130 });
        await server.done;
        expect(source.destroyed).toBe(true);
      },
      { signal: stop.signal },
    );
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

describe("what the server cannot take", () => {
  it("is not begun: a message above its SIZE", async () => {
    const play = hello("SIZE 1000").and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { size: 1001 }))).toMatchObject({
      code: "refused",
      exit: 9,
      message: "the message has 1001 octets, and the server takes at most 1000",
    });
  });

  it.each(["SIZE", "SIZE 0"])("is no matter of size for %s", async (extension) => {
    const play = hello(extension)
      .expect("MAIL FROM:<a@x.example> SIZE=5000000000")
      .sendLines("452 no room")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { size: 5_000_000_000 }))).toMatchObject({ code: "busy" });
  });

  it("is not begun: an address beyond ASCII without SMTPUTF8", async () => {
    const play = hello("8BITMIME").and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { to: ["jürgen@y.example"] }))).toMatchObject({
      code: "refused",
      message: "the server takes no addresses like <jürgen@y.example>: it does not offer SMTPUTF8",
    });
  });

  it("is said with SMTPUTF8 and 8BITMIME where they are offered", async () => {
    const play = hello("8BITMIME", "SMTPUTF8")
      .expect("MAIL FROM:<a@x.example> BODY=8BITMIME SMTPUTF8")
      .sendLines("250 ok")
      .expect("RCPT TO:<jürgen@xn--mller-kva.example>")
      .sendLines("550 no")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { to: ["jürgen@müller.example"] }))).toMatchObject({
      code: "refused",
    });
  });

  it("is no matter of SMTPUTF8 when the domain alone is beyond ASCII", async () => {
    const play = hello()
      .expect("MAIL FROM:<a@x.example>")
      .sendLines("250 ok")
      .expect("RCPT TO:<ann@xn--mller-kva.example>")
      .sendLines("550 no")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { to: ["ann@müller.example"] }))).toMatchObject({
      code: "refused",
    });
  });
});

describe("the envelope", () => {
  it("may come from nobody", async () => {
    const play = hello().expect("MAIL FROM:<>").sendLines("550 no").and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { from: "" }))).toMatchObject({
      message: "the sender <> was refused",
    });
  });

  it.each([
    "b@y.example> NOTIFY=SUCCESS",
    "b@y.example>,<evil@z.example",
    "b@y.example, evil@z.example",
    "friends: b@y.example;",
    "b@y.example evil",
    "<b@y.example>",
    "b\x01@y.example",
    "b@",
    "@y.example",
    "",
    "b@y.example@z.example",
    '"b"c@y.example',
    "b@[127.0.0.1] x",
    "b\u00a0@y.example",
    "b\u2028@y.example",
  ])("sends nothing to %j", async (address) => {
    const play = hello().and(conversation("C: QUIT\nS: 221 bye"));
    const failed = await fails(play, mail(undefined, { to: ["c@z.example", address] }));
    expect(failed).toMatchObject({ code: "usage", exit: 2 });
  });

  it.each([
    "root",
    "a..b@y.example",
    '"a b"@y.example',
    '"a>b,c"@y.example',
    "b@[127.0.0.1]",
    "b@[IPv6:::1]",
    "o'hara+x@y.example",
  ])("sends to %j", async (address) => {
    const play = hello()
      .expect("MAIL FROM:<a@x.example>")
      .sendLines("250 ok")
      .expect(`RCPT TO:<${address}>`)
      .sendLines("550 no")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { to: [address] }))).toMatchObject({ reply: "550 no" });
  });

  it.each(["b@y.example\r\nRCPT TO:<evil@z.example>", "b\0@y.example", "b\n@y.example"])(
    "sends nothing to %j, which the platform refuses",
    async (address) => {
      await talk(hello().and(conversation("C: QUIT\nS: 221 bye")), async (session, server) => {
        const failed = await failure(send(session, mail(undefined, { to: [address] })));
        expect(failed).toMatchObject({ code: "usage", exit: 2 });
        await session[Symbol.asyncDispose]();
        await server.done;
      });
    },
  );

  it("has a recipient", async () => {
    const play = hello().and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(undefined, { to: [] }))).toMatchObject({ code: "usage" });
  });
});
