import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { carriedName, nameOfSegment, segmentOf } from "../../src/verbs/names.js";

describe("names from far away", () => {
  it.each([
    ["bay.txt", "bay.txt"],
    ["100% done.txt", "100% done.txt"],
    ["a%20b", "a%20b"],
    ["..", "%2E%2E"],
    [".", "%2E"],
    ["../../.bashrc", "..%2F..%2F.bashrc"],
    ["a\nb", "a%0Ab"],
    ["a%2Fb", "a%252Fb"],
    ["\x1b[2J", "%1B[2J"],
  ])("%j is %j here", (name, here) => {
    expect(carriedName(name, "far", "near")).toBe(here);
  });

  it.each([
    ["a:b", "a%3Ab"],
    ["dot.", "dot%2E"],
    ["a\\b", "a%5Cb"],
  ])("%j is %j on Windows", (name, here) => {
    expect(carriedName(name, "far", "near", true)).toBe(here);
    expect(carriedName(here, "near", "far", true)).toBe(name);
  });

  it("come back as they were, and never leave their folder", () => {
    const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const tricky = fc.constantFrom("%", "%2", "%2F", "%25", "%0A", ".", "..", " ", "2E");
    const name = fc
      .array(fc.oneof(octet, tricky), { minLength: 1, maxLength: 12 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(name, (far) => {
        const near = carriedName(far, "far", "near") ?? "";
        expect(near).not.toMatch(/^\.{0,2}$|[\x00-\x1f/]/);
        // What no server can hold has no way back.
        if (!/[\0\r\n/]|^\.{1,2}$/.test(far)) expect(carriedName(near, "near", "far")).toBe(far);
      }),
    );
  });

  it("between two servers stay, or are refused", () => {
    expect(carriedName("a:b", "far", "far")).toBe("a:b");
    expect(carriedName("..", "far", "far")).toBeUndefined();
    expect(carriedName("a/b", "far", "far")).toBeUndefined();
  });

  it("are octets in URLs", () => {
    expect(nameOfSegment("caf%E9")).toBe("caf\xe9");
    expect(segmentOf("caf\xe9 %")).toBe("caf%E9%20%25");
  });
});
