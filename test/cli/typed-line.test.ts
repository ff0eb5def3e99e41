import { describe, expect, it } from "vitest";
import { TypedLine } from "../../src/cli/typed-line.js";
import type { LineKeys } from "../../src/plugin.js";

const KEYS: LineKeys = {
  edits: true,
  echo: true,
  erase: "\x7f",
  eraseWord: "\x17",
  eraseLine: "\x15",
  end: "\x04",
  signals: new Map([["\x03", "ip"]]),
};

function type(text: string, keys: LineKeys = KEYS): string[] {
  return new TypedLine().type(text, keys).map((event) => `${event.kind} ${JSON.stringify(named(event))}`);
}

function named(event: ReturnType<TypedLine["type"]>[number]): string {
  return event.kind === "signal" ? event.name : event.text;
}

describe("a line that is typed", () => {
  it("goes out whole, ended by LF, and is shown as it is typed", () => {
    expect(type("ls\r")).toEqual(['show "ls\\r\\n"', 'send "ls\\n"']);
    expect(type("a\r\nb\n")).toEqual(['show "a\\r\\n"', 'send "a\\n"', 'show "b\\r\\n"', 'send "b\\n"']);
  });

  it("is edited: a character of any width, a word, all of it", () => {
    expect(type("ab\x7f\r").at(-1)).toBe('send "a\\n"');
    expect(type("\x7f\x7f\r").at(-1)).toBe('send "\\n"');
    expect(type("灯\x7f")).toEqual(['show "灯\\b \\b\\b \\b"']);
    expect(type("\x01\x7f")).toEqual(['show "^A\\b \\b\\b \\b"']);
    expect(type("one two \x17\r").at(-1)).toBe('send "one \\n"');
    expect(type("one two\x15three\r").at(-1)).toBe('send "three\\n"');
  });

  it("is not shown where the far side hides it", () => {
    expect(type("secret\r", { ...KEYS, echo: false })).toEqual(['send "secret\\n"']);
  });

  it("has signals at once, and its end", () => {
    expect(type("half\x03\r")).toEqual(['show "half^C\\r\\n"', 'signal "ip"', 'show "\\r\\n"', 'send "\\n"']);
    expect(type("\x04")).toEqual(['signal "eof"']);
    expect(type("half\x04")).toEqual(['show "half"', 'send "half"']);
  });

  it("goes out key by key where the far side edits", () => {
    expect(type("a\x7f\x03", { ...KEYS, edits: false, echo: false })).toEqual([
      'send "a\x7f"',
      'signal "ip"',
    ]);
  });

  it("is given up when the far side takes the editing back, and is bounded", () => {
    const line = new TypedLine();
    line.type("half", KEYS);
    expect(line.take()).toBe("half");
    expect(line.take()).toBe("");
    line.type("x".repeat(100_000), KEYS);
    expect(line.take().length).toBe(65_536);
  });
});
