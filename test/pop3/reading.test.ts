import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { conversation, type Script, script } from "../../fixtures/servers/scripted.js";
import { BYE, failure, hello, listed, OLD_WELCOME, octets, plays, read, talk, welcome } from "./talk.js";

const FIND_1 = conversation("C: LIST 1\nS: +OK 1 120\nC: UIDL 1\nS: +OK 1 abc");

/** A mail that would trip whoever takes packets for lines: dots at line starts, octets above 127, no text in the end. */
const MAIL = Buffer.from("Subject: caf\xe9\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n\x80\xff\r\n\r\n", "latin1");
const ON_THE_WIRE = Buffer.from(
  "+OK 120 octets\r\nSubject: caf\xe9\r\n\r\n..\r\n...\r\n..a\r\nb.\r\n\x80\xff\r\n\r\n.\r\n",
  "latin1",
);

function retrieving(answer: Script): Script {
  return OLD_WELCOME.and(FIND_1).expect("RETR 1").and(answer);
}

async function readsMail(answer: Script): Promise<void> {
  await plays(retrieving(answer).and(BYE), async (session) => {
    expect((await octets(session, "/1")).toString("latin1")).toBe(MAIL.toString("latin1"));
  });
}

describe("a message", () => {
  it("is given octet for octet, dots undone, the last line end kept", async () => {
    await readsMail(script().send(ON_THE_WIRE));
  });

  it("is the same when it comes an octet a packet", async () => {
    await readsMail(script().sendCut(ON_THE_WIRE, "everywhere"));
  });

  it.each([1, 2, 3, 4])("is the same when its end is cut %i octets before the last", async (before) => {
    await readsMail(script().sendCut(ON_THE_WIRE, [ON_THE_WIRE.length - before]));
  });

  it("goes on after a packet that is a dot and a line end within a line", async () => {
    const text = Buffer.from("+OK\r\nSubject: x\r\n\r\none\r\ntwo.\r\nthree\r\n.\r\n");
    const dot = text.indexOf(".\r\nthree");
    await plays(retrieving(script().sendCut(text, [dot, dot + 3])).and(BYE), async (session) => {
      expect((await octets(session, "/1")).toString()).toBe("Subject: x\r\n\r\none\r\ntwo.\r\nthree\r\n");
    });
  });

  it("is not taken for the status line that is cut before it", async () => {
    await readsMail(script().sendCut(ON_THE_WIRE, [2, 4, 6]));
  });

  it("may be empty", async () => {
    await plays(retrieving(script().send("+OK\r\n.\r\n")).and(BYE), async (session) => {
      expect((await octets(session, "/1")).length).toBe(0);
    });
  });

  it("that ends before its end is an error, and no shorter message", async () => {
    await talk(retrieving(script().send("+OK\r\nSubject: x\r\n\r\nhalf").drop()), async (session) => {
      expect(await failure(octets(session, "/1"))).toMatchObject({
        code: "protocol",
        exit: 11,
        protocol: "pop3",
      });
    });
  });

  it("that is never answered is an error at once when the server closes", async () => {
    await talk(retrieving(script().drop()), async (session) => {
      expect(await failure(octets(session, "/1"))).toMatchObject({ code: "connect", exit: 4 });
    });
  });

  it("that stands still ends with the idle limit", async () => {
    const settings = {
      credentials: async () => ({ user: "ann", password: "open sesame", kind: "password" }) as const,
      network: { idleTimeout: 100 },
    };
    await talk(
      retrieving(script().send("+OK\r\nSubject: x\r\n").drain()),
      async (session) => {
        expect(await failure(octets(session, "/1"))).toMatchObject({ code: "timeout", exit: 6 });
      },
      settings,
    );
  });

  it("that is not there is missing, in the server's words", async () => {
    const play = OLD_WELCOME.and(
      conversation("C: LIST 7\nS: -ERR only 2 messages\nC: UIDL 7\nS: -ERR only 2 messages"),
    );
    await plays(play.and(BYE), async (session) => {
      expect(await failure(read(session, "/7"))).toMatchObject({
        code: "missing",
        exit: 8,
        message: "there is no message 7",
        reply: "-ERR only 2 messages",
      });
    });
  });

  it("that went between its listing and now is missing, and the session goes on", async () => {
    const gone = retrieving(conversation("S: -ERR it is gone\nC: STAT\nS: +OK 1 120"));
    await plays(gone.and(BYE), async (session) => {
      expect(await failure(read(session, "/1"))).toMatchObject({ code: "missing", reply: "-ERR it is gone" });
      expect(await session.stat?.("/")).toMatchObject({
        kind: "mailbox",
        meta: { messages: 1, octets: 120 },
      });
    });
  });

  it("that the server cannot give just now is busy", async () => {
    await plays(retrieving(conversation("S: -ERR [SYS/TEMP] disk")).and(BYE), async (session) => {
      expect(await failure(read(session, "/1"))).toMatchObject({ code: "busy", exit: 10 });
    });
  });

  it("says what it is, and by which name it opens again", async () => {
    await plays(retrieving(script().send(ON_THE_WIRE)).and(BYE), async (session) => {
      const document = await read(session, "/1");
      expect(document).toMatchObject({ type: "message/rfc822", offset: 0, filename: "abc.eml" });
      expect(document.entry).toMatchObject({ kind: "message", size: 120, meta: { number: 1, uid: "abc" } });
      expect(new URL(document.entry.url).pathname).toBe("/uid:abc");
      // Servers announce one number of octets and send another.
      expect(document.total).toBeUndefined();
      document.body.resume();
      await once(document.body, "end");
    });
  });

  it("left early passes when it is small, and the session goes on", async () => {
    const play = retrieving(script().send(Buffer.concat([ON_THE_WIRE])))
      .and(conversation("C: NOOP\nS: +OK\nC: STAT\nS: +OK 1 120"))
      .and(BYE);
    await plays(play, async (session) => {
      const { body } = await read(session, "/1");
      body.destroy();
      await once(body, "close");
      expect(await session.stat?.("/")).toMatchObject({ meta: { messages: 1 } });
    });
  });

  it("left early costs the connection when it is large, and another is made", async () => {
    const large = retrieving(
      script()
        .send("+OK\r\n")
        .flood(8 * 1024 * 1024, "much\r\n"),
    );
    const second = OLD_WELCOME.and(conversation("C: STAT\nS: +OK 1 120")).and(BYE);
    await talk([large, second], async (session) => {
      const { body } = await read(session, "/1");
      await once(body, "data");
      body.destroy();
      await once(body, "close");
      expect(await session.stat?.("/")).toMatchObject({ meta: { messages: 1 } });
    });
  });

  it("cannot be the whole mailbox", async () => {
    await plays(OLD_WELCOME.and(BYE), async (session) => {
      expect(await failure(read(session, "/"))).toMatchObject({ code: "usage", exit: 2 });
    });
  });
});

describe("a listing", () => {
  const header = (subject: string) =>
    `+OK\r\nFrom: Ann <a@x.example>\r\nSubject: ${subject}\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\n.\r\n`;

  it("has subject, sender, date and size, the newest first, a command a time", async () => {
    const play = welcome("UIDL", "TOP")
      .and(
        conversation("C: LIST\nS: +OK\nS: 1 100\nS: 2 200\nS: .\nC: UIDL\nS: +OK\nS: 1 abc\nS: 2 d/f\nS: ."),
      )
      .expect("TOP 2 0")
      .send(header("=?utf-8?q?caf=C3=A9?="))
      .expect("TOP 1 0")
      .send("+OK\r\n\r\n.\r\n")
      .and(BYE);
    await plays(play, async (session) => {
      const [first, second] = await listed(session);
      expect(first).toMatchObject({
        name: "café",
        kind: "message",
        size: 200,
        type: "message/rfc822",
        modified: new Date("2026-11-02T08:00:00Z"),
        meta: { number: 2, uid: "d/f", subject: "café", from: "Ann <a@x.example>" },
      });
      expect(first?.url).toMatch(/^pop3:\/\/127\.0\.0\.1:\d+\/uid:d%2Ff$/);
      expect(second).toMatchObject({ name: "(no subject)", size: 100, meta: { number: 1, uid: "abc" } });
    });
  });

  it("is asked for in one go where the server takes commands ahead", async () => {
    const play = welcome("UIDL", "TOP", "PIPELINING")
      .expect(Buffer.from("LIST\r\nUIDL\r\n"))
      .sendLines("+OK", "1 100", "2 200", ".", "+OK", "1 abc", "2 def", ".")
      .expect(Buffer.from("TOP 2 0\r\nTOP 1 0\r\n"))
      .send(header("two") + header("one"))
      .and(BYE);
    await plays(play, async (session) => {
      expect((await listed(session)).map(({ name }) => name)).toEqual(["two", "one"]);
    });
  });

  it("asks for no more headers than are wanted", async () => {
    const play = welcome("UIDL", "TOP", "PIPELINING")
      .expect(Buffer.from("LIST\r\nUIDL\r\n"))
      .sendLines("+OK", "1 100", "2 200", ".", "+OK", "1 abc", "2 def", ".")
      .expect("TOP 2 0")
      .send(header("two"))
      .and(BYE);
    await plays(play, async (session) => {
      expect((await listed(session, "/", 1)).map(({ name }) => name)).toEqual(["two"]);
    });
  });

  it("left early lets pass what was asked ahead, and the session goes on", async () => {
    const play = welcome("UIDL", "TOP", "PIPELINING")
      .expect(Buffer.from("LIST\r\nUIDL\r\n"))
      .sendLines("+OK", "1 100", "2 200", "3 300", ".", "+OK", "1 abc", "2 def", "3 ghi", ".")
      .expect(Buffer.from("TOP 3 0\r\nTOP 2 0\r\nTOP 1 0\r\n"))
      .send(`${header("three")}-ERR no\r\n${header("one")}`)
      .and(conversation("C: STAT\nS: +OK 3 600"))
      .and(BYE);
    await plays(play, async (session) => {
      for await (const entry of session.list?.("/") ?? []) {
        expect(entry.name).toBe("three");
        break;
      }
      expect(await session.stat?.("/")).toMatchObject({ size: 600 });
    });
  });

  it("of a server without UIDL and TOP has numbers", async () => {
    const play = welcome()
      .and(conversation("C: LIST\nS: +OK\nS: 1 100\nS: .\nC: UIDL\nS: -ERR what?"))
      .and(BYE);
    await plays(play, async (session) => {
      const [entry] = await listed(session);
      expect(entry).toMatchObject({ name: "message 1", size: 100, meta: { number: 1 } });
      expect(new URL(entry?.url ?? "").pathname).toBe("/1");
    });
  });

  it("shows a message that vanished, or has no header to give, by its identifier", async () => {
    const play = OLD_WELCOME.and(
      conversation(
        "C: LIST\nS: +OK\nS: 1 100\nS: .\nC: UIDL\nS: +OK\nS: 1 abc\nS: .\nC: TOP 1 0\nS: -ERR gone",
      ),
    );
    await plays(play.and(BYE), async (session) => {
      expect(await listed(session)).toMatchObject([{ name: "abc", size: 100 }]);
    });
  });

  it("names messages by number where two have one identifier, and opens none by it", async () => {
    const play = welcome("UIDL")
      .and(
        conversation(
          "C: LIST\nS: +OK\nS: 1 1\nS: 2 2\nS: 3 3\nS: .\nC: UIDL\nS: +OK\nS: 1 same\nS: 2 own\nS: 3 same\nS: .",
        ),
      )
      .and(BYE);
    await plays(play, async (session) => {
      const paths = (await listed(session)).map(({ url }) => new URL(url).pathname);
      expect(paths).toEqual(["/3", "/uid:own", "/1"]);
      expect(await failure(read(session, "/uid:same"))).toMatchObject({
        code: "protocol",
        message: "two messages have the unique identifier same",
      });
    });
  });

  it("passes over an identifier beyond all bounds", async () => {
    const play = welcome("UIDL").expect("LIST").sendLines("+OK", "1 1", ".").expect("UIDL");
    await plays(play.sendLines("+OK", `1 ${"x".repeat(5000)}`, ".").and(BYE), async (session) => {
      expect((await listed(session)).map(({ url }) => new URL(url).pathname)).toEqual(["/1"]);
    });
  });

  it("of nothing is empty", async () => {
    const play = welcome("UIDL").and(conversation("C: LIST\nS: +OK\nS: .\nC: UIDL\nS: +OK\nS: ."));
    await plays(play.and(BYE), async (session) => expect(await listed(session)).toEqual([]));
  });

  it("with a line that is none breaks the protocol", async () => {
    const play = welcome("UIDL").and(conversation("C: LIST\nS: +OK\nS: one 100\nS: ."));
    await talk(play.drain(), async (session) => {
      expect(await failure(listed(session))).toMatchObject({ code: "protocol", reply: "one 100" });
    });
  });

  it("takes a header of 10 MB, and keeps what a list shows", async () => {
    const long = `X-Long: ${"y".repeat(990)}\r\n`;
    const play = welcome("TOP")
      .and(conversation("C: LIST\nS: +OK\nS: 1 10000000\nS: .\nC: UIDL\nS: -ERR no\nC: TOP 1 0"))
      .send("+OK\r\nSubject: long\r\n")
      .send(long.repeat(10_000))
      .send("\r\n.\r\n")
      .and(BYE);
    await plays(play, async (session) => {
      expect((await listed(session)).map(({ name }) => name)).toEqual(["long"]);
    });
  });

  it("of a path that names one message is that one", async () => {
    const play = OLD_WELCOME.and(FIND_1).expect("TOP 1 0").send(header("one")).and(BYE);
    await plays(play, async (session) => {
      expect((await listed(session, "/1")).map(({ name }) => name)).toEqual(["one"]);
    });
  });
});

describe("facts", () => {
  it("of the mailbox are STAT's", async () => {
    const play = OLD_WELCOME.and(conversation("C: STAT\nS: +OK 2 320 and more")).and(BYE);
    await plays(play, async (session) => {
      expect(await session.stat?.("/")).toMatchObject({
        kind: "mailbox",
        size: 320,
        meta: { messages: 2, octets: 320 },
      });
    });
  });

  it("that are no numbers break the protocol", async () => {
    const play = OLD_WELCOME.and(conversation("C: STAT\nS: +OK many")).and(BYE);
    await plays(play, async (session) => {
      expect(await failure(session.stat?.("/") ?? Promise.resolve())).toMatchObject({
        code: "protocol",
        reply: "+OK many",
      });
    });
  });

  it("of a path say what it names, without asking", async () => {
    await plays(
      hello().and(BYE),
      async (session) => {
        expect(["/", "", "/3", "/uid:x"].map((path) => session.kindOf?.(path))).toEqual([
          "mailbox",
          "mailbox",
          "message",
          "message",
        ]);
      },
      {},
    );
  });
});
