/** `porthole shell` from scripts, and typed on a real terminal. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { conversation, scripted } from "../../../fixtures/servers/scripted.js";
import { Screen } from "../on-a-screen.js";
import { PROGRAM, User } from "./program.js";

let sandbox: Sandbox;
let user: User;
beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http", "ftp", "gopher", "nntp", "pop3", "imap"] });
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

/** Runs these lines as a script on standard input. */
function script(url: string, ...lines: readonly string[]) {
  return user.run(["shell", url], { input: `${lines.join("\n")}\n` });
}

describe("a web server", () => {
  it("is gone about by folders, paths, and the names and numbers of links", async () => {
    const { stdout, stderr, status } = await script(
      sandbox.url("http"),
      "cd docs/",
      "pwd",
      "ls",
      "cd ..",
      "pwd",
      "cd /docs/",
      "cd 1",
      "-pwd",
      "-cd nowhere/",
      "cd /",
      "cat json",
      "get json -o here.json",
    );
    expect(stderr).toBe("porthole: http: the server has no such page (404 Not Found)\n");
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toBe(`${sandbox.url("http")}docs/`);
    expect(lines).toContain(sandbox.url("http"));
    expect(stdout).toMatch(/^http:.*\/docs\/.+$/m);
    expect(await readFile(user.path("here.json"), "utf8")).toMatch(/^\{/);
    expect(stdout).toContain(await readFile(user.path("here.json"), "utf8"));
  });
});

describe("a script", () => {
  it("tells by its status that something was not looked through", async () => {
    const { stdout, stderr, status } = await script(
      sandbox.url("gopher"),
      "-find *exts",
      "find *exts",
      "pwd",
    );
    expect(stderr).toContain("/1/lost: the server has no such item");
    expect(stdout).toBe("texts/\ntexts/\n");
    expect(status).toBe(13);
  });

  it("goes about folders, gets and puts, over one connection", async () => {
    await writeFile(user.path("up.txt"), "brought along\n");
    const { stdout, stderr, status } = await user.run(["shell", sandbox.url("ftp"), "-v"], {
      input: [
        "cd pub/charts",
        "pwd",
        "cd ..",
        "cd ../incoming",
        "put up.txt -o 'a name.txt'",
        "cat 'a name.txt'",
        "mv 'a name.txt' b.txt",
        "ls -l",
        "rm b.txt",
        "get /welcome.txt",
        "",
      ].join("\n"),
    });
    expect(stderr.replace(/^ .*\n/gm, "")).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain(`${sandbox.url("ftp")}pub/charts\n`);
    expect(stdout).toContain("brought along\n");
    expect(stdout).toMatch(/^file +14 .*b\.txt$/m);
    expect(await readFile(user.path("welcome.txt"), "utf8")).toContain("Welcome to the sandbox");
    // One login for all of it.
    expect(stderr.match(/C: USER/g)).toHaveLength(1);
  });

  it("has the names of a menu, a group and a mailbox for its own", async () => {
    const gopher = await script(sandbox.url("gopher"), "cd Texts", "cat Fog", "cd ..", "cat 1");
    expect(gopher.stdout).toContain("In fog the horn takes the place of the lamp");
    expect(gopher.stdout).toContain("Welcome to the sandbox's Gopher hole");
    const news = await script(sandbox.url("nntp"), "cd harbour.lights", "cat 1", "over 1-2");
    expect(news.stdout).toContain("Subject: Two flashes or three?");
    expect(news.stdout).toMatch(/^2\tRe: Two flashes/m);
    const mail = await user.run(["shell", sandbox.url("pop3"), "-u", "porthole:sandbox", "-c", "stat 1"]);
    expect(mail.stdout).toMatch(/^subject +Welcome aboard$/m);
  });

  it("has the protocol's own commands on the open connection", async () => {
    const ran = await user.run(["shell", sandbox.url("ftp"), "-v", "-c", "ls", "-c", "features"]);
    expect(ran.stdout).toContain("MLST type*");
    expect(ran.stderr.match(/C: USER/g)).toHaveLength(1);
  });

  it("asks a search of a menu by its name or its number, and says how", async () => {
    const { stdout, stderr, status } = await script(
      sandbox.url("gopher"),
      "search 5 fog",
      "search 'Search the texts' fog",
      "-cd 5",
      "-search",
      "-wait 7",
    );
    expect(stdout).toBe("Fog\nFog\n");
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/is no folder but a search - search NAME WORDS asks it$/),
      "porthole: search wants words",
      "porthole: there is no job 7",
      "",
    ]);
    expect(status).toBe(0);
  });

  it("tells what can be done here, and the protocol's own commands as they are typed here", async () => {
    const { stdout } = await script(sandbox.url("gopher"), "help");
    expect(stdout).toMatch(/^ {2}attributes \[NAME\] +/m);
    expect(stdout).toMatch(/^ {2}cd \[NAME\] +/m);
    expect(stdout).not.toMatch(/^ {2}(?:put|mkdir|rm) /m);
    const ftp = await script(sandbox.url("ftp"), "help");
    expect(ftp.stdout).toMatch(/^ {2}quote COMMAND\.\.\. +/m);
    expect(ftp.stdout).toMatch(/^ {2}ftp find \[NAME\] \[PATTERN\] +/m);
    expect(ftp.stdout).toMatch(/^ {2}chmod MODE NAME\.\.\. +/m);
  });

  it("ends at the first failure with its status, but for lines that begin with -", async () => {
    const failed = await script(sandbox.url("ftp"), "-cat nowhere.txt", "pwd", "cat nowhere.txt", "pwd");
    expect(failed.status).toBe(8);
    expect(failed.stdout).toBe(`${sandbox.url("ftp")}\n`);
    expect(failed.stderr.match(/550/g)).toHaveLength(2);
  });

  it("expands patterns of remote names, finds below, and says when nothing matches", async () => {
    const { stdout } = await script(sandbox.url("ftp"), "cd pub", "cat *.csv", "find *.txt");
    expect(stdout).toContain("charts/north/mole.txt\n");
    const none = await script(sandbox.url("ftp"), "get *.nothing");
    expect(none.status).toBe(8);
    expect(none.stderr).toContain("nothing here matches *.nothing");
  });

  it("works beside what follows with &, and waits for it at the end", async () => {
    const { stdout, stderr, status } = await script(
      sandbox.url("ftp"),
      "get pub/large.bin &",
      "get nowhere.txt &",
      "pwd",
      "wait 1",
      "jobs",
    );
    expect(stdout).toContain("[1] done     get pub/large.bin");
    expect(existsSync(user.path("large.bin"))).toBe(true);
    expect(stderr).toContain("[2] failed");
    expect(status).toBe(13);
  });

  it("mirrors down and, with -R, up; queue works beside as & does", async () => {
    const url = sandbox.url("ftp").replace("//", "//porthole@");
    const environment = { PORTHOLE_PASSWORD: "sandbox" };
    const input = [
      "cd pub",
      "mirror charts",
      "mirror charts ./other --dry-run",
      "queue get tides.csv",
      "wait",
      "queue",
      "cd ../incoming",
      "mirror -R charts up",
      "cat up/bay.txt",
      "",
    ].join("\n");
    const { status, stdout } = await user.run(["shell", url], { environment, input });
    expect(status).toBe(0);
    expect(await readFile(user.path("charts/north/mole.txt"), "utf8")).toBe("mole: stone, 8 m\n");
    expect(existsSync(user.path("other"))).toBe(false);
    expect(existsSync(user.path("tides.csv"))).toBe(true);
    expect(stdout).toContain("[1] done     get tides.csv");
    expect(stdout.endsWith("bay: sand, 12 m\n")).toBe(true);
    const wrong = await user.run(["shell", url, "-c", "mirror -R"], { environment });
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringContaining("one folder there and one here"),
    ]);
  });

  it("runs lines that begin with ! on this machine, in the folder that lcd chose", async () => {
    const { stdout } = await script(
      sandbox.url("gopher"),
      "!mkdir inner",
      "lcd inner",
      "!pwd",
      "get 1",
      "!ls",
    );
    expect(stdout).toMatch(/\/inner\n/);
    expect(existsSync(user.path("inner/welcome.txt"))).toBe(true);
  });

  it("may stand in a file, and names the line's fault", async () => {
    await writeFile(user.path("todo"), "# a remark\npwd # another\nlss\n");
    const { stdout, stderr, status } = await user.run(["shell", sandbox.url("ftp"), "--script", "todo"]);
    expect(stdout).toBe(`${sandbox.url("ftp")}\n`);
    expect(stderr).toContain("did you mean ls?");
    expect(status).toBe(2);
  });

  it("goes on by a new connection when the server has closed the one that waited", async () => {
    const play = conversation(`
      C:
      S: 0One	/1	127.0.0.1	1
      S: .
    `);
    await using server = await scripted([play, play, play], { timeout: 5000 });
    const { status, stdout } = await script(server.url("gopher", "/"), "ls", "ls");
    expect(stdout).toBe("One\nOne\n");
    expect(status).toBe(0);
  });

  it("refuses a place that is none before anything is typed", async () => {
    const { status, stderr } = await script(`${sandbox.url("ftp")}welcome.txt`, "ls");
    expect(status).toBe(2);
    expect(stderr).toContain("is no folder");
  });
});

describe("on a terminal", () => {
  const opened = (url: string) =>
    Screen.open(`cd ${user.folder} && ${process.execPath} ${PROGRAM} shell ${url}; echo "status $?"`, {
      ...user.environment,
      TERM: "xterm-256color",
    });

  it("lines are edited, completed with remote names, and with local ones behind !, and kept for the next time", async () => {
    await writeFile(join(user.folder, "here-alone.txt"), "");
    await using screen = await opened(sandbox.url("ftp"));
    await screen.shows("/>");
    await screen.type("cat wel", "Tab");
    await screen.shows("cat welcome.txt");
    await screen.type("Enter");
    await screen.shows(/Look around.*\n.*:\/>$/);
    await screen.type('pwd; cat "wel', "Tab");
    await screen.shows('cat "welcome.txt"');
    await screen.type("C-u");
    await screen.type("!cat here-", "Tab");
    await screen.shows("!cat here-alone.txt");
    await screen.type("C-u");
    await screen.type("cd pu", "Tab");
    await screen.shows("cd pub/");
    await screen.type("Enter");
    await screen.shows("/pub/>");
    await screen.type("Up");
    await screen.shows(/> cd pub\/$/m);
    await screen.type("C-c", "C-d");
    await screen.shows("status 0");
    const history = await readFile(`${user.home}/.local/state/porthole/shell-history`, "utf8");
    expect(history).toBe("cat welcome.txt\ncd pub/\n");
  });

  it("a transfer's progress is gone when the next line is typed", async () => {
    await using screen = await opened(sandbox.url("ftp"));
    await screen.shows("/>");
    await screen.type("get pub/large.bin --limit-rate 3M", "Enter");
    await screen.shows(/large\.bin +\d+% .*of 5\.0M/);
    const text = await screen.shows(/^large\.bin: 5\.0M\n.*> *$/m);
    expect(text).not.toContain("of 5.0M");
    await screen.type("pwd", "Enter");
    await screen.shows(/> pwd\nftp:.*\n.*> *$/m);
  });

  it("what a job says stands above the line that is typed meanwhile", async () => {
    await using screen = await opened(sandbox.url("ftp"));
    await screen.shows("/>");
    await screen.type("get pub/large.bin --limit-rate 3M &", "Enter");
    await screen.shows(/^\[1\] get/m);
    await screen.type("pw");
    // Time enough for the progress to be told, which must not come over the line.
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(await screen.text()).toMatch(/\/> pw *$/m);
    expect(await screen.text()).not.toContain("of 5.0M");
    const text = await screen.shows(/^\[1\] done .*\n.*\/> pw *$/m);
    expect(text).toMatch(/^large\.bin: 5\.0M\n\[1\] done/m);
    await screen.type("d", "Enter");
    await screen.shows(/\/> pwd\nftp:/);
  });

  it("Ctrl-C ends what runs, and not the shell", async () => {
    const play = conversation(`
      C:
      S: 0Slow	/slow	127.0.0.1	1
      S: .
    `);
    const hang = conversation(`
      C: /0
    `);
    await using server = await scripted([play, hang.pause(30_000)], { timeout: 60_000 });
    server.done.catch(() => undefined);
    await using screen = await opened(server.url("gopher", "/"));
    await screen.shows("/>");
    await screen.type("ls", "Enter");
    await screen.shows("Slow");
    await screen.type("cat /0/0", "Enter");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await screen.type("C-c");
    await screen.shows("left");
    await screen.type("pwd", "Enter");
    await screen.shows(/^gopher:\/\/127/m);
    await screen.type("exit", "Enter");
    await screen.shows("status 0");
  });
});
