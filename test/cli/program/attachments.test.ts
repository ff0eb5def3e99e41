/** `porthole get --part` and `--attachments`. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["pop3"] })]);
});

afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const at = (number: number) => `${sandbox.url("pop3").replace("//", "//porthole@")}${number}`;
const get = (...args: readonly string[]) =>
  user.run(["get", ...args], { environment: { PORTHOLE_PASSWORD: "sandbox" } });

it("saves all attachments of a message of any protocol", async () => {
  await mkdir(user.path("papers"));
  const { status, stdout } = await get(at(2), "--attachments", "-d", user.path("papers"), "--json");
  expect(status).toBe(0);
  expect(objects(stdout)).toMatchObject([{ path: user.path("papers/tides.csv") }]);
  expect(await readdir(user.path("papers"))).toEqual(["tides.csv"]);
  expect((await readFile(user.path("papers/tides.csv"), "utf8")).split("\n")[0]).toContain(",");
});

it("prints one part", async () => {
  const { status, stdout } = await get(at(5), "--part", "1");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^12\.5 11\.0/);
});

it("says what is not there", async () => {
  expect(await get(at(5), "--part", "7")).toMatchObject({
    status: 8,
    stderr: expect.stringContaining("no part 7"),
  });
  expect(await get(at(5), "--attachments")).toMatchObject({ status: 8 });
  expect(await get(at(5), "--attachments", "--part", "1")).toMatchObject({ status: 2 });
});
