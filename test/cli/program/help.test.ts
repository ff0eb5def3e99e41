/** --help in all its places, --version, the table of protocols, and plugins in it. */
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WORDS } from "../../../src/cli/verbs.js";
import { MANIFESTS } from "../../../src/registry.js";
import { objects, PROGRAM, User } from "./program.js";

let user: User;
beforeAll(async () => {
  user = await User.create();
});
afterAll(async () => {
  await user[Symbol.asyncDispose]();
});

/** What it prints, with 0 and nothing on standard error. */
async function printed(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await user.run(args);
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

const VERBS = ["ls", "get", "put", "rm", "mv", "mkdir", "stat", "search", "send"];
const TOOLS = ["protocols", "sandbox", "tour", "config", "completion"];

describe("--help", () => {
  it("lists what can be typed, and every shared option", async () => {
    const help = await printed("--help");
    for (const word of [...VERBS, ...TOOLS]) expect(help).toMatch(new RegExp(`^  porthole ${word}\\b`, "m"));
    for (const flag of [
      "-u, --user",
      "-k, --insecure",
      "-4, --ipv4",
      "-6, --ipv6",
      "-x, --proxy",
      "--max-time",
    ]) {
      expect(help).toMatch(new RegExp(`^ +${flag} `, "m"));
    }
    const planned = WORDS.filter(({ load }) => load === undefined);
    for (const { name } of planned) expect(help).not.toMatch(new RegExp(`^  porthole ${name}\\b`, "m"));
    expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it("tells of a command what the options of all mean there", async () => {
    const shared = /^Options of every command, and what they are here:$/m;
    expect(await printed("telnet", "run", "--help")).toMatch(/^ +--timeout +S: seconds for each --expect/m);
    expect(await printed("telnet", "--help")).toMatch(
      /^porthole telnet:\/\/HOST: a session at this terminal$/m,
    );
    expect(await printed("socket", "--help")).toMatch(/^`porthole socket COMMAND --help` has its options/m);
    const listen = await printed("socket", "listen", "--help");
    expect(listen).toMatch(shared);
    expect(listen).toMatch(/^ +--cert +FILE: of this server/m);
    expect(await printed("gopher", "caps", "--help")).not.toMatch(shared);
  });

  it("is what the bare program prints, and -h", async () => {
    expect(await printed()).toBe(await printed("--help"));
    expect(await printed("-h")).toBe(await printed("--help"));
  });

  it.each([
    ["ls", ["--long", "--recursive", "--limit"], /^For: .*\bFTP, .*\bGopher\b.*\.$/m],
    [
      "get",
      ["--output", "--remote-name", "--directory", "--force", "--resume", "--max-size"],
      /^For: HTTP, .*\bFTP, .*\bGopher\b.*\.$/m,
    ],
    ["put", ["--force", "--resume"], /^For: HTTP, .*\bFTP\b.*\.$/m],
    ["rm", ["--recursive", "--yes"], /^For: HTTP, .*\bFTP\b.*\.$/m],
    ["send", ["--from", "--to", "--subject", "--attach", "--eml", "--dry-run"], /^For: .*\bSMTP\b.*\.$/m],
    ["sandbox", ["--only"], /^Options:$/m],
  ])("of %s names its options and who can", async (verb, flags, who) => {
    const help = await printed(verb, "--help");
    expect(help.split("\n")[0]).toMatch(new RegExp(`^porthole ${verb}\\b`));
    for (const flag of flags) expect(help).toContain(flag);
    expect(help).toMatch(who);
    // An option that two protocols share has its letter once.
    expect(help).not.toMatch(/-(\w), -\1\b/);
  });

  it.each([...VERBS, ...TOOLS])("of %s works before and after the word", async (word) => {
    expect(await printed(word, "--help")).toBe(await printed("--help", word));
  });

  it("of a URL tells what a bare URL takes", async () => {
    expect((await printed("https://example.org", "--help")).split("\n")[0]).toBe("porthole open URL");
  });

  it("of a protocol tells schemes, verbs and commands", async () => {
    const help = await printed("ftp", "--help");
    expect(help).toContain("Schemes: ftp: (port 21), ftps: (port 990)");
    expect(help).toMatch(/^Verbs: {3}open, ls, get, put, stat, rm, mv, mkdir\b/m);
    expect(help).toMatch(/^ {2}porthole ftp quote URL COMMAND\.\.\. +send one command/m);
    expect(await printed("ftp")).toBe(help);
  });

  it.each([
    ["gopher", "open, ls, get, stat, search, check, cp, mirror, watch, browse, shell"],
    ["smtp", "open, send, check, shell"],
    ["socket", "open, get, put, send, watch, check, cp, browse, shell"],
  ])("of %s names the verbs that are of use with it beside its own", async (name, verbs) => {
    expect((await printed(name, "--help")).split(/^Verbs: {3}/m)[1]?.split("\n")[0]).toBe(verbs);
  });

  it("of a protocol's command tells its use", async () => {
    expect((await printed("ftp", "quote", "--help")).split("\n")[0]).toBe(
      "porthole ftp quote URL COMMAND...",
    );
  });

  const planned = WORDS.filter(({ load }) => load === undefined).map(({ name }) => name);
  it.each(planned)("of a verb in the plan says so: %s", async (verb) => {
    expect(await printed(verb, "--help")).toContain("In the plan; it cannot be used yet.");
  });
});

describe("--version", () => {
  it.each([["--version"], ["-V"], ["--version", "--json"]])("%s", async (...args) => {
    expect(await printed(...args)).toMatch(/^porthole \d+\.\d+\.\d+\n$/);
  });
});

describe("protocols", () => {
  it("is the table of all ten rows", async () => {
    const lines = (await printed("protocols")).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^protocol +schemes and ports +verbs +purpose$/);
    expect(lines.slice(1).map((line) => line.split(" ")[0])).toEqual([
      "http",
      "nntp",
      "ftp",
      "smtp",
      "pop3",
      "imap",
      "telnet",
      "gopher",
      "socket",
      "local",
    ]);
    expect(lines[3]).toMatch(
      /^ftp +ftp 21, ftps 990 +open ls get put stat rm mv mkdir\b.* +files and directories$/,
    );
    const unbuilt = MANIFESTS.filter(({ verbs }) => verbs.length === 0).map(({ name }) => name);
    expect(lines.filter((line) => / not yet /.test(line)).map((line) => line.split(" ")[0])).toEqual(unbuilt);
  });

  it("--json has the same for programs", async () => {
    const rows = objects(await printed("protocols", "--json"));
    expect(rows).toHaveLength(10);
    expect(rows[7]).toEqual({
      name: "gopher",
      title: "Gopher",
      summary: "menus and documents",
      schemes: { gopher: { port: 70, tls: "never" }, gophers: { port: 70, tls: "always" } },
      verbs: expect.arrayContaining(["open", "ls", "get", "stat", "search"]),
      commands: ["attributes", "ask", "caps", "crawl"].map((name) => ({ name, summary: expect.any(String) })),
    });
  });
});

describe("PORTHOLE_PLUGINS", () => {
  const MANIFEST = `export const manifest = {
  name: "echo",
  title: "Echo",
  summary: "says it again",
  schemes: { echo: { port: 7, tls: "never" } },
  verbs: ["get"],
  options: [],
  commands: [],
  load: async () => ({
    commands: {},
    open: async (target) => ({
      read: async (path) => ({
        entry: { url: target.href(path), name: path, kind: "page", meta: {} },
        type: "text/plain",
        offset: 0,
        body: (await import("node:stream")).Readable.from([Buffer.from(path)]),
      }),
      [Symbol.asyncDispose]: async () => {},
    }),
  }),
};
`;

  /** Porthole and a plugin side by side, as npm installs them. @returns the command */
  async function installed(code: string): Promise<string> {
    const modules = join(user.home, `installed-${Math.random().toString(36).slice(2)}`, "node_modules");
    await cp(dirname(PROGRAM), join(modules, "porthole", "dist", "program"), { recursive: true });
    const plugin = join(modules, "porthole-plugin-echo");
    await mkdir(plugin, { recursive: true });
    await writeFile(
      join(plugin, "package.json"),
      '{ "name": "porthole-plugin-echo", "type": "module", "exports": "./main.js" }',
    );
    await writeFile(join(plugin, "main.js"), code);
    await mkdir(join(modules, ".bin"));
    await symlink("../porthole/dist/program/porthole.js", join(modules, ".bin", "porthole"));
    return join(modules, ".bin", "porthole");
  }

  it("adds a protocol to the table, the help and the verbs", async () => {
    const command = await installed(MANIFEST);
    const environment = { PORTHOLE_PLUGINS: "porthole-plugin-echo" };
    const table = await user.shell(`'${command}' protocols`, environment);
    expect(table.stdout).toMatch(/^echo +echo 7 +open get +says it again$/m);
    const got = await user.shell(`'${command}' get echo://host/words`, environment);
    expect([got.status, got.stdout, got.stderr]).toEqual([0, "/words", ""]);
    const help = await user.shell(`'${command}' get --help`, environment);
    expect(help.stdout).toMatch(/^For: HTTP, .*, Echo\.$/m);
  });

  it("is needed: a package that merely lies there runs no code", async () => {
    const command = await installed('throw new Error("loaded");');
    const { status, stdout } = await user.shell(`'${command}' protocols`);
    expect(status).toBe(0);
    expect(stdout).not.toContain("echo");
  });

  it.each([
    [
      "porthole-plugin-ehco",
      MANIFEST,
      "the plugin porthole-plugin-ehco is not installed - did you mean porthole-plugin-echo?",
    ],
    [
      "echo",
      MANIFEST,
      "'echo' is not the name of a plugin - PORTHOLE_PLUGINS lists packages named porthole-plugin-NAME, parted by commas",
    ],
    [
      "porthole-plugin-echo",
      MANIFEST.replace('"echo"', '"ftp"'),
      "two protocols are named ftp - take one of the two out of PORTHOLE_PLUGINS",
    ],
  ])("that names %s wrongly is 2", async (names, code, line) => {
    const command = await installed(code);
    const { status, stderr } = await user.shell(`'${command}' protocols`, { PORTHOLE_PLUGINS: names });
    expect(stderr).toBe(`porthole: ${line}\n`);
    expect(status).toBe(2);
  });

  it("that breaks when it is loaded is 2", async () => {
    const command = await installed('throw new Error("no luck");');
    const { status, stderr } = await user.shell(`'${command}' protocols`, {
      PORTHOLE_PLUGINS: "porthole-plugin-echo",
    });
    expect(stderr).toMatch(
      /^porthole: the plugin porthole-plugin-echo cannot be used: it cannot be loaded: no luck - it is in [^\n]+\n$/,
    );
    expect(status).toBe(2);
  });
});

it("an option that protocols mean differently is told in the words of each", async () => {
  const { status, stdout } = await user.run(["get", "--help"]);
  expect(status).toBe(0);
  const text = stdout.replace(/\s+/g, " ");
  expect(text).toContain("Gopher: the character set of menus and texts");
  expect(text).toMatch(/--charset NAME: [^-]*\b(IMAP4?|NNTP|Telnet|Mail)[^-]*: /);
});
