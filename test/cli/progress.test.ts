import { describe, expect, it } from "vitest";
import { ProgressView, progressLine } from "../../src/cli/progress.js";
import { collected } from "./collected.js";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("the progress line", () => {
  it.each([
    [{ what: "big.iso", done: 512, total: 2048, rate: 512 }, "big.iso  25%  512 of 2.0K  512/s  3.0s left"],
    [{ what: "big.iso", done: 4096, total: undefined, rate: undefined }, "big.iso  4.0K"],
    [{ what: "empty", done: 0, total: 0, rate: 0 }, "empty  0 of 0  0/s"],
    [{ what: "stalled", done: 1, total: 2, rate: 0 }, "stalled  50%  1 of 2  0/s"],
  ])("of %j", (state, line) => {
    expect(progressLine(state, 80)).toBe(line);
  });

  it("fits into its columns by shortening the name", () => {
    const state = { what: "a-very-long-name-indeed.tar.gz", done: 1024, total: 2048, rate: undefined };
    expect(progressLine(state, 30)).toBe("a-very-lon…  50%  1.0K of 2.0K");
  });
});

describe("the progress view", () => {
  const screen = { columns: 60, rows: 24 };

  it("shows nothing of what is over in half a second", async () => {
    const { terminal, stderr } = collected(screen);
    {
      using view = new ProgressView(terminal);
      view.report({ what: "quick", done: 1, total: 1, finished: true });
      await pause(50);
    }
    await pause(600);
    expect(stderr.text).toBe("");
  });

  it("tells each of several transfers and their sum, and clears its line at the end", async () => {
    const { terminal, stderr } = collected({ columns: 100, rows: 24 });
    {
      using view = new ProgressView(terminal);
      view.report({ what: "a\x1b", done: 512, total: 1024 });
      view.report({ what: "b", done: 256, total: 1024 });
      view.report({ what: "c", done: 9, total: 9, finished: true });
      await pause(600);
    }
    expect(stderr.text).toMatch(/\r\x1b\[K3 transfers: a\S* 50%, b 25% {2}37% {2}777 of 2\.0K {2}/);
    expect(stderr.text.endsWith("\r\x1b[K")).toBe(true);
  });

  it("is gone when all has ended, before what is said of it, and begins anew with the next", async () => {
    const { terminal, stderr } = collected({ columns: 100, rows: 24 });
    using view = new ProgressView(terminal);
    view.report({ what: "first", done: 512, total: 1024 });
    await pause(600);
    view.report({ what: "first", done: 1024, total: 1024, finished: true });
    terminal.say("first: 1.0K");
    await pause(900);
    expect(stderr.text).toMatch(/first {2}50%.*\r\x1b\[Kfirst: 1\.0K\n$/s);
    view.report({ what: "second", done: 1, total: 4 });
    await pause(600);
    expect(stderr.text).toMatch(/\r\x1b\[Ksecond {2}25% {2}1 of 4 {2}\S+$/);
    // It failed, and nobody said more of it.
    view.over();
    const { length } = stderr.text;
    await pause(500);
    expect(stderr.text.length).toBe(length);
  });

  it.each([
    ["a pipe", undefined, {}, undefined],
    ["-q", screen, { quiet: true }, undefined],
    ["--no-progress", screen, {}, false],
  ])("stays silent for %s", async (_why, size, settings, wanted) => {
    const { terminal, stderr } = collected(size, settings);
    using view = new ProgressView(terminal, { wanted });
    view.report({ what: "x", done: 1 });
    await pause(550);
    expect(stderr.text).toBe("");
  });

  it("writes lines into a pipe with --progress", async () => {
    const { terminal, stderr } = collected();
    using view = new ProgressView(terminal, { wanted: true });
    view.report({ what: "log", done: 5, total: 10 });
    await pause(600);
    expect(stderr.text).toBe("log  50%  5 of 10  0/s\n");
  });
});
