import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import { BYE, failure, GREETED, OLD, read, talk, talkTwice } from "./talk.js";

const ARTICLE = "Subject: x\r\n\r\n.\r\n..two\r\nbare\nand\rmore\r\n";
const STUFFED = "220 7 <7@b.example>\r\nSubject: x\r\n\r\n..\r\n...two\r\nbare\nand\rmore\r\n.\r\n";

describe("an article", () => {
  it("is asked for in one go with its group, and comes octet for octet, dots undone", async () => {
    const play = conversation("C: GROUP misc.test\nC: ARTICLE 7\nS: 211 9 1 9 misc.test\n").send(STUFFED);
    await talk(GREETED.and(play).and(BYE), async (session, server) => {
      const document = await session.read?.("/misc.test/7");
      expect(document?.entry).toEqual({
        url: server.url("nntp", "/misc.test/7"),
        name: "<7@b.example>",
        kind: "article",
        type: "message/rfc822",
        meta: { number: 7, messageId: "<7@b.example>" },
      });
      expect(document?.filename).toBe("7.eml");
      const chunks: Buffer[] = [];
      for await (const chunk of document?.body ?? []) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(ARTICLE);
    });
  });

  it("comes the same when it is cut at every octet", async () => {
    const play = conversation("C: ARTICLE <7@b.example>\n").sendCut(STUFFED, "everywhere");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await read(session, "/%3C7@b.example%3E")).toString()).toBe(ARTICLE);
    });
  });

  it("may hold any octet", async () => {
    const octets = Buffer.from(
      Array.from({ length: 256 }, (_, at) => at).filter((octet) => octet !== 10 && octet !== 13),
    );
    const play = conversation("C: ARTICLE <7@b>\n").send(
      Buffer.concat([Buffer.from("220 0 <7@b>\r\n"), octets, Buffer.from("\r\n.\r\n")]),
    );
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await read(session, "/<7@b>")).equals(Buffer.concat([octets, Buffer.from("\r\n")]))).toBe(true);
    });
  });

  it("of a group that is open already needs no GROUP", async () => {
    const play = conversation("C: GROUP misc.test\nC: ARTICLE 7\nS: 211 9 1 9 misc.test\n")
      .send(STUFFED)
      .expect("ARTICLE 8")
      .send(STUFFED);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      await read(session, "/misc.test/7");
      expect((await read(session, "/misc.test/8")).toString()).toBe(ARTICLE);
    });
  });

  it.each([
    ["423 no such number", "missing", 8],
    ["430 no such article", "missing", 8],
    ["403 the spool is lost", "busy", 10],
    ["502 not for you", "refused", 9],
    ["483 TLS first", "tls", 5],
    ["222 a body", "protocol", 11],
    ["900 what?", "protocol", 11],
  ])("that is answered by %s", async (reply, code, exit) => {
    const play = conversation(`C: ARTICLE <7@b>\nS: ${reply}\n`);
    await talk(GREETED.and(play).and(script().drain()), async (session) => {
      expect(await failure(read(session, "/<7@b>"))).toMatchObject({ code, exit, protocol: "nntp" });
    });
  });

  it("is not taken from the group before when its own is not there", async () => {
    const play = conversation("C: GROUP misc.test\nC: ARTICLE 7\nS: 211 9 1 9 misc.test\n")
      .send(STUFFED)
      .and(conversation("C: GROUP lost.test\nC: ARTICLE 7\nS: 411 no such group\n"))
      .send(STUFFED)
      .expect("ARTICLE 7")
      .send(STUFFED);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      await read(session, "/misc.test/7");
      expect(await failure(read(session, "/lost.test/7"))).toMatchObject({
        code: "missing",
        reply: "411 no such group",
      });
      expect((await read(session, "/misc.test/7")).toString()).toBe(ARTICLE);
    });
  });

  it("cut by a lost connection is an error, never an end", async () => {
    const play = conversation("C: ARTICLE <7@b>\n").send("220 0 <7@b>\r\nSubject: x\r\n").drop();
    await talk(GREETED.and(play), async (session) => {
      expect(await failure(read(session, "/<7@b>"))).toMatchObject({ code: "protocol", exit: 11 });
    });
  });

  it("can be left, and the session goes on", async () => {
    const play = conversation("C: ARTICLE <7@b>\n")
      .send(STUFFED)
      .and(conversation("C: DATE\nS: 111 20240304180500\nC: ARTICLE <8@b>\n"))
      .send(STUFFED);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      const document = await session.read?.("/<7@b>");
      document?.body.destroy();
      if (document !== undefined) await once(document.body, "close");
      expect((await read(session, "/<8@b>")).toString()).toBe(ARTICLE);
    });
  });
});

describe("a connection that is lost", () => {
  it("between two calls is made anew", async () => {
    const play = [
      GREETED.and(conversation("C: ARTICLE <7@b>\n")).send(`${STUFFED}400 idle for too long\r\n`).drop(),
      GREETED.and(conversation("C: ARTICLE <8@b>\n")).send(STUFFED).and(BYE),
    ];
    await talkTwice(play, {}, async (session) => {
      await read(session, "/<7@b>");
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect((await read(session, "/<8@b>")).toString()).toBe(ARTICLE);
    });
  });

  it("within an article is made anew as often as --retry says, and the article goes on where it was", async () => {
    const play = [
      GREETED.and(conversation("C: ARTICLE <7@b>\n")).send(STUFFED.slice(0, 45)).drop(),
      GREETED.and(conversation("C: ARTICLE <7@b>\n")).send(STUFFED.slice(0, 60)).drop(),
      GREETED.and(conversation("C: ARTICLE <7@b>\n")).send(STUFFED).and(BYE),
    ];
    await talkTwice(play, { policy: { retries: 2 } }, async (session) => {
      expect((await read(session, "/<7@b>")).toString()).toBe(ARTICLE);
    });
  });
});

describe("a range of articles", () => {
  it("is one mbox, fetched with many commands under way, without those that are gone", async () => {
    const play = conversation(`
      C: GROUP misc.test
      S: 211 3 10 99 misc.test
      C: GROUP misc.test
      S: 211 3 10 99 misc.test
      C: LISTGROUP misc.test 10-20
      S: 211 list
      S: 10
      S: 12
      S: 13
      S: .
      C: ARTICLE 10
      S: 220 10 <10@b>
      S: Subject: ten
      S:
      S: From the first
      S: .
      C: ARTICLE 12
      C: ARTICLE 13
      S: 423 gone
      S: 220 13 <13@b>
      S: Subject: thirteen
      S:
      S: ..
      S: .
    `);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      const document = await session.read?.("/misc.test/1-20");
      expect(document).toMatchObject({ type: "application/mbox", filename: "misc.test.1-20.mbox" });
      const chunks: Buffer[] = [];
      for await (const chunk of document?.body ?? []) chunks.push(chunk);
      const text = Buffer.concat(chunks)
        .toString()
        .replace(/^From - .*$/gm, "From -");
      expect(text).toBe("From -\nSubject: ten\n\n>From the first\n\nFrom -\nSubject: thirteen\n\n.\n\n");
    });
  });

  it("is tried number by number at a server whose LISTGROUP has no range", async () => {
    const play = conversation(`
      C: GROUP misc.test
      S: 211 2 1 2 misc.test
      C: GROUP misc.test
      S: 211 2 1 2 misc.test
      C: LISTGROUP misc.test 1-2
      S: 501 what?
      C: ARTICLE 1
      S: 423 gone
      C: ARTICLE 2
      S: 220 2 <2@b>
      S: x
      S: .
    `);
    await talk(OLD.and(play).and(BYE), async (session) => {
      expect((await read(session, "/misc.test/1-2")).toString()).toMatch(/^From - .*\nx\n\n$/);
    });
  });
});

describe("what is known of one thing", () => {
  it("of an article comes from the overview", async () => {
    const play = conversation(`
      C: LIST OVERVIEW.FMT
      S: 503 no
      C: GROUP misc.test
      C: OVER 7
      S: 211 9 1 9 misc.test
      S: 224 overview
      S: 7	Hi	a@b.example	Mon, 4 Mar 2024 18:05:00 +0000	<7@b>	<6@b> <junk <5@b>	99	3
      S: .
    `);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await session.stat?.("/misc.test/7")).toMatchObject({
        name: "Hi",
        kind: "article",
        size: 99,
        meta: { number: 7, from: "a@b.example", references: ["<6@b>", "<5@b>"], lines: 3 },
      });
    });
  });

  it("of a Message-ID comes from the header, where the server has no overview of it", async () => {
    const play = conversation(`
      C: HEAD <7@b>
      S: 221 0 <7@b>
      S: Subject: =?iso-8859-1?q?Gr=FC=DFe?=
      S: From: a@b.example
      S: References: <5@b>
      S: 	<6@b>
      S: .
    `);
    await talk(GREETED.and(play).and(BYE), async (session, server) => {
      expect(await session.stat?.("/<7@b>")).toMatchObject({
        url: server.url("nntp", "/%3C7@b%3E"),
        name: "Grüße",
        meta: { from: "a@b.example", references: ["<5@b>", "<6@b>"] },
      });
    });
  });

  it("of what is not there is an error", async () => {
    const play = conversation("C: HEAD <7@b>\nS: 430 no such article\n");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await failure(session.stat?.("/<7@b>") ?? Promise.resolve())).toMatchObject({
        code: "missing",
        exit: 8,
      });
    });
  });
});
