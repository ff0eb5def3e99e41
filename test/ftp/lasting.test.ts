/** Sessions that last: closed by the server between two calls, kept alive over a long transfer. */

import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { Transcript } from "../../src/net/transcript.js";
import { contentOf, failureOf, GOODBYE, LOGIN, opened, passive, pieces } from "./opened.js";
import { prepareSandbox, sandbox } from "./served.js";

prepareSandbox();

describe("a session that the server closes between two calls", () => {
  it("is taken up again", async () => {
    // Long enough for a login on a machine that does much else.
    await sandbox({ idleMs: 1000 }, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await session.stat("/welcome.txt")).toMatchObject({ kind: "file" });
        await wait(1400);
        expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
        await wait(1400);
        await session.write("/incoming/late.txt", { body: pieces("late") });
        await wait(1400);
        await session.remove("/incoming/late.txt");
      });
    });
  });

  it.each([["421 timeout"], [undefined]])("is taken up when the command itself meets %s", async (word) => {
    const look = (name: string) =>
      `C: TYPE I\nS: 200 ok\nC: SIZE /${name}\nS: 550 no\nC: CWD /${name}\nS: 250 ok`;
    const before = LOGIN.and(conversation(`${look("a")}\nC: SIZE /b`));
    const ended = word === undefined ? before.drop() : before.sendLines(word).drop();
    const again = LOGIN.and(conversation(look("b"))).and(GOODBYE);
    await using server = await scripted([ended, again]);
    await opened(server.url("ftp", "//"), async (session) => {
      await session.stat("//a");
      expect(await session.stat("//b")).toMatchObject({ kind: "directory" });
    });
    await server.done;
  });

  it("is not taken up when it never answered", async () => {
    await using server = await scripted(LOGIN.and(conversation("C: TYPE I\nS: 421 no")).drop());
    const failed = opened(server.url("ftp", "//"), (session) => session.stat("//a"));
    expect(await failureOf(failed)).toMatchObject({ code: "busy", reply: "421 no" });
  });
});

describe("keep-alive", () => {
  const LOOK = "C: TYPE I\nS: 200 ok\nC: SIZE /f\nS: 213 6\nC: MDTM /f\nS: 213 20240301083015";

  it.each([
    ["answers at once", "C: NOOP\nS: 200 still here", ""],
    ["answers when the data have ended", "C: NOOP", "S: 200 still here"],
  ])("is NOOP while data flow, to a server that %s", async (_name, during, after) => {
    await using data = await scripted(script().send("abc").pause(700).send("def"));
    const control = LOGIN.and(conversation(`${LOOK}\n${passive(data)}\nC: RETR /f\nS: 150 here\n${during}`))
      .call(() => data.done)
      .and(conversation(`S: 226 done\n${after}`))
      .and(GOODBYE);
    await using server = await scripted(control, { timeout: 5000 });
    const transcript = new Transcript();
    const read = opened(server.url("ftp", "//"), async (session) => text((await session.read("//f")).body), {
      transcript,
      options: { "keep-alive": 0.4 },
    });
    expect(await read).toBe("abcdef");
    await server.done;
  });
});
