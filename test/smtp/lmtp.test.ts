import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { conversation, type Script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { failure, mail, send, talk } from "./talk.js";

const LMTP = { scheme: "lmtp" };
const THREE = { to: ["b@y.example", "c@z.example", "d@z.example"] };

/** Up to the end of the message; the second of three recipients is refused. */
const opening: Script = conversation(`
  S: 220 lmtp
  C: LHLO [127.0.0.1]
  S: 250-hi
  S: 250 PIPELINING
  C: MAIL FROM:<a@x.example>
  C: RCPT TO:<b@y.example>
  C: RCPT TO:<c@z.example>
  C: RCPT TO:<d@z.example>
  C: DATA
  S: 250 ok
  S: 250 ok
  S: 550 who?
  S: 250 ok
  S: 354 go on
`).expectUntil("\r\n.\r\n");

describe("LMTP (RFC 2033, 4.2)", () => {
  it("has an answer for each recipient that was taken", async () => {
    const play = opening.and(
      conversation("S: 250 2.1.5 b has it\nS: 452 4.2.2 d is full\nC: QUIT\nS: 221 bye"),
    );
    await talk(
      play,
      async (session, server) => {
        expect(await send(session, mail(undefined, THREE))).toEqual({
          accepted: ["b@y.example"],
          refused: [
            { recipient: "c@z.example", code: 550, reply: "550 who?" },
            { recipient: "d@z.example", code: 452, reply: "452 4.2.2 d is full" },
          ],
          reply: "250 2.1.5 b has it",
          messageId: "<1@x.example>",
          size: 21,
        });
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      {},
      LMTP,
    );
  });

  it("is an error when each says no", async () => {
    const play = opening.and(conversation("S: 452 4.2.2 b is full\nS: 550 d is gone\nC: QUIT\nS: 221 bye"));
    await talk(
      play,
      async (session, server) => {
        expect(await failure(send(session, mail(undefined, THREE)))).toMatchObject({
          code: "busy",
          reply: "452 4.2.2 b is full",
        });
        await session[Symbol.asyncDispose]();
        await server.done;
      },
      {},
      LMTP,
    );
  });

  it("knows of whom it does not know when the rest of the answers is lost", async () => {
    await talk(
      opening.and(conversation("S: 250 b has it\nS drop")),
      async (session) => {
        expect(await failure(send(session, mail(undefined, THREE)))).toMatchObject({
          code: "protocol",
          exit: 11,
          message:
            "the answer to the message did not come (the server closed the connection, in the middle of an answer): it is not known whether it was accepted for d@z.example; accepted for b@y.example",
        });
      },
      {},
      LMTP,
    );
  });

  it("has no HELO to go back to", async () => {
    const play = conversation("S: 220 smtp\nC: LHLO [127.0.0.1]\nS: 502 what?\nC: QUIT\nS: 221 bye");
    await using server = await scripted(play, { timeout: 5000 });
    const client = new Client();
    expect(await failure(client.open(client.target(server.url("lmtp"))))).toMatchObject({
      code: "refused",
      message: "the server refused our greeting",
    });
    await server.done;
  });

  it("ends when the server wants a message though no recipient is left, for it would answer it to nobody", async () => {
    const play = conversation(`
      S: 220 lmtp
      C: LHLO [127.0.0.1]
      S: 250-hi
      S: 250 PIPELINING
      C~ ^MAIL
      C~ ^RCPT
      C: DATA
      S: 250 ok
      S: 550 who?
      S: 354 go on
      C end
    `);
    await talk(
      play,
      async (session, server) => {
        expect(await failure(send(session, mail()))).toMatchObject({ code: "refused", reply: "550 who?" });
        await server.done;
      },
      {},
      LMTP,
    );
  });

  it("goes over a Unix socket, where this side has no address", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-lmtp-"));
    const socketPath = join(folder, "lmtp");
    const play = conversation("S: 220 lmtp\nC: LHLO localhost\nS: 250 hi\nC: QUIT\nS: 221 bye");
    try {
      await using server = await scripted(play, { timeout: 5000, socketPath });
      const client = new Client({ network: { unixSocket: socketPath } });
      const session = await client.open(client.target("lmtp://localhost"));
      await session[Symbol.asyncDispose]();
      await server.done;
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
