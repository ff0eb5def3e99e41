/** A person at a real terminal, with the sandbox's Telnet server. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { Screen } from "../cli/on-a-screen.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["telnet"] });
});

afterAll(async () => {
  await sandbox.close();
});

async function logIn(user: string): Promise<Screen> {
  const command = `node dist/program/porthole.js ${sandbox.url("telnet")}; echo "left with $?"; stty -a | grep -o -- '-*icanon'`;
  const screen = await Screen.open(command, { XDG_CONFIG_HOME: "/nonexistent" });
  await screen.shows("login:");
  await screen.type(user, "Enter");
  await screen.shows("Password:");
  await screen.type("sandbox", "Enter");
  expect(await screen.shows("harbour$")).not.toContain("sandbox");
  return screen;
}

it("line mode: lines are edited here, signals are commands, a password is not shown, the terminal is clean", async () => {
  await using screen = await logIn("linemode");
  await screen.type("echo hallo", "BSpace", "BSpace", "BSpace", "BSpace", "ello", "Enter");
  await screen.shows(/^hello$/m);
  await screen.type("gone", "C-u", "echo one two", "C-w", "three", "Enter");
  await screen.shows(/^one three$/m);
  await screen.type("half", "C-c");
  await screen.shows(/half\^C\n+\[Stopped\]/);
  await screen.type("C-z");
  await screen.shows("[Suspended]");
  await screen.type("secret", "Enter");
  await screen.shows("Password:");
  await screen.type("hidden", "Enter");
  expect(await screen.shows("6 characters")).not.toContain("hidden");
  // Taken back: the server echoes each key, and edits.
  await screen.type("linemode off", "Enter");
  await screen.type("echo keyz", "BSpace", "s", "Enter");
  await screen.shows(/^keys$/m);
  await screen.type("linemode", "Enter");
  await screen.type("C-d");
  const left = await screen.shows("left with 0");
  expect(left).toContain("Fair winds.");
  expect(await screen.shows(/^icanon$/m)).not.toContain("-icanon");
});

it("a hostile server: the person is still there, and so is the terminal", async () => {
  await using screen = await logIn("porthole");
  await screen.type("hostile", "Enter");
  await screen.shows("and back");
  // What the terminal said of its own when it was asked is a line that the shell does not know.
  await screen.type("Enter");
  await screen.shows("not found");
  await screen.type("echo still here", "Enter");
  await screen.shows(/^(?:harbour\$ )?still here$/m);
  await screen.type("hostile loop", "Enter");
  await screen.shows("left with 11");
  await screen.shows(/^porthole: telnet: the other side made more than/m);
  expect(await screen.shows(/^icanon$/m)).not.toContain("-icanon");
});

it("the small command line says what it wants, and what it does not know", async () => {
  const folder = await mkdtemp(join(tmpdir(), "porthole-telnet-"));
  try {
    await using screen = await logIn("porthole");
    const command = async (line: string) => {
      await screen.type("clear", "Enter");
      await screen.type("C-]");
      await screen.type(line, "Enter");
    };
    await command("mode");
    await screen.shows("mode what? character, line");
    await command("mode lines");
    await screen.shows("there is no mode 'lines': character, line");
    await command("send");
    await screen.shows("send what? ayt, break, ip,");
    await command("send semaphore");
    await screen.shows("there is no send 'semaphore': ayt,");
    await screen.resize(80, 30);
    await command("clsoe");
    await screen.shows("there is no command 'clsoe'");
    const help = await screen.shows("back to the session");
    expect(help).toMatch(/^log off +stop that$/m);
    expect(help).toMatch(/^an empty line +back to the session$/m);
    const log = join(folder, "log");
    await command(`log ${log}`);
    await screen.shows("logging to");
    await screen.type("echo kept", "Enter");
    await screen.shows(/^(?:harbour\$ )?kept$/m);
    await command("log off");
    await screen.shows("nothing is logged");
    await screen.type("echo left out", "Enter");
    await screen.shows(/^(?:harbour\$ )?left out$/m);
    const kept = await readFile(log, "utf8");
    expect(kept).toContain("kept");
    expect(kept).not.toContain("left out");
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("a run that fails: its message stands on a line of its own, not behind the prompt", async () => {
  const command = `node dist/program/porthole.js telnet run ${sandbox.url("telnet")} --timeout 1 --expect never; echo "left with $?"`;
  await using screen = await Screen.open(command, { XDG_CONFIG_HOME: "/nonexistent" });
  await screen.shows("left with 6");
  await screen.shows(/^harbour login:\s*\nporthole: telnet: step 1 of 1/m);
});

it("a server that closes behind a prompt: the message stands on a line of its own", async () => {
  await using server = await scripted(script().send("who goes there? ").expect("me\r\n").drop());
  const command = `node dist/program/porthole.js ${server.url("telnet")}; echo "left with $?"`;
  await using screen = await Screen.open(command, { XDG_CONFIG_HOME: "/nonexistent" });
  await screen.shows("who goes there?");
  await screen.type("me", "Enter");
  await screen.shows("left with 0");
  await screen.shows(/^who goes there\? me\s*\n+porthole: telnet:\/\/\S+ closed the connection$/m);
});
