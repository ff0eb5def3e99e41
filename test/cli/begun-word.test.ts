import { describe, expect, it } from "vitest";
import { begunWord, quotedBy } from "../../src/cli/shell/line.js";

describe("the word that Tab is pressed in", () => {
  it.each([
    ["ca", [], "ca", "ca", ""],
    ["cat we", ["cat"], "we", "we", ""],
    ["cat A\\ te", ["cat"], "A\\ te", "A te", ""],
    ['cat "A te', ["cat"], '"A te', "A te", '"'],
    ["cat 'A \\te", ["cat"], "'A \\te", "A \\te", "'"],
    ['get "A text" lo', ["get", "A text"], "lo", "lo", ""],
    ["ls; cat we", ["cat"], "we", "we", ""],
    ['cat "a;b', ["cat"], '"a;b', "a;b", '"'],
    ["cat ", ["cat"], "", "", ""],
  ])("of %j", (line, before, written, plain, quote) => {
    expect(begunWord(line)).toEqual({ before, written, plain, quote });
  });

  it("is written to its end within its quote", () => {
    expect(quotedBy('"', 'a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
    expect(quotedBy("'", 'a "b" \\c')).toBe("'a \"b\" \\c'");
  });
});
