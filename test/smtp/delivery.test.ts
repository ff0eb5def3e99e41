/** Services of delivery: DSN, REQUIRETLS, BDAT. */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { failure, hello, mail, send, sends, TWO, talk } from "./talk.js";

const BODY = "Subject: x\r\n\r\nhello\r\n";
const bye = (play: ReturnType<typeof hello>) => play.expect("QUIT").sendLines("221 bye");

async function withOptions(
  play: ReturnType<typeof hello>,
  options: Record<string, string | boolean>,
): Promise<unknown> {
  let result: unknown;
  await talk(
    play,
    async (session, server) => {
      result = await send(session, mail()).catch((thrown: unknown) => thrown);
      await session[Symbol.asyncDispose]();
      await server.done;
    },
    { options },
  );
  return result;
}

describe("DSN", () => {
  it("says when, how much, which and to whom (RFC 3461)", async () => {
    const play = bye(
      hello("DSN")
        .expect("MAIL FROM:<a@x.example> RET=HDRS ENVID=a+2Bb")
        .sendLines("250 ok")
        .expect("RCPT TO:<b@y.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@y.example")
        .sendLines("250 ok")
        .expect("DATA")
        .sendLines("354 go")
        .expect("Subject: x")
        .expect("")
        .expect("hello")
        .expect(".")
        .sendLines("250 ok"),
    );
    const report = await withOptions(play, { notify: "success,delay", ret: "hdrs", envid: "a+b" });
    expect(report).toMatchObject({ accepted: ["b@y.example"] });
  });

  it("that is not offered sends nothing", async () => {
    expect(await withOptions(bye(hello()), { notify: "never" })).toMatchObject({ code: "refused" });
  });
});

it("REQUIRETLS is not sent in clear (RFC 8689)", async () => {
  expect(await withOptions(bye(hello("REQUIRETLS")), { "require-tls": true })).toMatchObject({ code: "tls" });
});

it.each([
  [{ orcpt: "two words@y.example" }, "the original recipient"],
  [{ notify: "never,delay" }, "never and sometimes"],
  [{ envid: "two words" }, "an envelope's ID"],
  [{ notify: "sometimes" }, "--notify"],
])("%o is refused before anything is connected to", async (options, words) => {
  await using server = await scripted(script().sendLines("220 hi"), { timeout: 5000 });
  const client = new Client({ options });
  expect(await failure(client.open(client.target(server.url("smtp"))))).toMatchObject({
    code: "usage",
    message: expect.stringContaining(words),
  });
  expect(server.connections).toHaveLength(0);
});

describe("BDAT", () => {
  it("sends envelope and message in one go, dots as they are (RFC 3030)", async () => {
    const play = bye(
      hello("PIPELINING", "CHUNKING")
        .expect("MAIL FROM:<a@x.example>")
        .expect("RCPT TO:<b@y.example>")
        .expect("BDAT 19 LAST")
        .expect("Subject: x")
        .expect("")
        .expect(".")
        .expect("")
        .sendLines("250 ok", "250 ok", "250 taken"),
    );
    expect(await sends(play, mail("Subject: x\n\n.\n\n"))).toMatchObject({ reply: "250 taken", size: 19 });
  });

  it("reports who is refused, and the others get it", async () => {
    const play = bye(
      hello("PIPELINING", "CHUNKING")
        .expect("MAIL FROM:<a@x.example>")
        .expect("RCPT TO:<b@y.example>")
        .expect("RCPT TO:<c@z.example>")
        .expect(`BDAT ${BODY.length} LAST`)
        .expect("Subject: x")
        .expect("")
        .expect("hello")
        .sendLines("250 ok", "550 no", "250 ok", "250 taken"),
    );
    expect(await sends(play, mail(BODY, TWO))).toMatchObject({
      accepted: ["c@z.example"],
      refused: [{ recipient: "b@y.example", code: 550 }],
    });
  });

  it("sends a large message in chunks, once somebody was taken", async () => {
    const large = "x".repeat(98);
    const text = `Subject: x\r\n\r\n${`${large}\r\n`.repeat(3000)}`;
    const first = script()
      .sendLines("220 hi")
      .expect("EHLO [127.0.0.1]")
      .sendLines("250-hi", "250-PIPELINING", "250 CHUNKING")
      .expect("MAIL FROM:<a@x.example>")
      .expect("RCPT TO:<b@y.example>")
      .sendLines("250 ok", "550 5.1.1 no");
    await talk(bye(first), async (session, server) => {
      const failed = await failure(send(session, mail(Readable.from([Buffer.from(text)]))));
      expect(failed).toMatchObject({ code: "refused", reply: "550 5.1.1 no" });
      await session[Symbol.asyncDispose]();
      await server.done;
    });
  });

  it("whose answer is lost leaves it unknown", async () => {
    const play = hello("PIPELINING", "CHUNKING")
      .expect("MAIL FROM:<a@x.example>")
      .expect("RCPT TO:<b@y.example>")
      .expect(`BDAT ${BODY.length} LAST`)
      .expect("Subject: x")
      .expect("")
      .expect("hello")
      .sendLines("250 ok", "250 ok");
    await talk(play, async (session) => {
      expect(await failure(send(session, mail(BODY)))).toMatchObject({
        code: "protocol",
        message: expect.stringContaining("it is not known whether it was accepted for b@y.example"),
      });
    });
  });
});
