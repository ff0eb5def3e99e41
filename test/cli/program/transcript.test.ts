/** -v, -vv, --trace, --record, and what never stands in them. */
import { readFile, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { conversation, scripted } from "../../../fixtures/servers/scripted.js";
import { User } from "./program.js";
import { Web } from "./web.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  user = await User.create();
  sandbox = await startSandbox({ only: ["http", "ftp"] });
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const SECRET = "s3cret!/pass";
const BASIC = Buffer.from(`me:${SECRET}`).toString("base64");

/** Every form in which the secret could be seen. */
function expectNoSecret(text: string): void {
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain(encodeURIComponent(SECRET));
  expect(text).not.toContain(BASIC);
  expect(text).not.toContain(Buffer.from(SECRET).toString("base64"));
}

/** An FTP server that lets nobody in, and shows what it was told. */
const REFUSING = conversation(`
  S: 220 ready
  C: USER me
  S: 331 and the password?
  C: PASS ${SECRET}
  S: 530 not ${SECRET}
`);

describe("-v", () => {
  it("shows the dialogue on standard error, with times, and the data alone on standard output", async () => {
    const { status, stdout, stderr } = await user.run(["get", "-v", `${sandbox.url("http")}echo`]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ method: "GET" });
    expect(stderr).toMatch(/^ +\d+\.\d{3} \*: connected to 127\.0\.0\.1/m);
    expect(stderr).toMatch(/^ +\d+\.\d{3} C: GET \/echo HTTP\/1\.1$/m);
    expect(stderr).toMatch(/^ +\d+\.\d{3} S: HTTP\/1\.1 200 OK$/m);
  });

  it("masks HTTP's Basic credentials, and what the server repeats of them", async () => {
    await using web = await Web.serve((response, { headers }) => {
      if (headers.authorization === undefined) {
        response.statusCode = 401;
        response.setHeader("WWW-Authenticate", 'Basic realm="x"');
      }
      response.setHeader("X-Echo", headers.authorization ?? "none");
      response.end("in");
    });
    for (const flag of ["-v", "-vv"]) {
      const { status, stdout, stderr } = await user.run(["get", flag, web.url("/x"), "-u", `me:${SECRET}`]);
      expect([status, stdout]).toEqual([0, "in"]);
      expect(stderr).toMatch(/^ +\d+\.\d{3} C: Authorization: \[masked\]$/m);
      expect(stderr).toMatch(/^ +\d+\.\d{3} S: X-Echo: \[masked\]$/m);
      expectNoSecret(stderr);
    }
    expect(web.asked.at(-1)?.headers.authorization).toBe(`Basic ${BASIC}`);
  });

  it.each(["-v", "-vv"])("masks FTP's PASS, and the reply that repeats it: %s", async (flag) => {
    await using server = await scripted(REFUSING);
    const { status, stderr } = await user.run(["ls", flag, server.url("ftp", "/"), "-u", `me:${SECRET}`]);
    expect(stderr).toContain("C: PASS [masked]");
    expect(stderr).toContain("S: 530 not [masked]");
    expect(status).toBe(7);
    await server.done;
  });
});

describe("a password", () => {
  it("in a URL draws a warning, works, and is never shown", async () => {
    const { user: name, password } = { user: "porthole", password: "sandbox" };
    const url = sandbox.url("http").replace("//", `//${name}:${password}@`);
    const { status, stdout, stderr } = await user.run(["get", "-v", `${url}auth/basic`]);
    expect(JSON.parse(stdout)).toEqual({ authenticated: true, user: "porthole" });
    expect(stderr).toContain(
      "porthole: a password in a URL stays in the shell's history - leave it out and it is asked for, or use --password-command\n",
    );
    expect(stderr).not.toContain(":sandbox");
    expect(stderr).not.toContain(Buffer.from("porthole:sandbox").toString("base64"));
    expect(status).toBe(0);
  });

  it("in a URL draws no warning with -q, and an object with --json", async () => {
    const url = sandbox.url("ftp").replace("//", "//porthole:sandbox@");
    const quiet = await user.run(["ls", "-q", url]);
    expect([quiet.status, quiet.stderr]).toEqual([0, ""]);
    const json = await user.run(["ls", "--json", url]);
    expect(JSON.parse(json.stderr)).toMatchObject({
      warning: { message: expect.stringMatching(/^a password in a URL stays/) },
    });
    expect(json.stdout).not.toContain("sandbox@");
  });

  it("in a URL is in no error, whatever is wrong with it", async () => {
    for (const url of [
      `ftp://me:${SECRET}@127.0.0.1:1/`,
      `ftp://me:${encodeURIComponent(SECRET)}@127.0.0.1:1/`,
      `nosuch://me:${SECRET}@127.0.0.1:1/`,
      `http://me:${encodeURIComponent(SECRET)}@127.0.0.1:99999/`,
      `http://me:${encodeURIComponent(SECRET)}@[::zz]/`,
      `imap://me:${encodeURIComponent(SECRET)}@127.0.0.1/`,
      `me:${SECRET}@127.0.0.1/`,
    ]) {
      for (const flags of [["-vv"], ["--json"]]) {
        const { status, stdout, stderr } = await user.run(["get", url, ...flags]);
        expect(status).toBeGreaterThan(0);
        expectNoSecret(stdout + stderr);
      }
    }
  });

  it("on the command line is not in the list of processes", async () => {
    await using web = await Web.serve(() => undefined);
    const running = user.start(["get", web.url("/x"), "-u", `me:${SECRET}`]);
    while (web.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const shown = await readFile(`/proc/${running.child.pid}/cmdline`, "utf8");
    running.child.kill("SIGINT");
    await running.ended;
    expect(shown.replaceAll("\0", "")).toBe("porthole");
  });
});

describe("--trace", () => {
  it("writes the dialogue to a file that others cannot read, and nothing on standard error", async () => {
    await using server = await scripted(REFUSING);
    const { stderr } = await user.run([
      "ls",
      server.url("ftp", "/"),
      "-u",
      `me:${SECRET}`,
      "--trace",
      "trace.txt",
      "-q",
    ]);
    expect(stderr).toBe("porthole: ftp: the server refused the login (530 not [masked])\n");
    const trace = await readFile(user.path("trace.txt"), "utf8");
    expect(trace).toMatch(/^ +\d+\.\d{3} S: 220 ready$/m);
    expect(trace).toContain("C: PASS [masked]");
    expectNoSecret(trace + stderr);
    expect((await stat(user.path("trace.txt"))).mode & 0o777).toBe(0o600);
  });

  it("into a file that cannot be written is 12, and nothing is sent", async () => {
    await using web = await Web.serve((response) => response.end("x"));
    const { status, stderr } = await user.run(["get", web.url("/x"), "--trace", "nowhere/trace.txt"]);
    expect(stderr).toBe("porthole: nowhere/trace.txt: no such file or folder\n");
    expect(status).toBe(12);
    expect(web.asked).toEqual([]);
  });
});

describe("--record", () => {
  it("keeps the whole conversation, secrets masked", async () => {
    await using server = await scripted(REFUSING);
    await user.run(["ls", server.url("ftp", "/"), "-u", `me:${SECRET}`, "--record", "session.rec"]);
    const recording = await readFile(user.path("session.rec"), "utf8");
    expect(recording.split("\n")[0]).toMatch(/^# Porthole recording 1, \d{4}-\d\d-\d\dT/);
    expect(
      recording
        .replace(/^\d+\.\d{3} /gm, "")
        .split("\n")
        .slice(2),
    ).toEqual([
      "1 S: 220 ready",
      "1 C: USER me",
      "1 S: 331 and the password?",
      "1 C: PASS [masked]",
      "1 S: 530 not [masked]",
      "1 * closed",
      expect.stringMatching(/^# end, sha256 [0-9a-f]{64}$/),
      "",
    ]);
    expectNoSecret(recording);
  });
});
