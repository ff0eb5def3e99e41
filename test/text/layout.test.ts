import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inColumns, table } from "../../src/text/table.js";
import { chop, displayWidth, pad, truncate } from "../../src/text/width.js";
import { wrap } from "../../src/text/wrap.js";

describe("display width", () => {
  it.each([
    ["abc", 3],
    ["日本語", 6],
    ["e\u0301", 1],
    ["👨‍👩‍👧", 2],
    ["👍🏽", 2],
    ["❤️", 2],
    ["🇩🇪🇫🇷", 4],
    ["1️⃣", 2],
    ["\u1112\u1161\u11ab", 2],
    ["", 0],
  ])("of %s is %d", (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });

  it("cuts between characters and says so", () => {
    expect(truncate("porthole", 8)).toBe("porthole");
    expect(truncate("porthole", 5)).toBe("port…");
    expect(truncate("日本語", 4)).toBe("日…");
    expect(truncate("👨‍👩‍👧👨‍👩‍👧", 3)).toBe("👨‍👩‍👧…");
    expect(truncate("ab", 0)).toBe("");
  });

  it("fills to exactly the columns asked for", () => {
    expect(pad("日本", 6)).toBe("日本  ");
    expect(pad("12", 5, "right")).toBe("   12");
    expect(pad("日本語", 4)).toBe("日… ");
  });

  it("is never exceeded by a cut, and chopping loses nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 30 }), (text, columns) => {
        expect(displayWidth(truncate(text, columns))).toBeLessThanOrEqual(columns);
        expect(displayWidth(pad(text, columns))).toBe(columns);
        expect(chop(text, columns).join("")).toBe(text);
      }),
    );
  });
});

describe("wrapping", () => {
  it("breaks between words and hangs what follows", () => {
    expect(wrap("the quick brown fox jumps", 12, { indent: "* ", hanging: "  " })).toEqual([
      "* the quick",
      "  brown fox",
      "  jumps",
    ]);
  });

  it("keeps line breaks and cuts a word that no line holds", () => {
    expect(wrap("a\n\nabcdefghijk l", 5)).toEqual(["a", "", "abcde", "fghij", "k l"]);
  });
});

describe("a table", () => {
  const columns = [
    { title: "name", flexible: true },
    { title: "size", align: "right" },
    { title: "what" },
  ] as const;

  it("aligns numbers to the right and counts wide characters twice", () => {
    expect(
      table(
        columns,
        [
          ["日本", "7", "x"],
          ["abc", "1200", "y"],
        ],
        80,
      ),
    ).toEqual(["name  size  what", "日本     7  x", "abc   1200  y"]);
  });

  it("takes what is too much from the flexible column", () => {
    expect(table(columns, [["a".repeat(30), "7", "x"]], 24)).toEqual([
      "name          size  what",
      "aaaaaaaaaaa…     7  x",
    ]);
  });

  it("shares the loss between flexible columns", () => {
    const rows = [["a".repeat(20), "b".repeat(20)]];
    expect(table([{ flexible: true }, { flexible: true }], rows, 22)).toEqual(["aaaaaaaaa…  bbbbbbbbb…"]);
  });

  it("of no rows is no lines", () => {
    expect(table([{}], [], 80)).toEqual([]);
  });
});

describe("a grid of names", () => {
  it("runs down the columns", () => {
    expect(inColumns(["alpha", "b", "gamma", "日本語", "epsilon", "zeta", "eta"], 24)).toEqual([
      "alpha  日本語   eta",
      "b      epsilon",
      "gamma  zeta",
    ]);
  });

  it("is a list when nothing fits beside another", () => {
    expect(inColumns(["a long name", "another one"], 10)).toEqual(["a long name", "another one"]);
    expect(inColumns([], 80)).toEqual([]);
  });
});
