/** `porthole check`. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { conversation, scripted } from "../../../fixtures/servers/scripted.js";
import { objects, User } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["http", "ftp", "smtp"] })]);
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const check = (...args: readonly string[]) => user.run(["check", "--cacert", sandbox.caFile, ...args]);

describe("check", () => {
  it("--json: one object a step, TLS's words in the tls step", async () => {
    const { status, stdout, stderr } = await check("--json", sandbox.url("https"));
    expect([status, stderr]).toEqual([0, ""]);
    const steps = objects(stdout);
    expect(steps.map(({ url, step, ok }) => [url, step, ok])).toEqual(
      ["resolve", "connect", "tls", "roundtrip"].map((step) => [sandbox.url("https"), step, true]),
    );
    expect(steps.every(({ ms }) => typeof ms === "number")).toBe(true);
    expect(steps[2]?.["tls"]).toMatchObject({
      version: "1.3",
      name: "localhost",
      daysLeft: expect.any(Number),
      chain: [{ subject: "CN=Porthole sandbox (good)" }, { subject: "CN=Porthole sandbox authority" }],
    });
  });

  it("is what a bare URL of a server does that holds nothing to look at; nothing is saved of it", async () => {
    const bare = await user.run([sandbox.url("smtp"), "--cacert", sandbox.caFile, "--json"]);
    const asked = await check(sandbox.url("smtp"), "--json");
    expect([bare.status, bare.stderr]).toEqual([asked.status, asked.stderr]);
    const stepsOf = (stdout: string) => objects(stdout).map(({ step, ok, detail }) => [step, ok, detail]);
    expect(stepsOf(bare.stdout)).toEqual(stepsOf(asked.stdout));
    expect(bare.stdout).toContain("PIPELINING");
    const saved = await user.run([sandbox.url("smtp"), "-o", "offered.txt"]);
    expect([saved.status, saved.stdout]).toEqual([2, ""]);
    expect(saved.stderr).toContain("open is not for SMTP");
  });

  it("for people: a line a step; several targets in their order, a block each", async () => {
    const { status, stdout } = await check(sandbox.url("ftps"), sandbox.url("https"));
    expect(status).toBe(0);
    const words = stdout.split("\n").map((line) => line.split(/\s+/).slice(0, 2).join(" "));
    expect(words.filter((line) => /^(?:ok|ftps|https)/.test(line))).toEqual([
      sandbox.url("ftps"),
      ...["resolve", "connect", "tls", "greeting", "capabilities", "login", "roundtrip"].map(
        (step) => `ok ${step}`,
      ),
      sandbox.url("https"),
      ...["resolve", "connect", "tls", "roundtrip"].map((step) => `ok ${step}`),
    ]);
  });

  it("for people: a line for each port of a range, and how many are open", async () => {
    const port = Number(new URL(sandbox.url("ftp")).port);
    const { status, stdout } = await check(`tcp://127.0.0.1:tcpmux,${port}`);
    expect([status, stdout.split("\n")]).toEqual([
      4,
      [
        "closed  tcp://127.0.0.1:1  connection refused",
        expect.stringMatching(new RegExp(`^open    tcp://127\\.0\\.0\\.1:${port}  220 `)),
        "1 of 2 ports are open",
        "",
      ],
    ]);
  });

  it("without the authority: TLS fails with exit 5, and the certificate is told", async () => {
    const { status, stdout } = await user.run(["check", "--json", sandbox.url("https")]);
    expect(status).toBe(5);
    expect(objects(stdout).at(-1)).toMatchObject({
      step: "tls",
      ok: false,
      tls: { authorized: false, daysLeft: expect.any(Number) },
      error: { code: "tls", exit: 5, hint: expect.any(String) },
    });
  });

  it("the status is that of the first failing target, in the order given", async () => {
    const lost = `${sandbox.url("http")}lost`;
    expect((await check(sandbox.url("ftp"), lost, "ftp://127.0.0.1:1/")).status).toBe(8);
    expect((await check("ftp://127.0.0.1:1/", lost)).status).toBe(4);
  });

  it("--input: a URL a line, comments and empty lines passed over, - for standard input", async () => {
    const lines = `# ours\n${sandbox.url("http")}\n\n  ${sandbox.url("ftps")}  # files\n`;
    await writeFile(user.path("places"), lines);
    const fromFile = await check("--json", "--input", "places");
    const places = new Set(objects(fromFile.stdout).map(({ url }) => url));
    expect(places).toEqual(new Set([sandbox.url("http"), sandbox.url("ftps")]));
    const piped = await user.run(["check", "--json", "--input", "-", "--cacert", sandbox.caFile], {
      input: lines,
    });
    expect(objects(piped.stdout)).toHaveLength(objects(fromFile.stdout).length);
    const none = await user.run(["check", "--input", "-"], { input: "# none\n" });
    expect([none.status, none.stderr]).toEqual([
      2,
      "porthole: standard input names no URL - porthole check URL..., or --input FILE with a URL a line\n",
    ]);
    const { status } = await check("--input", "nowhere");
    expect(status).toBe(12);
  });

  it("--nagios: one line, performance data, Nagios' statuses", async () => {
    const well = await check("--nagios", sandbox.url("https"));
    expect(well.status).toBe(0);
    expect(well.stdout).toMatch(
      /^PORTHOLE OK - https:\S+ in \d+ ms \| 'time'=[\d.]+s;;;0 .*'days_left'=36\d;;\n$/,
    );
    const soon = await check("--nagios", "--warn-days", "9999", sandbox.url("https"));
    expect([soon.status, soon.stdout]).toEqual([
      1,
      expect.stringMatching(/^PORTHOLE WARNING - .*expires in 36\d days \|/),
    ]);
    const down = await check("--nagios", "ftp://127.0.0.1:1/");
    expect([down.status, down.stdout]).toEqual([
      2,
      expect.stringMatching(/^PORTHOLE CRITICAL - .*connection refused \|/),
    ]);
  });

  it("--prometheus: metrics", async () => {
    const { status, stdout } = await check("--prometheus", sandbox.url("https"));
    expect(status).toBe(0);
    expect(stdout).toContain(`porthole_up{url="${sandbox.url("https")}"} 1\n`);
    expect(stdout).toMatch(/^porthole_certificate_days_left\{url="[^"]+"\} 36\d$/m);
  });

  it("a password that the server repeats is masked", async () => {
    await using server = await scripted(
      conversation(`
        S: 220 ready
        C: USER me
        S: 331 and?
        C: PASS open-sesame
        S: 530 open-sesame is wrong
      `),
    );
    const { status, stdout } = await user.run([
      ...["check", "--json", "--starttls", "never", "-u", "me:open-sesame", server.url("ftp", "/")],
    ]);
    expect(status).toBe(7);
    expect(objects(stdout).at(-1)).toMatchObject({
      step: "login",
      ok: false,
      error: { reply: "530 [masked] is wrong" },
    });
    expect(stdout).not.toContain("sesame");
  });

  it("wrong usage is told before anything is sent", async () => {
    expect(await user.run(["check"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("check wants a URL"),
    });
    const both = await check("--json", "--nagios", sandbox.url("http"));
    expect([both.status, both.stdout]).toEqual([2, ""]);
  });
});
