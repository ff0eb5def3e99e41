/** put, rm, mv, mkdir and stat over FTP: what they leave at the server, and what they refuse. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { Screen } from "../on-a-screen.js";
import { type Ended, objects, PROGRAM, User } from "./program.js";

let user: User;
let sandbox: Sandbox;
let base = "";

beforeAll(async () => {
  user = await User.create();
  sandbox = await startSandbox({ only: ["ftp", "http", "gopher", "nntp"] });
  base = sandbox.url("ftp").replace("//", "//porthole@");
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const SECRET = { PORTHOLE_PASSWORD: "sandbox" };
const run = (args: readonly string[], input?: string): Promise<Ended> =>
  user.run(args, { environment: SECRET, ...(input === undefined ? {} : { input }) });

/** Nothing is said, and all is well. */
async function isDone(args: readonly string[], input?: string): Promise<void> {
  const { status, stdout, stderr } = await run(args, input);
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
}

const textAt = async (path: string) => (await run(["get", `${base}${path}`])).stdout;
const namesIn = async (path: string) =>
  (await run(["ls", `${base}${path}`])).stdout
    .split("\n")
    .filter((name) => name !== "")
    .sort();

describe("put", () => {
  it("into a folder takes the file's name", async () => {
    await writeFile(user.path("a b.txt"), "first");
    await isDone(["put", "a b.txt", `${base}incoming/`]);
    expect(await textAt("incoming/a%20b.txt")).toBe("first");
  });

  it("to a name takes that name; --json tells the entry", async () => {
    await writeFile(user.path("c.txt"), "second");
    const { status, stdout } = await run(["put", "c.txt", `${base}incoming/named.txt`, "--json"]);
    expect(status).toBe(0);
    expect(objects(stdout)).toMatchObject([
      { type: "file", name: "named.txt", url: `${base}incoming/named.txt`, size: 6 },
    ]);
    expect(await textAt("incoming/named.txt")).toBe("second");
  });

  it("of several goes into the folder, with or without its slash", async () => {
    await writeFile(user.path("one.txt"), "1");
    await writeFile(user.path("two.txt"), "2");
    await isDone(["put", "one.txt", "two.txt", `${base}incoming`]);
    expect(await namesIn("incoming")).toEqual(expect.arrayContaining(["one.txt", "two.txt"]));
  });

  it("of articles posts them: a group gives them numbers, and no file's name counts", async () => {
    const news = sandbox.url("nntp");
    const article = "From: ann@x.example\nNewsgroups: harbour.test\n";
    await writeFile(user.path("one.eml"), `${article}Subject: put one\n\nx\n`);
    await writeFile(user.path("two.eml"), `${article}Subject: put two\n\nx\n`);
    await isDone(["put", "one.eml", "two.eml", `${news}harbour.test`]);
    await isDone(["put", "-", `${news}harbour.test`], `${article}Subject: put three\n\nx\n`);
    const environment = { NNTPSERVER: new URL(news).host };
    const { stdout } = await user.run(["ls", "news:harbour.test", "--limit", "3"], { environment });
    expect(stdout).toBe("put three\nput two\nput one\n");
    const refused = await run(["put", "one.eml", `${news}harbour.lights`]);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      "porthole: nntp: the article is for harbour.test, not for harbour.lights - its Newsgroups field says where it goes: change that, or name one of them in the URL\n",
    ]);
  });

  it("of standard input", async () => {
    await isDone(["put", "-", `${base}incoming/piped.txt`], "from a pipe");
    expect(await textAt("incoming/piped.txt")).toBe("from a pipe");
    const { status, stderr } = await run(["put", "-", `${base}incoming/`], "nameless");
    expect(stderr).toBe("porthole: standard input has no name - end the URL in a file's name\n");
    expect(status).toBe(2);
  });

  it("never replaces what is there without --force: 12", async () => {
    await writeFile(user.path("new.txt"), "new");
    const refused = await run(["put", "new.txt", `${base}incoming/named.txt`]);
    expect(refused.stderr).toMatch(
      /^porthole: (?:ftp: )?[^\n]*named\.txt: exists already - --force replaces it\n$/,
    );
    expect(refused.status).toBe(12);
    expect(await textAt("incoming/named.txt")).toBe("second");
    await isDone(["put", "new.txt", `${base}incoming/named.txt`, "--force"]);
    expect(await textAt("incoming/named.txt")).toBe("new");
  });

  it("--resume sends the rest of a partial one", async () => {
    await writeFile(user.path("half.txt"), "0123456789");
    await isDone(["put", "-", `${base}incoming/resumed.txt`], "01234");
    const resumed = await run(["put", "half.txt", `${base}incoming/resumed.txt`, "--resume", "-v"]);
    expect(resumed.status).toBe(0);
    expect(resumed.stderr).toContain("C: APPE");
    expect(await textAt("incoming/resumed.txt")).toBe("0123456789");
    await isDone(["put", "half.txt", `${base}incoming/resumed-anew.txt`, "--resume"]);
    expect(await textAt("incoming/resumed-anew.txt")).toBe("0123456789");
  });

  it("--resume of what is larger there already: 12, untouched", async () => {
    await writeFile(user.path("short.txt"), "0");
    const { status, stderr } = await run(["put", "short.txt", `${base}incoming/resumed.txt`, "--resume"]);
    expect(stderr).toBe(
      "porthole: what is there is larger than short.txt: 10 octets - --force instead of --resume replaces it\n",
    );
    expect(status).toBe(12);
    expect(await textAt("incoming/resumed.txt")).toBe("0123456789");
  });

  it.each([
    ["nowhere.txt", "nowhere.txt: no such file or folder"],
    [".", ".: is a folder - mirror copies folders"],
  ])("of %s is 12, and nothing is sent", async (file, line) => {
    const { status, stderr } = await run(["put", "one.txt", file, `${base}incoming/none/`]);
    expect(stderr).toBe(`porthole: ${line}\n`);
    expect(status).toBe(12);
  });

  it("over HTTP too", async () => {
    const url = `${sandbox.url("http")}files/incoming/by-http.txt`;
    await isDone(["put", "one.txt", url]);
    const { status } = await run(["put", "two.txt", url]);
    expect(status).toBe(12);
    expect(await textAt("incoming/by-http.txt")).toBe("1");
  });
});

describe("stat", () => {
  it("tells all that is known, a fact a line", async () => {
    const { status, stdout } = await run(["stat", `${base}pub/exact.bin`]);
    expect(status).toBe(0);
    expect(stdout.split("\n").slice(0, 5)).toEqual([
      expect.stringMatching(/^name +exact\.bin$/),
      expect.stringMatching(/^kind +file$/),
      expect.stringMatching(/^url +ftp:\/\/porthole@127\.0\.0\.1:\d+\/pub\/exact\.bin$/),
      expect.stringMatching(/^size +256$/),
      expect.stringMatching(/^modified +2024-03-01T08:30:15\.000Z$/),
    ]);
  });

  it("of several tells the others too: 13", async () => {
    const { status, stdout, stderr } = await run([
      "stat",
      `${base}pub/exact.bin`,
      `${base}pub/nowhere`,
      `${base}pub`,
      "--json",
    ]);
    expect(objects(stdout).map(({ name, type }) => [name, type])).toEqual([
      ["exact.bin", "file"],
      ["pub", "directory"],
    ]);
    expect(objects(stderr)).toMatchObject([{ error: { exit: 8, url: `${base}pub/nowhere` } }]);
    expect(status).toBe(13);
  });
});

describe("mkdir, mv and rm", () => {
  it("make, move and remove", async () => {
    await isDone(["mkdir", `${base}incoming/new`]);
    expect(await namesIn("incoming")).toContain("new");
    await isDone(["put", "one.txt", `${base}incoming/new/`]);
    await isDone(["mv", `${base}incoming/new/one.txt`, `${base}incoming/new/uno.txt`]);
    await isDone(["mv", `${base}incoming/new/uno.txt`, "/incoming/new/eins.txt"]);
    expect(await namesIn("incoming/new")).toEqual(["eins.txt"]);
    await isDone(["rm", `${base}incoming/new/eins.txt`]);
    expect(await namesIn("incoming/new")).toEqual([]);
    await isDone(["rm", `${base}incoming/new/`]);
    expect(await namesIn("incoming")).not.toContain("new");
  });

  it("mkdir of what is there is 12", async () => {
    const { status } = await run(["mkdir", `${base}pub`]);
    expect(status).toBe(12);
  });

  it("mv never replaces without --force: 12", async () => {
    await isDone(["put", "-", `${base}incoming/from.txt`], "from");
    await isDone(["put", "-", `${base}incoming/to.txt`], "to");
    const refused = await run(["mv", `${base}incoming/from.txt`, `${base}incoming/to.txt`]);
    expect(refused.status).toBe(12);
    expect(await textAt("incoming/to.txt")).toBe("to");
    await isDone(["mv", "--force", `${base}incoming/from.txt`, `${base}incoming/to.txt`]);
    expect(await textAt("incoming/to.txt")).toBe("from");
  });

  it("mv stays on one server", async () => {
    const { status, stderr } = await run(["mv", `${base}pub/exact.bin`, "ftp://elsewhere.invalid/x"]);
    expect(stderr).toBe("porthole: mv moves within one server - copy, then remove the original\n");
    expect(status).toBe(2);
  });

  it("rm of what is not there is 8, and of several 13", async () => {
    const missing = await run(["rm", `${base}incoming/nowhere`]);
    expect(missing.stderr).toMatch(/^porthole: ftp: [^\n]*\n$/);
    expect(missing.status).toBe(8);
    await isDone(["put", "-", `${base}incoming/here.txt`], "here");
    const some = await run(["rm", `${base}incoming/nowhere`, `${base}incoming/here.txt`]);
    expect(some.status).toBe(13);
    expect(await namesIn("incoming")).not.toContain("here.txt");
  });

  it("rm -r asks, and without anybody to ask wants --yes", async () => {
    await isDone(["mkdir", `${base}incoming/deep`]);
    await isDone(["put", "one.txt", `${base}incoming/deep/`]);
    const refused = await run(["rm", "-r", `${base}incoming/deep`]);
    expect(refused.stderr).toBe(
      `porthole: rm -r removes all beneath ${base}incoming/deep, and nobody is there to ask - --yes says that it is meant\n`,
    );
    expect(refused.status).toBe(2);
    expect(await namesIn("incoming/deep")).toEqual(["one.txt"]);

    const command = `${process.execPath} ${PROGRAM} rm -r ${base}incoming/deep; echo "status $?"`;
    const environment = {
      ...SECRET,
      HOME: user.home,
      XDG_CONFIG_HOME: `${user.home}/.config`,
      NO_PROXY: "*",
    };
    await using screen = await Screen.open(command, environment);
    await screen.shows("[y/N]");
    await screen.type("n", "Enter");
    await screen.shows("status 130");
    expect(await namesIn("incoming/deep")).toEqual(["one.txt"]);
    await using again = await Screen.open(command, environment);
    await again.shows("[y/N]");
    await again.type("y", "Enter");
    await again.shows("status 0");
    expect(await namesIn("incoming")).not.toContain("deep");

    await isDone(["mkdir", `${base}incoming/deep`]);
    await isDone(["put", "one.txt", `${base}incoming/deep/`]);
    await isDone(["rm", "-r", "--yes", `${base}incoming/deep`]);
    expect(await namesIn("incoming")).not.toContain("deep");
  });
});

describe("ftp quote and features", () => {
  it("tell what the server says", async () => {
    const features = await run(["ftp", "features", base, "--json"]);
    expect(objects(features.stdout).map(({ name }) => name)).toContain("MLST");
    const quoted = await run(["ftp", "quote", base, "NOOP"]);
    expect([quoted.status, quoted.stderr]).toEqual([0, ""]);
    expect(quoted.stdout).toMatch(/^200 [^\n]+\n$/);
    const refused = await run(["ftp", "quote", base, "XYZZY", "--json"]);
    expect(objects(refused.stderr)).toMatchObject([{ error: { protocol: "ftp", exit: 9, url: base } }]);
    expect(refused.status).toBe(9);
  });
});
