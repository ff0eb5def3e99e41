import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secretFromShell } from "../../src/auth/secret-command.js";
import { type CredentialSettings, CredentialSources } from "../../src/auth/sources.js";
import { Registry } from "../../src/registry.js";
import { resolveTarget } from "../../src/target.js";

const registry = new Registry();
const target = (url: string) => resolveTarget(url, registry);

let home = "";
let environment: Record<string, string> = {};
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "porthole-auth-"));
  environment = { HOME: home, PATH: process.env["PATH"] ?? "" };
  await writeFile(join(home, ".netrc"), "machine known.example login netme password netrc\n", {
    mode: 0o600,
  });
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

function sources(settings: Partial<CredentialSettings> = {}): CredentialSources {
  return new CredentialSources({ environment, platform: "linux", ...settings });
}

describe("credentials are looked for", () => {
  const everything = () => ({
    user: "me:given",
    passwordCommand: "echo command",
    account: () => ({ user: "me", password: "account" }),
    environment: { ...environment, PORTHOLE_PASSWORD: "environment" },
    ask: async () => "asked",
  });

  it.each([
    ["-u", {}, "imap://me@known.example/", "given"],
    ["the URL", { user: undefined }, "imap://me:url@known.example/", "url"],
    ["--password-command", { user: "me" }, "imap://known.example/", "command"],
    ["the account", { user: undefined, passwordCommand: undefined }, "imap://known.example/", "account"],
    [
      "PORTHOLE_PASSWORD",
      { user: undefined, passwordCommand: undefined, account: undefined },
      "imap://me@known.example/",
      "environment",
    ],
  ])("first in %s", async (_source, taken, url, password) => {
    const settings = Object.fromEntries(
      Object.entries({ ...everything(), ...taken }).filter(([, value]) => value !== undefined),
    );
    expect(await sources(settings).find(target(url), true)).toEqual({
      user: "me",
      password,
      kind: "password",
    });
  });

  it("then in netrc, which may name the user too", async () => {
    expect(await sources().find(target("ftp://known.example/"), false)).toEqual({
      user: "netme",
      password: "netrc",
      kind: "password",
    });
    expect(await sources({ netrc: false }).find(target("ftp://known.example/"), false)).toBe(undefined);
    expect(await sources().find(target("ftp://other@known.example/"), false)).toBe(undefined);
  });

  it("then in the system's keyring, silently", async () => {
    const bin = join(home, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "secret-tool"), '#!/bin/sh\necho "$*"\n');
    await chmod(join(bin, "secret-tool"), 0o755);
    const withBus = {
      ...environment,
      PATH: `${bin}:${environment["PATH"]}`,
      DBUS_SESSION_BUS_ADDRESS: "unix:",
    };
    expect(await sources({ environment: withBus }).find(target("imap://me@h.example/"), false)).toEqual({
      user: "me",
      password: "lookup protocol imap server h.example user me",
      kind: "password",
    });
    const without = sources({ environment: { ...withBus, PATH: "/nowhere" } });
    expect(await without.find(target("imap://me@h.example/"), false)).toBe(undefined);
  });

  it("a user name alone, where the certificate is the secret, and no command is run for another", async () => {
    const given = sources({ user: "ann", passwordCommand: "exit 1" });
    const ann = { user: "ann", password: "", kind: "password" };
    expect(await given.find(target("smtp://h.example/"), false, "certificate")).toEqual(ann);
    expect(await given.find(target("smtp://bob@h.example/"), false, "certificate")).toEqual(ann);
    const nobody = sources({ passwordCommand: "exit 1", netrc: false });
    expect(await nobody.find(target("smtp://h.example/"), false, "certificate")).toBe(undefined);
  });

  it("at last with the person at the terminal, once for a host, and only when they may be asked", async () => {
    const questions: [string, boolean][] = [];
    const asking = sources({
      ask: async (question, hidden) => {
        questions.push([question, hidden]);
        return hidden ? "secret" : "me";
      },
    });
    const place = target("imap://h.example/");
    expect(await asking.find(place, false)).toBe(undefined);
    expect(await asking.find(place, true)).toEqual({ user: "me", password: "secret", kind: "password" });
    expect(await asking.find(place, true)).toEqual({ user: "me", password: "secret", kind: "password" });
    expect(questions).toEqual([
      ["User for h.example: ", false],
      ["Password for me at h.example: ", true],
    ]);
  });

  it("with a command that is run once, however often they are wanted", async () => {
    const log = join(home, "runs");
    const running = sources({ passwordCommand: `echo run >> ${log}; echo pw` });
    const place = target("imap://me@h.example/");
    await Promise.all([running.find(place, false), running.find(place, true), running.find(place, false)]);
    expect(await readFile(log, "utf8")).toBe("run\n");
  });

  it("and a token command makes a token of it", async () => {
    expect(
      await sources({ oauth2TokenCommand: "echo ya29" }).find(target("imap://me@h.example/"), false),
    ).toEqual({
      user: "me",
      password: "ya29",
      kind: "token",
    });
  });

  it("and a token needs no name where the protocol has none, nor any secret that is wanted as a token", async () => {
    const place = target("https://h.example/");
    const byCommand = sources({ oauth2TokenCommand: "echo ya29" });
    expect(await byCommand.find(place, false)).toBe(undefined);
    const token = { user: "", password: "ya29", kind: "token" };
    expect(await byCommand.find(place, false, "token")).toEqual(token);
    const secrets: Partial<CredentialSettings>[] = [
      { user: ":ya29" },
      { passwordCommand: "echo ya29" },
      { environment: { ...environment, PORTHOLE_PASSWORD: "ya29" } },
      {
        ask: async (question, hidden) =>
          hidden && question === "Token for h.example: " ? "ya29" : undefined,
      },
    ];
    for (const settings of secrets) {
      expect(await sources(settings).find(place, true, "secret")).toEqual(token);
      expect(await sources(settings).find(place, false, "token")).toBe(undefined);
    }
  });

  it("and a netrc that was named must be there", async () => {
    const missing = join(home, "none");
    await expect(sources({ netrc: missing }).find(target("ftp://h.example/"), false)).rejects.toMatchObject({
      exit: 12,
      message: `${missing}: no such file or folder`,
    });
  });
});

describe("a password command", () => {
  const run = (command: string, more: { signal?: AbortSignal; timeout?: number } = {}) =>
    secretFromShell(command, { what: "--password-command", environment, ...more });

  it("gives its first line, without its end and with its spaces", async () => {
    expect(await run("printf ' pass word \\r\\nsecond\\n'")).toBe(" pass word ");
    expect(await run("printf x")).toBe("x");
  });

  it.each([
    ["exit 3", "--password-command ended with status 3"],
    ["echo locked >&2; exit 1", "--password-command ended with status 1: locked"],
    ["true", "--password-command printed nothing"],
  ])("that does %j is an authentication error", async (command, message) => {
    await expect(run(command)).rejects.toMatchObject({ exit: 7, message });
  });

  it("that hangs ends with its time, or with the user's patience", async () => {
    await expect(run("sleep 30", { timeout: 100 })).rejects.toMatchObject({ exit: 6 });
    await expect(run("sleep 30 & wait", { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      exit: 6,
    });
    const abort = new AbortController();
    const hanging = run("sleep 30", { signal: abort.signal });
    abort.abort();
    await expect(hanging).rejects.toMatchObject({ exit: 130 });
  });
});
