import { describe, expect, it } from "vitest";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import { BYE, collect, failure, GREETED, list, OLD, search, talk } from "./talk.js";

const FORMAT = conversation(`
  C: LIST OVERVIEW.FMT
  S: 215 order
  S: Subject:
  S: From:
  S: Date:
  S: Message-ID:
  S: References:
  S: :bytes
  S: :lines
  S: Xref:full
  S: .
`);
const line = (number: number, subject = `s${number}`) =>
  `${number}\t${subject}\ta@b.example\tMon, 4 Mar 2024 18:05:00 +0000\t<${number}@b>\t\t100\t3\tXref: news misc.test:${number}`;

describe("a server's groups", () => {
  it("come from LIST ACTIVE, with a guess at how many articles they have", async () => {
    const play = conversation(`
      C: LIST ACTIVE
      S: 215 list
      S: misc.test 20 3 y
      S: comp.café 0 1 m
      S: .
    `);
    await talk(GREETED.and(play).and(BYE), async (session, server) => {
      const entries = await list(session, "/");
      expect(entries).toEqual([
        {
          url: server.url("nntp", "/misc.test"),
          name: "misc.test",
          kind: "group",
          meta: { count: 18, low: 3, high: 20, status: "y", estimated: true },
        },
        {
          url: server.url("nntp", "/comp.caf%C3%A9"),
          name: "comp.café",
          kind: "group",
          meta: { count: 0, low: 1, high: 0, status: "m", estimated: true },
        },
      ]);
    });
  });

  it("are counted where the server counts, and described when asked for", async () => {
    const play = conversation(`
      S: 200 ready
      C: CAPABILITIES
      S: 101 list
      S: READER
      S: LIST ACTIVE NEWSGROUPS COUNTS
      S: .
      C: LIST NEWSGROUPS misc.*
      S: 215 descriptions
      S: misc.test	For tests
      S: .
      C: LIST COUNTS misc.*
      S: 215 list
      S: misc.test 20 3 7 y
      S: .
    `);
    const settings = { options: { descriptions: true } };
    await talk(
      play.and(BYE),
      async (session) => {
        const [entry] = await list(session, "/misc.*");
        expect(entry?.meta).toEqual({ count: 7, low: 3, high: 20, status: "y", description: "For tests" });
      },
      settings,
    );
  });

  it("are asked for by LIST alone at an old server", async () => {
    const play = conversation("C: LIST\nS: 215 list\nS: misc.test 20 3 y\nS: rubbish\nS: .\n");
    await talk(OLD.and(play).and(BYE), async (session) => {
      expect((await list(session, "/")).map(({ name }) => name)).toEqual(["misc.test"]);
    });
  });

  it("are searched by wildmat", async () => {
    const play = conversation("C: LIST ACTIVE *test*,!alt.*\nS: 215 list\nS: misc.test 20 3 y\nS: .\n");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await search(session, "/", "test,!alt.*")).map(({ name }) => name)).toEqual(["misc.test"]);
    });
  });

  it.each([
    ["503 no list here", "refused"],
    ["403 the list is lost", "busy"],
  ])("that are refused by %s are an error", async (reply, code) => {
    const play = conversation(`C: LIST ACTIVE\nS: ${reply}\n`);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await failure(list(session, "/"))).toMatchObject({ code, reply });
    });
  });
});

describe("a group's articles", () => {
  it("come newest first, decoded, with where they are", async () => {
    const play = conversation(`
      C: GROUP misc.test
      S: 211 2 1 2 misc.test
    `)
      .and(FORMAT)
      .expect("OVER 1-2")
      .sendLines("224 overview", line(1, "=?utf-8?q?Gr=C3=BC=C3=9Fe?="), line(2), ".");
    await talk(GREETED.and(play).and(BYE), async (session, server) => {
      const entries = await list(session, "/misc.test");
      expect(entries.map(({ name }) => name)).toEqual(["s2", "Grüße"]);
      expect(entries[1]).toEqual({
        url: server.url("nntp", "/misc.test/1"),
        name: "Grüße",
        kind: "article",
        size: 100,
        modified: new Date("2024-03-04T18:05:00Z"),
        type: "message/rfc822",
        meta: {
          number: 1,
          subject: "Grüße",
          from: "a@b.example",
          date: "Mon, 4 Mar 2024 18:05:00 +0000",
          messageId: "<1@b>",
          bytes: 100,
          lines: 3,
          xref: "news misc.test:1",
        },
      });
    });
  });

  it("are asked for no further down than is wanted", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 9000 1 9000 misc.test\n")
      .and(FORMAT)
      .expect("OVER 8998-9000")
      .sendLines("224 overview", line(8999), line(9000), ".")
      .expect("OVER 8995-8997")
      .sendLines("224 overview", line(8996), line(8997), ".")
      .and(conversation("C: DATE\nS: 111 20240304180500\nC: QUIT\nS: 205 bye\n"));
    await talk(GREETED.and(play), async (session) => {
      const entries = await list(session, "/misc.test", { limit: 3 });
      expect(entries.map(({ name }) => name)).toEqual(["s9000", "s8999", "s8997"]);
      expect((await session.stat?.("/"))?.kind).toBe("directory");
    });
  });

  it("are asked for in stretches, the next ahead of the present one", async () => {
    const stretch = (low: number, high: number) => [
      "224 overview",
      ...Array.from({ length: high - low + 1 }, (_, at) => line(low + at)),
      ".",
    ];
    const play = conversation("C: GROUP misc.test\nS: 211 2500 1 2500 misc.test\n")
      .and(FORMAT)
      .expect("OVER 2251-2500")
      .sendLines(...stretch(2251, 2500));
    const lows = Array.from({ length: 9 }, (_, at) => 2001 - 250 * at);
    const ahead = lows.reduce((before, low) => before.expect(`OVER ${low}-${low + 249}`), play);
    const answered = lows.reduce((before, low) => before.sendLines(...stretch(low, low + 249)), ahead);
    await talk(GREETED.and(answered).and(BYE), async (session) => {
      const numbers = (await list(session, "/misc.test")).map(({ meta }) => meta["number"]);
      expect(numbers).toEqual(Array.from({ length: 2500 }, (_, at) => 2500 - at));
    });
  });

  it("are asked for in longer stretches where numbers have gaps", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 10 1 1000 misc.test\n")
      .and(FORMAT)
      .expect("OVER 801-1000")
      .sendLines("224 overview", line(1000), ".")
      .expect("OVER 601-800")
      .sendLines("224 overview", line(601), line(700), ".");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      const entries = await list(session, "/misc.test", { limit: 2 });
      expect(entries.map(({ name }) => name)).toEqual(["s1000", "s700"]);
    });
  });

  it("may be those of a range", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 90 10 99 misc.test\n")
      .and(FORMAT)
      .expect("OVER 10-20")
      .sendLines("224 overview", line(12), ".");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await list(session, "/misc.test/1-20")).map(({ name }) => name)).toEqual(["s12"]);
    });
  });

  it("may all be gone", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 2 1 2 misc.test\n")
      .and(FORMAT)
      .and(conversation("C: OVER 1-2\nS: 423 no articles\nC: GROUP empty.group\nS: 211 0 5 4 empty.group\n"));
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await list(session, "/misc.test")).toEqual([]);
      expect(await list(session, "/empty.group")).toEqual([]);
    });
  });

  it("are asked for by XOVER at an old server, whose lines are as they are", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 3 1 3 misc.test\n")
      .and(conversation("C: LIST OVERVIEW.FMT\nS: 501 what?\nC: XOVER 1-3\n"))
      .send(
        Buffer.concat([
          Buffer.from("224 overview\r\n1\tGr\xfc\xdfe\tx\r\n", "latin1"),
          Buffer.from("rubbish\r\n2\tПривет\r\n..3\t\t\r\n3\t\t\r\n.\r\n", "utf8"),
        ]),
      );
    await talk(OLD.and(play).and(BYE), async (session) => {
      const entries = await list(session, "/misc.test");
      expect(entries.map(({ name, meta }) => [name, meta["from"]])).toEqual([
        ["article 3", undefined],
        ["Привет", undefined],
        ["Grüße", "x"],
      ]);
    });
  });

  it("are decoded by the charset that the user names, when they name none", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 1 1 1 misc.test\n")
      .and(FORMAT)
      .expect("OVER 1-1")
      .send(
        Buffer.from([...Buffer.from("224 overview\r\n1\t"), 0xf0, 0xd2, 0xc9, ...Buffer.from("\r\n.\r\n")]),
      );
    const settings = { options: { "header-charset": "koi8-r" } };
    await talk(
      GREETED.and(play).and(BYE),
      async (session) => {
        expect((await list(session, "/misc.test")).map(({ name }) => name)).toEqual(["При"]);
      },
      settings,
    );
  });

  it.each([
    ["411 no such group", "missing", 8],
    ["211 welcome", "protocol", 11],
    ["200 what did you say?", "protocol", 11],
    ["403 the spool is lost", "busy", 10],
  ])("of a group that is answered by %s", async (reply, code, exit) => {
    const play = conversation(`C: GROUP misc.test\nS: ${reply}\n`);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await failure(list(session, "/misc.test"))).toMatchObject({ code, exit, reply });
    });
  });

  it.each([
    ["502 not for you", "refused"],
    ["500 what?", "refused"],
    ["220 an article", "protocol"],
  ])("whose overview is answered by %s", async (reply, code) => {
    const play = conversation("C: GROUP misc.test\nS: 211 1 1 1 misc.test\n")
      .and(FORMAT)
      .and(conversation(`C: OVER 1-1\nS: ${reply}\n`));
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await failure(list(session, "/misc.test"))).toMatchObject({ code, reply });
    });
  });

  it("that end in the middle are an error, and what came before it is there", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 1 1 1 misc.test\n")
      .and(FORMAT)
      .expect("OVER 1-1")
      .sendLines("224 overview", line(1))
      .drop();
    await talk(GREETED.and(play), async (session) => {
      expect(await failure(list(session, "/misc.test"))).toMatchObject({ code: "protocol", exit: 11 });
    });
  });

  it("with a line that does not end are an error", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 1 1 1 misc.test\n")
      .and(FORMAT)
      .expect("OVER 1-1")
      .send("224 overview\r\n")
      .endlessLine(8 * 1024 * 1024);
    await talk(GREETED.and(play), async (session) => {
      expect(await failure(list(session, "/misc.test"))).toMatchObject({ code: "protocol", exit: 11 });
    });
  });

  it("can be left, and the session goes on", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 2 1 2 misc.test\n")
      .and(FORMAT)
      .expect("OVER 1-2")
      .sendLines("224 overview", line(1), line(2), ".")
      .and(conversation("C: DATE\nS: 111 20240304180500\nC: GROUP other.test\nS: 211 0 1 0 other.test\n"));
    await talk(GREETED.and(play).and(BYE), async (session) => {
      for await (const entry of session.list?.("/misc.test") ?? []) {
        expect(entry.name).toBe("s2");
        break;
      }
      expect(await list(session, "/other.test")).toEqual([]);
    });
  });
});

describe("a search in a group", () => {
  const opened = conversation("C: GROUP misc.test\nS: 211 3 1 3 misc.test\n");

  it("looks into decoded subjects, without regard to case", async () => {
    const play = opened
      .and(FORMAT)
      .expect("OVER 1-3")
      .sendLines("224 overview", line(1, "=?utf-8?q?GR=C3=9C=C3=9FE?="), line(2), line(3, "Re: grüße"), ".");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await search(session, "/misc.test", "grüße")).map(({ name }) => name)).toEqual([
        "Re: grüße",
        "GRÜßE",
      ]);
    });
  });

  it("asks the server for other fields", async () => {
    const play = opened
      .and(
        conversation(`
        C: XPAT newsgroups 1-3 *alt.*
        S: 221 found
        S: 2 misc.test,alt.test
        S: .
      `),
      )
      .and(FORMAT)
      .expect("OVER 2")
      .sendLines("224 overview", line(2), ".");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await search(session, "/misc.test", "newsgroups: *alt.*")).map(({ name }) => name)).toEqual([
        "s2",
      ]);
    });
  });

  it("looks into other fields itself, where the server has no XPAT", async () => {
    const play = opened
      .and(
        conversation(`
          C: XPAT organization 1-3 *harbour*
          S: 500 what?
          C: HDR organization 1-3
          S: 225 fields
          S: 1 The Harbour
          S: 2
          S: 3 Elsewhere
          S: .
        `),
      )
      .and(FORMAT)
      .expect("OVER 1")
      .sendLines("224 overview", line(1), ".");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect((await search(session, "/misc.test", "Organization: harbour")).map(({ name }) => name)).toEqual([
        "s1",
      ]);
    });
  });

  it("that nobody can do is refused", async () => {
    const play = opened.and(
      conversation("C: XPAT organization 1-3 *x*\nS: 500 what?\nC: XHDR organization 1-3\nS: 500 what?\n"),
    );
    await talk(OLD.and(play).and(BYE), async (session) => {
      expect(await failure(search(session, "/misc.test", "organization: x"))).toMatchObject({
        code: "refused",
      });
    });
  });
});

describe("what is new", () => {
  const settings = { options: { interval: 0.05 } };

  it("in a group is asked for again and again", async () => {
    const play = conversation(`
      C: GROUP misc.test
      S: 211 2 1 2 misc.test
      C: GROUP misc.test
      S: 211 2 1 2 misc.test
      C: GROUP misc.test
      S: 211 4 1 4 misc.test
    `)
      .and(FORMAT)
      .expect("OVER 3-4")
      .sendLines("224 overview", line(3), line(4), ".");
    await talk(
      GREETED.and(play).and(script().drain()),
      async (session) => {
        const seen: (string | undefined)[] = [];
        for await (const { event, entry } of session.watch?.("/misc.test") ?? []) {
          seen.push(event, entry.name);
          if (seen.length === 4) break;
        }
        expect(seen).toEqual(["new", "s3", "new", "s4"]);
      },
      settings,
    );
  });

  it("is told of groups by the server's own clock", async () => {
    const play = conversation(`
      C: DATE
      S: 111 20240304180500
      C: DATE
      S: 111 20240304180501
      C: NEWGROUPS 20240304 180500 GMT
      S: 231 new
      S: misc.new 0 1 y
      S: .
    `);
    await talk(
      GREETED.and(play).and(script().drain()),
      async (session) => {
        for await (const { entry } of session.watch?.("/") ?? []) {
          expect(entry.name).toBe("misc.new");
          break;
        }
      },
      settings,
    );
  });

  it("is waited for with patience, and the wait ends with the caller's signal", async () => {
    const stop = new AbortController();
    const play = conversation("C: GROUP misc.test\nS: 211 2 1 2 misc.test\n").and(script().drain());
    await talk(
      GREETED.and(play),
      async (session) => {
        setTimeout(() => stop.abort(), 100);
        expect(await failure(collect(session.watch?.("/misc.test")))).toMatchObject({
          code: "aborted",
          exit: 130,
        });
      },
      { signal: stop.signal },
    );
  });

  it("wants an interval that is one", async () => {
    const play = conversation("C: GROUP misc.test\nS: 211 2 1 2 misc.test\n");
    await talk(
      GREETED.and(play).and(BYE),
      async (session) => {
        expect(await failure(collect(session.watch?.("/misc.test")))).toMatchObject({ code: "usage" });
      },
      { options: { interval: 0 } },
    );
  });
});
