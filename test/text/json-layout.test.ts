import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laidOutJson } from "../../src/text/json-layout.js";

describe("JSON laid out", () => {
  it("is what JSON.stringify makes of it, where that loses nothing", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false }),
        fc.constantFrom(undefined, 1, "\t"),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(laidOutJson(text)).toBe(JSON.stringify(JSON.parse(text), null, 2));
        },
      ),
    );
  });

  it("keeps numbers that JavaScript would round, names in their order, and names that come twice", () => {
    expect(laidOutJson('{"2":12345678901234567890,"1":1.10,"2":1e400}')).toBe(
      '{\n  "2": 12345678901234567890,\n  "1": 1.10,\n  "2": 1e400\n}',
    );
  });

  it("shows letters that were written as escapes", () => {
    expect(laidOutJson('"H\\u00e4fen\\n"')).toBe('"Häfen\\n"');
  });

  it("is none of what is no JSON", () => {
    expect(laidOutJson("{oops")).toBeUndefined();
    expect(laidOutJson("")).toBeUndefined();
  });

  it("takes time in proportion to its length", () => {
    const deep = "[".repeat(2000) + "]".repeat(2000);
    expect(laidOutJson(deep)?.split("\n")).toHaveLength(3999);
  });
});
