import { describe, expect, it } from "vitest";
import { TELNET_OPTION, type TelnetVerb } from "../../src/wire/telnet.js";
import { type OptionChange, TelnetOptions } from "../../src/wire/telnet-options.js";

const { ECHO, TTYPE, TIMING_MARK } = TELNET_OPTION;
const WORDS: Readonly<Record<number, string>> = { 251: "WILL", 252: "WONT", 253: "DO", 254: "DONT" };

/** `IAC WILL 1` as `WILL 1`. */
function said(octets: Buffer | undefined): string {
  return octets === undefined ? "" : `${WORDS[octets[1] ?? 0]} ${octets[2]}`;
}

function answers(options: TelnetOptions, ...offers: readonly [TelnetVerb, number][]): string[] {
  return offers.map(([verb, option]) => said(options.receive(verb, option).reply));
}

const willing = () => new TelnetOptions(() => true);
const unwilling = () => new TelnetOptions(() => false);

describe("options (RFC 1143)", () => {
  it("agrees once, and says nothing to what holds already", () => {
    const options = willing();
    expect(answers(options, ["will", ECHO], ["will", ECHO], ["do", TTYPE], ["do", TTYPE])).toEqual([
      "DO 1",
      "",
      "WILL 24",
      "",
    ]);
    expect(options.isOn("them", ECHO)).toBe(true);
    expect(options.isOn("us", TTYPE)).toBe(true);
    expect(options.on).toEqual([
      { side: "us", option: TTYPE },
      { side: "them", option: ECHO },
    ]);
  });

  it("refuses each time it is asked, and never answers a refusal", () => {
    const options = unwilling();
    const offers: [TelnetVerb, number][] = [
      ["will", ECHO],
      ["wont", ECHO],
      ["do", TTYPE],
      ["dont", TTYPE],
    ];
    expect(answers(options, ...offers)).toEqual(["DONT 1", "", "WONT 24", ""]);
  });

  it("lets go when the other side does", () => {
    const options = willing();
    options.receive("will", ECHO);
    const { reply, change } = options.receive("wont", ECHO);
    expect(said(reply)).toBe("DONT 1");
    expect(change).toEqual({ side: "them", option: ECHO, on: false } satisfies OptionChange);
    expect(options.isOn("them", ECHO)).toBe(false);
  });

  it("asks, and takes the answer without another word", () => {
    const options = unwilling();
    expect(said(options.request("them", ECHO, true))).toBe("DO 1");
    expect(said(options.request("them", ECHO, true))).toBe("");
    expect(answers(options, ["will", ECHO])).toEqual([""]);
    expect(options.isOn("them", ECHO)).toBe(true);
    expect(said(options.request("us", TTYPE, true))).toBe("WILL 24");
    expect(answers(options, ["dont", TTYPE])).toEqual([""]);
    expect(options.isOn("us", TTYPE)).toBe(false);
  });

  it("changes its mind while it waits, by the queue bit", () => {
    const options = unwilling();
    options.request("them", ECHO, true);
    expect(said(options.request("them", ECHO, false))).toBe("");
    expect(answers(options, ["will", ECHO])).toEqual(["DONT 1"]);
    expect(said(options.request("them", ECHO, true))).toBe("");
    expect(answers(options, ["wont", ECHO])).toEqual(["DO 1"]);
    expect(answers(options, ["will", ECHO])).toEqual([""]);
    expect(options.isOn("them", ECHO)).toBe(true);
  });

  it("is not confused by a yes to its no", () => {
    const options = willing();
    options.receive("will", ECHO);
    expect(said(options.request("them", ECHO, false))).toBe("DONT 1");
    expect(answers(options, ["will", ECHO])).toEqual([""]);
    expect(options.isOn("them", ECHO)).toBe(false);
  });

  it("answers each timing mark (RFC 860)", () => {
    const options = unwilling();
    expect(answers(options, ["do", TIMING_MARK], ["do", TIMING_MARK])).toEqual(["WILL 6", "WILL 6"]);
  });

  it("two of them agree, and fall silent, whatever they ask", () => {
    const [one, two] = [willing(), willing()];
    let waiting: Buffer[] = [];
    for (const option of [0, 1, 3, 24]) {
      for (const octets of [one.request("us", option, true), one.request("them", option, true)]) {
        if (octets !== undefined) waiting.push(octets);
      }
    }
    let rounds = 0;
    for (let turn = two; waiting.length > 0 && rounds < 100; turn = turn === one ? two : one) {
      waiting = waiting.flatMap(([, verb = 0, option = 0]) => {
        const { reply } = turn.receive(verbOf(verb), option);
        return reply === undefined ? [] : [reply];
      });
      rounds += 1;
    }
    expect(waiting).toEqual([]);
    expect(rounds).toBeLessThan(4);
    expect(one.on.length).toBe(8);
  });

  it("gives up on a side that never stops", () => {
    const options = willing();
    const toggle = () => {
      for (let round = 0; round < 3000; round++) answers(options, ["will", ECHO], ["wont", ECHO]);
    };
    expect(toggle).toThrow(expect.objectContaining({ code: "protocol" }));
  });

  it("bears with a side that changes its mind whenever it is spoken to", () => {
    const options = willing();
    for (let round = 0; round < 3000; round++) {
      options.spoken();
      expect(answers(options, ["will", ECHO], ["wont", ECHO])).toEqual(["DO 1", "DONT 1"]);
    }
  });
});

function verbOf(code: number): TelnetVerb {
  const verbs: Readonly<Record<number, TelnetVerb>> = { 251: "will", 252: "wont", 253: "do", 254: "dont" };
  return verbs[code] ?? "wont";
}
