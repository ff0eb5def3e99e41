import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { conversation, script } from "../../fixtures/servers/scripted.js";
import { BYE, failure, GREETED, outgoing, talk } from "./talk.js";

const ARTICLE = "From: a@x.example\r\nNewsgroups: misc.test\r\nSubject: x\r\n\r\n.\r\n..two\nbare\r\n";

describe("posting", () => {
  it("sends the article with its dots doubled and its lines ended by CRLF", async () => {
    const play = conversation("C: POST\nS: 340 send it\n").expectUntil("\r\n.\r\n", (octets) => {
      expect(octets.toString()).toBe(
        "From: a@x.example\r\nNewsgroups: misc.test\r\nSubject: x\r\n\r\n..\r\n...two\r\nbare\r\n.\r\n",
      );
    });
    await talk(GREETED.and(play).sendLines("240 taken").and(BYE), async (session) => {
      expect(await session.send?.(outgoing(ARTICLE))).toEqual({
        accepted: ["misc.test"],
        refused: [],
        reply: "240 taken",
        messageId: "<1@x.example>",
        size: ARTICLE.length,
      });
    });
  });

  it.each([
    ["440 reading only", "refused", 9],
    ["480 who are you?", "auth", 7],
    ["403 the spool is full", "busy", 10],
    ["240 taken already?", "protocol", 11],
  ])("is not begun when the server says %s", async (reply, code, exit) => {
    const play = conversation(`C: POST\nS: ${reply}\n`);
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await failure(session.send?.(outgoing(ARTICLE)) ?? Promise.resolve())).toMatchObject({
        code,
        exit,
        reply,
      });
    });
  });

  it("that is refused gives the server's reason", async () => {
    const play = conversation("C: POST\nS: 340 send it\n")
      .expectUntil("\r\n.\r\n")
      .sendLines("441 too many crossposts");
    await talk(GREETED.and(play).and(BYE), async (session) => {
      expect(await failure(session.send?.(outgoing(ARTICLE)) ?? Promise.resolve())).toMatchObject({
        code: "refused",
        exit: 9,
        message: "the server refused the article",
        reply: "441 too many crossposts",
      });
    });
  });

  it("whose answer is lost is never repeated: its fate is not known", async () => {
    const play = conversation("C: POST\nS: 340 send it\n").expectUntil("\r\n.\r\n").drop();
    await talk(
      GREETED.and(play),
      async (session) => {
        expect(await failure(session.send?.(outgoing(ARTICLE)) ?? Promise.resolve())).toMatchObject({
          code: "protocol",
          message: expect.stringMatching(/it is not known whether the article <1@x.example> was taken$/),
          hint: expect.stringContaining("porthole stat nntp://HOST/<1@x.example>"),
        });
      },
      { policy: { retries: 3 } },
    );
  });

  it("that the server breaks off is an error, and nothing is known to be taken", async () => {
    const play = conversation("C: POST\nS: 340 send it\n")
      .expectUntil("Subject")
      .sendLines("400 shutting down")
      .drain();
    const endless = Readable.from(
      (async function* () {
        yield Buffer.from("Subject: x\r\n\r\n");
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve));
          yield Buffer.alloc(16_384, "text\r\n");
        }
      })(),
      { objectMode: false },
    );
    await talk(GREETED.and(play), async (session) => {
      expect(await failure(session.send?.(outgoing(endless)) ?? Promise.resolve())).toMatchObject({
        code: "busy",
        reply: "400 shutting down",
      });
    });
  });

  it("of a source that fails leaves no article", async () => {
    const play = conversation("C: POST\nS: 340 send it\n").and(
      script().step({
        title: "expect no final dot",
        async run(connection) {
          const came = await connection.readUntil(Buffer.from("\r\n.\r\n"));
          expect(came.toString()).not.toContain("\r\n.\r\n");
        },
      }),
    );
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from(ARTICLE);
        yield Buffer.alloc(100_000, "x");
        throw Object.assign(new Error("gone"), { code: "ENOENT", syscall: "read" });
      })(),
      { objectMode: false },
    );
    await talk(GREETED.and(play), async (session) => {
      expect(await failure(session.send?.(outgoing(failing)) ?? Promise.resolve())).toMatchObject({
        code: "local",
        exit: 12,
      });
    });
  });

  it("wants an article, not bare octets", async () => {
    await talk(GREETED.and(BYE), async (session) => {
      const source = { body: Readable.from([Buffer.from("x")]) };
      expect(await failure(session.send?.({ kind: "octets", source }) ?? Promise.resolve())).toMatchObject({
        code: "usage",
      });
    });
  });
});
