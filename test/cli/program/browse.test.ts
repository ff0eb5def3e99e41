/** `porthole browse` as people see it: in a real terminal, from protocol to protocol and back, and left in good order. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { script, scripted } from "../../../fixtures/servers/scripted.js";
import { Screen } from "../on-a-screen.js";
import { PROGRAM, User } from "./program.js";

let sandbox: Sandbox;
let user: User;
beforeAll(async () => {
  sandbox = await startSandbox({ only: ["gopher", "ftp", "nntp", "pop3", "http", "telnet"] });
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

async function browsing(words: string, environment: Record<string, string> = {}): Promise<Screen> {
  const screen = await Screen.open(
    `cd ${user.folder} && echo before && ${process.execPath} ${PROGRAM} browse ${words}; echo "status $?"; stty -a | grep -o '[-]*echo '`,
    { ...user.environment, TERM: "xterm-256color", ...environment },
  );
  await screen.resize(80, 24);
  return screen;
}

/** What a screen shows, with ports that differ from run to run taken out. */
function settled(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, "HOST").replace(/ +$/gm, "");
}

describe("a walk on a terminal", () => {
  it("leads from a Gopher menu through a search, a text, an image, FTP, news, mail and the web, and back", async () => {
    await using screen = await browsing(sandbox.url("gopher"));
    const menu = settled(await screen.shows("8  link The files next door"));
    expect(menu.split("\n").slice(0, 4)).toEqual([
      " 127.0.0.1 - gopher://HOST/",
      "           A small harbour for clients",
      "",
      "   1  text Welcome",
    ]);
    await screen.type("5");
    await screen.shows("Search the texts:");
    await screen.type("fog horn", "Enter");
    await screen.shows(/ fog horn - Search the texts/);
    await screen.type("Enter");
    await screen.shows("In fog the horn takes the place of the lamp");
    await screen.type("/", "bell", "Enter");
    await screen.shows(/^Two: it is stopped. A bell/m);
    await screen.type("Left");
    await screen.shows(/ fog horn - Search/);
    await screen.type("Left");
    await screen.shows("A small harbour for clients");
    await screen.type("3");
    await screen.shows("img  A lighthouse (PNG)");
    await screen.type("1");
    await screen.shows("nothing of it has been fetched");
    await screen.type("I");
    await screen.shows("▀▀▀");
    await screen.type("h", "h");
    await screen.shows("A small harbour for clients");
    await screen.type("8");
    await screen.shows(/This leads to FTP: .*open\? \[y\/n\]/);
    await screen.type("y");
    await screen.shows("dir  pub");
    await screen.type("g", sandbox.url("nntp"), "Enter");
    await screen.shows("grp  harbour.lights");
    await screen.type("Enter");
    const threads = settled(await screen.shows("Two flashes or three?"));
    expect(threads).toMatch(/The Keeper +Two flashes or three\?\n.*└ Re\n.*└ Re\n.* {4}└ Re: Two flashes/);
    await screen.type("7");
    await screen.shows("Newsgroups: harbour.lights");
    await screen.type("g", sandbox.url("pop3"), "Enter");
    await screen.shows("User for 127.0.0.1:");
    await screen.type("porthole", "Enter");
    await screen.shows("Password for porthole at 127.0.0.1:");
    await screen.type("sandbox", "Enter");
    await screen.shows("Welcome aboard");
    await screen.type("5");
    await screen.shows("From: Harbour Office");
    await screen.type("g", sandbox.url("http"), "Enter");
    await screen.shows("THE HARBOUR OFFICE");
    // All the way back, and every page is as it was.
    for (const seen of [
      "From: Harbour",
      "Welcome aboard",
      "Newsgroups",
      "Two flashes",
      "harbour.lights",
      "dir  pub",
    ]) {
      await screen.type("Left");
      await screen.shows(seen);
    }
    await screen.type("Left");
    expect(
      settled(await screen.shows("A small harbour"))
        .split("\n")
        .slice(0, 18),
    ).toEqual(menu.split("\n").slice(0, 18));
    await screen.type("q");
    const after = await screen.shows(/^echo $|^echo$/m);
    // The screen as it was before, and keys that are shown again.
    expect(after).toContain("before\nstatus 0");
    expect(after).not.toContain("harbour");
  }, 60_000);

  it("a Telnet session is entered and left, and the page is there again", async () => {
    await using screen = await browsing(sandbox.url("gopher"));
    await screen.shows("A small harbour");
    await screen.type("g", sandbox.url("telnet"), "Enter");
    await screen.shows("harbour login:");
    await screen.type("C-]");
    await screen.shows("porthole>");
    await screen.type("close", "Enter");
    await screen.shows("A small harbour");
    await screen.type("q");
    await screen.shows("status 0");
  });

  it("shows bookmarks, accounts and the last places where nothing was asked for", async () => {
    await user.configure(`[accounts.harbour]\nurl = "${sandbox.url("ftp")}"\n`);
    await using first = await browsing(sandbox.url("gopher"));
    await first.shows("A small harbour");
    await first.type("a", "Enter");
    await first.shows("kept in");
    await first.type("q");
    await first.shows("status 0");
    expect(await readFile(`${user.home}/.config/porthole/bookmarks`, "utf8")).toBe(
      `${sandbox.url("gopher")} 127.0.0.1\n`,
    );
    // What a sandbox leaves while it runs.
    const notice = {
      pid: process.pid,
      hint: "log in as porthole",
      places: [{ name: "ftp", url: sandbox.url("ftp") }],
    };
    await writeFile(`${user.home}/.local/state/porthole/sandbox.json`, JSON.stringify(notice));
    await using second = await browsing("");
    const start = settled(await second.shows("Lately"));
    expect(start).toContain("Bookmarks\n   1  127.0.0.1  gopher://HOST/");
    expect(start).toContain("Accounts\n   2  harbour  @harbour");
    expect(start).toContain("The sandbox on this machine (log in as porthole)\n   3  ftp  ftp://HOST/");
    await second.type("2");
    await second.shows("dir  pub");
    await second.type("q");
  });

  it("survives another size, a small one too", async () => {
    await using screen = await browsing(sandbox.url("http"));
    await screen.shows("THE HARBOUR OFFICE");
    await screen.resize(20, 4);
    await screen.shows(/^THE HARBOUR OFFICE$/m);
    await screen.resize(100, 30);
    await screen.shows("What there is");
    await screen.type("q");
    await screen.shows("status 0");
  });
});

describe("the terminal afterwards", () => {
  it("is as it was after SIGTERM, which is told and has its exit status", async () => {
    await using screen = await browsing(sandbox.url("gopher"));
    await screen.shows("A small harbour");
    await screen.signal("SIGTERM");
    const after = await screen.shows(/^-?echo *$/m);
    expect(after).toMatch(/^before\nporthole: stopped by a signal\nstatus 130\necho *$/);
  });

  it("is as it was after another size, with nothing of the browser's rows above it", async () => {
    const rows = ["A harbour", "", "one", "two", "three", "_".repeat(67), "=".repeat(66)];
    const menu = rows.map((row) => `i${row}\t\t\t0\r\n`).join("");
    await using server = await scripted(script().expect("").send(`${menu}.\r\n`));
    const command = `${process.execPath} ${PROGRAM} browse ${server.url("gopher")}`;
    await using screen = await Screen.open(`echo before; ${command}; echo "status $?"`, {
      ...user.environment,
      TERM: "xterm-256color",
    });
    await screen.shows(/^ +_{40,49}$/m);
    await screen.resize(80, 14);
    await screen.shows(/^ +_{60,}$/m);
    await screen.type("q");
    expect(await screen.shows("status 0")).toBe("before\nstatus 0");
  });

  it("is as it was after SIGHUP", async () => {
    await using screen = await browsing(sandbox.url("gopher"));
    await screen.shows("A small harbour");
    await screen.signal("SIGHUP");
    const after = await screen.shows(/^-?echo *$/m);
    expect(after).toMatch(/^before\n/);
    expect(after).not.toContain("harbour");
    expect(after).toMatch(/^echo *$/m);
  });

  it.each(["SIGQUIT", "SIGABRT"])("is as it was after %s, by which it ends", async (name) => {
    await using screen = await browsing(sandbox.url("gopher"));
    await screen.shows("A small harbour");
    await screen.signal(name);
    const after = await screen.shows(/^-?echo *$/m);
    expect(after).toMatch(/^before\n/);
    expect(after).not.toContain("harbour");
    expect(after).toMatch(/^status 13[14]\necho *$/m);
  });

  it("is as it was after it was killed", async () => {
    await using screen = await browsing(sandbox.url("gopher"));
    await screen.shows("A small harbour");
    const { guards } = screen;
    await expect.poll(guards, { timeout: 10_000, interval: 50 }).toBe(1);
    await screen.signal("SIGKILL");
    // The screen from before comes back, whatever was written meanwhile.
    expect(await screen.shows(/^before\n/)).not.toContain("harbour");
    await expect.poll(guards, { timeout: 10_000, interval: 50 }).toBe(0);
  });

  it("is as it was after a crash", async () => {
    const crash = join(user.folder, "crash.cjs");
    await writeFile(crash, 'setTimeout(() => { throw new Error("as if by a fault"); }, 1500);\n');
    await using screen = await browsing(sandbox.url("gopher"), { NODE_OPTIONS: `--require ${crash}` });
    await screen.shows("A small harbour");
    const after = await screen.shows(/^-?echo *$/m);
    expect(after).toContain("as if by a fault");
    expect(after).not.toContain("A small harbour");
    expect(after).toMatch(/^echo *$/m);
  });

  it.each([
    ["itself", ""],
    ["a program that it was begun by, too", "sh -c"],
  ])("is as it was after Ctrl-Z, which stops %s, and so is the browser after fg", async (_what, by) => {
    const screen = await Screen.open(`bash --norc -i`, {
      ...user.environment,
      TERM: "xterm-256color",
      // When it ends it would write into a home that is being removed.
      HISTFILE: "/dev/null",
    });
    await using _closing = screen;
    await screen.resize(80, 24);
    const line = `${process.execPath} ${PROGRAM} browse ${sandbox.url("gopher")}`;
    await screen.type(by === "" ? line : `${by} '${line}; true'`, "Enter");
    await screen.shows("A small harbour");
    await screen.type("C-z");
    await screen.shows("Stopped");
    await screen.type("fg", "Enter");
    await screen.shows("A small harbour");
    await screen.type("q");
    // The shell's prompt, after the line that fg wrote.
    await screen.shows(/browse gopher:\S+( true')?\n.*[$#>] *$/);
    expect(await screen.text()).toContain("Stopped");
  });
});

describe("without a terminal", () => {
  it("says so, and what to use instead", async () => {
    const { status, stderr } = await user.run(["browse", sandbox.url("gopher")]);
    expect(status).toBe(2);
    expect(stderr).toContain("wants a terminal");
    expect(stderr).toContain("porthole URL shows one place");
  });
});
