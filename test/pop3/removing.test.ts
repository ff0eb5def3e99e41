import { describe, expect, it } from "vitest";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { ANN, BYE, failure, OLD_WELCOME, plays, remove, talk, welcome } from "./talk.js";

const LISTS = conversation(`
  C: LIST
  S: +OK
  S: 1 100
  S: 2 200
  S: .
  C: UIDL
  S: +OK
  S: 1 abc
  S: 2 def
  S: .
`);
const MARKED = OLD_WELCOME.and(LISTS).and(conversation("C: DELE 2\nS: +OK"));

/** Removes a message and closes; what closing throws. */
async function closing(play: Script): Promise<unknown> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(ANN);
  const session = await client.open(client.target(server.url("pop3")));
  await remove(session, "/uid:def");
  return await failure(Promise.resolve(session[Symbol.asyncDispose]()));
}

describe("a message that is removed", () => {
  it("is marked by its identifier, and gone when QUIT is answered", async () => {
    expect(await closing(MARKED.and(BYE))).toBe("no failure");
  });

  it("may still be there when QUIT is refused (RFC 1939, 6)", async () => {
    expect(
      await closing(MARKED.and(conversation("C: QUIT\nS: -ERR some messages not removed"))),
    ).toMatchObject({
      code: "refused",
      exit: 9,
      protocol: "pop3",
      message: "the message that was to be removed may still be there, all or some",
      reply: "-ERR some messages not removed",
    });
  });

  it("may or may not be there when QUIT is not answered", async () => {
    expect(await closing(MARKED.and(conversation("C: QUIT\nS drop")))).toMatchObject({
      code: "connect",
      exit: 4,
      message: expect.stringMatching(/^it is not known whether the message that was to be removed went/),
    });
  });

  it("is waited for: a server may take its time to remove", async () => {
    const slow = MARKED.and(script().expect("QUIT").pause(1500).sendLines("+OK bye"));
    expect(await closing(slow)).toBe("no failure");
  });

  it("is still there when the connection is lost before QUIT, and that is said", async () => {
    await using server = await scripted(MARKED.drop(), { timeout: 5000 });
    const client = new Client(ANN);
    const session = await client.open(client.target(server.url("pop3")));
    await remove(session, "/uid:def");
    await server.done;
    expect(await failure(session.stat?.("/") ?? Promise.resolve())).toMatchObject({ code: "connect" });
    const stayed = /^the message that was to be removed stayed on the server: .* before QUIT$/;
    expect(await failure(Promise.resolve(session[Symbol.asyncDispose]()))).toMatchObject({
      code: "connect",
      exit: 4,
      message: expect.stringMatching(stayed),
    });
  });

  it("that is not there is missing, and no other is touched", async () => {
    await plays(OLD_WELCOME.and(LISTS).and(BYE), async (session) => {
      expect(await failure(remove(session, "/uid:ghi"))).toMatchObject({
        code: "missing",
        exit: 8,
        reply: "no UIDL ghi",
      });
    });
  });

  it("that the server keeps is an error, and closing throws nothing", async () => {
    const play = OLD_WELCOME.and(LISTS).and(conversation("C: DELE 1\nS: -ERR [SYS/PERM] read only"));
    await plays(play.and(BYE), async (session) => {
      expect(await failure(remove(session, "/uid:abc"))).toMatchObject({ code: "refused", exit: 9 });
    });
  });

  it("is not found again in the same session", async () => {
    await plays(MARKED.and(BYE), async (session) => {
      await remove(session, "/uid:def");
      expect(await failure(remove(session, "/uid:def"))).toMatchObject({ code: "missing" });
    });
  });
});

describe("all messages", () => {
  it("are removed in one go where the server takes commands ahead, and only with -r", async () => {
    const play = welcome("UIDL", "PIPELINING")
      .expect(Buffer.from("LIST\r\nUIDL\r\n"))
      .sendLines("+OK", "1 100", "2 200", ".", "+OK", "1 abc", "2 def", ".")
      .expect(Buffer.from("DELE 1\r\nDELE 2\r\n"))
      .sendLines("+OK", "+OK")
      .and(BYE);
    await plays(play, async (session) => {
      expect(await failure(remove(session, "/"))).toMatchObject({ code: "usage", exit: 2 });
      await remove(session, "/", true);
    });
  });

  it("are some, when the server keeps one", async () => {
    const play = OLD_WELCOME.and(LISTS).and(conversation("C: DELE 1\nS: +OK\nC: DELE 2\nS: -ERR locked"));
    await talk(play.and(BYE), async (session) => {
      expect(await failure(remove(session, "/", true))).toMatchObject({
        code: "partial",
        exit: 13,
        message: "1 of 2 messages cannot be removed: message 2 cannot be removed",
        reply: "-ERR locked",
      });
    });
  });
});
