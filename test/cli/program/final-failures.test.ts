/** What the sum of failures proposes: another try, where that can help. */
import { mkdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { User } from "./program.js";
import { Web } from "./web.js";

let user: User;

beforeAll(async () => {
  user = await User.create();
});
afterAll(() => user[Symbol.asyncDispose]());

it("where all that failed is not there, the same command again is not said to do the rest", async () => {
  await using web = await Web.serve((response, { path }) => {
    response.statusCode = path === "/there" ? 200 : 404;
    response.end("x");
  });
  await mkdir(user.path("into"));
  const ended = await user.run(["cp", web.url("/there"), web.url("/a"), web.url("/b"), "./into/"]);
  expect(ended.status).toBe(13);
  expect(ended.stderr).toMatch(/^porthole: 2 failed \(2 missing\), 1 done$/m);
});
