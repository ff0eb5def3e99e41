import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { conversation, type Script, script } from "../../fixtures/servers/scripted.js";
import { failure, listed, many, octets, opens, plays, talk, welcome } from "./talk.js";

const FACTS =
  '(UID 7 FLAGS (\\Seen \\Recent) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 9 ENVELOPE NIL)';
/** Octets that would trip whoever takes lines for answers. */
const MAIL = Buffer.from("Subject: caf\xe9\r\n\r\nA4 OK done\r\n)\r\n* BYE\r\n{5}\r\n\0\xff", "latin1");

function literal(octetsOf: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{${octetsOf.length}}\r\n`), octetsOf]);
}

/** Up to both FETCH commands for message 7. */
const ASKED = welcome()
  .and(opens("A2", 9))
  .expect("A3 UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
  .expect("A4 UID FETCH 7 (UID BODY.PEEK[])");

const TOLD = script().sendLines(`* 7 FETCH ${FACTS}`, "A3 OK done");

function answer(...pieces: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
}

async function gives(play: Script, expected: Buffer = MAIL): Promise<void> {
  await plays(ASKED.and(play), async (session) => {
    expect((await octets(session, "/INBOX/;UID=7")).toString("latin1")).toBe(expected.toString("latin1"));
  });
}

async function fails(play: Script, expected: Record<string, unknown>): Promise<void> {
  await talk(ASKED.and(play), async (session) => {
    expect(await failure(octets(session, "/INBOX/;UID=7"))).toMatchObject(expected);
  });
}

describe("a message", () => {
  const whole = answer("* 7 FETCH (UID 7 BODY[] ", literal(MAIL), ")\r\nA4 OK done\r\n");

  it("is given octet for octet", async () => {
    await gives(TOLD.send(whole));
  });

  it("is not held where the server says OK to the first question behind it, as dovecot does", async () => {
    // More than is ever held.
    const large = Buffer.alloc(70 * 1024 * 1024, "lines like this one\r\n");
    const play = script()
      .sendLines(`* 7 FETCH ${FACTS}`)
      .send(answer("* 7 FETCH (UID 7 BODY[] ", literal(large), ")\r\nA3 OK done\r\nA4 OK done\r\n"));
    await plays(ASKED.and(play), async (session) => {
      const { body } = (await session.read?.("/INBOX/;UID=7")) ?? {};
      // Time for all of it to come, if somebody took it.
      await wait(200);
      expect(body?.readableLength).toBeLessThan(1024 * 1024);
      let octetsRead = 0;
      for await (const chunk of body ?? []) octetsRead += Buffer.byteLength(chunk);
      expect(octetsRead).toBe(large.length);
    });
  });

  it("is the same an octet a packet", async () => {
    await gives(TOLD.sendCut(whole, "everywhere"));
  });

  it("is the same when its UID comes behind it, and when nothing asked for comes between", async () => {
    await gives(
      script()
        .sendLines(
          "* 10 EXISTS",
          `* 7 FETCH ${FACTS}`,
          "* 2 FETCH (FLAGS (\\Seen))",
          "* OK still here",
          "A3 OK done",
        )
        .send(answer("* 7 FETCH (BODY[] ", literal(MAIL), " UID 7)\r\n* 9 EXPUNGE\r\nA4 OK done\r\n")),
    );
  });

  it("may be empty, quoted, or in the answer of a server that works at two commands at once", async () => {
    await gives(TOLD.send('* 7 FETCH (UID 7 BODY[] "")\r\nA4 OK\r\n'), Buffer.alloc(0));
    await gives(TOLD.send('* 7 FETCH (UID 7 BODY[] "a \\"b\\"")\r\nA4 OK\r\n'), Buffer.from('a "b"'));
    await gives(
      script().send(
        answer("* 7 FETCH (UID 7 BODY[] ", literal(MAIL), `)\r\n* 7 FETCH ${FACTS}\r\nA3 OK\r\nA4 OK\r\n`),
      ),
    );
  });

  it("that vanished since it was listed is missing", async () => {
    await fails(script().sendLines("A3 OK done", "A4 OK done"), { code: "missing", exit: 8 });
    await fails(TOLD.sendLines("A4 NO [EXPUNGEISSUED] some are gone"), { code: "missing" });
  });

  it("that is another one is refused", async () => {
    await fails(TOLD.send(answer("* 8 FETCH (UID 8 BODY[] ", literal(MAIL), ")\r\nA4 OK\r\n")), {
      code: "protocol",
    });
    await fails(TOLD.send(answer("* 8 FETCH (BODY[] ", literal(MAIL), " UID 8)\r\nA4 OK\r\n")), {
      code: "protocol",
    });
  });

  it("that breaks off is an error, and no shorter message", async () => {
    await fails(TOLD.send("* 7 FETCH (UID 7 BODY[] {900000000}\r\nhalf").drop(), {
      code: "protocol",
      exit: 11,
    });
  });

  it("left early costs the connection when much is left, and another is made", async () => {
    const again = welcome()
      .and(opens("A2", 9))
      .expect("A3 FETCH 9:9 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
      .sendLines('* 9 FETCH (UID 9 FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700")', "A3 OK");
    await talk(
      [ASKED.and(TOLD).send("* 7 FETCH (UID 7 BODY[] {900000000}\r\n").flood(900_000_000), again],
      async (session) => {
        const document = await session.read?.("/INBOX/;UID=7");
        if (document === undefined) throw new Error("the session has no read()");
        await once(document.body, "data");
        document.body.destroy();
        expect(document.total).toBe(900_000_000);
        await once(document.body, "close");
        expect(await listed(session, "/INBOX", 1)).toHaveLength(1);
      },
    );
  });

  it("of another UIDVALIDITY is missing, whatever has its UID now", async () => {
    await plays(welcome().and(opens("A2", 9)), async (session) => {
      expect(await failure(octets(session, "/INBOX;UIDVALIDITY=16/;UID=7"))).toMatchObject({
        code: "missing",
        message: expect.stringContaining("made anew"),
      });
    });
  });
});

describe("many messages", () => {
  const facts = (uid: number) =>
    `* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700")`;
  const contents = (uid: number) =>
    answer(`* ${uid} FETCH (UID ${uid} BODY[] `, literal(Buffer.from(`mail ${uid}`)), ")\r\n");
  const asked = welcome()
    .and(opens("A2", 9))
    .expect("A3 UID FETCH 1:3 (UID FLAGS INTERNALDATE)")
    .expect("A4 UID FETCH 3 (UID BODY.PEEK[])")
    .expect("A5 UID FETCH 1 (UID BODY.PEEK[])")
    .expect("A6 UID FETCH 2 (UID BODY.PEEK[])");
  const paths = [3, 1, 2].map((uid) => `/INBOX;UIDVALIDITY=17/;UID=${uid}`);

  it("are asked for together, and given in the order they were wanted", async () => {
    const play = asked
      .sendLines(facts(1), facts(2), facts(3), "A3 OK")
      .send(answer(contents(3), "A4 OK\r\n", contents(1), "A5 OK\r\n", contents(2), "A6 OK\r\n"));
    await plays(play, async (session) => {
      expect(await many(session, paths)).toEqual(["mail 3", "mail 1", "mail 2"]);
    });
  });

  it("come to who asked, though the server answers later than it sends the next", async () => {
    const play = asked.send(
      answer(
        contents(3),
        `${facts(1)}\r\n`,
        contents(1),
        `${facts(2)}\r\n${facts(3)}\r\nA4 OK\r\nA3 OK\r\n`,
        contents(2),
        "A6 OK\r\nA5 OK\r\n",
      ),
    );
    await plays(play, async (session) => {
      expect(await many(session, paths)).toEqual(["mail 3", "mail 1", "mail 2"]);
    });
  });

  it("are not held while the server owes its OK to what they are", async () => {
    const large = Buffer.alloc(70 * 1024 * 1024, "lines like this one\r\n");
    const play = asked
      .sendLines(facts(1), facts(2), facts(3))
      .send(answer("* 3 FETCH (UID 3 BODY[] ", literal(large), ")\r\nA3 OK\r\nA4 OK\r\n"))
      .send(answer(contents(1), "A5 OK\r\n", contents(2), "A6 OK\r\n"));
    await plays(play, async (session) => {
      const [first, ...rest] = await many(session, paths);
      expect(first?.length).toBe(large.length);
      expect(rest).toEqual(["mail 1", "mail 2"]);
    });
  });

  it("that are gone are told, and the others come", async () => {
    const play = asked
      .sendLines(facts(2), facts(3), "A3 OK")
      .send(answer(contents(3), "A4 OK\r\nA5 OK\r\n", contents(2), "A6 OK\r\n"));
    await plays(play, async (session) => {
      expect(await many(session, paths)).toEqual(["mail 3", "missing", "mail 2"]);
    });
  });

  it("end with the connection: what is cut is no message", async () => {
    const play = asked
      .sendLines(facts(1), facts(2), facts(3), "A3 OK")
      .send(answer(contents(3), "A4 OK\r\n* 1 FETCH (UID 1 BODY[] {900}\r\nhalf"))
      .drop();
    await talk(play, async (session) => {
      expect(await failure(many(session, paths))).toMatchObject({ code: "protocol" });
    });
  });
});

describe("a listing", () => {
  it("has the newest first, names decoded, and no more than was wanted", async () => {
    const envelope = (subject: string) =>
      `("Mon, 2 Nov 2026 08:00:00 +0000" ${subject} (("=?utf-8?q?J=C3=BCrgen?=" NIL "j" "x.example")) NIL NIL ((NIL NIL "crew" NIL)(NIL NIL "a" "y.example")(NIL NIL NIL NIL)) NIL NIL NIL "<1@x>")`;
    const play = welcome()
      .and(opens("A2", 9))
      .expect("A3 FETCH 8:9 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
      .sendLines(
        `* 8 FETCH (UID 80 FLAGS (\\Seen) INTERNALDATE "02-Nov-2026 09:00:00 +0100" RFC822.SIZE 10 ENVELOPE ${envelope('"one"')})`,
        "* 3 FETCH (FLAGS (\\Seen))",
        `* 9 FETCH (UID 90 FLAGS ($Junk) INTERNALDATE "03-Nov-2026 09:00:00 +0100" RFC822.SIZE 20 ENVELOPE ${envelope("{4}\r\ntüo")})`,
        "A3 OK",
      );
    await plays(play, async (session) => {
      const entries = await listed(session, "/INBOX", 2);
      expect(entries).toMatchObject([
        {
          name: "tüo",
          size: 20,
          meta: { uid: 90, flags: ["$Junk"], from: "Jürgen <j@x.example>", to: "crew: a@y.example" },
        },
        {
          name: "one",
          size: 10,
          modified: new Date("2026-11-02T08:00:00Z"),
          meta: { uid: 80, flags: ["\\Seen"] },
        },
      ]);
      expect(entries[0]?.url).toMatch(/\/INBOX;UIDVALIDITY=17\/;UID=90$/);
    });
  });

  it("of a mailbox whose name is broken, or holds an ampersand, is of that one", async () => {
    const play = welcome().and(
      conversation(`
        C: A2 LIST "" "a&b"
        S: * LIST () "." "a&b"
        S: A2 OK
        C: A3 EXAMINE "a&b"
        S: A3 NO not now
        C: A4 LIST "" "R&D"
        S: A4 NO no such name
        C: A5 EXAMINE "R&-D"
        S: A5 NO not now
      `),
    );
    await plays(play, async (session) => {
      for (const path of ["/a%26b/;UID=1", "/R%26D/;UID=1"]) {
        expect(await failure(octets(session, path))).toMatchObject({
          reply: expect.stringContaining("not now"),
        });
      }
    });
  });

  it("of mailboxes has counts, names of all kinds, and passes over what could lead astray", async () => {
    const play = welcome().and(
      conversation(`
        C: A2 LIST "" "%"
        C: A3 LSUB "" "%"
        S: * LIST (\\HasNoChildren) "." {5}
        S: INBOX
        S: * LIST () "." "Entw&APw-rfe"
        S: * LIST (\\Noselect) "." "a.b."
        S: * LIST () "." ""
        S: A2 OK
        S: * LSUB () "." INBOX
        S: A3 OK
        C: A4 STATUS "INBOX" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)
        C: A5 STATUS "Entw&APw-rfe" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)
        S: * STATUS INBOX (MESSAGES 3 UNSEEN 1)
        S: A4 OK
        S: A5 NO not now
      `),
    );
    await plays(play, async (session) => {
      const entries = await listed(session, "/");
      expect(entries).toMatchObject([
        { name: "INBOX", meta: { messages: 3, unseen: 1, subscribed: true } },
        { name: "Entwürfe", meta: { subscribed: false } },
        { name: "b", meta: { mailbox: "a/b" } },
      ]);
    });
  });
});

describe("what a server says out of turn", () => {
  it.each([
    ["an answer that nobody asked for", "X9 OK done", "protocol"],
    ["a request to go on", "+ more", "protocol"],
    ["a BYE, and the end", "* BYE [UNAVAILABLE] going down", "busy"],
    ["a BYE without a code", "* BYE going down", "connect"],
    ["a message that nobody asked for", "* 1 FETCH (UID 1 BODY[] {3}\r\nabc)", "protocol"],
    ["a line that is none of IMAP", "HTTP/1.1 200 OK", "protocol"],
  ])("%s ends the session with its reason", async (_what, line, code) => {
    const play = welcome().expect('A2 EXAMINE "INBOX"').sendLines(line).drop();
    await talk(play, async (session) => {
      expect(await failure(listed(session, "/INBOX"))).toMatchObject({ code, protocol: "imap" });
    });
  });

  it("in a literal announced too long ends at once", async () => {
    const play = welcome().expect('A2 LIST "" "%"').send("* LIST () {900000000}\r\n").drain();
    await talk(play, async (session) => {
      expect(await failure(listed(session, "/"))).toMatchObject({
        code: "protocol",
        message: expect.stringContaining("bound"),
      });
    });
  });
});
