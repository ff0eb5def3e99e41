import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEXTS } from "../../fixtures/content/texts.js";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { startTelnet, type TelnetOptions } from "../../fixtures/servers/telnet.js";
import { check } from "../../src/checking.js";
import { Client } from "../../src/client.js";
import { Conversation } from "../../src/net/conversation.js";
import { Transcript } from "../../src/net/transcript.js";
import type { JsonObject, Options } from "../../src/plugin.js";
import { perform, type Stage, steps } from "../socket/performed.js";

const LOGIN = ["expect=login:", "send=porthole", "expect=Password:", "send=sandbox", "expect=harbour$"];

describe("a run against the sandbox", () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["telnet"] });
  });

  afterAll(async () => {
    await sandbox.close();
  });

  function run(options: Options, stage: Stage = {}, scheme = "telnet") {
    const network = { tls: { caFile: sandbox.caFile } };
    return perform("telnet", "run", [sandbox.url(scheme)], options, {
      ...stage,
      settings: { network, ...stage.settings },
    });
  }

  it.each(["telnet", "telnets"])("logs in and runs a command over %s", async (scheme) => {
    const { text } = await run(
      steps(...LOGIN, "send=echo hello there", "expect=/there\\r\\n.*\\$ $/s"),
      {},
      scheme,
    );
    expect(text).toContain("Welcome to the harbour, porthole.");
    expect(text).toContain("harbour$ echo hello there\r\nhello there\r\nharbour$ ");
    expect(text).not.toContain("sandbox\r\n");
  });

  it("shows no transcript the password that a step sends at a prompt", async () => {
    const transcript = new Transcript();
    const said: string[] = [];
    transcript.subscribe(({ direction, bytes }) => {
      if (direction === "client") said.push(bytes?.toString("latin1") ?? "");
    });
    await run(steps(...LOGIN, "send=exit"), { settings: { transcript } });
    expect(said.join("")).toMatch(/porthole\r.*\[masked\]\r.*exit\r/s);
    expect(said.join("")).not.toContain("sandbox");
  });

  it("takes what the last line is answered with, too", async () => {
    const { text } = await run({ settle: 0.2, ...steps(...LOGIN, "send=echo the end") });
    expect(text.endsWith("echo the end\r\nthe end\r\nharbour$ ")).toBe(true);
  });

  it("tells the terminal, the screen and what the user names of the environment, and no more", async () => {
    const { text } = await run({
      term: "vt220",
      window: "132x43",
      environment: ["COLOUR=red sky", "USER=keeper"],
      ...steps(...LOGIN, "send=term", "expect=$ ", "send=size", "expect=$ ", "send=env", "expect=$ "),
    });
    expect(text).toContain("term\r\nvt220\r\n");
    expect(text).toContain("size\r\n132 43\r\n");
    expect(text).toContain("env\r\nCOLOUR=red sky USER=keeper\r\n");
  });

  it("tells each step and the whole with --json", async () => {
    const { records, text } = await run({ json: true, ...steps(...LOGIN) });
    expect(text).toBe("");
    expect(records.map(({ event, step, kind, ok }) => [event, step, kind, ok])).toEqual([
      ["step", 1, "expect", true],
      ["step", 2, "send", true],
      ["step", 3, "expect", true],
      ["step", 4, "send", true],
      ["step", 5, "expect", true],
      ["end", undefined, undefined, true],
    ]);
    expect(records[0]).toMatchObject({ value: "login:", output: "harbour login:" });
    expect(records[5]?.["output"]).toContain("Welcome to the harbour");
  });

  it("tells with --json what came when a step does not come about", async () => {
    const records: unknown[] = [];
    const options = { json: true, timeout: 0.3, ...steps(...LOGIN, "send=echo one", "expect=/never/") };
    await expect(run(options, { onRecord: (data) => records.push(data) })).rejects.toMatchObject({ exit: 6 });
    expect(records.at(-1)).toEqual({
      event: "step",
      ok: false,
      step: 7,
      kind: "expect",
      value: "/never/",
      ms: expect.any(Number),
      output: expect.stringMatching(/echo one\r\none\r\nharbour\$ $/),
    });
  });

  it("ends with the step that does not come about", async () => {
    await expect(
      run({ timeout: 0.3, ...steps(...LOGIN, "send=echo one", "expect=never") }),
    ).rejects.toMatchObject({
      code: "timeout",
      exit: 6,
      message: "step 7 of 7: 'never' did not come within 0.3 s",
      reply: "harbour$",
    });
    await expect(run(steps(...LOGIN, "send=exit", "expect=never"))).rejects.toMatchObject({
      code: "connect",
      exit: 4,
      reply: "Fair winds.",
    });
  });

  it("logs in with the password from the usual places", async () => {
    const credentials = async () => ({ user: "porthole", password: "sandbox", kind: "password" as const });
    const { text } = await run(
      { login: "porthole", ...steps("expect=harbour$", "send=exit") },
      { settings: { credentials } },
    );
    expect(text).toContain("Fair winds.");
    const wrong = async () => ({ user: "porthole", password: "wrong", kind: "password" as const });
    await expect(run({ login: "porthole" }, { settings: { credentials: wrong } })).rejects.toMatchObject({
      code: "auth",
      exit: 7,
      reply: "Login incorrect",
    });
    const none = async () => undefined;
    await expect(run({ login: "porthole" }, { settings: { credentials: none } })).rejects.toMatchObject({
      code: "auth",
    });
  });

  it("is led by a script that branches", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-telnet-"));
    const file = join(folder, "uptime.mjs");
    await writeFile(
      file,
      `export default async (talk, { url }) => {
        const asked = await talk.expect([/user:/i, "login:"]);
        await talk.sendLine("porthole");
        await talk.expect("Password:");
        await talk.sendLine("sandbox");
        await talk.expect("harbour$ ");
        const { output } = await talk.runCommand("texts", "harbour$ ");
        return { asked: asked.index, texts: output.trim().split(/\\s+/).length, at: new URL(url).hostname };
      };`,
    );
    const { records } = await run({ json: true, script: file });
    expect(records.at(-1)).toMatchObject({
      event: "end",
      result: { asked: 1, texts: expect.any(Number), at: "127.0.0.1" },
    });
    const failing = join(folder, "failing.mjs");
    await writeFile(failing, `export default async () => { throw new Error("the light is out"); };`);
    await expect(run({ script: failing })).rejects.toMatchObject({
      code: "refused",
      exit: 9,
      message: `${failing}: the light is out`,
    });
    await expect(run({ script: join(folder, "none.mjs") })).rejects.toMatchObject({
      code: "local",
      exit: 12,
    });
    await rm(folder, { recursive: true });
  });

  it("keeps what it shows in a log, control characters made visible or as they are", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-telnet-"));
    const [log, raw, hosts] = ["log", "raw", "hosts"].map((name) => join(folder, name));
    const talk = steps(...LOGIN, "send=hostile escapes", "expect=and back");
    await run({ log, ...talk });
    await run({ log: raw, "log-raw": true, ...talk });
    expect(await readFile(log ?? "", "utf8")).toContain("Welcome to the harbour, porthole. Type help.\n");
    expect(await readFile(log ?? "", "utf8")).toContain("\\x1b]0;owned\\x07");
    expect(await readFile(raw ?? "", "utf8")).toContain("\x1b]0;owned\x07");
    await expect(run({ log: join(folder, "no", "where"), ...talk })).rejects.toMatchObject({ exit: 12 });
    await writeFile(hosts ?? "", sandbox.url("telnet"));
    await expect(perform("telnet", "run", [], { log, hosts, ...talk })).rejects.toMatchObject({ exit: 2 });
    await rm(folder, { recursive: true });
  });

  it("says in words what a login waited for", async () => {
    await using server = await scripted(script().send("hello\r\n").drain());
    const credentials = async () => ({ user: "porthole", password: "sandbox", kind: "password" as const });
    await expect(
      perform(
        "telnet",
        "run",
        [server.url("telnet")],
        { login: "porthole", timeout: 0.3 },
        { settings: { credentials } },
      ),
    ).rejects.toMatchObject({
      code: "timeout",
      message: "the far side did not ask for a login within 0.3 s",
      reply: "hello",
    });
  });

  it("talks to many hosts, a result a line", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-telnet-"));
    const hosts = join(folder, "hosts");
    await writeFile(
      hosts,
      `# mine\n${sandbox.url("telnet")}\n\ntelnet://127.0.0.1:1\n${sandbox.url("telnet")}\n`,
    );
    const options = { json: true, hosts, jobs: 2, ...steps(...LOGIN, "send=exit", "expect=winds") };
    const lines: JsonObject[] = [];
    const stage = { onRecord: (data: JsonObject) => lines.push(data) };
    const failure = await perform("telnet", "run", [], options, stage).catch((thrown: unknown) => thrown);
    expect(lines.filter(({ ok }) => ok === false)).toMatchObject([
      { url: "telnet://127.0.0.1:1", error: { code: "connect", exit: 4 }, steps: [] },
    ]);
    const told = lines.filter(({ ok }) => ok === true);
    const last = expect.objectContaining({ step: 7, value: "winds", ok: true });
    expect(told).toMatchObject([{ steps: expect.arrayContaining([last]) }, {}]);
    expect(failure).toMatchObject({ code: "partial", exit: 13, message: "1 of 3 hosts failed" });
    await writeFile(hosts, `${sandbox.url("telnet")}\n${sandbox.url("telnet")}\n`);
    const { records: well } = await perform("telnet", "run", [], options);
    expect(well).toMatchObject([{ ok: true, output: expect.stringContaining("Fair winds") }, { ok: true }]);
    const script = join(folder, "script.yaml");
    await writeFile(script, '- expect: "login:"\n  as: greeting\n');
    const { records: kept } = await perform("telnet", "run", [], { json: true, hosts, script });
    expect(kept).toMatchObject([{ result: { greeting: "harbour " } }, { result: { greeting: "harbour " } }]);
    await rm(folder, { recursive: true });
  });

  describe("a script in YAML", () => {
    let folder = "";
    const TEXT = TEXTS[0] ?? { name: "", body: "" };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "porthole-scripts-"));
    });

    afterAll(() => rm(folder, { recursive: true }));

    async function scriptFile(text: string): Promise<string> {
      const file = join(folder, "script.yaml");
      await writeFile(file, text);
      return file;
    }

    const ENTER = `
- expect: "login:"
  send: porthole
- expect: "Password:"
  send: sandbox
- expect:
    "incorrect":
      - fail: the login was refused
    "harbour$":
`;

    it("branches, goes through a pager, and keeps what it is told to", async () => {
      const script = await scriptFile(`${ENTER}
- send: read ${TEXT.name}
  expect:
    "--More--":
      - keys: " "
        again: true
    "harbour$":
  as: text
- send: echo well
  expect: ["never", "/we(l+)\\r\\n/"]
`);
      const { records } = await run({ json: true, window: "80x4", script });
      const text: unknown = records.at(-1)?.["result"];
      const lines = TEXT.body.split("\n");
      expect(lines.length).toBeGreaterThan(6);
      expect(text).toMatchObject({ text: expect.stringContaining(lines[0] ?? "?") });
      expect(text).toMatchObject({ text: expect.stringContaining(lines.at(-2) ?? "?") });
    });

    it("fails where a branch says so, and where a step does not come about", async () => {
      const refused = await scriptFile(ENTER.replace("send: sandbox", "send: wrong"));
      await expect(run({ script: refused })).rejects.toMatchObject({
        code: "refused",
        message: "step 3, at 'incorrect', step 1: the login was refused",
      });
      const late = await scriptFile(`${ENTER}- expect: never\n  timeout: 0.2\n`);
      await expect(run({ script: late })).rejects.toMatchObject({
        code: "timeout",
        message: expect.stringMatching(/^step 4: /),
      });
    });

    it.each([
      ["no YAML", "- expect: [", /is no YAML/],
      ["no YAML, in one line", '- expect: "x', /is no YAML: .* at line \d+, column \d+$/],
      ["no list", "expect: x", /a list of steps is wanted/],
      ["an unknown key", "- expcet: x", /step 1: a step has no 'expcet'/],
      ["a text that is none", "- send: [1]", /step 1: send is a text/],
      ["a pattern that is none", "- expect: /(/", /no regular expression/],
      ["aliases", "- &a send: x\n- *a", /is no YAML/],
    ])("is refused before anybody is troubled: %s", async (_what, text, message) => {
      const script = await scriptFile(text);
      await expect(run({ script })).rejects.toMatchObject({
        code: "usage",
        message: expect.stringMatching(message),
      });
    });
  });

  it("survives what a bad server sends", async () => {
    const { text } = await run(steps(...LOGIN, "send=hostile", "expect=and back"));
    expect(text).toContain("\x1b]0;owned");
    // The one octet 255 that was meant.
    expect(text.replace("a\xffb", "")).not.toMatch(/[\xff\xfb\xfd]/);
  });

  it("takes ten megabytes, and knows where they end", async () => {
    const { text } = await run(steps(...LOGIN, "send=flood 10000000", "expect=harbour$"));
    expect(text.length).toBeGreaterThan(10_000_000);
  });

  it("wants a host, and steps that make sense", async () => {
    await expect(perform("telnet", "run", [])).rejects.toMatchObject({ code: "usage" });
    await expect(run(steps("expect=/(/"))).rejects.toMatchObject({
      code: "usage",
      message: "/(/ is no regular expression",
    });
    await expect(run(steps("expect="))).rejects.toMatchObject({ code: "usage" });
    await expect(run({ window: "wide" })).rejects.toMatchObject({ code: "usage" });
    await expect(run({ charset: "klingon" })).rejects.toMatchObject({ code: "usage" });
  });
});

it("check tells what is said unasked, and what was agreed on", async () => {
  await using server = await scripted(
    script()
      .send(Buffer.from([255, 251, 1, 255, 253, 24]))
      .send("The harbour\r\n\r\nlogin: ")
      .drain(),
  );
  const seen: unknown[] = [];
  for await (const { step, ok, detail } of check(new Client(), [server.url("telnet")]))
    seen.push([step, ok, detail]);
  expect(seen.slice(2)).toEqual([
    ["greeting", true, "The harbour / login:"],
    ["capabilities", true, "TTYPE (ours), ECHO (theirs)"],
  ]);
});

describe("options under the session", () => {
  async function withServer(
    options: Partial<TelnetOptions>,
    act: (url: string) => Promise<void>,
  ): Promise<void> {
    const tls = await makeTlsMaterial();
    const server = await startTelnet({ tls, onArrival: () => undefined, ...options });
    try {
      await act(server.urls[0]?.url ?? "");
    } finally {
      await server.close();
    }
  }

  it("compress both ways (MCCP2, MCCP3)", async () => {
    await withServer({ compress: true }, async (url) => {
      const { text } = await perform(
        "telnet",
        "run",
        [url],
        steps(...LOGIN, "send=flood 300000", "expect=harbour$"),
      );
      expect(text.length).toBeGreaterThan(300_000);
    });
  });

  it("are offered in mid-session, as the sandbox's shell does on wish", async () => {
    await withServer({}, async (url) => {
      const client = new Client();
      const session = await client.open(client.target(url));
      const stream = await session.interact?.();
      if (stream === undefined) throw new Error("nobody to talk to");
      const talk = new Conversation(stream, { timeout: 5000 });
      await talk.expect("login:");
      await talk.sendLine("porthole");
      await talk.expect("Password:");
      await talk.sendLine("sandbox");
      await talk.expect("harbour$");
      for (const name of ["binary", "eor", "timing-mark", "gmcp", "mccp2", "mccp3"]) {
        await talk.runCommand(`offer ${name}`, "harbour$");
      }
      const { output } = await talk.runCommand("flood 100000", "harbour$");
      expect(output.length).toBeGreaterThan(100_000);
      const status = stream.signal("status");
      for (const on of ["BINARY (ours)", "BINARY (theirs)", "EOR", "GMCP", "MCCP2", "MCCP3"]) {
        expect(status).toContain(on);
      }
      expect((await talk.runCommand("offer tea", "harbour$")).output).toContain("offer what?");
      stream.destroy();
      await session[Symbol.asyncDispose]();
    });
  });

  it("start TLS where it is wanted, and not on loopback unasked", async () => {
    await withServer({ startTls: true }, async (url) => {
      const settings = { policy: { starttls: "require" as const }, network: { tls: { insecure: true } } };
      const { text } = await perform("telnet", "run", [url], steps(...LOGIN), { settings });
      expect(text).toContain("Welcome");
      await expect(
        perform("telnet", "run", [url], { timeout: 0.3, ...steps("expect=login:") }),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:timeout|connect)$/),
        hint: "the server asked for TLS and was refused: --starttls require agrees to it",
      });
    });
    await withServer({}, async (url) => {
      const settings = { policy: { starttls: "require" as const } };
      await expect(perform("telnet", "run", [url], steps(...LOGIN), { settings })).rejects.toMatchObject({
        code: "tls",
        exit: 5,
      });
    });
  });

  it("are answered as RFC 854 and its options say", async () => {
    await using server = await scripted(
      script()
        .send(Buffer.from([255, 253, 24, 255, 253, 35, 255, 253, 36, 255, 251, 1, 255, 251, 38]))
        .expect(Buffer.from([255, 251, 24, 255, 252, 35, 255, 252, 36, 255, 253, 1, 255, 254, 38]))
        .send(Buffer.from([255, 250, 24, 1, 255, 240]))
        .expect(Buffer.from([255, 250, 24, 0, ...Buffer.from("dumb"), 255, 240]))
        .send(Buffer.from([255, 253, 42, 255, 250, 42, 1, ...Buffer.from(";KOI8-R;UTF-8"), 255, 240]))
        .expect(Buffer.from([255, 251, 42, 255, 250, 42, 2, ...Buffer.from("UTF-8"), 255, 240]))
        .send("ready: ")
        .expect(Buffer.from([0xc3, 0xbf, ...Buffer.from(" ok\r\n")]))
        .send("done\r\n")
        .drop(),
    );
    const { text } = await perform(
      "telnet",
      "run",
      [server.url("telnet")],
      steps("expect=ready:", "send=ÿ ok", "expect=done"),
    );
    await server.done;
    expect(text).toBe("ready: done\r\n");
  });

  it("speak the far side's charset", async () => {
    await using server = await scripted(
      script()
        .send(Buffer.from([0x81, 0x62, 0x3a]))
        .expect(Buffer.from([0x84, 0x0d, 0x0a]))
        .send(Buffer.from([0xe1]))
        .drop(),
    );
    const { text } = await perform("telnet", "run", [server.url("telnet")], {
      charset: "cp437",
      ...steps("expect=üb:", "send=ä", "expect=ß"),
    });
    expect(Buffer.from(text, "latin1").toString()).toBe("üb:ß");
  });

  it("end a server that negotiates without end", async () => {
    const offers = Buffer.from(
      Array.from({ length: 30_000 }, (_, at) => [255, at % 2 ? 251 : 252, 1]).flat(),
    );
    await using server = await scripted(script().send(offers).drain());
    await expect(
      perform("telnet", "run", [server.url("telnet")], { timeout: 10, ...steps("expect=x") }),
    ).rejects.toMatchObject({ code: "protocol", exit: 11 });
  });
});
