import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accountFor, type ConfigSchema, effective, effectiveOptions, loadConfig } from "../../src/config.js";
import { parseConfig } from "../../src/config-file.js";
import { parseUrl } from "../../src/url.js";

const schema: ConfigSchema = {
  shared: [
    { flag: "timeout", type: "number", summary: "" },
    { flag: "insecure", type: "boolean", summary: "" },
    { flag: "starttls", type: "string", choices: ["auto", "require", "never"], summary: "" },
    { flag: "resolve", type: "list", summary: "" },
  ],
  protocols: { ftp: [{ flag: "active", type: "boolean", summary: "" }], http: [] },
};

const TEXT = `
[defaults]
timeout = 30
resolve = ["h:80:127.0.0.1"]

[ftp]
active = true
timeout = 90

[accounts.work]
url = "imaps://me@mail.example.org/"
password-command = "pass show work"
`;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "porthole-config-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

describe("the configuration file", () => {
  it("lies under XDG_CONFIG_HOME, or under ~/.config", async () => {
    await mkdir(join(root, "porthole"), { recursive: true });
    const path = join(root, "porthole", "config.toml");
    await writeFile(path, TEXT);
    const config = await loadConfig({ schema, environment: { XDG_CONFIG_HOME: root } });
    expect([config.path, config.found, config.warnings]).toEqual([path, true, []]);
    expect(config.defaults.get("timeout")).toEqual({ value: 30, source: `${path}:3` });
    const none = await loadConfig({ schema, environment: { HOME: "/nowhere" } });
    expect([none.path, none.found]).toEqual(["/nowhere/.config/porthole/config.toml", false]);
  });

  it("is not read with --no-config, and must be there with --config", async () => {
    const environment = { XDG_CONFIG_HOME: root };
    expect((await loadConfig({ schema, environment, disabled: true })).path).toBe(undefined);
    const missing = join(root, "missing.toml");
    await expect(loadConfig({ schema, environment, file: missing })).rejects.toMatchObject({ exit: 12 });
  });

  it("draws a warning when it holds a password that others can read", async () => {
    const file = join(root, "secret.toml");
    await writeFile(file, '[accounts.a]\nurl = "ftp://h/"\npassword = "x"\n');
    await chmod(file, 0o644);
    expect((await loadConfig({ schema, environment: {}, file })).warnings).toEqual([
      `${file} holds a password and others can read it: chmod 600 it`,
    ]);
    await chmod(file, 0o600);
    expect((await loadConfig({ schema, environment: {}, file })).warnings).toEqual([]);
  });

  it.each([
    ["[defaults]\n\ntimout = 3", "c.toml:3: unknown option 'timout' in [defaults]", "did you mean timeout?"],
    ["[defualts]\n", "c.toml:1: unknown section 'defualts'", "did you mean defaults?"],
    ["[ftp]\nactiv = true", "c.toml:2: unknown option 'activ' in [ftp]", "did you mean active?"],
    [
      "[http]\nactive = true",
      "c.toml:2: unknown option 'active' in [http]",
      "`porthole config` lists those there are",
    ],
    ["timeout = 3", "c.toml:1: unknown section 'timeout'", "`porthole config` lists those there are"],
    ["[defaults]\ntimeout = '3'", "c.toml:2: timeout: the value is a number", undefined],
    ["[defaults]\ninsecure = 1", "c.toml:2: insecure: the value is true or false", undefined],
    [
      "[defaults]\nstarttls = 'requre'",
      "c.toml:2: starttls: 'requre' is none of auto, require, never",
      "did you mean require?",
    ],
    [
      "[accounts.a]\nurl = 'ftp://h/'\npasword = 'x'",
      "c.toml:3: unknown key 'pasword' in [accounts.a]",
      "did you mean password?",
    ],
    [
      "\n[accounts.a]\npassword = 'x'",
      "c.toml:2: the account 'a' has no url",
      'write url = "imaps://me@mail.example.org/"',
    ],
    ["defaults = 3", "c.toml:1: 'defaults' is a section", "write [defaults] and what belongs to it below"],
  ])("that says %j is refused with its line", (text, message, hint) => {
    expect(() => parseConfig(text, "c.toml", schema)).toThrow(
      expect.objectContaining({ code: "usage", message, hint }),
    );
  });

  it("that is no TOML is refused with its line, and without quoting it", () => {
    try {
      parseConfig("[accounts.a]\npassword = hunter2 oops\n", "c.toml", schema);
      expect.unreachable();
    } catch (thrown) {
      expect(String(thrown)).toMatch(/^PortholeError: c\.toml:2: /);
      expect(String(thrown)).not.toContain("hunter2");
    }
  });
});

describe("an account", () => {
  it("is found by its place and its user", async () => {
    const file = join(root, "accounts.toml");
    await writeFile(file, TEXT);
    const config = await loadConfig({ schema, environment: {}, file });
    expect(config.accounts.get("work")).toEqual({
      name: "work",
      url: "imaps://me@mail.example.org/",
      passwordCommand: "pass show work",
      source: `${file}:10`,
    });
    const named = (url: string) => accountFor(config, parseUrl(url))?.name;
    expect(named("imaps://me@mail.example.org/INBOX")).toBe("work");
    expect(named("imaps://mail.example.org/INBOX")).toBe("work");
    expect(named("imaps://you@mail.example.org/INBOX")).toBe(undefined);
    expect(named("imap://me@mail.example.org/INBOX")).toBe(undefined);
    expect(named("imaps://me@mail.example.org:9993/")).toBe(undefined);
  });
});

describe("a value holds", () => {
  async function request(flags: Record<string, number | boolean>, environment: Record<string, string>) {
    const file = join(root, "values.toml");
    await writeFile(file, TEXT);
    return {
      schema,
      environment,
      flags,
      protocol: "ftp",
      config: await loadConfig({ schema, environment, file }),
    };
  }

  it("from the flag, the environment, the protocol's section, the defaults, in this order", async () => {
    const file = join(root, "values.toml");
    const at = async (flags: Record<string, number>, environment: Record<string, string>) =>
      effective(await request(flags, environment))[0];
    expect(await at({ timeout: 1 }, { PORTHOLE_TIMEOUT: "2" })).toEqual({
      key: "timeout",
      value: 1,
      source: "flag",
    });
    expect(await at({}, { PORTHOLE_TIMEOUT: "2" })).toEqual({
      key: "timeout",
      value: 2,
      source: "environment PORTHOLE_TIMEOUT",
    });
    expect(await at({}, {})).toEqual({ key: "timeout", value: 90, source: `${file}:8` });
    const elsewhere = effective({ ...(await request({}, {})), protocol: "http" });
    expect(elsewhere[0]).toEqual({ key: "timeout", value: 30, source: `${file}:3` });
    expect(elsewhere[1]).toEqual({ key: "insecure", value: undefined, source: "default" });
  });

  it("by its type, from the environment's text", async () => {
    const environment = {
      PORTHOLE_INSECURE: "yes",
      PORTHOLE_RESOLVE: "a:1:::1, b:2:1.2.3.4",
      PORTHOLE_ACTIVE: "0",
    };
    expect(effectiveOptions(await request({}, environment))).toEqual({
      timeout: 90,
      insecure: true,
      resolve: ["a:1:::1", "b:2:1.2.3.4"],
      active: false,
    });
    await expect(request({}, { PORTHOLE_TIMEOUT: "soon" }).then(effective)).rejects.toMatchObject({
      exit: 2,
      message: "PORTHOLE_TIMEOUT: the value is a number",
    });
  });
});
