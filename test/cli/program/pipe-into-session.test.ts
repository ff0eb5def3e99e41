/** What is said to an interactive session by a pipe, which ends long before the far side has answered. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { script, scripted } from "../../../fixtures/servers/scripted.js";
import { User } from "./program.js";

let user: User;

beforeAll(async () => {
  user = await User.create();
});

afterAll(() => user[Symbol.asyncDispose]());

it("a server that takes its time for its first word is waited for, and for the next as long", async () => {
  // Each pause is longer than the silence after which a quick server has said all.
  await using server = await scripted(
    script()
      .expectUntil("uptime")
      .pause(2000)
      .send("slow host\r\n")
      .pause(2000)
      .send("up 3 days\r\n")
      .drain(),
  );
  const { status, stdout } = await user.run([server.url("telnet")], { input: "uptime\n" });
  expect([status, stdout.replaceAll("\r", "")]).toEqual([0, "slow host\nup 3 days\n"]);
});

it.each(["drop", "reset"] as const)(
  "what a server had said is shown, when it goes without reading on (%s)",
  async (way) => {
    const negotiating = Buffer.from([255, 253, 24, 255, 253, 31, 255, 253, 39]);
    const said = Buffer.concat([negotiating, Buffer.from("all there is\r\n")]);
    await using server = await scripted(script().send(said).pause(500)[way]());
    const { status, stdout, stderr } = await user.run([server.url("telnet")], {
      input: "one\ntwo\nthree\n".repeat(1000),
    });
    expect([status, stdout, stderr]).toEqual([0, "all there is\r\n", ""]);
  },
);
