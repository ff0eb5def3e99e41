import { describe, expect, it } from "vitest";
import { splitArgv } from "../../src/cli/argv.js";
import { type OptionSpec, stepsOf } from "../../src/plugin.js";

const KNOWN: readonly OptionSpec[] = [
  { flag: "expect", type: "step", placeholder: "TEXT", summary: "wait" },
  { flag: "send", type: "step", placeholder: "TEXT", summary: "send" },
  { flag: "json", type: "boolean", summary: "json" },
];

describe("options whose order counts", () => {
  it("are kept in it, whatever stands between them", () => {
    const argv = [
      "telnet",
      "run",
      "--expect",
      "login:",
      "telnet://a",
      "--send=admin",
      "--json",
      "--expect",
      "a=b",
      "--send",
      "",
    ];
    const { words, options } = splitArgv(argv, KNOWN);
    expect(words).toEqual(["telnet", "run", "telnet://a"]);
    expect(options["json"]).toBe(true);
    const steps = [
      { flag: "expect", value: "login:" },
      { flag: "send", value: "admin" },
      { flag: "expect", value: "a=b" },
      { flag: "send", value: "" },
    ];
    expect(stepsOf(options, ["expect", "send"])).toEqual(steps);
    expect(stepsOf(options, ["send", "expect"])).toEqual(steps);
  });

  it("are none when none is given, and want a value", () => {
    expect(stepsOf(splitArgv([], KNOWN).options, ["expect", "send"])).toEqual([]);
    expect(() => splitArgv(["--send"], KNOWN)).toThrow(
      expect.objectContaining({ code: "usage", message: "--send wants a value: TEXT" }),
    );
  });
});
