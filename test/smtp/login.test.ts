import { describe, expect, it } from "vitest";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { CredentialSources } from "../../src/auth/sources.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { Credentials } from "../../src/plugin.js";
import { failure, mail, openFailure, send, talk } from "./talk.js";

const BYE = conversation("C: QUIT\nS: 221 bye");
const ANN = { user: "ann:open sesame@" };

function hello(mechanisms: string): Script {
  return conversation(`S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-hi\nS: 250 ${mechanisms}`);
}

function as(credentials: Credentials | undefined, more: ClientSettings = {}): ClientSettings {
  return { credentials: async () => credentials, ...more };
}

const TOKEN = as({ user: "ann@x.example", password: "ya29.token", kind: "token" });

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Opens a session and closes it; the script must be played to its end. */
async function logsIn(
  play: Script,
  settings: ClientSettings = {},
  place: { user?: string } = ANN,
): Promise<void> {
  await talk(
    play.and(BYE),
    async (session, server) => {
      await session[Symbol.asyncDispose]();
      await server.done;
    },
    settings,
    place,
  );
}

describe("mechanisms", () => {
  it("PLAIN sends all with the command", async () => {
    const blob = base64("\0ann\0open sesame");
    await logsIn(hello("AUTH PLAIN LOGIN").and(conversation(`C: AUTH PLAIN ${blob}\nS: 235 welcome`)));
  });

  it("PLAIN that would not fit into a command waits for the server", async () => {
    const password = "x".repeat(600);
    const play = hello("AUTH PLAIN")
      .expect("AUTH PLAIN")
      .sendLines("334 ")
      .expect(base64(`\0ann\0${password}`))
      .sendLines("235 welcome");
    await logsIn(play, as({ user: "ann", password, kind: "password" }));
  });

  it("LOGIN answers two prompts, whatever they say", async () => {
    const play = hello("AUTH LOGIN").and(
      conversation(`
        C: AUTH LOGIN
        S: 334 ${base64("Benutzer")}
        C: ${base64("ann")}
        S: 334 what else?
        C: ${base64("open sesame")}
        S: 235 welcome
      `),
    );
    await logsIn(play);
  });

  it("CRAM-MD5 comes first in clear, and proves the password without sending it (RFC 2195, 2)", async () => {
    const play = hello("AUTH PLAIN LOGIN CRAM-MD5").and(
      conversation(`
        C: AUTH CRAM-MD5
        S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
        C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
        S: 235 welcome
      `),
    );
    await logsIn(play, as({ user: "tim", password: "tanstaaftanstaaf", kind: "password" }));
  });

  it("XOAUTH2 is for tokens alone", async () => {
    const blob = base64("user=ann@x.example\x01auth=Bearer ya29.token\x01\x01");
    await logsIn(
      hello("AUTH PLAIN XOAUTH2").and(conversation(`C: AUTH XOAUTH2 ${blob}\nS: 235 welcome`)),
      TOKEN,
      {},
    );
    expect(await openFailure(hello("AUTH PLAIN LOGIN").and(BYE), TOKEN)).toMatchObject({
      code: "auth",
      exit: 7,
      message: "the server offers no known way to log in with a token; it has PLAIN, LOGIN",
    });
  });

  it("XOAUTH2 that is refused is told why, and asked for the reply", async () => {
    const play = hello("AUTH XOAUTH2")
      .expect(/^AUTH XOAUTH2 /)
      .sendLines(`334 ${base64('{"status":"401"}')}`)
      .expect("")
      .sendLines("535 5.7.8 token expired")
      .and(BYE);
    expect(await openFailure(play, TOKEN)).toMatchObject({ code: "auth", reply: "535 5.7.8 token expired" });
  });

  it("of the old kind of list are understood", async () => {
    const blob = base64("\0ann\0open sesame");
    await logsIn(hello("AUTH=LOGIN PLAIN").and(conversation(`C: AUTH PLAIN ${blob}\nS: 235 welcome`)));
  });

  it("can be chosen by the user", async () => {
    const play = hello("AUTH PLAIN LOGIN CRAM-MD5").and(
      conversation(
        `C: AUTH LOGIN\nS: 334 x\nC: ${base64("ann")}\nS: 334 x\nC: ${base64("open sesame")}\nS: 235 welcome`,
      ),
    );
    await logsIn(play, { policy: { authMechanism: "LOGIN" } });
  });

  it.each([
    ["CRAM-MD5", "the login by CRAM-MD5 is not offered; the server has PLAIN, XOAUTH2"],
    ["XOAUTH2", "the login by XOAUTH2 cannot be used with these credentials"],
  ])("chosen by the user that cannot be used: %s", async (authMechanism, message) => {
    const play = hello("AUTH PLAIN XOAUTH2").and(BYE);
    expect(await openFailure(play, { policy: { authMechanism } }, ANN)).toMatchObject({
      code: "auth",
      message,
    });
  });
});

describe("a login", () => {
  it("is not tried without credentials", async () => {
    await logsIn(hello("AUTH PLAIN"), {}, {});
  });

  it.each([
    ["535 5.7.8 wrong", "auth", 7, "the server refused the login"],
    ["454 4.7.0 the directory is down", "busy", 10, "the server cannot check the login now"],
    ["421 bye", "busy", 10, "the server closes the session"],
  ])("answered with %s", async (reply, code, exit, message) => {
    const play = hello("AUTH PLAIN")
      .expect(/^AUTH PLAIN /)
      .sendLines(reply)
      .and(BYE);
    expect(await openFailure(play, {}, ANN)).toMatchObject({ code, exit, message, reply });
  });

  it("is given up when the server goes on asking", async () => {
    const play = hello("AUTH PLAIN")
      .and(conversation("C~ ^AUTH PLAIN\nS: 334 more\nC: *\nS: 501 cancelled"))
      .and(BYE);
    expect(await openFailure(play, {}, ANN)).toMatchObject({ code: "auth", reply: "501 cancelled" });
    const endless = hello("AUTH PLAIN")
      .and(conversation("C~ ^AUTH PLAIN\nS: 334 more\nC: *\nS: 334 more"))
      .drain();
    expect(await openFailure(endless, {}, ANN)).toMatchObject({ code: "protocol" });
  });

  it("that the URL asks for and the server does not offer is an error", async () => {
    expect(await openFailure(hello("SIZE").and(BYE), {}, ANN)).toMatchObject({
      code: "auth",
      message: "the server offers no login",
      hint: "it may offer one after TLS: --starttls require, or smtps:",
    });
  });

  it("that is known and not offered is told, and the mail goes without", async () => {
    const warnings: string[] = [];
    const settings = as(
      { user: "ann", password: "x", kind: "password" },
      { warn: (text) => warnings.push(text) },
    );
    await logsIn(hello("SIZE"), settings, {});
    expect(warnings).toEqual(["the server offers no login; going on without"]);
  });

  it("sends no NUL", async () => {
    const settings = as({ user: "ann", password: "a\0b", kind: "password" });
    expect(await openFailure(hello("AUTH PLAIN").and(BYE), settings)).toMatchObject({ code: "usage" });
  });

  it("shows nothing in the transcript", async () => {
    const transcript = new Transcript();
    const shown: string[] = [];
    transcript.subscribe(({ bytes }) => shown.push(bytes?.toString() ?? ""));
    const lines = [base64("ann"), base64("open sesame")];
    const play = hello("AUTH LOGIN").and(
      conversation(`C: AUTH LOGIN\nS: 334 x\nC: ${lines[0]}\nS: 334 x\nC: ${lines[1]}\nS: 235 welcome`),
    );
    await logsIn(play, { transcript });
    expect(shown.join("")).toContain("AUTH LOGIN\r\n");
    expect(shown.join("")).toContain("[masked]\r\n");
    for (const secret of [...lines, "open sesame"]) expect(shown.join("")).not.toContain(secret);
  });
});

describe("EXTERNAL", () => {
  const EXTERNAL = { policy: { authMechanism: "EXTERNAL" } };

  it("needs no password: the certificate has said who it is (RFC 4422, appendix A)", async () => {
    const play = hello("AUTH PLAIN EXTERNAL").and(conversation("C: AUTH EXTERNAL =\nS: 235 welcome"));
    await logsIn(play, as(undefined, EXTERNAL), {});
    const acting = hello("AUTH EXTERNAL").and(
      conversation(`C: AUTH EXTERNAL ${base64("ann")}\nS: 235 welcome`),
    );
    await logsIn(acting, as(undefined, EXTERNAL), { user: "ann@" });
  });

  it("names whom -u says, without a password", async () => {
    const { find } = new CredentialSources({ environment: {}, platform: "linux", netrc: false, user: "ann" });
    const acting = hello("AUTH EXTERNAL").and(
      conversation(`C: AUTH EXTERNAL ${base64("ann")}\nS: 235 welcome`),
    );
    await logsIn(acting, { ...EXTERNAL, credentials: find }, {});
  });

  it.each([
    ["AUTH PLAIN", "the login by EXTERNAL is not offered; the server has PLAIN"],
    ["SIZE", "the server offers no login"],
  ])("is an error where the server has only %s", async (offer, message) => {
    const failed = await openFailure(hello(offer).and(BYE), as(undefined, EXTERNAL));
    expect(failed).toMatchObject({ code: "auth", exit: 7, message });
  });
});

describe("a login that the server demands with 530", () => {
  const demand = conversation(`
    C: MAIL FROM:<a@x.example>
    S: 530 5.7.0 authentication required
    C: RSET
    S: 250 ok
  `);
  const blob = base64("\0ann\0x");

  it("is asked for then, and the mail begun again", async () => {
    const asked: boolean[] = [];
    const settings: ClientSettings = {
      credentials: async (_target, required) => {
        asked.push(required);
        return required ? { user: "ann", password: "x", kind: "password" } : undefined;
      },
    };
    const play = hello("AUTH PLAIN")
      .and(demand)
      .and(
        conversation(`
          C: AUTH PLAIN ${blob}
          S: 235 welcome
          C: RSET
          S: 250 ok
          C: MAIL FROM:<a@x.example>
          S: 250 ok
          C: RCPT TO:<b@y.example>
          S: 250 ok
          C: DATA
          S: 354 go on
        `),
      )
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued")
      .and(BYE);
    await talk(
      play,
      async (session, server) => {
        expect((await send(session, mail())).accepted).toEqual(["b@y.example"]);
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      settings,
    );
    expect(asked).toEqual([false, true]);
  });

  it.each([
    ["without credentials", "AUTH PLAIN", "the server demands a login"],
    ["without an offer", "SIZE", "the server demands a login and offers none"],
  ])("%s is an error", async (_what, offer, message) => {
    await talk(hello(offer).and(demand).and(BYE), async (session, server) => {
      expect(await failure(send(session, mail()))).toMatchObject({
        code: "auth",
        exit: 7,
        message,
        reply: "530 5.7.0 authentication required",
      });
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });

  it("may be a demand for TLS", async () => {
    const play = hello("AUTH PLAIN")
      .and(conversation("C: MAIL FROM:<a@x.example>\nS: 530 5.7.0 Must issue a STARTTLS command first"))
      .and(BYE);
    await talk(play, async (session, server) => {
      expect(await failure(send(session, mail()))).toMatchObject({
        code: "tls",
        exit: 5,
        hint: "--starttls require, or smtps:",
      });
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });
});

describe("a password in clear", () => {
  /** Dialled through a proxy, loopback is none: the password would leave the machine. */
  it("is for loopback alone", async () => {
    const play = script()
      .expectUntil("\r\n\r\n")
      .sendLines("HTTP/1.1 200 ok", "")
      .and(conversation("S: 220 hi\nC~ ^EHLO\nS: 250-hi\nS: 250 AUTH PLAIN LOGIN"))
      .and(BYE);
    const failed = await throughProxy(play, "ann:open%20sesame@");
    expect(failed).toMatchObject({
      code: "tls",
      exit: 5,
      message: "the password would go to mail.x.example in clear",
    });
  });

  it("is not sent by another mechanism when the one that conceals it was the reason to give it out", async () => {
    const play = script()
      .expectUntil("\r\n\r\n")
      .sendLines("HTTP/1.1 200 ok", "")
      .and(conversation("S: 220 hi\nC~ ^EHLO\nS: 250-hi\nS: 250 AUTH XOAUTH2 CRAM-MD5"))
      .and(BYE);
    expect(await throughProxy(play, "", TOKEN)).toMatchObject({ code: "tls", exit: 5 });
  });

  async function throughProxy(play: Script, user: string, settings: ClientSettings = {}): Promise<unknown> {
    await using server = await scripted(play, { timeout: 5000 });
    const client = new Client({ ...settings, network: { proxy: { url: server.url("http") } } });
    const failed = await failure(client.open(client.target(`smtp://${user}mail.x.example:25`)));
    await server.done;
    return failed;
  }
});
