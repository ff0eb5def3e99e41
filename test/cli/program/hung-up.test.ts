/** A terminal whose window is closed: what had it ends by that signal, and does not crash over what cannot be set right. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { Screen } from "../on-a-screen.js";
import { PROGRAM, User } from "./program.js";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ only: ["gopher"] });
});
afterAll(async () => {
  await sandbox.close();
});

it.each([
  ["shell", "/>"],
  ["browse", "A small harbour"],
])("%s", async (verb, shown) => {
  await using user = await User.create();
  const told = join(user.folder, "told");
  const command = `${process.execPath} ${PROGRAM} ${verb} ${sandbox.url("gopher")}`;
  {
    // The window's shell outlives it to tell how the program ended.
    await using screen = await Screen.open(`trap '' HUP; ${command}; echo $? > ${told}; exit`, {
      ...user.environment,
      TERM: "xterm-256color",
    });
    await screen.shows(shown);
  }
  await expect.poll(() => readFile(told, "utf8").catch(() => ""), { timeout: 10_000 }).toBe("129\n");
});
