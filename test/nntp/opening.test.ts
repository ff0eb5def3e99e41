import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import { BYE, failure, GREETED, inHarbour, list, OLD, openFailure, talk } from "./talk.js";

const AUTO = { policy: { starttls: "auto" } } as const;
const REQUIRED = { policy: { starttls: "require" } } as const;
const TRUSTING = { network: { tls: { insecure: true } } } as const;
const USER = { user: "ann:se%20cret@" };

describe("the greeting", () => {
  it("is followed by the capabilities, and nothing else is asked", async () => {
    await talk(GREETED.and(BYE), async (session) => {
      expect(Object.keys(session)).toContain("list");
    });
  });

  it.each([
    ["400 shutting down", "busy", 10],
    ["502 not for you", "refused", 9],
    ["502 too many connections from your host", "busy", 10],
    ["480 log in first", "auth", 7],
    ["220 mail?", "protocol", 11],
  ])("of %s is an error, and QUIT is said", async (greeting, code, exit) => {
    const play = script().sendLines(greeting).expect("QUIT").sendLines("205 bye");
    expect(await openFailure(play)).toMatchObject({ code, exit, protocol: "nntp", reply: greeting });
  });

  it("that is cut by packets is still one", async () => {
    const play = script().sendCut("201 no posting\r\n", "everywhere").expect("CAPABILITIES");
    await talk(
      play.sendCut("101 list\r\nVERSION 2\r\nREADER\r\n.\r\n", "everywhere").and(BYE),
      async (session) => {
        expect((await session.stat?.("/"))?.meta).toEqual({
          greeting: "no posting",
          posting: false,
          capabilities: { VERSION: ["2"], READER: [] },
        });
      },
    );
  });

  it("may end with LF alone", async () => {
    const play = script().send("200 ready\n").expect("CAPABILITIES").send("101 list\nREADER\n.\n").and(BYE);
    await talk(play, async (session) => {
      expect((await session.stat?.("/"))?.meta["capabilities"]).toEqual({ READER: [] });
    });
  });
});

describe("reader mode", () => {
  it("is asked of a server that offers it", async () => {
    const play = conversation(`
      S: 200 ready
      C: CAPABILITIES
      S: 101 list
      S: IHAVE
      S: MODE-READER
      S: .
      C: MODE READER
      S: 201 no posting
      C: CAPABILITIES
      S: 101 list
      S: READER
      S: .
    `);
    await talk(play.and(BYE), async (session) => {
      expect((await session.stat?.("/"))?.meta).toMatchObject({
        posting: false,
        capabilities: { READER: [] },
      });
    });
  });

  it("is asked of a server that does not know CAPABILITIES", async () => {
    await talk(OLD.and(BYE), async (session) => {
      expect((await session.stat?.("/"))?.meta).toMatchObject({ posting: true, capabilities: {} });
    });
  });

  it("may be unknown, too", async () => {
    const play = conversation(`
      S: 200 ready
      C: CAPABILITIES
      S: 500 what?
      C: MODE READER
      S: 500 what?
    `);
    await talk(play.and(BYE), async () => {});
  });

  it("may be refused, and then there is nothing to read", async () => {
    const play = conversation(`
      S: 200 ready
      C: CAPABILITIES
      S: 101 list
      S: MODE-READER
      S: .
      C: MODE READER
      S: 502 transit only
      C: QUIT
      S: 205 bye
    `);
    expect(await openFailure(play)).toMatchObject({ code: "refused", reply: "502 transit only" });
  });

  it("may be demanded in the middle of a session", async () => {
    const play = GREETED.and(
      conversation(`
        C: GROUP misc.test
        S: 401 MODE-READER
        C: MODE READER
        S: 200 ready
        C: GROUP misc.test
        S: 211 0 1 0 misc.test
      `),
    );
    await talk(play.and(BYE), async (session) => {
      expect(await list(session, "/misc.test")).toEqual([]);
    });
  });
});

describe("STARTTLS", () => {
  const offer = conversation(`
    S: 200 ready
    C: CAPABILITIES
    S: 101 list
    S: READER
    S: STARTTLS
    S: .
  `);

  it("is used where it is offered, and the capabilities are asked anew", async () => {
    const tls = await makeTlsMaterial();
    const play = offer
      .and(conversation("C: STARTTLS\nS: 382 go on\n"))
      .startTls(tls)
      .and(conversation("C: CAPABILITIES\nS: 101 list\nS: READER\nS: POST\nS: .\n"))
      .and(BYE);
    await talk(
      play,
      async (session) => {
        expect((await session.stat?.("/"))?.meta["capabilities"]).toEqual({ READER: [], POST: [] });
      },
      { ...AUTO, ...TRUSTING },
    );
  });

  it("is not used on loopback when nobody asked for it", async () => {
    await talk(offer.and(BYE), async () => {});
    await talk(offer.and(BYE), async () => {}, { policy: { starttls: "never" } });
  });

  it("that is refused is an error when it is required, else a warning", async () => {
    const refused = offer.and(conversation("C: STARTTLS\nS: 580 cannot\n"));
    expect(await openFailure(refused.and(conversation("C: QUIT\nS: 205 bye\n")), REQUIRED)).toMatchObject({
      code: "tls",
      exit: 5,
      reply: "580 cannot",
    });
    const warnings: string[] = [];
    await talk(refused.and(BYE), async () => {}, { ...AUTO, warn: (text) => warnings.push(text) });
    expect(warnings).toEqual(["the server offers TLS and refuses to start it; going on in clear"]);
  });

  it("that is required and not offered is an error", async () => {
    expect(await openFailure(GREETED.and(conversation("C: QUIT\nS: 205 bye\n")), REQUIRED)).toMatchObject({
      code: "tls",
      message: "the server does not offer TLS",
    });
  });

  it("is tried at an old server when it is required", async () => {
    const tls = await makeTlsMaterial();
    const play = OLD.and(conversation("C: STARTTLS\nS: 382 go on\n"))
      .startTls(tls)
      .and(conversation("C: CAPABILITIES\nS: 500 what?\n"))
      .and(BYE);
    await talk(play, async () => {}, { ...REQUIRED, ...TRUSTING });
  });

  it("drops what was sent ahead of the handshake, and the connection with it", async () => {
    const play = offer.expect("STARTTLS").send("382 go on\r\n200 injected\r\n").drain();
    expect(await openFailure(play, { ...AUTO, ...TRUSTING })).toMatchObject({ code: "tls", exit: 5 });
  });
});

describe("a login", () => {
  const offer = (authinfo: string, sasl = "") =>
    conversation(`
      S: 200 ready
      C: CAPABILITIES
      S: 101 list
      S: READER
      S: AUTHINFO ${authinfo}
      ${sasl === "" ? "" : `S: SASL ${sasl}`}
      S: .
    `);
  const again = conversation(`
    C: CAPABILITIES
    S: 101 list
    S: READER
    S: POST
    S: .
  `);

  it("by USER and PASS, a blank in the password, and the capabilities are asked anew", async () => {
    const play = offer("USER")
      .and(conversation("C: AUTHINFO USER ann\nS: 381 and?\nC: AUTHINFO PASS se cret\nS: 281 welcome\n"))
      .and(again)
      .and(BYE);
    await talk(play, async () => {}, {}, USER);
  });

  it("by USER alone, where the server asks for no more", async () => {
    const play = offer("USER")
      .and(conversation("C: AUTHINFO USER ann\nS: 281 welcome\n"))
      .and(again)
      .and(BYE);
    await talk(play, async () => {}, {}, USER);
  });

  it("by SASL PLAIN, where there is no other", async () => {
    const initial = Buffer.from("\0ann\0se cret").toString("base64");
    const play = offer("SASL", "PLAIN")
      .and(conversation(`C: AUTHINFO SASL PLAIN ${initial}\nS: 281 welcome\n`))
      .and(again)
      .and(BYE);
    await talk(play, async () => {}, {}, USER);
  });

  it("by CRAM-MD5, which does not show the password, in clear", async () => {
    // RFC 2195's own example, with another name and password.
    const challenge = Buffer.from("<1896.697170952@postoffice.example.net>").toString("base64");
    const play = offer("USER SASL", "PLAIN CRAM-MD5")
      .and(
        conversation(
          `C: AUTHINFO SASL CRAM-MD5\nS: 383 ${challenge}\nC: ${cram("ann", "se cret", challenge)}\nS: 281 welcome\n`,
        ),
      )
      .and(again)
      .and(BYE);
    await talk(play, async () => {}, {}, USER);
  });

  it("by USER and PASS where SASL knows nobody: INN offers both, and has its users in the one", async () => {
    const challenge = Buffer.from("<1@x.example>").toString("base64");
    const play = offer("USER SASL", "CRAM-MD5")
      .and(
        conversation(`
          C: AUTHINFO SASL CRAM-MD5
          S: 383 ${challenge}
          C: ${cram("ann", "se cret", challenge)}
          S: 481 who?
          C: AUTHINFO USER ann
          S: 381 and?
          C: AUTHINFO PASS se cret
          S: 281 welcome
        `),
      )
      .and(again)
      .and(BYE);
    await talk(play, async () => {}, {}, USER);
  });

  it("by the mechanism that the user named", async () => {
    const initial = Buffer.from("\0ann\0se cret").toString("base64");
    const play = offer("USER SASL", "PLAIN CRAM-MD5")
      .and(conversation(`C: AUTHINFO SASL PLAIN ${initial}\nS: 281 welcome\n`))
      .and(again)
      .and(BYE);
    await talk(play, async () => {}, { policy: { authMechanism: "PLAIN" } }, USER);
    const refused = offer("USER").and(conversation("C: QUIT\nS: 205 bye\n"));
    expect(await openFailure(refused, { policy: { authMechanism: "PLAIN" } }, USER)).toMatchObject({
      code: "auth",
      exit: 7,
    });
  });

  it("at a server from before CAPABILITIES", async () => {
    const play = OLD.and(
      conversation("C: AUTHINFO USER ann\nS: 381 and?\nC: AUTHINFO PASS se cret\nS: 281 ok\n"),
    ).and(BYE);
    await talk(play, async () => {}, {}, USER);
  });

  it.each([
    ["481 no", "auth", 7],
    ["482 out of order", "auth", 7],
    ["502 no permission", "auth", 7],
    ["483 TLS first", "tls", 5],
    ["403 the list is lost", "busy", 10],
  ])("refused by %s", async (reply, code, exit) => {
    const play = offer("USER").and(
      conversation(
        `C: AUTHINFO USER ann\nS: 381 and?\nC: AUTHINFO PASS se cret\nS: ${reply}\nC: QUIT\nS: 205 bye\n`,
      ),
    );
    expect(await openFailure(play, {}, USER)).toMatchObject({ code, exit, reply });
  });

  it("that the server does not offer is an error, and nothing is sent", async () => {
    const play = GREETED.and(conversation("C: QUIT\nS: 205 bye\n"));
    expect(await openFailure(play, {}, USER)).toMatchObject({
      code: "auth",
      message: "the server offers no login",
    });
  });

  it("is made when the server demands it, and the command repeated", async () => {
    const play = GREETED.and(
      conversation(`
        C: GROUP misc.test
        C: ARTICLE 7
        S: 480 who are you?
        S: 480 who are you?
        C: AUTHINFO USER ann
        S: 381 and?
        C: AUTHINFO PASS secret
        S: 281 welcome
      `),
    )
      .and(again)
      .and(
        conversation(`
          C: GROUP misc.test
          C: ARTICLE 7
          S: 211 1 7 7 misc.test
          S: 220 7 <7@x>
          S: Subject: x
          S:
          S: ..
          S: .
        `),
      )
      .and(BYE);
    const credentials = async (_target: unknown, required: boolean) =>
      required ? ({ user: "ann", password: "secret", kind: "password" } as const) : undefined;
    await talk(
      play,
      async (session) => {
        const document = await session.read?.("/misc.test/7");
        const chunks: Buffer[] = [];
        for await (const chunk of document?.body ?? []) chunks.push(chunk);
        expect(Buffer.concat(chunks).toString()).toBe("Subject: x\r\n\r\n.\r\n");
      },
      { credentials },
    );
  });

  it("that is demanded and cannot be made is an error with the server's words", async () => {
    const play = GREETED.and(conversation("C: GROUP misc.test\nS: 480 who are you?\n")).and(BYE);
    await talk(play, async (session) => {
      expect(await failure(list(session, "/misc.test"))).toMatchObject({
        code: "auth",
        exit: 7,
        reply: "480 who are you?",
        hint: "-u USER says who you are",
      });
    });
  });

  it("may go in clear within this machine", async () => {
    await inHarbour(async ({ open, url }) => {
      const session = await open({}, url.replace("//", "//porthole:sandbox@"));
      expect((await session.stat?.("/"))?.meta["capabilities"]).not.toHaveProperty("AUTHINFO");
    });
  });
});

function cram(user: string, password: string, challenge: string): string {
  const digest = createHmac("md5", password).update(Buffer.from(challenge, "base64")).digest("hex");
  return Buffer.from(`${user} ${digest}`).toString("base64");
}
