import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookUp, parseNetrc, readNetrc } from "../../src/auth/netrc.js";
import { mayTravel } from "../../src/auth/plaintext.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-netrc-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("a netrc", () => {
  it("gives machines, logins and passwords, on one line or on many", () => {
    expect(
      parseNetrc("machine A.example login me password x\nmachine b.example\n\tlogin you\n\tpassword y\n"),
    ).toEqual([
      { machine: "a.example", login: "me", password: "x" },
      { machine: "b.example", login: "you", password: "y" },
    ]);
  });

  it("has comments, accounts, macros and a default", () => {
    const text = [
      "# password here",
      "machine a login me account acct password x#y # and on",
      "macdef init",
      "machine hidden password no",
      "",
      "default login anonymous password me@here",
    ].join("\n");
    expect(parseNetrc(text)).toEqual([
      { machine: "a", login: "me", password: "x#y" },
      { machine: undefined, login: "anonymous", password: "me@here" },
    ]);
  });

  it("takes quoted values with spaces, quotes and line breaks, and values that look like keywords", () => {
    expect(parseNetrc('machine a login "two words" password "a\\"b\\\\c\\n"')).toEqual([
      { machine: "a", login: "two words", password: 'a"b\\c\n' },
    ]);
    expect(parseNetrc("machine a login machine password #secret")).toEqual([
      { machine: "a", login: "machine", password: "#secret" },
    ]);
  });

  it.each([
    ["machine a\npassword two words", "rc:2: a word that is no netrc keyword"],
    ["login me", "rc:1: a word that is no netrc keyword"],
    ["machine a\nlogin", "rc:2: nothing follows 'login'"],
  ])("that says %j is refused with the line, never with the word", (text, message) => {
    expect(() => parseNetrc(text, "rc")).toThrow(expect.objectContaining({ code: "usage", message }));
  });

  it("is looked up by machine, then by login; default answers for all others", () => {
    const entries = parseNetrc(
      "machine a login one password 1 machine a login two password 2 default login any password 3",
    );
    expect(lookUp(entries, "A", undefined)?.password).toBe("1");
    expect(lookUp(entries, "a", "two")?.password).toBe("2");
    expect(lookUp(entries, "b", undefined)?.password).toBe("3");
    expect(lookUp(entries, "b", "two")).toBe(undefined);
  });

  it("draws a warning when it holds a password that others can read", async () => {
    const path = join(folder, "netrc");
    await writeFile(path, "machine a login me password x");
    await chmod(path, 0o644);
    expect((await readNetrc(path))?.warning).toBe(
      `${path} holds a password and others can read it: chmod 600 it`,
    );
    await chmod(path, 0o600);
    expect(await readNetrc(path)).toEqual({ entries: [{ machine: "a", login: "me", password: "x" }] });
    expect(await readNetrc(join(folder, "missing"))).toBe(undefined);
  });
});

describe("a password", () => {
  it.each([
    [{ secure: true, loopback: false }, { allowPlaintextAuth: false }, true],
    [{ secure: false, loopback: true }, { allowPlaintextAuth: false }, true],
    [{ secure: false, loopback: false }, { allowPlaintextAuth: false }, false],
    [{ secure: false, loopback: false }, { allowPlaintextAuth: true }, true],
    [{ secure: false, loopback: false }, { allowPlaintextAuth: false, concealed: true }, true],
  ])("over %j used as %j may travel: %s", (transport, use, allowed) => {
    expect(mayTravel(transport, use)).toBe(allowed);
  });
});
