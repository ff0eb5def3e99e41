/** `porthole shell https://...`: a web server under TLS, gone about on one connection. */
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { Screen } from "../on-a-screen.js";
import { countingFront } from "./counting-front.js";
import { PROGRAM, User } from "./program.js";

let sandbox: Sandbox;
let user: User;
beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http"] });
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

/** All that can be done there. */
const WALK = [
  "ls",
  "cd docs/",
  "pwd",
  "ls",
  "cat 1",
  "get 2",
  "get tides.html -o 'the tides.html'",
  "find *.html",
  "stat harbours.html",
  "search tides",
  "cd ..",
  "pwd",
  "http get /json",
  "head docs/",
  "post /echo lamp=lit",
];

describe("a server under TLS", () => {
  it("is refused when nobody vouches for it, with what to do", async () => {
    const { status, stdout, stderr } = await user.run(["shell", sandbox.url("https"), "-c", "ls"]);
    expect([status, stdout]).toEqual([5, ""]);
    expect(stderr).toMatch(
      /^porthole: http: .*the certificate's authority is not known here - .*--cacert FILE.*-k\n$/,
    );
  });

  it.each([
    ["trusted by --cacert", () => ["--cacert", sandbox.caFile]],
    ["accepted by --insecure", () => ["--insecure"]],
  ])("is gone about, %s", async (_, options) => {
    await using front = await countingFront(sandbox.url("https"));
    const { status, stdout, stderr } = await user.run(["shell", front.url(), ...options()], {
      input: `${WALK.join("\n")}\n`,
    });
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => line === `${front.url()}docs/`)).toHaveLength(1);
    expect(lines).toContain(front.url());
    expect(lines).toContain("Lighthouses");
    expect(stdout).toContain("A harbour is a promise");
    expect(await readFile(user.path("lighthouses.html"), "utf8")).toContain("<title>Lighthouses</title>");
    expect(await readFile(user.path("the tides.html"), "utf8")).toContain("<title>Tides</title>");
    expect(lines).toContain("harbours.html");
    expect(stdout).toMatch(/^media type +text\/html/m);
    expect(stdout).toContain("two moles and a gap");
    expect(stdout).toContain('"method": "POST"');
    expect(stdout).toContain("lit");
    expect(front.connections).toBe(1);
  });

  it("on a terminal: the page as text, links by their names with Tab", async () => {
    await using screen = await Screen.open(
      `cd ${user.folder} && ${process.execPath} ${PROGRAM} shell ${sandbox.url("https")} -k; echo "status $?"`,
      { ...user.environment, TERM: "xterm-256color" },
    );
    await screen.shows("/>");
    await screen.type("cd do", "Tab");
    await screen.shows("cd docs/");
    await screen.type("Enter");
    await screen.shows("/docs/>");
    await screen.type("cat Li", "Tab");
    await screen.shows("cat Lighthouses");
    await screen.type("Enter");
    await screen.shows("Fog does not care.");
    await screen.type("C-d");
    await screen.shows("status 0");
  });
});
