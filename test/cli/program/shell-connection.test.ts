/** A protocol's own commands in `porthole shell`: on the connection that is open, as the server counts them. */
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { conversation, scripted } from "../../../fixtures/servers/scripted.js";
import { countingFront } from "./counting-front.js";
import { User } from "./program.js";

const LOGIN = "porthole:sandbox";

let sandbox: Sandbox;
let user: User;
beforeAll(async () => {
  sandbox = await startSandbox({
    only: ["http", "ftp", "gopher", "nntp", "pop3", "imap", "smtp", "telnet", "socket"],
  });
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

/** These lines at a server of the sandbox, and how many connections they took. */
async function typed(scheme: string, login: string | undefined, lines: readonly string[]) {
  await using front = await countingFront(sandbox.url(scheme));
  const ran = await user.run(["shell", front.url(login), "-q"], { input: `${lines.join("\n")}\n` });
  return { ...ran, connections: front.connections };
}

describe("one connection", () => {
  it("serves FTP's own commands, wherever the shell is", async () => {
    const ran = await typed("ftp", LOGIN, [
      "ls",
      "features",
      "cd pub",
      "features",
      "hash tides.csv",
      "hash ../welcome.txt SHA-256",
      "cd /",
      "chmod 600 welcome.txt",
      "du pub/charts",
      "quote NOOP",
      "cat welcome.txt",
    ]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout.match(/^MLST type/gm)).toHaveLength(2);
    expect(ran.stdout).toMatch(/^SHA512 \(pub\/tides\.csv\) = [0-9a-f]{128}$/m);
    expect(ran.stdout).toMatch(/^SHA256 \(welcome\.txt\) = [0-9a-f]{64}$/m);
    expect(ran.stdout).toContain("200 NOOP");
    expect(ran.connections).toBe(1);
  });

  it("serves IMAP's, with messages by their numbers", async () => {
    const ran = await typed("imap", LOGIN, [
      "status INBOX",
      "cd INBOX",
      "ls",
      "flag 1 \\\\Flagged",
      "thread",
      "sort subject",
      "quote NOOP",
      "capability",
      "cat 1",
    ]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toMatch(/^5 messages/m);
    expect(ran.stdout).toMatch(/^IMAP4REV1$/m);
    expect(ran.connections).toBe(1);
  });

  it("serves POP3's", async () => {
    const ran = await typed("pop3", LOGIN, ["ls", "uidl", "uidl 1", "top 1 2", "pop3 stat", "capa", "cat 1"]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toMatch(/^1 welcome-1$/m);
    expect(ran.stdout).toMatch(/^5 messages, \d+ octets$/m);
    expect(ran.connections).toBe(1);
  });

  it("serves NNTP's", async () => {
    const ran = await typed("nntp", undefined, [
      "groups harbour.*",
      "cd harbour.lights",
      "over 1-2",
      "hdr Subject",
      "head 1",
      "date",
      "quote DATE",
      "cat 1",
    ]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toMatch(/^2\tRe: Two flashes/m);
    expect(ran.stdout).toMatch(/^111 \d{14}$/m);
    expect(ran.connections).toBe(1);
  });

  it("serves SMTP's, and mails", async () => {
    const ran = await typed("smtp", undefined, [
      "noop",
      "vrfy keeper",
      "send --from a@harbour.example --to b@harbour.example --subject Hi --text Ahoy",
      "quote NOOP",
      "smtp help",
    ]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout.match(/^250 2\.0\.0 OK/gm)).toHaveLength(2);
    expect(sandbox.mails.at(-1)?.subject).toBe("Hi");
    expect(ran.connections).toBe(1);
  });

  it("serves HTTP's", async () => {
    const ran = await typed("http", undefined, [
      "cat json",
      "http get /json",
      "http head json",
      "post /echo name=lamp",
    ]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toContain("HTTP/1.1 200 OK");
    expect(ran.stdout).toContain("lamp");
    expect(ran.connections).toBe(1);
  });

  it("serves a Telnet script's lines, and a socket's", async () => {
    await using front = await countingFront(sandbox.url("telnet"));
    const lines = ["porthole", "sandbox", "echo from a script", "exit"];
    const spoken = await user.run(["shell", front.url(), ...lines.flatMap((line) => ["-c", line])]);
    expect(spoken.status).toBe(0);
    expect(spoken.stdout).toContain("from a script");
    expect(front.connections).toBe(1);
    const socket = await typed("tcp", undefined, ["hello", "again"]);
    expect(socket.stdout).toContain("hello\nagain\n");
    expect(socket.connections).toBe(1);
  });
});

describe("more than one connection", () => {
  it("is Gopher's way: one a request, and none besides", async () => {
    const ran = await typed("gopher", undefined, ["caps", "ls"]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toContain("Texts\n");
    // What begins the shell asks for nothing; caps.txt, robots.txt, the menu.
    expect(ran.connections).toBe(3);
  });

  it("is for a line whose options say how to connect", async () => {
    const ran = await typed("ftp", LOGIN, ["ls", "features --active", "features"]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.connections).toBe(2);
    const sent = await typed("http", undefined, ["get /echo --header 'X-Lamp: lit' -o told"]);
    expect(sent.status).toBe(0);
    expect(await readFile(user.path("told"), "utf8")).toContain("lit");
  });

  it("is for what runs beside, by the same login", async () => {
    const ran = await typed("ftp", LOGIN, ["cd pub", "get tides.csv &", "wait", "quote NOOP"]);
    expect([ran.status, ran.stderr]).toEqual([0, "[1] get tides.csv\n"]);
    expect(await readFile(user.path("tides.csv"), "utf8")).not.toBe("");
    expect(ran.connections).toBe(2);
  });
});

describe("the password of the URL", () => {
  it("is that of every folder and of every session there", async () => {
    const play = conversation(`
      S: 220 ready
      C: USER me
      S: 331 password
      C: PASS secret
      S: 230 in
    `);
    await using server = await scripted([play], { timeout: 5000 });
    const url = server.url("ftp", "/").replace("//", "//me:secret@");
    const ran = await user.run(["shell", url, "-v", "-c", "quote NOOP"]);
    expect(ran.stderr).toContain("C: USER me");
    expect(ran.stderr).not.toContain("secret");
  });
});
