/** 421, 425, 426 and 450 are refusals for now: with --retry the program asks again, after a pause that grows. */
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  conversation,
  type Script,
  type ScriptedServer,
  script,
  scripted,
} from "../../fixtures/servers/scripted.js";
import { type Ended, User } from "../cli/program/program.js";
import { GOODBYE, LOGIN, passive } from "./opened.js";

let user: User;
beforeAll(async () => {
  user = await User.create();
  await writeFile(user.path("f"), "abcdef");
});
afterAll(() => user[Symbol.asyncDispose]());

const LOOK = "C: TYPE I\nS: 200 ok\nC: SIZE /f\nS: 213 6\nC: MDTM /f\nS: 213 20240301083015";
const ABSENT = "C: TYPE I\nS: 200 ok\nC: SIZE /f\nS: 550 no\nC: CWD /f\nS: 550 no\nC: MDTM /f\nS: 550 no";

const loggedIn = (lines: string): Script => LOGIN.and(conversation(lines));
/** The server says 226 when its data connection is at its end, as servers do. */
const whole = (before: string, data: ScriptedServer): Script =>
  loggedIn(before)
    .call(() => data.done)
    .and(conversation("S: 226 done"))
    .and(GOODBYE);

/** Each attempt is a connection; the data connections beside them. */
async function attempted(
  args: (url: string) => string[],
  attempts: (data: ScriptedServer) => readonly Script[],
  moving: readonly Script[],
): Promise<Ended> {
  await using data = await scripted(moving);
  await using server = await scripted(attempts(data), { timeout: 8000 });
  const ended = await user.run([...args(server.url("ftp", "//f")), "--keep-alive", "0"]);
  await server.done;
  return ended;
}

const get = (url: string) => ["get", url, "--retry", "1"];
const AGAIN = /trying again in 1 s \(1 of 1\)/;

describe("get --retry", () => {
  it("asks again after 421 in place of a greeting", async () => {
    const ended = await attempted(
      get,
      (data) => [
        conversation("S: 421 too many users"),
        whole(`${LOOK}\n${passive(data)}\nC: RETR /f\nS: 150 here`, data),
      ],
      [script().send("abcdef")],
    );
    expect([ended.status, ended.stdout]).toEqual([0, "abcdef"]);
    expect(ended.stderr).toMatch(AGAIN);
    expect(ended.stderr).toContain("421 too many users");
  });

  it("asks again after 421 to a command", async () => {
    const ended = await attempted(
      get,
      (data) => [
        loggedIn("C: TYPE I\nS: 421 shutting down"),
        whole(`${LOOK}\n${passive(data)}\nC: RETR /f\nS: 150 here`, data),
      ],
      [script().send("abcdef")],
    );
    expect([ended.status, ended.stdout]).toEqual([0, "abcdef"]);
    expect(ended.stderr).toMatch(AGAIN);
  });

  it.each(["425 no data connection", "450 busy"])("asks again after %s to RETR", async (reply) => {
    const ended = await attempted(
      get,
      (data) => [
        loggedIn(`${LOOK}\n${passive(data)}\nC: RETR /f\nS: ${reply}`).and(GOODBYE),
        whole(`${LOOK}\n${passive(data)}\nC: RETR /f\nS: 150 here`, data),
      ],
      [script().drain(), script().send("abcdef")],
    );
    expect([ended.status, ended.stdout]).toEqual([0, "abcdef"]);
    expect(ended.stderr).toMatch(AGAIN);
    expect(ended.stderr).toContain(reply);
  });

  it("goes on where 426 cut a file off", async () => {
    const file = user.path("cut");
    const ended = await attempted(
      (url) => [...get(url), "-o", file],
      (data) => [
        loggedIn(`${LOOK}\n${passive(data)}\nC: RETR /f\nS: 150 here`)
          .pause(200)
          .and(conversation("S: 426 broken pipe"))
          .and(GOODBYE),
        whole(`${LOOK}\n${passive(data)}\nC: REST 3\nS: 350 ok\nC: RETR /f\nS: 150 here`, data),
      ],
      [script().send("abc"), script().send("def")],
    );
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(AGAIN);
    expect(await readFile(file, "utf8")).toBe("abcdef");
  });

  it("waits longer each time, and gives the last answer when all were in vain", async () => {
    const busy = conversation("S: 421 come back later");
    const ended = await attempted(
      (url) => ["get", url, "--retry", "2"],
      () => [busy, busy, busy],
      [script()],
    );
    expect(ended.status).toBe(10);
    expect(ended.stderr).toMatch(/in 1 s \(1 of 2\)[\s\S]*in 2 s \(2 of 2\)[\s\S]*421 come back later/);
  });

  it("asks nothing again after 550, nor without --retry", async () => {
    const gone = await attempted(
      get,
      (data) => [loggedIn(`${ABSENT}\n${passive(data)}\nC: RETR /f\nS: 550 no`).and(GOODBYE)],
      [script().drain()],
    );
    expect([gone.status, gone.stderr.includes("trying")]).toEqual([8, false]);
    const once = await attempted(
      (url) => ["get", url],
      () => [conversation("S: 421 no")],
      [script()],
    );
    expect(once.status).toBe(10);
  });
});

describe("ls --retry", () => {
  it("asks again after 425 to LIST", async () => {
    const ended = await attempted(
      (url) => ["ls", url.replace(/f$/, ""), "--retry", "1"],
      (data) => [
        loggedIn(`C: CWD /\nS: 250 ok\n${passive(data)}\nC: LIST -a\nS: 425 not now`).and(GOODBYE),
        whole(`C: CWD /\nS: 250 ok\n${passive(data)}\nC: LIST -a\nS: 150 here`, data),
      ],
      [script().drain(), script().send("-rw-r--r-- 1 u g 6 Mar  1 2024 f\r\n")],
    );
    expect([ended.status, ended.stdout]).toEqual([0, "f\n"]);
    expect(ended.stderr).toMatch(AGAIN);
  });
});

describe("put --retry", () => {
  const put = (url: string) => ["put", user.path("f"), url, "--retry", "1"];

  const DATED = script()
    .expect(/^SITE UTIME \d{14} \/f$/)
    .sendLines("500 what?");

  it.each(["425 no data connection", "450 busy", "452 no room for now"])(
    "sends again after %s to STOR",
    async (reply) => {
      const ended = await attempted(
        put,
        (data) => [
          loggedIn(`${ABSENT}\n${passive(data)}\nC: STOR /f\nS: ${reply}`).and(GOODBYE),
          loggedIn(`${ABSENT}\n${passive(data)}\nC: STOR /f\nS: 150 go`)
            .call(() => data.done)
            .and(conversation("S: 226 done"))
            .and(DATED)
            .and(GOODBYE),
        ],
        [script().drain(), script().expect(Buffer.from("abcdef")).eof()],
      );
      expect(ended.status).toBe(0);
      expect(ended.stderr).toMatch(AGAIN);
    },
  );

  it("goes on where 426 cut it off", async () => {
    const part = "C: TYPE I\nS: 200 ok\nC: SIZE /f\nS: 213 2\nC: MDTM /f\nS: 213 20240301083015";
    const ended = await attempted(
      put,
      (data) => [
        loggedIn(`${ABSENT}\n${passive(data)}\nC: STOR /f\nS: 150 go`)
          .pause(100)
          .and(conversation("S: 426 broken pipe"))
          .and(GOODBYE),
        loggedIn(
          `${part}\n${part.replace("C: TYPE I\nS: 200 ok\n", "")}\n${passive(data)}\nC: APPE /f\nS: 150 go`,
        )
          .call(() => data.done)
          .and(conversation("S: 226 done"))
          .and(DATED)
          .and(GOODBYE),
      ],
      [script().drain(), script().expect(Buffer.from("cdef")).eof()],
    );
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(AGAIN);
    expect(ended.stderr).toContain("426 broken pipe");
  });

  it("does not send standard input twice", async () => {
    await using data = await scripted(script().drain());
    const control = loggedIn(`${ABSENT}\n${passive(data)}\nC: STOR /f\nS: 150 go`)
      .pause(100)
      .and(conversation("S: 426 broken pipe"))
      .and(GOODBYE);
    await using server = await scripted([control, LOGIN.and(GOODBYE)], { timeout: 8000 });
    const args = ["put", "-", server.url("ftp", "//f"), "--retry", "1"];
    const ended = await user.run(args, { input: "abcdef" });
    expect([ended.status, ended.stderr]).toEqual([10, expect.stringContaining("426 broken pipe")]);
  });
});
