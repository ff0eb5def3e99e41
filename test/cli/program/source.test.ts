/** `--as source` on a terminal: the source, not what it stands for. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { Screen } from "../on-a-screen.js";
import { PROGRAM, User } from "./program.js";

let sandbox: Sandbox;
let user: User;
beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http", "nntp"] });
});
afterAll(async () => {
  await sandbox.close();
});
beforeEach(async () => {
  user = await User.create();
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

it.each([
  ["an article", () => `${sandbox.url("nntp")}harbour.lights/3`, /^Content-Transfer-Encoding: 8bit$/m],
  ["a page", () => `${sandbox.url("http")}docs/ports.html`, /^<\/body>\n<\/html>$/m],
])("shows %s as it came", async (_, url, source) => {
  await using screen = await Screen.open(
    `${process.execPath} ${PROGRAM} get ${url()} --as source; echo done`,
    { ...user.environment, TERM: "xterm-256color", PAGER: "cat" },
  );
  expect(await screen.shows("done")).toMatch(source);
});
