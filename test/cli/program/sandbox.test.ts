/** `porthole sandbox` and `porthole tour`. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objects, type Running, User } from "./program.js";

let user: User;
/** Its own, so that what is left behind shows. */
let temporary = "";

beforeAll(async () => {
  user = await User.create();
  temporary = user.path("tmp");
  await mkdir(temporary);
});
afterAll(async () => {
  await user[Symbol.asyncDispose]();
});

const start = (...args: readonly string[]): Running =>
  user.start(["sandbox", ...args], { environment: { TMPDIR: temporary } });

/** Ends it as its user does. */
async function ended(running: Running): Promise<void> {
  const began = performance.now();
  running.child.kill("SIGINT");
  const { status, signal, stderr } = await running.ended;
  expect([status, signal, stderr]).toEqual([0, null, ""]);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(await readdir(temporary)).toEqual([]);
}

describe("sandbox", () => {
  it("demands TLS and a login when asked to, takes its time, and listens where it is told", async () => {
    const running = start("--json", "--only", "smtp", "--demand-tls", "--demand-login", "--delay", "150");
    const [server] = objects(await running.says(/"name":"smtps"[^\n]*\n/));
    const url = String(server?.["url"]);
    const sent = (...more: readonly string[]) =>
      user.run(["send", url, "--to", "me@here", "-k", "--json", ...more]);
    const open = await sent();
    expect([open.status, open.stderr]).toEqual([5, expect.stringContaining("530 5.7.0 ")]);
    const nobody = await sent("--starttls", "require");
    expect([nobody.status, nobody.stderr]).toEqual([7, expect.stringContaining("530 ")]);
    const clear = await sent("--starttls", "never", "-u", "porthole:sandbox");
    expect([clear.status, clear.stderr]).not.toEqual([0, expect.anything()]);
    const began = performance.now();
    expect((await sent("-u", "porthole:sandbox")).status).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(450);
    const port = new URL(url).port;
    const second = await user.run(["sandbox", "--only", "smtp", "--ports", `smtp=${port}`]);
    expect([second.status, second.stderr]).toEqual([
      4,
      expect.stringContaining(`127.0.0.1:${port}: in use by `),
    ]);
    expect((await user.run(["sandbox", "--ports", "2525"])).status).toBe(2);
    const unknown = await user.run(["sandbox", "--ports", "foo=1"]);
    expect([unknown.status, unknown.stdout, unknown.stderr]).toEqual([
      2,
      "",
      expect.stringMatching(
        /^porthole: nothing in this sandbox listens for 'foo' - it has http, https, .*\n$/,
      ),
    ]);
    await ended(running);
  });

  it("--json prints a line a server, and each upload as it comes", async () => {
    const running = start("--json");
    const text = await running.says(/"name":"gophers"[^\n]*\n/);
    const servers = objects(text);
    const names = servers.map(({ name }) => name);
    for (const name of ["http", "https", "ftp", "ftps", "smtp", "smtps", "gopher", "gophers"]) {
      expect(names.filter((other) => other === name)).toEqual([name]);
    }
    for (const { name, url } of servers) {
      expect(String(url)).toMatch(new RegExp(`^${String(name)}://(?:127\\.0\\.0\\.1|localhost):\\d+/?$`));
    }
    const ftp = servers.find(({ name }) => name === "ftp");
    expect(ftp).toEqual({ name: "ftp", url: expect.any(String), user: "porthole", password: "sandbox" });

    await writeFile(user.path("up.txt"), "twelve bytes");
    const { status } = await user.run([
      "put",
      "up.txt",
      `${String(ftp?.["url"])}incoming/`,
      "-u",
      "porthole:sandbox",
    ]);
    expect(status).toBe(0);
    const told = await running.says('"arrived":"upload"');
    expect(objects(told).at(-1)).toEqual({
      arrived: "upload",
      protocol: "ftp",
      path: "/incoming/up.txt",
      size: 12,
    });
    await ended(running);
  });

  it("prints a table for people, and mails as they come", async () => {
    const running = start("--only", "smtp,http");
    const text = await running.says("Ctrl-C ends the sandbox.\n");
    expect(text).toMatch(/^name +URL +user +password +try$/m);
    expect(text).not.toMatch(/^ftp /m);
    const authority = /--cacert (\S+)/.exec(text)?.[1] ?? "";
    const smtps = /^smtps +(\S+)/m.exec(text)?.[1] ?? "";
    const { status, stderr } = await user.run([
      "send",
      smtps,
      "--cacert",
      authority,
      "--from",
      "a@x.example",
      "--to",
      "b@y.example",
      "--subject",
      "Hi",
      "--text",
      "there",
    ]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(await running.says("mail from")).toMatch(/^mail from a@x\.example to b@y\.example: "Hi", \d+$/m);
    await ended(running);
  });

  it("ends at once after it began", async () => {
    const running = start("--json", "--only", "gopher");
    await running.says("gophers");
    await ended(running);
  });

  it("ends with SIGTERM too, and leaves nothing", async () => {
    const running = start("--json", "--only", "gopher");
    await running.says("gophers");
    running.child.kill("SIGTERM");
    expect((await running.ended).status).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("ends quietly when nobody reads it any more and there is something to say", async () => {
    const running = start("--json", "--only", "ftp");
    const [ftp] = objects(await running.says(/"name":"ftps"[^\n]*\n/));
    running.child.stdout.destroy();
    const put = ["put", "-", `${String(ftp?.["url"])}incoming/x`, "-u", "porthole:sandbox"];
    expect((await user.run(put, { input: "x" })).status).toBe(0);
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([0, ""]);
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe("tour", () => {
  it("shows every job, ends with 0 and leaves nothing", async () => {
    const { status, stdout, stderr } = await user.run(["tour"], {
      // What the user has set must not show in it.
      environment: { TMPDIR: temporary, PORTHOLE_JSON: "1", PORTHOLE_TIMEOUT: "0.001" },
    });
    expect(stderr).toBe("");
    expect(stdout.match(/^\d+\. .*$/gm)).toEqual([
      "1. A web page, readable in a terminal",
      "2. The same server over TLS, and JSON laid out",
      "3. A download: written beside its target, renamed when whole",
      "4. A mail",
      "5. The same mail, found by another protocol",
      "6. An FTP directory",
      "7. The same for a script: every entry has a URL that opens again",
      "8. A Gopher hole",
      "9. A Gopher search",
      "10. A session with another machine, by program",
      "11. The simple server, and the simple client",
      "12. What is not there: one line, and a status that scripts can tell",
    ]);
    expect(stdout).toMatch(
      /\$ porthole socket connect tcp:\/\/127\.0\.0\.1:\d+\n {2}Thank you for connecting\n/,
    );
    expect(stdout).toContain("  all is well\n");
    expect(stdout).toContain('The server has it: "The lamp is lit", for harbour@port.example.');
    expect(stdout).toContain("(exit status 8)");
    expect(stdout).toContain("Where to go next");
    expect(stdout).not.toContain("\x1b");
    expect(status).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("is left with Ctrl-C: 130, and nothing stays", async () => {
    const running = user.start(["tour"], { environment: { TMPDIR: temporary } });
    await running.says("1. A web page");
    running.child.kill("SIGINT");
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([130, "porthole: stopped by Ctrl-C\n"]);
    expect(await readdir(temporary)).toEqual([]);
  });
});
