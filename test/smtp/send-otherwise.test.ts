/** `porthole send` for who knows another program, reads from pipes, or wants it tried again. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { hello } from "./talk.js";
import { prepareSending } from "./typed.js";

const sending = prepareSending();
const { porthole, file } = sending;

const WHO = ["--from", "a@x.example", "--to", "b@y.example"];

describe("an attachment", () => {
  it("may be told type and name", async () => {
    const path = await file("numbers.txt", "a,b\n");
    const { out } = await porthole([
      sending.sandbox.url("smtp"),
      ...WHO,
      "--attach",
      `${path};type=text/csv;name=report.csv`,
      "--dry-run",
    ]);
    expect(out).toContain("Content-Type: text/csv; name=report.csv\r\n");
    expect(out).toContain("Content-Disposition: attachment; filename=report.csv\r\n");
  });

  it("is the file of that very name, when there is one", async () => {
    const path = await file("a;name=b", "x");
    const { out } = await porthole([sending.sandbox.url("smtp"), ...WHO, "--attach", path, "--dry-run"]);
    expect(out).toContain('Content-Disposition: attachment; filename="a;name=b"\r\n');
  });

  it.each(["type=csv", "type=text/csv\r\nX: y", "name=", "name=../x"])("is not told %j", async (fact) => {
    const path = await file("c.txt", "x");
    expect(
      await porthole([sending.sandbox.url("smtp"), ...WHO, "--attach", `${path};${fact}`, "--dry-run"]),
    ).toMatchObject({ status: 2, out: "" });
  });
});

describe("options of other programs", () => {
  it.each([
    [["--body", "hi"], "--text TEXT"],
    [["--body=hi"], "--text TEXT"],
    [["-tls"], "--starttls require"],
    [["-au", "ann"], "-u USER[:PASS]"],
    [["-t", "b@y.example"], "--to ADDRESS"],
    [["-f", "a@x.example"], "--from ADDRESS"],
    [["-p", "25"], "smtp://HOST:PORT"],
    [["-li", "127.0.0.1"], "--interface ADDR"],
    [["--helo", "x"], "--ehlo-name NAME"],
    [["--quit-after", "rcpt"], "porthole smtp probe URL --stop-after STEP"],
  ])("%j: what is written here is told", async (words, here) => {
    const before = sending.sandbox.mails.length;
    const { status, err } = await porthole([sending.sandbox.url("smtp"), ...WHO, ...words]);
    expect(status).toBe(2);
    expect(err).toContain(`for SMTP: `);
    expect(err).toContain(here);
    expect(sending.sandbox.mails.length).toBe(before);
  });

  it.each(["--body", "-p"])("%s says nothing of SMTP to who sends elsewhere", async (flag) => {
    const { status, err } = await porthole(["tcp://127.0.0.1:9", flag, "x"]);
    expect(status).toBe(2);
    expect(err).not.toContain("SMTP");
  });
});

describe("what comes through a pipe", () => {
  async function pipe(name: string, octets: Buffer): Promise<string> {
    const path = join(sending.folder, name);
    await promisify(execFile)("mkfifo", [path]);
    writeFile(path, octets).catch(() => undefined);
    return path;
  }

  it("as a ready message goes out whole", async () => {
    const path = await pipe("eml", Buffer.from("From: a@x.example\r\nTo: b@y.example\r\n\r\nthe body\r\n"));
    expect(await porthole([sending.sandbox.url("smtp"), "--eml", path])).toMatchObject({ status: 0 });
    expect(sending.sandbox.mails.at(-1)?.raw.toString()).toMatch(/\r\n\r\nthe body\r\n$/);
  });

  it.each(["a pipe", "standard input"])("as an attachment, from %s, has its size", async (where) => {
    const octets = Buffer.alloc(30_000, "numbers ");
    const path = where === "a pipe" ? await pipe("attached", octets) : "-";
    const { status, out } = await porthole(
      [sending.sandbox.url("smtp"), ...WHO, "--attach", `${path};name=n.txt`, "--dry-run", "--json"],
      where === "a pipe" ? "" : octets.toString(),
    );
    expect(status).toBe(0);
    const shown: { size?: number; message?: string } = JSON.parse(out);
    expect(shown.size).toBe(Buffer.byteLength(shown.message ?? ""));
    expect(shown.message?.replaceAll("\r\n", "")).toContain(octets.toString("base64"));
  });

  it("is there once", async () => {
    const twice = await porthole([
      sending.sandbox.url("smtp"),
      ...WHO,
      "--text",
      "-",
      "--attach",
      "-;name=x",
    ]);
    expect(twice).toMatchObject({ status: 2, err: expect.stringContaining("both read standard input") });
  });
});

describe("--retry", () => {
  const refusing = (reply: string) =>
    hello()
      .expect(/^MAIL/)
      .sendLines("250 ok")
      .expect(/^RCPT/)
      .sendLines(reply)
      .expect("QUIT")
      .sendLines("221 bye");
  const closing = (last: Script) =>
    hello()
      .expect(/^MAIL/)
      .sendLines("250 ok")
      .expect(/^RCPT/)
      .sendLines("250 ok")
      .expect("DATA")
      .sendLines("354 go on")
      .expectUntil("\r\n.\r\n")
      .and(last);

  it("sends again what was refused for now, on a new connection", async () => {
    const taking = closing(script().sendLines("250 taken").expect("QUIT").sendLines("221 bye"));
    await using server = await scripted([refusing("451 later"), taking], { timeout: 8000 });
    const { status, err } = await porthole([server.url("smtp"), ...WHO, "--retry", "1"]);
    await server.done;
    expect(status).toBe(0);
    expect(err).toContain("was refused (451 later); trying again in 1 s (1 of 1)");
  });

  it.each([
    ["refused for good", refusing("550 no"), 9],
    ["of which it is not known", closing(script().drop()), 11],
  ])("sends nothing again that was %s", async (_what, play, exit) => {
    await using server = await scripted([play], { timeout: 8000 });
    expect((await porthole([server.url("smtp"), ...WHO, "--retry", "2"])).status).toBe(exit);
    await server.done;
    expect(server.connections).toHaveLength(1);
  });
});

describe("an address instead of a server", () => {
  it.each(["bob@y.example", "mailto:bob@y.example", "mailto:bob@y.example?subject=Hi"])(
    "%s is told where it belongs",
    async (word) => {
      const { status, err } = await porthole([word, "--text", "hi"]);
      expect(status).toBe(2);
      expect(err).toContain("porthole send smtp://SERVER --to bob@y.example\n");
    },
  );
});

describe("options of other protocols", () => {
  it.each([
    ["--data", "@message.eml"],
    ["--tunnel", "ssh x"],
    ["--news-server", "x"],
    ["--script", "x"],
  ])("%s would do nothing, and is refused", async (flag, value) => {
    const before = sending.sandbox.mails.length;
    const { status, err } = await porthole([sending.sandbox.url("smtp"), ...WHO, flag, value]);
    expect(status).toBe(2);
    expect(err).toContain(`${flag} is not for SMTP`);
    expect(sending.sandbox.mails.length).toBe(before);
  });
});
