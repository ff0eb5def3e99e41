import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import type { ClientSettings } from "../../src/client.js";
import { ANN, failure, listed, openFailure, plays, talk, welcome } from "./talk.js";

const LIST = (tag: string) =>
  conversation(
    `C: ${tag} LIST "" "%"\nC: ${tag.replace(/\d+/, (n) => String(Number(n) + 1))} LSUB "" "%"\nS: ${tag} OK\nS: ${tag.replace(/\d+/, (n) => String(Number(n) + 1))} OK`,
  );

function by(mechanism: string, kind: "password" | "token" = "password"): ClientSettings {
  return {
    credentials: async () => ({ user: "ann", password: "open sesame", kind }),
    policy: { authMechanism: mechanism },
  };
}

describe("a login", () => {
  it("is by LOGIN where there is nothing else, and what can be done is asked again where the server does not say", async () => {
    const play = conversation(`
      S: * OK ready
      C: A1 CAPABILITY
      S: * CAPABILITY IMAP4rev1
      S: A1 OK
      C: A2 LOGIN "ann" "open sesame"
      S: A2 OK come in
      C: A3 CAPABILITY
      S: * CAPABILITY IMAP4rev1
      S: A3 OK
    `).and(LIST("A4"));
    await plays(play, async (session) => {
      await listed(session, "/");
    });
  });

  it("sends what is not ASCII as literals, and waits where the server does not take them ahead", async () => {
    const play = conversation("S: * OK [CAPABILITY IMAP4rev1] ready")
      .expect('A1 LOGIN "ann" {6}')
      .sendLines("+ go on")
      .expect("pässw")
      .sendLines("A1 OK [CAPABILITY IMAP4rev1] in")
      .and(LIST("A2"));
    await plays(play, async (session) => void (await listed(session, "/")), {
      credentials: async () => ({ user: "ann", password: "pässw", kind: "password" }),
    });
  });

  it("is by PLAIN with the command, where the server takes it so, and in two steps elsewhere", async () => {
    const plain = Buffer.from("\0ann\0open sesame").toString("base64");
    const ahead = conversation(`
      S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready
      C: A1 AUTHENTICATE PLAIN ${plain}
      S: A1 OK [CAPABILITY IMAP4rev1] in
    `);
    await plays(ahead, async () => undefined, by("PLAIN"));
    const behind = conversation(`
      S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready
      C: A1 AUTHENTICATE PLAIN
      S: +
      C: ${plain}
      S: A1 OK [CAPABILITY IMAP4rev1] in
    `);
    await plays(behind, async () => undefined, by("PLAIN"));
  });

  it("by XOAUTH2 answers the server's explanation, and tells the refusal", async () => {
    const token = Buffer.from("user=ann\x01auth=Bearer open sesame\x01\x01").toString("base64");
    const play = conversation(`
      S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready
      C: A1 AUTHENTICATE XOAUTH2 ${token}
      S: + eyJzdGF0dXMiOiI0MDAifQ==
      C:
      S: A1 NO [AUTHENTICATIONFAILED] expired
    `);
    expect(await openFailure(play, by("XOAUTH2", "token"))).toMatchObject({ code: "auth", exit: 7 });
  });

  it.each([
    ["a wrong password", "NO [AUTHENTICATIONFAILED] no", "auth"],
    ["a wrong password without a code", "NO no", "auth"],
    ["a server that is busy", "NO [UNAVAILABLE] later", "busy"],
    ["a server that is busy in words", "NO Too many connections, try again", "busy"],
  ])("is refused for %s", async (_what, line, code) => {
    const play = conversation(`
      S: * OK [CAPABILITY IMAP4rev1] ready
      C: A1 LOGIN "ann" "open sesame"
      S: A1 ${line}
      C: A2 LOGOUT
      S: A2 OK
    `);
    expect(await openFailure(play)).toMatchObject({ code, reply: line });
  });

  it("is not tried where the server forbids it", async () => {
    const play = conversation("S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\nC: A1 LOGOUT\nS: A1 OK");
    expect(await openFailure(play)).toMatchObject({
      code: "auth",
      hint: expect.stringContaining("--starttls"),
    });
  });

  it("is not needed after PREAUTH", async () => {
    const play = conversation("S: * PREAUTH [CAPABILITY IMAP4rev1] you are ann").and(LIST("A1"));
    await plays(play, async (session) => void (await listed(session, "/")), {});
  });

  it("refuses a server whose greeting is BYE", async () => {
    expect(await openFailure(script().sendLines("* BYE [UNAVAILABLE] full"))).toMatchObject({ code: "busy" });
    expect(await openFailure(script().sendLines("* BYE go away"))).toMatchObject({ code: "refused" });
  });
});

describe("STARTTLS", () => {
  const required: ClientSettings = { ...ANN, policy: { starttls: "require" } };

  it("is insisted on", async () => {
    const without = conversation("S: * OK [CAPABILITY IMAP4rev1] ready");
    expect(await openFailure(without, required)).toMatchObject({ code: "tls", exit: 5 });
    const refused = conversation(
      "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready\nC: A1 STARTTLS\nS: A1 NO not today",
    );
    expect(await openFailure(refused, required)).toMatchObject({ code: "tls", reply: "NO not today" });
    const preauth = conversation("S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] you are ann");
    expect(await openFailure(preauth, required)).toMatchObject({ code: "tls" });
  });

  it("takes no answers that came in clear ahead of it", async () => {
    const injected = conversation("S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
      .expect("A1 STARTTLS")
      .send("A1 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK\r\n");
    expect(await openFailure(injected, required)).toMatchObject({ code: "tls" });
  });

  it("forgets what the server could do before", async () => {
    const tls = await makeTlsMaterial();
    const play = conversation(
      "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\nC: A1 STARTTLS\nS: A1 OK go",
    )
      .startTls(tls)
      .and(
        conversation(`
          C: A2 CAPABILITY
          S: * CAPABILITY IMAP4rev1
          S: A2 OK
          C: A3 LOGIN "ann" "open sesame"
          S: A3 OK [CAPABILITY IMAP4rev1] in
        `),
      );
    await plays(play, async () => undefined, { ...required, network: { tls: { insecure: true } } });
  });
});

describe("COMPRESS", () => {
  const options = { compress: "always" };

  it("deflates both ways from the next octet on", async () => {
    const heard: Buffer[] = [];
    const deflated = (text: string) => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
    const play = welcome("COMPRESS=DEFLATE")
      .and(conversation("C: A2 COMPRESS DEFLATE\nS: A2 OK go"))
      .pause(100)
      .send(deflated('* LIST () "/" INBOX\r\nA3 OK\r\nA4 OK\r\n'))
      .pause(100)
      .send(deflated("A5 OK\r\n"))
      .drain();
    await talk(
      play,
      async (session, server) => {
        expect((await listed(session, "/")).map(({ name }) => name)).toEqual(["INBOX"]);
        heard.push(server.received);
      },
      { ...ANN, options },
    );
    expect(Buffer.concat(heard).toString("latin1")).not.toContain("LIST");
  });

  it("is refused where the server does not offer it, and ends with nonsense", async () => {
    const without = welcome().and(conversation("C: A2 LOGOUT\nS: A2 OK"));
    expect(await openFailure(without, { ...ANN, options })).toMatchObject({ code: "refused" });
    const nonsense = welcome("COMPRESS=DEFLATE")
      .expect("A2 COMPRESS DEFLATE")
      .send("A2 OK go\r\n* LIST in clear\r\n")
      .drain();
    await talk(
      nonsense,
      async (session) => expect(await failure(listed(session, "/"))).toMatchObject({ code: "protocol" }),
      {
        ...ANN,
        options,
      },
    );
  });
});

it("says goodbye", async () => {
  await plays(welcome().and(conversation("C: A2 LOGOUT\nS: * BYE\nS: A2 OK")), async (session) => {
    await session[Symbol.asyncDispose]();
  });
});
