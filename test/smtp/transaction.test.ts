import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import { PortholeError } from "../../src/errors.js";
import { fails, failure, mail, PIPELINING, STEPWISE, send, sends, TWO, talk } from "./talk.js";

describe("pipelining", () => {
  it("sends envelope and DATA in one go", async () => {
    const play = PIPELINING.expect(
      Buffer.from("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@z.example>\r\nDATA\r\n"),
    )
      .sendLines("250 ok", "250 ok", "250 ok", "354 go on")
      .expect(Buffer.from("Subject: x\r\n\r\nhello\r\n.\r\n"))
      .sendLines("250 queued")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await sends(play, mail(undefined, TWO))).toMatchObject({ accepted: TWO.to, refused: [] });
  });

  it("understands answers that are cut anywhere", async () => {
    const before = "250 ok\r\n250-b is\r\n250 fine\r\n550-5.1.1 c\r\n550 5.1.1 who?\r\n354 go on\r\n";
    const after = "250-2.0.0\r\n250 2.0.0 queued\r\n";
    const plays = (cuts: {
      before: readonly number[] | "everywhere";
      after: readonly number[] | "everywhere";
    }) =>
      PIPELINING.expectUntil("DATA\r\n")
        .sendCut(before, cuts.before)
        .expectUntil("\r\n.\r\n")
        .sendCut(after, cuts.after)
        .and(conversation("C: QUIT\nS: 221 bye"));
    const want = {
      accepted: ["b@y.example"],
      refused: [{ recipient: "c@z.example", code: 550, reply: "550 5.1.1 c 5.1.1 who?" }],
      reply: "250 2.0.0 2.0.0 queued",
    };
    expect(
      await sends(plays({ before: "everywhere", after: "everywhere" }), mail(undefined, TWO)),
    ).toMatchObject(want);
    const cutsIn = (text: string) =>
      fc
        .uniqueArray(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 4 })
        .map((cuts) => cuts.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(cutsIn(before), cutsIn(after), async (first, second) => {
        expect(await sends(plays({ before: first, after: second }), mail(undefined, TWO))).toMatchObject(
          want,
        );
      }),
      { numRuns: 25 },
    );
  });

  it("takes more recipients than may be unanswered", async () => {
    const to = Array.from({ length: 250 }, (_, at) => `r${at}@y.example`);
    const play = PIPELINING.step({
      title: "answer 252 commands",
      async run(connection) {
        for (let at = 0; at < 252; at++) {
          await connection.readLine();
          await connection.write(Buffer.from(at === 251 ? "354 go on\r\n" : "250 ok\r\n"));
        }
      },
    })
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect((await sends(play, mail(undefined, { to }))).accepted).toEqual(to);
  });

  it("sends an empty message when the server wants one though no recipient is left", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "550 no", "354 go on")
      .expect(".")
      .sendLines("554 no valid recipients")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({
      code: "refused",
      exit: 9,
      message: "the recipient b@y.example was refused",
      reply: "550 no",
    });
  });

  it("does not take the answers to what was sent ahead for the cause", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("553 5.1.8 unknown sender", "503 MAIL first", "503 MAIL first")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({
      code: "refused",
      message: "the sender a@x.example was refused",
      reply: "553 5.1.8 unknown sender",
    });
  });

  it("does not send ahead where it is not offered", async () => {
    const play = STEPWISE.expect(Buffer.from("MAIL FROM:<a@x.example>\r\n"))
      .pause(50)
      .call((connection) => expect(connection.unread.length).toBe(0))
      .and(conversation("S: 250 ok\nC: RCPT TO:<b@y.example>\nS: 250 ok\nC: DATA\nS: 354 go on"))
      .expectUntil("\r\n.\r\n")
      .and(conversation("S: 250 ok\nC: QUIT\nS: 221 bye"));
    await sends(play);
  });
});

describe("refusals", () => {
  it.each([
    ["451 4.3.0 try later", "busy", 10],
    ["550 5.7.1 blocked", "refused", 9],
    ["354 what?", "protocol", 11],
  ])("of the sender: %s", async (reply, code, exit) => {
    const play = STEPWISE.and(conversation(`C: MAIL FROM:<a@x.example>\nS: ${reply}\nC: QUIT\nS: 221 bye`));
    expect(await fails(play)).toMatchObject({
      code,
      exit,
      reply,
      message: "the sender a@x.example was refused",
    });
  });

  it("of some recipients do not keep the others from their mail", async () => {
    const play = STEPWISE.and(
      conversation(`
        C: MAIL FROM:<a@x.example>
        S: 250 ok
        C: RCPT TO:<b@y.example>
        S: 452 4.2.2 full
        C: RCPT TO:<c@z.example>
        S: 251 will forward
        C: DATA
        S: 354 go on
      `),
    )
      .expectUntil("\r\n.\r\n")
      .and(conversation("S: 250 ok\nC: QUIT\nS: 221 bye"));
    expect(await sends(play, mail(undefined, TWO))).toMatchObject({
      accepted: ["c@z.example"],
      refused: [{ recipient: "b@y.example", code: 452, reply: "452 4.2.2 full" }],
    });
  });

  it("of all recipients are an error by the first, and nothing is sent", async () => {
    const play = STEPWISE.and(
      conversation(`
        C: MAIL FROM:<a@x.example>
        S: 250 ok
        C: RCPT TO:<b@y.example>
        S: 454 4.7.1 relay access denied
        C: RCPT TO:<c@z.example>
        S: 550 no
        C: QUIT
        S: 221 bye
      `),
    );
    expect(await fails(play, mail(undefined, TWO))).toMatchObject({
      code: "busy",
      exit: 10,
      message: "all 2 recipients were refused: b@y.example, c@z.example (550 no)",
      reply: "454 4.7.1 relay access denied",
      hint: "the server may want a login (-u USER), or not take mail for this domain",
    });
  });

  it("of DATA are an error", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "451 no room")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play)).toMatchObject({
      code: "busy",
      message: "the server does not take the message",
    });
  });

  it.each([
    ["554 5.6.0 spam", "refused"],
    ["451 4.7.0 greylisted", "busy"],
    // No matter of a login or of a domain: the recipients were taken.
    ["550 5.7.1 spam", "refused", /^it took the recipients/],
  ])("of the message after its end: %s", async (reply, code, hint = /^$/) => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .sendLines(reply)
      .and(conversation("C: QUIT\nS: 221 bye"));
    const failed = await fails(play);
    expect(failed).toMatchObject({ code, reply, message: "the server refused the message" });
    expect(failed instanceof PortholeError ? (failed.hint ?? "") : undefined).toMatch(hint);
  });

  it("let the session go on: RSET comes before the next mail", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n")
      .sendLines("250 ok", "550 no", "503 no recipients")
      .expect(Buffer.from("RSET\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
      .sendLines("250 reset", "250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued")
      .expect(Buffer.from("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"))
      .sendLines("250 ok", "250 ok", "354 go on")
      .expectUntil("\r\n.\r\n")
      .sendLines("250 queued again")
      .and(conversation("C: QUIT\nS: 221 bye"));
    await talk(play, async (session, server) => {
      expect(await failure(send(session, mail()))).toMatchObject({ code: "refused" });
      expect((await send(session, mail())).reply).toBe("250 queued");
      expect((await send(session, mail())).reply).toBe("250 queued again");
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });
});

describe("421", () => {
  it.each([
    ["MAIL", script().expect(/^MAIL/)],
    ["RCPT", script().expect(/^MAIL/).sendLines("250 ok").expect(/^RCPT/)],
    ["DATA", script().expect(/^MAIL/).sendLines("250 ok").expect(/^RCPT/).sendLines("250 ok").expect("DATA")],
    [
      "the message",
      script()
        .expect(/^MAIL/)
        .sendLines("250 ok")
        .expect(/^RCPT/)
        .sendLines("250 ok")
        .expect("DATA")
        .sendLines("354 go on")
        .expectUntil("\r\n.\r\n"),
    ],
  ])("as the answer to %s ends the session", async (_step, rest) => {
    const play = STEPWISE.and(rest).sendLines("421 4.3.2 shutting down").drop();
    expect(await fails(play)).toMatchObject({
      code: "busy",
      exit: 10,
      message: "the server closes the session",
      reply: "421 4.3.2 shutting down",
    });
  });

  it("within what was sent ahead is the cause, not the end that follows it", async () => {
    const play = PIPELINING.expectUntil("DATA\r\n").sendLines("250 ok", "421 4.3.2 shutting down").drop();
    expect(await fails(play)).toMatchObject({ code: "busy", reply: "421 4.3.2 shutting down" });
  });

  it("while nothing is asked is the answer to the next mail", async () => {
    await talk(STEPWISE.pause(20).sendLines("421 idle for too long").eof(), async (session, server) => {
      await server.done;
      expect(await failure(send(session, mail()))).toMatchObject({
        code: "busy",
        reply: "421 idle for too long",
      });
    });
  });
});
