import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, exactJsonText, parseExactJson } from "../../src/text/exact-json.js";

describe("JSON with exact numbers", () => {
  it("is as JSON.parse and JSON.stringify have it, where those lose nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(exactJsonText(parseExactJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it.each([
    "12345678901234567890",
    "-9007199254740993",
    "0.1234567890123456789",
    "1e400",
    "123456789012345678901234567890e-5",
    '{"a":[12345678901234567890,"12345678901234567890",1]}',
  ])("%s stays what it is", (text) => {
    expect(exactJsonText(parseExactJson(text))).toBe(text);
  });

  it("takes no text for a number, whatever it begins with", () => {
    expect(parseExactJson('["#1","\\u0023\\u0023x",12345678901234567890]')).toEqual([
      "#1",
      "##x",
      new ExactNumber("12345678901234567890"),
    ]);
  });

  it("keeps a member called __proto__ a member", () => {
    expect(exactJsonText(parseExactJson('{"__proto__":12345678901234567890}'))).toBe(
      '{"__proto__":12345678901234567890}',
    );
  });

  it("is none of what is no JSON", () => {
    expect(() => parseExactJson("01234567890123456789")).toThrow(SyntaxError);
  });
});
