import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { Credentials } from "../../src/plugin.js";
import { ANN, BYE, failure, hello, openFailure, plays } from "./talk.js";

const TIMESTAMP = "<1896.697170952@dbc.mtview.ca.us>";

function as(credentials: Credentials | undefined, more: ClientSettings = {}): ClientSettings {
  return { credentials: async () => credentials, ...more };
}

const TOKEN = as({ user: "ann@x.example", password: "ya29.token", kind: "token" });

function base64(words: string): string {
  return Buffer.from(words).toString("base64");
}

/** After a login a server is asked again what it can do. */
const SETTLED = conversation("C: CAPA\nS: +OK\nS: UIDL\nS: .");

async function logsIn(play: Script, settings: ClientSettings = ANN): Promise<void> {
  await plays(play.and(BYE), async () => {}, settings);
}

describe("a login", () => {
  it("of a server that does not know CAPA is by USER and PASS", async () => {
    await logsIn(
      conversation(`
        S: +OK ready
        C: CAPA
        S: -ERR what?
        C: USER ann
        S: +OK
        C: PASS open sesame
        S: +OK
      `),
    );
  });

  it("by APOP proves the password of RFC 1939, 7 without sending it", async () => {
    await logsIn(
      conversation(`
        S: +OK POP3 server ready ${TIMESTAMP}
        C: CAPA
        S: -ERR what?
        C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
        S: +OK maildrop has 1 message (369 octets)
      `),
      as({ user: "mrose", password: "tanstaaf", kind: "password" }),
    );
  });

  it("takes no timestamp for one that is no Message-ID (CVE-2007-1558)", async () => {
    await logsIn(
      conversation(
        "S: +OK ready <a\u00ff@b>\nC: CAPA\nS: -ERR\nC: USER ann\nS: +OK\nC: PASS open sesame\nS: +OK",
      ),
    );
  });

  it("in clear prefers what hides the password: CRAM-MD5", async () => {
    await logsIn(
      hello("SASL PLAIN LOGIN CRAM-MD5", "USER")
        .and(
          conversation(`
            C: AUTH CRAM-MD5
            S: + PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
            C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
            S: +OK
          `),
        )
        .and(SETTLED),
      as({ user: "tim", password: "tanstaaftanstaaf", kind: "password" }),
    );
  });

  it("by PLAIN goes with the command", async () => {
    const blob = base64("\0ann\0open sesame");
    await logsIn(
      hello("SASL PLAIN")
        .and(conversation(`C: AUTH PLAIN ${blob}\nS: +OK`))
        .and(SETTLED),
    );
  });

  it("by PLAIN that would not fit into a command waits for the server (RFC 5034, 4)", async () => {
    const password = "x".repeat(300);
    const play = hello("SASL PLAIN")
      .and(conversation("C: AUTH PLAIN\nS: + "))
      .expect(base64(`\0ann\0${password}`))
      .sendLines("+OK")
      .and(SETTLED);
    await logsIn(play, as({ user: "ann", password, kind: "password" }));
  });

  it("by LOGIN answers two prompts", async () => {
    const settings = { ...ANN, policy: { authMechanism: "LOGIN" } };
    const play = hello("SASL PLAIN LOGIN", "USER")
      .and(
        conversation(
          `C: AUTH LOGIN\nS: + ${base64("User Name")}\nC: ${base64("ann")}\nS: + x\nC: ${base64("open sesame")}\nS: +OK`,
        ),
      )
      .and(SETTLED);
    await logsIn(play, settings);
  });

  it("by a token takes OAUTHBEARER, and says where to", async () => {
    let said = "";
    const play = hello("SASL PLAIN XOAUTH2 OAUTHBEARER")
      .step({
        title: "take AUTH",
        run: async (connection) => {
          said = (await connection.readLine())?.toString("latin1").trimEnd() ?? "";
        },
      })
      .sendLines("+OK")
      .and(SETTLED);
    await logsIn(play, TOKEN);
    const [verb, name, blob = ""] = said.split(" ");
    expect([verb, name]).toEqual(["AUTH", "OAUTHBEARER"]);
    expect(Buffer.from(blob, "base64").toString()).toMatch(
      /^n,a=ann@x\.example,\x01host=127\.0\.0\.1\x01port=\d+\x01auth=Bearer ya29\.token\x01\x01$/,
    );
  });

  it("by XOAUTH2 that is refused is told why, and asked for the reply", async () => {
    const blob = base64("user=ann@x.example\x01auth=Bearer ya29.token\x01\x01");
    const play = hello("SASL XOAUTH2").and(
      conversation(
        `C: AUTH XOAUTH2 ${blob}\nS: + ${base64('{"status":"400"}')}\nC: \nS: -ERR [AUTH] expired`,
      ),
    );
    expect(await openFailure(play.and(BYE), TOKEN)).toMatchObject({
      code: "auth",
      reply: "-ERR [AUTH] expired",
    });
  });

  it("by EXTERNAL needs no password", async () => {
    const settings = as(undefined, { policy: { authMechanism: "EXTERNAL" } });
    const play = hello("SASL PLAIN EXTERNAL").and(conversation("C: AUTH EXTERNAL =\nS: +OK")).and(SETTLED);
    await logsIn(play, settings);
  });

  it("by the one mechanism that the user names, or not at all", async () => {
    const settings = { ...ANN, policy: { authMechanism: "SCRAM-SHA-256" } };
    expect(await openFailure(hello("SASL PLAIN", "USER").and(BYE), settings)).toMatchObject({
      code: "auth",
      exit: 7,
      message: "the login by SCRAM-SHA-256 is not offered; the server has PLAIN, USER",
    });
    const user = { ...ANN, policy: { authMechanism: "USER" } };
    const play = hello("SASL PLAIN CRAM-MD5", "USER")
      .and(conversation("C: USER ann\nS: +OK\nC: PASS open sesame\nS: +OK"))
      .and(SETTLED);
    await logsIn(play, user);
  });

  it("gives up a mechanism that asks on and on", async () => {
    const play = hello("SASL PLAIN").and(
      conversation(`C: AUTH PLAIN ${base64("\0ann\0open sesame")}\nS: + more\nC: *\nS: -ERR cancelled`),
    );
    expect(await openFailure(play.and(BYE))).toMatchObject({ code: "auth", reply: "-ERR cancelled" });
  });

  it("trusts no server that only claims to know the password (SCRAM)", async () => {
    const play = hello("SASL SCRAM-SHA-256").and(
      script()
        .expect(/^AUTH SCRAM-SHA-256 /)
        .sendLines("+OK welcome"),
    );
    expect(await openFailure(play.and(BYE))).toMatchObject({
      code: "auth",
      message: "the server did not prove that it knows the password",
    });
  });
});

describe("a login that is refused", () => {
  const refusing = (reply: string) =>
    hello("USER")
      .and(conversation(`C: USER ann\nS: +OK\nC: PASS open sesame\nS: ${reply}`))
      .and(BYE);

  it.each([
    ["-ERR wrong password", "auth", 7],
    ["-ERR [AUTH] wrong password", "auth", 7],
    ["-ERR [SYS/PERM] this account is closed", "refused", 9],
    ["-ERR [IN-USE] another POP session has it", "busy", 10],
    ["-ERR [LOGIN-DELAY] minimum time between logins", "busy", 10],
    ["-ERR [SYS/TEMP] try later", "busy", 10],
    ["-ERR maildrop already locked", "busy", 10],
    ["-ERR [UTF8] no", "refused", 9],
  ])("with %s is %s", async (reply, code, exit) => {
    expect(await openFailure(refusing(reply))).toMatchObject({ code, exit, reply, protocol: "pop3" });
  });

  it("at USER asks for no password", async () => {
    const play = hello("USER").and(conversation("C: USER ann\nS: -ERR no such mailbox"));
    expect(await openFailure(play.and(BYE))).toMatchObject({ code: "auth", reply: "-ERR no such mailbox" });
  });

  it("leaves nothing to be done without it", async () => {
    await plays(
      hello("USER").and(BYE),
      async (session) => {
        expect(await failure(session.stat?.("/") ?? Promise.resolve())).toMatchObject({
          code: "auth",
          message: "the server opens a mailbox only after a login",
          hint: "-u USER says whose it is",
        });
      },
      {},
    );
  });
});

describe("a greeting", () => {
  it.each([
    ["-ERR no service", "refused", 9],
    ["-ERR [SYS/TEMP] come back", "busy", 10],
    ["-ERR [IN-USE] locked", "busy", 10],
  ])("that is %s is %s, and nothing is asked", async (greeting, code, exit) => {
    expect(await openFailure(script().sendLines(greeting).and(BYE))).toMatchObject({
      code,
      exit,
      reply: greeting,
    });
  });

  it("that is none breaks the protocol", async () => {
    expect(await openFailure(script().sendLines("220 mail.example ESMTP").eof())).toMatchObject({
      code: "protocol",
      reply: "220 mail.example ESMTP",
    });
  });

  it("may come an octet a packet", async () => {
    const play = script()
      .sendCut("+OK ready\r\n", "everywhere")
      .and(conversation("C: CAPA\nS: -ERR\nC: USER ann\nS: +OK\nC: PASS open sesame"))
      .sendCut("+OK in\r\n", "everywhere");
    await logsIn(play);
  });
});

describe("arguments and secrets", () => {
  it.each(["ann\r\nDELE 1", "ann\nQUIT", "ann\0"])("hold no line break: %j", async (user) => {
    const settings = as({ user, password: "x", kind: "password" });
    expect(await openFailure(hello("USER").and(BYE), settings)).toMatchObject({ code: "usage", exit: 2 });
    const secret = as({ user: "ann", password: user, kind: "password" });
    expect(await openFailure(hello("USER").and(BYE), secret)).toMatchObject({ code: "usage", exit: 2 });
  });

  it("are masked in the transcript, in every coding", async () => {
    const transcript = new Transcript();
    const seen: string[] = [];
    transcript.subscribe(({ bytes }) => {
      if (bytes !== undefined) seen.push(bytes.toString("latin1"));
    });
    const blob = base64("\0ann\0open sesame");
    const play = hello("SASL PLAIN")
      .and(conversation(`C: AUTH PLAIN ${blob}\nS: +OK`))
      .and(SETTLED);
    await logsIn(play, { ...ANN, transcript });
    expect(seen.join("")).toContain("AUTH PLAIN");
    expect(seen.join("")).not.toContain(blob);
  });

  it("are masked in the transcript as APOP proves them", async () => {
    const transcript = new Transcript();
    const seen: string[] = [];
    transcript.subscribe(({ bytes }) => void seen.push(bytes?.toString("latin1") ?? ""));
    const digest = createHash("md5").update(`${TIMESTAMP}open sesame`).digest("hex");
    const play = conversation(
      `S: +OK ready ${TIMESTAMP}\nC: CAPA\nS: -ERR what?\nC: APOP ann ${digest}\nS: +OK`,
    );
    await logsIn(play, { ...ANN, transcript });
    expect(seen.join("")).toContain("APOP ann");
    expect(seen.join("")).not.toContain(digest);
  });

  it("UTF8 is asked for before the login, where it is offered (RFC 6856)", async () => {
    const digest = createHash("md5").update(`${TIMESTAMP}open sesame`).digest("hex");
    const play = conversation(`S: +OK ${TIMESTAMP}\nC: CAPA`)
      .sendLines("+OK", "UTF8 USER", ".")
      .and(conversation(`C: UTF8\nS: +OK\nC: APOP ann ${digest}\nS: +OK`))
      .and(SETTLED);
    await logsIn(play);
  });
});

describe("TLS in place", () => {
  const REQUIRE: ClientSettings = { ...ANN, policy: { starttls: "require" } };

  it("that is demanded and not offered ends it before the login", async () => {
    expect(await openFailure(hello("USER").and(BYE), REQUIRE)).toMatchObject({
      code: "tls",
      exit: 5,
      message: "the server does not offer TLS",
    });
  });

  it("that is demanded and refused ends it before the login", async () => {
    const play = hello("USER", "STLS").and(conversation("C: STLS\nS: -ERR no certificate"));
    expect(await openFailure(play.and(BYE), REQUIRE)).toMatchObject({
      code: "tls",
      reply: "-ERR no certificate",
    });
  });

  it("is tried where it is demanded of a server without CAPA", async () => {
    const play = conversation("S: +OK\nC: CAPA\nS: -ERR\nC: STLS\nS: -ERR what?");
    expect(await openFailure(play.and(BYE), REQUIRE)).toMatchObject({ code: "tls" });
  });

  it("is refused when answers were put in ahead of it (CVE-2011-0411)", async () => {
    const play = hello("USER", "STLS").expect("STLS").send("+OK begin\r\n+OK injected\r\n").drain();
    await using server = await scripted(play);
    const client = new Client(REQUIRE);
    const failed = await failure(client.open(client.target(server.url("pop3"))));
    expect(failed).toMatchObject({ code: "tls" });
    expect(server.lines).not.toContain("USER ann");
  });
});
