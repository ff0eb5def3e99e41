import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { yEncode } from "../../fixtures/servers/nntp-binaries.js";
import { YencDecoder, type YencEnd, type YencEvent } from "../../src/wire/yenc.js";

const ALL = Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

/** All events of a body that comes in pieces of `size` octets; data joined. */
function decoded(body: Buffer, size = body.length): { events: YencEvent[]; octets: Buffer; ends: YencEnd[] } {
  const decoder = new YencDecoder();
  const events: YencEvent[] = [];
  for (let at = 0; at < body.length; at += size) {
    // A chunk of its own, at any alignment, as a socket gives them.
    events.push(...decoder.write(Buffer.from(body.subarray(at, at + size))));
  }
  events.push(...decoder.end());
  const octets = events.flatMap((event) => (event.type === "data" ? [event.octets] : []));
  const ends = events.flatMap((event) => (event.type === "end" ? [event.end] : []));
  return { events: events.filter(({ type }) => type !== "data"), octets: Buffer.concat(octets), ends };
}

describe("a yEnc block", () => {
  it("gives name, size, octets and a checksum that holds", () => {
    const { events, octets } = decoded(yEncode(ALL, "all octets.bin"));
    expect(octets.equals(ALL)).toBe(true);
    expect(events).toEqual([
      { type: "begin", begin: { name: "all octets.bin", size: 1000 } },
      { type: "end", end: { size: 1000, crc32: crc32(ALL), faults: [] } },
    ]);
  });

  it.each([1, 2, 3, 7, 64, 129, 130, 131])("comes the same in pieces of %i", (size) => {
    const { octets, ends } = decoded(yEncode(ALL, "x"), size);
    expect(octets.equals(ALL)).toBe(true);
    expect(ends).toEqual([{ size: 1000, crc32: crc32(ALL), faults: [] }]);
  });

  it("comes the same when it is cut in two at any place", () => {
    const body = yEncode(ALL.subarray(0, 300), "x");
    for (let cut = 1; cut < body.length; cut++) {
      const decoder = new YencDecoder();
      const events = [
        ...decoder.write(Buffer.from(body.subarray(0, cut))),
        ...decoder.write(Buffer.from(body.subarray(cut))),
      ];
      const octets = Buffer.concat(events.flatMap((event) => (event.type === "data" ? [event.octets] : [])));
      expect(octets.equals(ALL.subarray(0, 300)), `cut at ${cut}`).toBe(true);
      expect(events.at(-1), `cut at ${cut}`).toMatchObject({ type: "end", end: { faults: [] } });
    }
  });

  it("may stand in text, and others behind it", () => {
    const text = Buffer.concat([
      Buffer.from("Here it is:\r\n=y is no keyword here\r\n=ya\r\n\r\n"),
      yEncode(ALL, "one"),
      Buffer.from("and another\r\n"),
      yEncode(Buffer.from("two"), "two"),
      Buffer.from("-- \r\nme"),
    ]);
    const { events, octets } = decoded(text, 50);
    expect(octets.toString("latin1")).toBe(`${ALL.toString("latin1")}two`);
    expect(events.map((event) => (event.type === "begin" ? event.begin.name : event.type))).toEqual([
      "one",
      "end",
      "two",
      "end",
    ]);
  });

  it("may have lines that end with LF alone, and lines of any length", () => {
    const body = Buffer.from(yEncode(ALL, "x").toString("latin1").replaceAll("\r\n", "\n"), "latin1");
    expect(decoded(body, 100).octets.equals(ALL)).toBe(true);
    const [head = "", ...rest] = yEncode(ALL, "x").toString("latin1").split("\r\n");
    const tail = rest.splice(-2);
    const long = Buffer.from(`${head}\r\n${rest.join("")}\r\n${tail.join("\r\n")}`, "latin1");
    expect(decoded(long, 64).octets.equals(ALL)).toBe(true);
  });

  it("may be a part, which says where it goes", () => {
    const part = yEncode(
      ALL.subarray(400, 700),
      "x.bin",
      { number: 2, total: 3, begin: 400 },
      { size: 1000, crc: 0xabc },
    );
    const { events } = decoded(part);
    expect(events).toEqual([
      { type: "begin", begin: { name: "x.bin", size: 1000, part: 2, total: 3 } },
      { type: "part", part: { offset: 400, length: 300 } },
      {
        type: "end",
        end: { size: 300, crc32: crc32(ALL.subarray(400, 700)), wholeCrc32: 0xabc, faults: [] },
      },
    ]);
  });

  it("may have an escape as the last octet of a line, and a keyword's letters within", () => {
    // `=` at a line's end is taken together with what follows only where that is no line end; here it is `=}`.
    const octets = Buffer.from([...Buffer.alloc(127, 1), 0x13, 0x13, 0x4f, 0x13, 0x4f]);
    expect(decoded(yEncode(octets, "x"), 5).octets.equals(octets)).toBe(true);
  });
});

describe("a block that is wrong", () => {
  const text = (change: (lines: string[]) => string[]) =>
    Buffer.from(change(yEncode(ALL, "x").toString("latin1").split("\r\n")).join("\r\n"), "latin1");

  it("by its end is truncated", () => {
    const { octets, ends } = decoded(text((lines) => lines.slice(0, 4)));
    expect(octets.length).toBeGreaterThan(300);
    expect(ends).toMatchObject([{ faults: ["truncated"] }]);
  });

  it("by a line that is lost has another size and another checksum", () => {
    expect(decoded(text(([head = "", _lost, ...rest]) => [head, ...rest])).ends).toMatchObject([
      { faults: ["size", "checksum"] },
    ]);
  });

  it("by an octet has another checksum", () => {
    const spoilt = text(([head = "", first = "", ...rest]) => [
      head,
      `${first.slice(0, 9)}A${first.slice(10)}`,
      ...rest,
    ]);
    expect(decoded(spoilt).ends).toMatchObject([{ size: 1000, faults: ["checksum"] }]);
  });

  it("by what =yend says has another size", () => {
    const spoilt = text((lines) => lines.map((line) => line.replace("=yend size=1000", "=yend size=999")));
    expect(decoded(spoilt).ends).toMatchObject([{ faults: ["size"] }]);
  });

  it("without a checksum cannot be told", () => {
    const bare = text((lines) => lines.map((line) => line.replace(/ crc32=.*$/, "")));
    expect(decoded(bare).ends).toMatchObject([{ faults: [] }]);
  });

  it("is ended by another that begins", () => {
    const { ends } = decoded(Buffer.concat([text((lines) => [...lines.slice(0, 3), ""]), yEncode(ALL, "y")]));
    expect(ends.map(({ faults }) => faults)).toEqual([["truncated"], []]);
  });

  it.each([
    "=ybegin line=128 name=x",
    "=ybegin line=128 size=10 name=",
    "=ybegin line=128 size=-1 name=x",
    "=ybegin part=1 line=128 size=10 name=x\r\n=ypart begin=5 end=99",
    "=ybegin part=1 line=128 size=10 name=x\r\n=ypart begin=0 end=5",
    "=ybegin part=1 line=128 size=10 name=x\r\n=ypart",
  ])("%s cannot be read", (lines) => {
    if (lines.endsWith("=ypart")) {
      // Not the keyword: it wants a blank behind it.
      expect(decoded(Buffer.from(`${lines}\r\n`)).ends).toMatchObject([{ faults: ["truncated"] }]);
    } else {
      expect(() => decoded(Buffer.from(`${lines}\r\n`))).toThrow(
        expect.objectContaining({ code: "protocol" }),
      );
    }
  });

  it("with a keyword line without end takes little memory", () => {
    const decoder = new YencDecoder();
    for (let count = 0; count < 100; count++) decoder.write(Buffer.alloc(65_536, "=y nothing "));
    expect(decoder.end()).toEqual([]);
  });
});
