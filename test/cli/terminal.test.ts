import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { painter, wantsColor } from "../../src/cli/colors.js";
import { OutputClosed, Terminal } from "../../src/cli/terminal.js";
import { collected } from "./collected.js";

describe("colours", () => {
  it.each([
    ["auto", {}, true, true],
    ["auto", {}, false, false],
    ["auto", { NO_COLOR: "1" }, true, false],
    ["auto", { NO_COLOR: "" }, true, true],
    ["auto", { FORCE_COLOR: "1" }, false, true],
    ["auto", { FORCE_COLOR: "0" }, true, false],
    ["auto", { NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    ["auto", { TERM: "dumb" }, true, false],
    ["always", { NO_COLOR: "1" }, false, true],
    ["never", { FORCE_COLOR: "1" }, true, false],
  ] as const)("--color %s with %j on a terminal (%s): %s", (mode, environment, isTerminal, wanted) => {
    expect(wantsColor(mode, environment, isTerminal)).toBe(wanted);
  });

  it("are put around the text, or left out", () => {
    expect(painter(true)("red", "no")).toBe("\x1b[31mno\x1b[39m");
    expect(painter(false)("red", "no")).toBe("no");
  });
});

describe("the terminal", () => {
  it("knows its width, or takes $COLUMNS, or 80", () => {
    expect(collected({ columns: 120, rows: 40 }).terminal.columns).toBe(120);
    expect(collected(undefined, { environment: { COLUMNS: "60" } }).terminal.columns).toBe(60);
    expect(collected(undefined, { environment: { COLUMNS: "wide" } }).terminal.columns).toBe(80);
  });

  it("takes the status line away before it says something, and puts it back", () => {
    const { terminal, stderr } = collected({ columns: 80, rows: 24 });
    terminal.showStatus("50%");
    terminal.say("hello");
    terminal.clearStatus();
    terminal.clearStatus();
    expect(stderr.text).toBe("\r\x1b[K50%\r\x1b[Khello\n\r\x1b[K50%\r\x1b[K");
  });

  it("keeps warnings to itself when quiet", () => {
    const quiet = collected(undefined, { quiet: true });
    quiet.terminal.warn("careful");
    const loud = collected();
    loud.terminal.warn("careful");
    expect([quiet.stderr.text, loud.stderr.text]).toEqual(["", "porthole: careful\n"]);
  });

  it("waits while its reader is slower", async () => {
    const slow = new PassThrough({ highWaterMark: 4 });
    const terminal = new Terminal(
      { stdin: new PassThrough(), stdout: slow, stderr: new PassThrough() },
      { environment: {} },
    );
    const order: string[] = [];
    const written = terminal.write("more than four").then(() => order.push("written"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push("read");
    slow.resume();
    await written;
    await terminal.write("x");
    expect(order).toEqual(["read", "written"]);
  });

  it.each([
    ["EPIPE", OutputClosed, "nobody reads standard output any more"],
    ["ENOSPC", Error, "standard output: no room left on the device"],
  ])("tells %s from other failures", async (code, kind, message) => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
    });
    const terminal = new Terminal(
      { stdin: new PassThrough(), stdout, stderr: new PassThrough() },
      { environment: {} },
    );
    await terminal.write("x").catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(terminal.outputClosed.aborted).toBe(true);
    await expect(terminal.write("y")).rejects.toThrow(message);
    await expect(terminal.write("y")).rejects.toBeInstanceOf(kind);
  });
});
