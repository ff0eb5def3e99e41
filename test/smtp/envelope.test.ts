import { describe, expect, it } from "vitest";
import { conversation } from "../../fixtures/servers/scripted.js";
import { fails, failure, hello, mail, send, talk } from "./talk.js";

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

  it.each([
    ["8BITMIME", { size: 14, eightBit: true }, 0],
    ["SIZE", { size: 14, eightBit: true }, 1],
    ["SIZE", { size: 14, eightBit: false }, 0],
    // Of what is streamed it is not known beforehand.
    ["SIZE", { eightBit: true }, 0],
  ] as const)(
    "of %s and a message with %j: that eight bits may be lost is warned of",
    async (offer, facts, count) => {
      const warnings: string[] = [];
      const play = hello(offer)
        .expect(/^MAIL FROM:<a@x\.example>/)
        .sendLines("250 ok")
        .expect("RCPT TO:<b@y.example>")
        .sendLines("250 ok")
        .expect("DATA")
        .sendLines("354 go on")
        .expectUntil("\r\n.\r\n")
        .sendLines("250 ok")
        .and(conversation("C: QUIT\nS: 221 bye"));
      await talk(
        play,
        async (session, server) => {
          await send(session, mail(Buffer.from("Subject: \xfc\r\n\r\n", "latin1"), facts));
          await session[Symbol.asyncDispose]();
          await server.done;
        },
        { warn: (text) => warnings.push(text) },
      );
      expect(warnings).toHaveLength(count);
    },
  );

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
