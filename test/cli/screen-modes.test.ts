import { describe, expect, it } from "vitest";
import { ScreenModes } from "../../src/cli/screen-modes.js";
import { HarmlessStream } from "../../src/text/harmless-stream.js";

function undoAfter(...pieces: readonly string[]): string {
  const modes = new ScreenModes();
  for (const piece of pieces) modes.see(Buffer.from(piece, "latin1"));
  return modes.undo();
}

describe("a terminal that was left in the middle", () => {
  it.each([
    ["", ""],
    ["plain text\r\n", ""],
    ["\x1b[?1049h\x1b[2J", "\x1b[?1049l"],
    ["\x1b[?1049h\x1b[?1049l", ""],
    ["\x1b[?25l\x1b[?1000;1006h", "\x1b[?25h\x1b[?1000l\x1b[?1006l"],
    ["\x1b[?25l\x1b[?25h", ""],
    ["\x1b=\x1b[1;31mred", "\x1b>\x1b[0m"],
    ["\x1b[31mred\x1b[0m\x1b[m", ""],
  ])("is put back after %j", (seen, undo) => {
    expect(undoAfter(seen)).toBe(undo);
  });

  it("is put back wherever the sequences were cut", () => {
    const seen = "vi\x1b[?1049h\x1b[?25ltext";
    for (let at = 1; at < seen.length; at++) {
      expect(undoAfter(seen.slice(0, at), seen.slice(at))).toBe("\x1b[?1049l\x1b[?25h");
    }
  });
});

describe("a stream that a terminal shows", () => {
  it("shows what would act, wherever it is cut", () => {
    const octets = Buffer.from("a\x1b[2J€\r\nb\x07\rc", "utf8");
    for (let at = 1; at < octets.length; at++) {
      const stream = new HarmlessStream();
      const text = stream.text(octets.subarray(0, at)) + stream.text(octets.subarray(at));
      expect(text, `cut at ${at}`).toBe("a\\x1b[2J€\nb\\x07\\x0dc");
    }
  });
});
