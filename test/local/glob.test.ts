import { describe, expect, it } from "vitest";
import { globMatcher } from "../../src/files/glob.js";

describe("a pattern", () => {
  it.each([
    ["*.txt", ["a.txt", "deep/b.txt"], ["a.md", "txt", "a.txt.bak"]],
    ["a?c", ["abc", "aüc"], ["ac", "abbc"]],
    ["[a-c]*", ["a", "box"], ["d", "ab/d"]],
    ["[!a]", ["b"], ["a", ""]],
    ["{one,two}.*", ["one.x", "two.y"], ["three.x"]],
    ["charts/*", ["charts/bay"], ["charts/north/bay", "bay"]],
    ["charts/**", ["charts/bay", "charts/north/bay"], ["chart"]],
    ["**/bay", ["bay", "charts/bay", "a/b/bay"], ["bay/x", "xbay"]],
    ["./a", ["a"], ["b"]],
    ["a\\*", ["a*"], ["ab"]],
    ["a+(b)", ["a+(b)"], ["ab"]],
    ["[", ["["], ["a"]],
  ])("%s", (pattern, fitting, others) => {
    const matches = globMatcher(pattern);
    expect(fitting.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });

  it("that was made to take for ever does not", () => {
    const begun = performance.now();
    expect(globMatcher(`${"*a".repeat(30)}b`)("a".repeat(2000))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it("with too many alternatives is refused", () => {
    expect(() => globMatcher("{a,b}".repeat(20))).toThrow("too many alternatives");
  });
});
