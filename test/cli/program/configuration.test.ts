/** The configuration file, the environment and the flags, as the program heeds and shows them. */
import { chmod, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { script, scripted } from "../../../fixtures/servers/scripted.js";
import { objects, User } from "./program.js";
import { Web } from "./web.js";

let user: User;
let sandbox: Sandbox;
let file = "";

beforeAll(async () => {
  user = await User.create();
  sandbox = await startSandbox({ only: ["http", "ftp"] });
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

describe("porthole config", () => {
  it("without a file says where it would be", async () => {
    const { status, stdout } = await user.run(["config"]);
    expect(stdout).toBe(
      `file      ${user.home}/.config/porthole/config.toml (not there)\n\nNo option is set; every default holds.\n`,
    );
    expect(status).toBe(0);
  });

  it("tells each value's source: flag, environment, file and line", async () => {
    file = await user.configure(`[defaults]
timeout = 30
retry = 2
color = "never"

[http]
timeout = 90
max-redirects = 3

[accounts.work]
url = "ftp://porthole@ftp.example/pub"
password = "s3cret"

[accounts.home]
url = "https://me@home.example/"
password-command = "pass show home"
`);
    const { status, stdout } = await user.run(["config", "--retry", "5", "--json"], {
      environment: { PORTHOLE_CONNECT_TIMEOUT: "7", PORTHOLE_TIMEOUT: "12" },
    });
    expect(objects(stdout)).toEqual([
      { file, found: true },
      { key: "json", value: true, source: "flag" },
      { key: "color", value: "never", source: `${file}:4` },
      { key: "timeout", value: 12, source: "environment PORTHOLE_TIMEOUT" },
      { key: "connect-timeout", value: 7, source: "environment PORTHOLE_CONNECT_TIMEOUT" },
      { key: "retry", value: 5, source: "flag" },
      { key: "http.max-redirects", value: 3, source: `${file}:8` },
      {
        account: "work",
        name: "work",
        url: "ftp://porthole@ftp.example/pub",
        secret: "password",
        source: `${file}:10`,
      },
      {
        account: "home",
        name: "home",
        url: "https://me@home.example/",
        secret: "password-command",
        source: `${file}:14`,
      },
    ]);
    expect(status).toBe(0);
  });

  it("never prints a password, wherever it stands", async () => {
    await user.configure(`[defaults]
user = "me:s3cret"
proxy = "http://me:s3cret@proxy.example:8080"

[http]
header = ["Authorization: Bearer s3cret", "X-Plain: shown"]

[accounts.work]
url = "ftp://me:s3cret@ftp.example/"
`);
    for (const flags of [[], ["--json"]]) {
      const { status, stdout, stderr } = await user.run(["config", ...flags, "-u", "you:s3cret"]);
      expect(stdout + stderr).not.toContain("s3cret");
      expect(stdout).toContain("you:[masked]");
      expect(stdout).toContain("http://me@proxy.example:8080");
      expect(stdout).toContain("X-Plain: shown");
      expect(stdout).toContain("ftp://me@ftp.example/");
      expect(status).toBe(0);
    }
  });

  it("--no-config heeds none, --config FILE another", async () => {
    await user.configure('[defaults]\ncolor = "always"\n');
    const none = await user.run(["config", "--no-config"]);
    expect(none.stdout).toMatch(/^file {6}none \(--no-config\)\n/);
    expect(none.stdout).not.toContain("always");
    await writeFile(user.path("other.toml"), '[defaults]\ncolor = "never"\n');
    const other = await user.run(["config", "--config", "other.toml", "--json"]);
    expect(objects(other.stdout)).toContainEqual({ key: "color", value: "never", source: "other.toml:2" });
    const missing = await user.run(["config", "--config", "nowhere.toml"]);
    expect(missing.stderr).toBe("porthole: nowhere.toml: no such file or folder - --config names the file\n");
    expect(missing.status).toBe(12);
  });
});

describe("a file with a mistake", () => {
  it.each([
    ["[defaults]\ntimout = 3\n", "2: unknown option 'timout' in [defaults] - did you mean timeout?"],
    ["[defaults]\n\n[htpp]\nx = 1\n", "3: unknown section 'htpp' - did you mean http?"],
    ['[accounts.a]\nurll = "ftp://x/"\n', "2: unknown key 'urll' in [accounts.a] - did you mean url?"],
    ['[defaults]\ntimeout = "soon"\n', "2: timeout: the value is a number"],
    ['[defaults]\ncolor = "nver"\n', "2: color: 'nver' is none of auto, always, never - did you mean never?"],
    ['[accounts.a]\nuser = "x"\n', "2: unknown key 'user' in [accounts.a]"],
  ])("names the line and the nearest right spelling: %j", async (text, line) => {
    file = await user.configure(text);
    await using web = await Web.serve((response) => response.end("x"));
    const { status, stdout, stderr } = await user.run(["get", web.url("/")]);
    expect(stderr).toContain(`porthole: ${file}:${line}`);
    expect(stderr.split("\n")).toHaveLength(2);
    expect([status, stdout]).toEqual([2, ""]);
    expect(web.asked).toEqual([]);
    expect((await user.run(["get", web.url("/"), "--no-config"])).status).toBe(0);
  });

  it("does not quote a line that may hold a password", async () => {
    await user.configure('[accounts.a]\nurl = "ftp://x/"\npassword = "s3cret\n');
    const { status, stderr } = await user.run(["config"]);
    expect(stderr).toMatch(/^porthole: [^\n]+config\.toml:\d+: [^\n]+\n$/);
    expect(stderr).not.toContain("s3cret");
    expect(status).toBe(2);
  });

  it("and a wrong value in the environment", async () => {
    await user.configure("");
    const { status, stderr } = await user.run(["config"], { environment: { PORTHOLE_TIMEOUT: "soon" } });
    expect(stderr).toBe("porthole: PORTHOLE_TIMEOUT: the value is a number\n");
    expect(status).toBe(2);
  });
});

describe("what holds", () => {
  it("defaults are heeded, a protocol's own before them, the flag before all", async () => {
    await user.configure("[defaults]\ntimeout = 0.4\n\n[ftp]\ntimeout = 60\n");
    await using server = await scripted(script().drain(), { connections: 9 });
    const began = performance.now();
    const { status, stderr } = await user.run(["get", server.url("http", "/x")]);
    expect(stderr).toContain("0.4 s");
    expect(status).toBe(6);
    const flagged = await user.run(["get", server.url("http", "/x"), "--timeout", "0.2"]);
    expect(flagged.stderr).toContain("0.2 s");
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("json, color and quiet of the file hold for listings, warnings and errors", async () => {
    await user.configure('[defaults]\njson = true\nquiet = true\ncolor = "always"\n');
    const url = sandbox.url("ftp").replace("//", "//porthole:sandbox@");
    const { stdout, stderr } = await user.run(["ls", `${url}pub`, `${url}nowhere`]);
    expect(objects(stdout).map(({ name }) => name)).toContain("exact.bin");
    expect(objects(stderr)).toMatchObject([{ error: { code: "missing" } }]);
    await user.configure('[defaults]\ncolor = "always"\n');
    const colored = await user.run(["ls", "-l", `${sandbox.url("ftp")}pub`]);
    expect(colored.stdout).toContain("\x1b[34mcharts\x1b[39m");
    const plain = await user.run(["ls", "-l", "--color", "never", `${sandbox.url("ftp")}pub`]);
    expect(plain.stdout).not.toContain("\x1b");
  });
});

describe("an account", () => {
  it("stands for its URL and logs in", async () => {
    await user.configure(`[accounts.box]
url = "${sandbox.url("ftp").replace("//", "//porthole@")}pub"
password = "sandbox"
`);
    const { status, stdout, stderr } = await user.run(["ls", "@box", "-v"]);
    expect(status).toBe(0);
    expect(stdout).toContain("exact.bin\n");
    expect(stderr).toContain("C: USER porthole");
    expect(stderr).toContain("C: PASS [masked]");
    const below = await user.run(["get", "@box/exact.bin"]);
    expect(below.octets).toHaveLength(256);
  });

  it("gives its password to the same place by its URL, and to no other", async () => {
    await user.configure(`[accounts.web]
url = "${sandbox.url("http").replace("//", "//porthole@")}"
password = "sandbox"
`);
    const same = await user.run(["get", `${sandbox.url("http")}auth/basic`]);
    expect(JSON.parse(same.stdout)).toEqual({ authenticated: true, user: "porthole" });
    await using web = await Web.serve((response) => {
      response.statusCode = 401;
      response.setHeader("WWW-Authenticate", 'Basic realm="x"');
      response.end();
    });
    const other = await user.run(["get", web.url("/")]);
    expect(other.status).toBe(7);
    expect(web.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("that is not there is 2, with the nearest", async () => {
    await user.configure('[accounts.work]\nurl = "ftp://ftp.example/"\n');
    const near = await user.run(["ls", "@wrok"]);
    expect(near.stderr).toBe(
      "porthole: there is no account 'wrok' in the configuration - did you mean @work?\n",
    );
    const far = await user.run(["ls", "@elsewhere/x"]);
    expect(far.stderr).toBe(
      "porthole: there is no account 'elsewhere' in the configuration - `porthole config` shows the file and the accounts in it\n",
    );
    expect([near.status, far.status]).toEqual([2, 2]);
  });

  it("whose password others can read draws a warning, which -q takes away", async () => {
    file = await user.configure('[accounts.work]\nurl = "ftp://ftp.example/"\npassword = "s3cret"\n', 0o644);
    const { status, stderr } = await user.run(["config"]);
    expect(stderr).toBe(`porthole: ${file} holds a password and others can read it: chmod 600 it\n`);
    expect(status).toBe(0);
    expect((await user.run(["config", "-q"])).stderr).toBe("");
    await chmod(file, 0o600);
    expect((await user.run(["config"])).stderr).toBe("");
  });
});

describe("credentials", () => {
  const auth = () => `${sandbox.url("http")}auth/basic`;
  const inside = { authenticated: true, user: "porthole" };

  it.each([
    ["-u", ["-u", "porthole:sandbox"], {}],
    ["--password-command", ["-u", "porthole", "--password-command", "echo sandbox"], {}],
    ["PORTHOLE_PASSWORD", ["-u", "porthole"], { PORTHOLE_PASSWORD: "sandbox" }],
  ])("from %s", async (_where, args, environment) => {
    await user.configure("");
    const { status, stdout, stderr } = await user.run(["get", auth(), ...args], { environment });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(inside);
    expect(status).toBe(0);
  });

  it("from netrc, with a warning when others can read it", async () => {
    const netrc = user.path("netrc");
    await writeFile(netrc, "machine 127.0.0.1 login porthole password sandbox\n", { mode: 0o600 });
    const silent = await user.run(["get", auth(), `--netrc=${netrc}`]);
    expect([silent.status, silent.stderr]).toEqual([0, ""]);
    await chmod(netrc, 0o644);
    const warned = await user.run(["get", auth(), `--netrc=${netrc}`]);
    expect(warned.stderr).toMatch(/^porthole: [^\n]*netrc[^\n]*others[^\n]*\n$/);
    expect(JSON.parse(warned.stdout)).toEqual(inside);
  });

  it("that are wrong are 7, and with none and nobody to ask too", async () => {
    const wrong = await user.run(["get", auth(), "-u", "porthole:wrong"]);
    expect(wrong.status).toBe(7);
    const none = await user.run(["get", auth()]);
    expect(none.status).toBe(7);
    expect(none.stderr).toMatch(/^porthole: http: [^\n]*\n$/);
  });
});
