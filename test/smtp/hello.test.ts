import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { PortholeError } from "../../src/errors.js";
import { Transcript } from "../../src/net/transcript.js";
import { failure, hello, mail, openFailure, send, talk } from "./talk.js";

const AUTO = { policy: { starttls: "auto" } } as const;
const TRUSTING = { ...AUTO, network: { tls: { insecure: true } } };

describe("the greeting", () => {
  it("may have many lines, and so may the answer to EHLO", async () => {
    const play = conversation(`
      S: 220-mail.example.org
      S: 220-unauthorised use is prohibited
      S: 220 ESMTP
      C: EHLO [127.0.0.1]
      S: 250-mail.example.org greets you
      S: 250-8bitmime
      S: 250-SIZE 1000
      S: 250
      C: MAIL FROM:<a@x.example> SIZE=21 BODY=8BITMIME
      S: 250 ok
      C: RCPT TO:<b@y.example>
      S: 250 ok
      C: DATA
      S: 354 go on
      C: Subject: x
      C:
      C: hello
      C: .
      S: 250 2.0.0 queued as 1
      C: QUIT
      S: 221 bye
      C end
    `);
    await talk(play, async (session, server) => {
      const report = await send(session, mail(undefined, { size: 21, eightBit: true }));
      expect(report).toEqual({
        accepted: ["b@y.example"],
        refused: [],
        reply: "250 2.0.0 queued as 1",
        messageId: "<1@x.example>",
        size: 21,
      });
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });

  it.each([
    ["554 no SMTP service here", "refused", 9],
    ["421 too busy", "busy", 10],
    ["450 come back later", "busy", 10],
    ["250 what?", "protocol", 11],
  ])("of %s is an error, and QUIT is said", async (greeting, code, exit) => {
    const play = script().sendLines(greeting).expect("QUIT").sendLines("221 bye");
    expect(await openFailure(play)).toMatchObject({ code, exit, protocol: "smtp", reply: greeting });
  });

  it("that does not come is a lost connection", async () => {
    expect(await openFailure(script().drop())).toMatchObject({ code: "connect", exit: 4 });
  });

  it("that does not come in time may be one that waits for TLS", async () => {
    const failed = await openFailure(script().drain(), { network: { idleTimeout: 300 } });
    expect(failed).toMatchObject({ code: "timeout", exit: 6, hint: expect.stringContaining("smtps:") });
  });

  it("that is no SMTP is an error", async () => {
    expect(await openFailure(script().sendLines("SSH-2.0-OpenSSH_9.2"))).toMatchObject({
      code: "protocol",
      reply: "SSH-2.0-OpenSSH_9.2",
    });
  });

  it("that does not end is an error within bounds", async () => {
    const play = script().flood(8 * 1024 * 1024, "220-more\r\n");
    expect(await openFailure(play)).toMatchObject({ code: "protocol", exit: 11 });
  });

  it("with an answer ahead of the command ends the session", async () => {
    const play = script().sendLines("220 hello", "250 already").drain();
    expect(await openFailure(play)).toMatchObject({
      code: "protocol",
      message: "the server answered what nobody had asked",
      reply: "250 already",
    });
  });
});

describe("EHLO", () => {
  it("gives way to HELO, after which nothing is sent ahead and no parameter is given", async () => {
    const play = conversation(`
      S: 220 old
      C: EHLO [127.0.0.1]
      S: 502 command not implemented
      C: HELO [127.0.0.1]
      S: 250 old greets you
      C: MAIL FROM:<a@x.example>
      S: 250 ok
      C: RCPT TO:<b@y.example>
      S: 250 ok
      C: DATA
      S: 354 go on
      C: .
      S: 250 ok
      C: QUIT
      S: 221 bye
    `);
    await talk(play, async (session, server) => {
      await send(session, mail("", { size: 0, eightBit: true }));
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });

  it("says the name that the user wants", async () => {
    const play = conversation("S: 220 hi\nC: EHLO client.example.org\nS: 250 hi\nC: QUIT\nS: 221 bye");
    await talk(
      play,
      async (session, server) => {
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      { options: { "ehlo-name": "client.example.org" } },
    );
  });

  it.each(["a b", "a\r\nMAIL FROM:<x>", "bücher.example"])("says no name like %j", async (name) => {
    const client = new Client({ options: { "ehlo-name": name } });
    const opening = client.open(client.target("smtp://127.0.0.1:9"));
    expect(await failure(opening)).toMatchObject({ code: "usage", exit: 2 });
  });

  it.each([
    ["EHLO and HELO", "502 no\nC: HELO [127.0.0.1]\nS: 550 go away", "refused"],
    ["EHLO for now", "451 not now", "busy"],
    ["EHLO with a farewell", "421 shutting down", "busy"],
  ])("refused, %s, is an error", async (_what, rest, code) => {
    const play = conversation(`S: 220 hi\nC: EHLO [127.0.0.1]\nS: ${rest}\nC: QUIT\nS: 221 bye`);
    expect(await openFailure(play)).toMatchObject({ code });
  });
});

describe("STARTTLS", () => {
  const offered = conversation(`
    S: 220 hi
    C: EHLO [127.0.0.1]
    S: 250-hi
    S: 250-AUTH PLAIN
    S: 250 STARTTLS
  `);

  it("is used where it is offered, and EHLO said again; what was said before is forgotten", async () => {
    const tls = await makeTlsMaterial();
    const play = offered
      .and(conversation("C: STARTTLS\nS: 220 go on"))
      .startTls(tls)
      .and(conversation("C: EHLO [127.0.0.1]\nS: 250-hi\nS: 250 SIZE 10\nC: QUIT\nS: 221 bye"));
    await talk(
      play,
      async (session, server) => {
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      TRUSTING,
    );
  });

  it("is not used within this machine when the user did not say", async () => {
    await talk(offered.and(conversation("C: QUIT\nS: 221 bye")), async (session, server) => {
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });

  it("is used within this machine for a login that is not offered without", async () => {
    const tls = await makeTlsMaterial();
    const play = conversation(
      "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go on",
    )
      .startTls(tls)
      .and(
        conversation(
          "C: EHLO [127.0.0.1]\nS: 250-hi\nS: 250 AUTH PLAIN\nC~ ^AUTH PLAIN \nS: 235 ok\nC: QUIT\nS: 221 bye",
        ),
      );
    await talk(
      play,
      async (session, server) => {
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      { network: { tls: { insecure: true } } },
      { user: "ann:secret@" },
    );
  });

  it("is not used when the user says never", async () => {
    const play = offered.and(conversation("C: QUIT\nS: 221 bye"));
    await talk(
      play,
      async (session, server) => {
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      { policy: { starttls: "never" } },
    );
  });

  it("that is required and not offered ends the session before a mail", async () => {
    const play = conversation("S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250 hi\nC: QUIT\nS: 221 bye");
    expect(await openFailure(play, { policy: { starttls: "require" } })).toMatchObject({
      code: "tls",
      exit: 5,
      message: "the server does not offer TLS",
    });
  });

  it("that is required and refused ends the session", async () => {
    const play = offered.and(conversation("C: STARTTLS\nS: 454 not now\nC: QUIT\nS: 221 bye"));
    expect(await openFailure(play, { policy: { starttls: "require" } })).toMatchObject({
      code: "tls",
      reply: "454 not now",
    });
  });

  it("that is refused is told, and the session goes on in clear", async () => {
    const warnings: string[] = [];
    const play = offered.and(conversation("C: STARTTLS\nS: 454 not now\nC: QUIT\nS: 221 bye"));
    await talk(
      play,
      async (session, server) => {
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      { ...AUTO, warn: (text) => warnings.push(text) },
    );
    expect(warnings).toEqual(["the server offers TLS and refuses to start it; going on in clear"]);
  });

  it("drops the connection when answers were injected ahead of it", async () => {
    const play = offered.expect("STARTTLS").sendLines("220 go on", "250-injected", "250 AUTH PLAIN").drain();
    expect(await openFailure(play, TRUSTING)).toMatchObject({
      code: "tls",
      message: "30 octets came in clear after the server agreed to TLS; they and the connection were dropped",
    });
  });

  it("ends with a farewell", async () => {
    const play = offered.and(conversation("C: STARTTLS\nS: 421 shutting down\nC: QUIT\nS: 221 bye"));
    expect(await openFailure(play, AUTO)).toMatchObject({ code: "busy", reply: "421 shutting down" });
  });
});

/** Behind the handshake the client waits for the server's ticket before it says EHLO; what befalls it then. */
describe("STARTTLS, before the second EHLO", () => {
  const secured = async () =>
    hello("STARTTLS")
      .expect("STARTTLS")
      .sendLines("220 go on")
      .startTls(await makeTlsMaterial());

  it.each(["drop", "truncate", "reset"] as const)(
    "a connection that ends (%s) is a lost connection",
    async (end) => {
      expect(await openFailure((await secured())[end](), TRUSTING)).toMatchObject({
        code: "connect",
        exit: 4,
      });
    },
  );

  it("a farewell is heard", async () => {
    const play = (await secured()).sendLines("421 shutting down").drain();
    expect(await openFailure(play, TRUSTING)).toMatchObject({
      code: "busy",
      exit: 10,
      reply: "421 shutting down",
    });
  });

  it("the user's stop ends it", async () => {
    const user = new AbortController();
    const transcript = new Transcript();
    const said: string[] = [];
    transcript.subscribe(({ direction, text, bytes }) => {
      if (direction === "client") said.push(bytes?.toString().trim() ?? "");
      if (direction !== "note" || text?.startsWith("TLS") !== true) return;
      setImmediate(() => user.abort(new PortholeError("aborted", "stopped by Ctrl-C")));
    });
    // Its answer never comes: whatever had been said by then, the stop alone ends it.
    const play = (await secured()).drain();
    const failed = await openFailure(play, { ...TRUSTING, transcript, signal: user.signal });
    expect(failed).toMatchObject({ code: "aborted", exit: 130 });
    expect(said.slice(0, 2)).toEqual(["EHLO [127.0.0.1]", "STARTTLS"]);
    expect(said.slice(2).filter((line) => !line.startsWith("EHLO "))).toEqual([]);
  });
});
