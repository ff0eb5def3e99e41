import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { asPortholeError, errorLine, reportError } from "../../src/cli/errors.js";
import { OutputClosed } from "../../src/cli/terminal.js";
import { PortholeError } from "../../src/errors.js";
import { collected } from "./collected.js";

const refused = new PortholeError("missing", "no such file", {
  protocol: "ftp",
  reply: "550 \x1b[31mNot found\r\n",
  hint: "see what is there with ls",
  url: "ftp://example.org/x",
});

describe("an error", () => {
  it("is one line: protocol, what, the server's words made safe, what to do", () => {
    expect(errorLine(refused)).toBe(
      "porthole: ftp: no such file (550 \\x1b[31mNot found) - see what is there with ls",
    );
    expect(errorLine(new PortholeError("other", "a\nb"))).toBe("porthole: a\\x0ab");
  });

  it("goes to standard error and gives its exit status", () => {
    const { terminal, stdout, stderr } = collected();
    expect(reportError(refused, terminal, {})).toBe(8);
    expect(stdout.text).toBe("");
    expect(stderr.text).toBe(`${errorLine(refused)}\n`);
  });

  it("is an object with --json", () => {
    const { terminal, stderr } = collected();
    reportError(refused, terminal, { json: true });
    expect(JSON.parse(stderr.text)).toEqual({
      error: {
        code: "missing",
        exit: 8,
        protocol: "ftp",
        message: "no such file",
        reply: "550 \x1b[31mNot found\r\n",
        hint: "see what is there with ls",
        url: "ftp://example.org/x",
      },
    });
    expect(stderr.text).not.toContain("\x1b");
  });

  it("has its stack only with -vv", () => {
    for (const verbosity of [0, 1, 2]) {
      const { terminal, stderr } = collected();
      reportError(new Error("oops"), terminal, { verbosity });
      expect(/\n\s+at /.test(stderr.text)).toBe(verbosity === 2);
    }
  });

  it("is none when the reader of standard output has left", () => {
    const { terminal, stderr } = collected();
    expect(reportError(new OutputClosed(), terminal, {})).toBe(0);
    expect(stderr.text).toBe("");
  });

  it.each([
    ["ENOTFOUND", "resolve", 3],
    ["ECONNREFUSED", "connect", 4],
    ["ETIMEDOUT", "timeout", 6],
  ])("of the system, %s, is %s", (code, kind, exit) => {
    const error = asPortholeError(Object.assign(new Error("x"), { code }));
    expect([error.code, error.exit]).toEqual([kind, exit]);
  });

  it("of the local file system names the file and is exit 12", async () => {
    const thrown: unknown = await readFile("/nowhere/at/all").catch((error: unknown) => error);
    expect(errorLine(asPortholeError(thrown))).toBe("porthole: /nowhere/at/all: no such file or folder");
    expect(asPortholeError(thrown).exit).toBe(12);
  });

  it("is 130 for an abort, and 1 for what nobody foresaw", () => {
    expect(asPortholeError(AbortSignal.abort().reason).exit).toBe(130);
    expect(asPortholeError("a string").exit).toBe(1);
  });
});
