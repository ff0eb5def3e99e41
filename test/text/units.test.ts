import { describe, expect, it } from "vitest";
import { PortholeError } from "../../src/errors.js";
import { humanDuration, humanSize, listingDate, parseSize } from "../../src/text/units.js";

describe("sizes", () => {
  it.each([
    [0, "0"],
    [1023, "1023"],
    [1024, "1.0K"],
    [10_188, "9.9K"],
    [10_189, "10K"],
    [1024 ** 2 - 1, "1.0M"],
    [1.5 * 1024 ** 3, "1.5G"],
    [Number.MAX_SAFE_INTEGER, "8.0P"],
  ])("%d octets are %s", (octets, shown) => {
    expect(humanSize(octets)).toBe(shown);
  });

  it.each([
    ["512", 512],
    ["64k", 65_536],
    ["1.5M", 1_572_864],
    ["10MiB", 10_485_760],
    ["2GB/s", 2_147_483_648],
  ])("%s is %d octets", (text, octets) => {
    expect(parseSize(text, "--max-size")).toBe(octets);
  });

  it.each(["", "x", "-1", "1e3", "5 apples", "99999999E"])("%j is refused as wrong usage", (text) => {
    expect(() => parseSize(text, "--max-size")).toThrow(
      expect.objectContaining({ code: "usage", message: `--max-size: '${text}' is not a size` }),
    );
    expect(() => parseSize(text, "--max-size")).toThrow(PortholeError);
  });
});

describe("durations", () => {
  it.each([
    [0.04, "0.0s"],
    [9.96, "10s"],
    [59.6, "1:00"],
    [185, "3:05"],
    [3723, "1:02:03"],
    [97_200, "1d 3h"],
    [Number.POSITIVE_INFINITY, "--"],
  ])("%d seconds are %s", (seconds, shown) => {
    expect(humanDuration(seconds)).toBe(shown);
  });
});

describe("dates", () => {
  const now = new Date(2026, 5, 15, 12, 0);
  it.each([
    ["of last month have their hour", new Date(2026, 4, 3, 7, 5), "May  3 07:05"],
    ["of last year have their year", new Date(2025, 0, 31), "Jan 31  2025"],
    ["to come have their year", new Date(2026, 5, 16), "Jun 16  2026"],
    ["that are none are a dash", new Date(Number.NaN), "           -"],
  ])("%s", (_what, date, shown) => {
    expect(listingDate(date, now)).toBe(shown);
  });
});
