/** The last mail of a session: its goodbye travels with it, where the server takes what is sent ahead (RFC 2920, 3.1). */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { conversation, type Script } from "../../fixtures/servers/scripted.js";
import { fails, failure, hello, mail, STEPWISE, send, sends, TWO, talk } from "./talk.js";

const BODY = "Subject: x\r\n\r\nhello\r\n";
const AHEAD = hello("PIPELINING");
const CHUNKED = hello("PIPELINING", "CHUNKING");

/** Envelope and message by BDAT. */
function parcel(play: Script): Script {
  return play
    .expect("MAIL FROM:<a@x.example>")
    .expect("RCPT TO:<b@y.example>")
    .expect(`BDAT ${BODY.length} LAST`)
    .expect("Subject: x")
    .expect("")
    .expect("hello");
}

function last(text: string | Readable = BODY, facts = {}) {
  return { ...mail(text, facts), last: true };
}

describe("the goodbye in the same flight", () => {
  it("by BDAT: nothing is answered before QUIT has come", async () => {
    const play = parcel(CHUNKED).expect("QUIT").sendLines("250 ok", "250 ok", "250 taken", "221 bye");
    expect(await sends(play, last())).toMatchObject({ accepted: ["b@y.example"], reply: "250 taken" });
  });

  it("by DATA: the text and QUIT", async () => {
    const play = AHEAD.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "354 go on")
      .expect(Buffer.from(`${BODY}.\r\nQUIT\r\n`))
      .sendLines("250 taken", "221 bye");
    expect(await sends(play, last())).toMatchObject({ reply: "250 taken" });
  });

  it("of a large mail: the last word and QUIT do not wait for the chunks' answers", async () => {
    const text = `Subject: x\r\n\r\n${`${"x".repeat(98)}\r\n`.repeat(3000)}`;
    const play = CHUNKED.expect("MAIL FROM:<a@x.example>")
      .expect("RCPT TO:<b@y.example>")
      .sendLines("250 ok", "250 ok")
      .expectUntil("BDAT 0 LAST\r\n")
      .expect("QUIT")
      .sendLines("250 chunk", "250 chunk", "250 taken", "221 bye");
    expect(await sends(play, last(Readable.from([Buffer.from(text)])))).toMatchObject({ reply: "250 taken" });
  });

  it("is said once, and who is refused is told", async () => {
    const play = AHEAD.expectUntil("DATA\r\n")
      .sendLines("250 ok", "250 ok", "550 5.1.1 who?", "354 go on")
      .expectUntil(".\r\nQUIT\r\n")
      .sendLines("250 taken", "221 bye")
      .eof();
    expect(await sends(play, last(BODY, TWO))).toMatchObject({
      accepted: ["b@y.example"],
      refused: [{ recipient: "c@z.example", code: 550 }],
    });
  });

  it("takes nothing from what is said of a mail that is refused", async () => {
    const play = parcel(CHUNKED).expect("QUIT").sendLines("250 ok", "550 5.1.1 no", "503 nobody", "221 bye");
    expect(await fails(play, last())).toMatchObject({ code: "refused", reply: "550 5.1.1 no" });
  });

  it("leaves the fate open when no answer comes any more", async () => {
    await talk(parcel(CHUNKED).expect("QUIT").sendLines("250 ok", "250 ok").drop(), async (session) => {
      expect(await failure(send(session, last()))).toMatchObject({
        code: "protocol",
        message: expect.stringContaining("it is not known whether it was accepted for b@y.example"),
      });
    });
  });

  it("says that a login is wanted where none is offered", async () => {
    const play = parcel(CHUNKED).expect("QUIT").sendLines("530 5.7.0 log in", "503 no", "503 no", "221 bye");
    expect(await fails(play, last())).toMatchObject({
      code: "auth",
      message: "the server demands a login and offers none",
      reply: "530 5.7.0 log in",
    });
  });
});

describe("a goodbye of its own", () => {
  const goodbye = conversation("C: QUIT\nS: 221 bye");

  it("where nothing may be sent ahead", async () => {
    const play = STEPWISE.expect("MAIL FROM:<a@x.example>")
      .sendLines("250 ok")
      .expect("RCPT TO:<b@y.example>")
      .sendLines("250 ok")
      .expect("DATA")
      .sendLines("354 go on")
      .expect(Buffer.from(`${BODY}.\r\n`))
      .sendLines("250 taken")
      .and(goodbye);
    expect(await sends(play, last())).toMatchObject({ reply: "250 taken" });
  });

  it("where a login may yet be asked for, after which the mail begins anew", async () => {
    const play = parcel(hello("PIPELINING", "CHUNKING", "AUTH PLAIN"))
      .sendLines("250 ok", "250 ok", "250 taken")
      .and(goodbye);
    expect(await sends(play, last())).toMatchObject({ reply: "250 taken" });
  });

  it("where other mails may follow", async () => {
    const play = parcel(CHUNKED).sendLines("250 ok", "250 ok", "250 taken").and(goodbye);
    expect(await sends(play, mail(BODY))).toMatchObject({ reply: "250 taken" });
  });
});

describe("a large mail by BDAT", () => {
  const text = `Subject: x\r\n\r\n${`${"x".repeat(98)}\r\n`.repeat(3000)}`;
  const begun = CHUNKED.expect("MAIL FROM:<a@x.example>")
    .expect("RCPT TO:<b@y.example>")
    .sendLines("250 ok", "250 ok")
    .expectUntil("BDAT 0 LAST\r\n");

  it("whose chunk is refused is refused by that, whatever is said of the last word", async () => {
    const play = begun
      .sendLines("250 chunk", "552 5.3.4 too much", "503 5.5.1 nothing to end")
      .and(conversation("C: QUIT\nS: 221 bye"));
    expect(await fails(play, mail(Readable.from([Buffer.from(text)])))).toMatchObject({
      code: "refused",
      reply: "552 5.3.4 too much",
    });
  });

  it("whose connection ends behind the last word is unknown, also when chunks are not answered", async () => {
    await talk(begun.sendLines("250 chunk").drop(), async (session) => {
      expect(await failure(send(session, mail(Readable.from([Buffer.from(text)]))))).toMatchObject({
        message: expect.stringContaining("it is not known whether it was accepted for b@y.example"),
      });
    });
  });
});
