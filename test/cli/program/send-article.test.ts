/** `porthole send` to a news server: its own way to post. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { User } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["nntp"] })]);
});

afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

it("posts an article to the group that the URL names", async () => {
  const mail = ["--from", "a@x.example", "--subject", "The light", "--text", "It is on."];
  const { status, stdout } = await user.run(["send", `${sandbox.url("nntp")}harbour.test`, ...mail]);
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^posted to harbour\.test: <.+> \(240 /)]);
  expect(sandbox.mails.at(-1)).toMatchObject({ subject: "The light", to: ["harbour.test"] });
});

it("refuses what only a mail has, before anything is sent", async () => {
  const { status, stderr } = await user.run([
    "send",
    sandbox.url("nntp"),
    "--to",
    "b@y.example",
    "--text",
    "x",
  ]);
  expect([status, stderr]).toEqual([
    2,
    "porthole: --to is not for NNTP - porthole nntp post --help shows what is\n",
  ]);
});
