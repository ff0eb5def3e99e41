import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import { Conversation } from "../../src/net/conversation.js";
import { Screen } from "../cli/on-a-screen.js";
import { perform, steps } from "../socket/performed.js";
import type { Inetd } from "./inetd.js";
import { hasTelnetd, LOGIN, startTelnetd } from "./telnetd.js";

const TITLE = hasTelnetd() ? "inetutils telnetd" : "inetutils telnetd (telnetd not installed)";

describe.skipIf(!hasTelnetd())(TITLE, () => {
  let folder = "";
  let server: Inetd;
  let url = "";
  let login = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "porthole-telnetd-"));
    login = join(folder, "login");
    await writeFile(login, LOGIN);
    await chmod(folder, 0o755);
    await chmod(login, 0o755);
    server = await startTelnetd(login);
    url = `telnet://127.0.0.1:${server.port}`;
  });

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("is logged in to, does a command, and is left", async () => {
    const order = ["expect=login:", "send=keeper", "expect=Password:", "send=light", "expect=harbour$ "];
    const { text } = await perform("telnet", "run", [url], {
      window: "100x30",
      term: "vt100",
      ...steps(...order, "send=stty size; echo $TERM", "expect=/30 100\\r\\nvt100\\r\\n/", "send=exit"),
    });
    expect(text).toContain("Welcome, keeper\r\n");
    expect(text).not.toContain("light");
  });

  it("gives the login to the user's own password, and refuses another", async () => {
    const credentials = (password: string) => async () => ({
      user: "keeper",
      password,
      kind: "password" as const,
    });
    const options = { login: "keeper", ...steps("expect=harbour$ ", "send=exit") };
    const { text } = await perform("telnet", "run", [url], options, {
      settings: { credentials: credentials("light") },
    });
    expect(text).toContain("Welcome, keeper");
    await expect(
      perform("telnet", "run", [url], options, { settings: { credentials: credentials("dark") } }),
    ).rejects.toMatchObject({ code: "auth", exit: 7, reply: "Login incorrect" });
  });

  it("is used by a person: login, a resize, vi, the small command line, and a clean terminal afterwards", async () => {
    const log = join(folder, "log");
    const command = `stty size; node dist/program/porthole.js ${url} --log ${log}; echo "left with $?"; stty -a | grep -o -- '-*icanon\\|-*echo '`;
    await using screen = await Screen.open(command, { HOME: folder, XDG_CONFIG_HOME: folder });
    await screen.shows("Ctrl-] for commands");
    await screen.shows("login:");
    await screen.type("keeper", "Enter");
    await screen.shows("Password:");
    await screen.type("light", "Enter");
    await screen.shows("harbour$");
    await screen.type("clear; stty size", "Enter");
    await screen.shows(/^10 60$/m);
    await screen.resize(70, 20);
    await screen.type("stty size", "Enter");
    await screen.shows(/^20 70$/m);
    await screen.type("vi -u NONE -N", "Enter");
    await screen.shows(/^~$/m);
    await screen.type("i", "a light", "Escape", ":q!", "Enter");
    await screen.shows("harbour$");
    await screen.type("C-]");
    await screen.shows("porthole>");
    await screen.type("status", "Enter");
    await screen.shows(/mode character/);
    await screen.type("C-]");
    await screen.type("send ayt", "Enter");
    await screen.shows(/\[.*yes.*\]/i);
    await screen.type("C-]");
    await screen.type("mode line", "Enter");
    await screen.shows("mode line");
    // A terminal that edits lines gives the escape character with what is typed behind it.
    await screen.type("C-]", "mode character", "Enter");
    await screen.shows("mode character");
    await screen.type("C-]");
    await screen.type("close", "Enter");
    await screen.shows("left with 0");
    const left = await screen.shows(/icanon/);
    expect(left).not.toContain("-icanon");
    const kept = await readFile(log, "utf8");
    expect(kept).toContain("Welcome, keeper");
    expect(kept.replace(/[\n\t]/g, "")).not.toMatch(/\p{Cc}/u);
  });

  it("answers Ctrl-C as a key with a Synch, of which nothing is shown", async () => {
    const client = new Client();
    const session = await client.open(client.target(url));
    const stream = await session.interact?.();
    if (stream === undefined) throw new Error("nobody to talk to");
    const decode = (octets: Uint8Array) => Buffer.from(octets).toString("latin1");
    const talk = new Conversation(stream, { timeout: 10_000, decode });
    for (const [wanted, said] of [
      ["login:", "keeper"],
      ["Password:", "light"],
      // Told by the process that the key is to end: the shell, which starts it, would pass the key over.
      ["harbour$ ", "sh -c 'echo asleep; exec sleep 60'"],
      // The echo of the line has one, too.
      ["asleep; exec sleep 60'\r\nasleep\r\n", "\x03"],
    ] as const) {
      await talk.expect(wanted);
      await (said === "\x03" ? talk.send(said) : talk.sendLine(said));
    }
    const { before } = await talk.expect("harbour$ ");
    expect(before.trim()).toBe("^C");
    stream.destroy();
    await session[Symbol.asyncDispose]();
  });

  it("answers Abort Output with a Synch, of which nothing is shown", async () => {
    const client = new Client();
    const session = await client.open(client.target(url));
    const stream = await session.interact?.();
    if (stream === undefined) throw new Error("nobody to talk to");
    const talk = new Conversation(stream, {
      timeout: 10_000,
      decode: (o) => Buffer.from(o).toString("latin1"),
    });
    await talk.expect("login:");
    stream.signal("ao");
    // What the terminal there shows of the key: ^O.
    const { before } = await talk.expect("^O");
    expect(before.trim()).toBe("");
    stream.destroy();
    await session[Symbol.asyncDispose]();
  });

  it("is used in line mode: a line edited here, a password not shown, Ctrl-C and Ctrl-D as commands", async () => {
    const inLines = await startTelnetd(login, "-l");
    try {
      const command = `node dist/program/porthole.js telnet://127.0.0.1:${inLines.port}; echo "left with $?"`;
      await using screen = await Screen.open(command, { HOME: folder, XDG_CONFIG_HOME: folder });
      await screen.shows("login:");
      await screen.type("keepers", "BSpace", "Enter");
      await screen.shows("Password:");
      await screen.type("light", "Enter");
      expect(await screen.shows("Welcome, keeper")).not.toContain("light");
      await screen.type("clear; sh -c 'echo asleep; exec sleep 60'", "Enter");
      // What is shown before the screen is cleared would go with it.
      await screen.shows(/^asleep/m);
      await screen.type("C-]");
      await screen.type("status", "Enter");
      await screen.shows("LINEMODE (ours)");
      await screen.type("C-c");
      await screen.type("echo back=$?", "Enter");
      await screen.shows(/back=130/);
      await screen.type("C-d");
      await screen.shows("left with 0");
    } finally {
      await inLines.close();
    }
  });

  it("is left by its own exit, and a pipe does not hang at its end", async () => {
    await using screen = await Screen.open(
      `printf 'keeper\\nlight\\necho from a pipe\\nexit\\n' | node dist/program/porthole.js ${url}; echo "left with $?"`,
      { XDG_CONFIG_HOME: folder },
    );
    const text = await screen.shows("left with 0");
    expect(text).toContain("from a pipe");
  });
});
