import { describe, expect, it } from "vitest";
import { decodeMailboxName, encodeModifiedUtf7 } from "../../protocols/imap/modified-utf7.js";
import type { Response } from "../../protocols/imap/response.js";
import { type ReaderEvent, ResponseReader } from "../../protocols/imap/response-reader.js";
import type { Value } from "../../protocols/imap/values.js";
import { numbersIn, parseDateTime, sequenceSet } from "../../protocols/imap/words.js";

function eventsOf(octets: Buffer, cut = octets.length): ReaderEvent[] {
  const reader = new ResponseReader();
  const events: ReaderEvent[] = [];
  for (const piece of [octets.subarray(0, cut), octets.subarray(cut)]) {
    reader.feed(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  }
  return events;
}

function responsesOf(text: string): Response[] {
  return eventsOf(Buffer.from(text, "latin1")).flatMap((event) =>
    event.type === "response" ? [event.response] : [],
  );
}

function valuesOf(text: string): readonly Value[] {
  const [response] = responsesOf(text);
  if (response?.kind !== "data") throw new Error("that is no data");
  return response.data.values;
}

describe("a response", () => {
  it("has atoms, strings, literals, lists and NIL", () => {
    expect(valuesOf('* LIST (\\HasNoChildren) "/" {5}\r\na"b\\c\r\n')).toEqual([
      ["\\HasNoChildren"],
      "/",
      'a"b\\c',
    ]);
    expect(valuesOf('* X NIL "NIL" "a \\"b\\" \\\\c" (1 (2) ())\r\n')).toEqual([
      null,
      "NIL",
      'a "b" \\c',
      ["1", ["2"], []],
    ]);
    expect(valuesOf("* 3 FETCH (BODY[HEADER.FIELDS (DATE FROM)]<0> {2}\r\nxy FLAGS ())\r\n")).toEqual([
      ["BODY[HEADER.FIELDS (DATE FROM)]<0>", "xy", "FLAGS", []],
    ]);
  });

  it("tells its code, and its words that end as a literal does", () => {
    expect(responsesOf("* OK [UIDVALIDITY 3] valid {5}\r\nA7 NO [TRYCREATE] none\r\n")).toMatchObject([
      { kind: "status", status: { condition: "OK", code: "UIDVALIDITY", codeText: "3", text: "valid {5}" } },
      { kind: "tagged", tag: "A7", status: { condition: "NO", code: "TRYCREATE", text: "none" } },
    ]);
  });

  it("gives the contents of a message as they come, and holds none of them", () => {
    const events = eventsOf(
      Buffer.from("* 1 FETCH (UID 7 BODY[] {6}\r\n(a)\r\n\x80)\r\nA1 OK\r\n", "latin1"),
    );
    expect(events.map(({ type }) => type)).toEqual([
      "contents",
      "octets",
      "contents-end",
      "response",
      "response",
    ]);
    expect(events[0]).toMatchObject({ size: 6, head: "* 1 FETCH (UID 7 BODY[] " });
  });

  it("is the same, wherever it is cut", () => {
    const text =
      '* 1 FETCH (UID 7 BODY[1.2] {4}\r\n\r\n) FLAGS ("a" {3}\r\n{1} b))\r\n* BYE {4}\r\nA1 OK [X y] z\r\n';
    const octets = Buffer.from(text, "latin1");
    const whole = (events: readonly ReaderEvent[]) =>
      JSON.stringify(
        events.map((event) => {
          if (event.type === "octets") return event.chunk.toString("latin1");
          return event.type === "response" && event.response.kind === "data"
            ? event.response.data.values
            : event;
        }),
      ).replace(/"\\r\\n(?:",")?/g, '"\\r\\n');
    const joined = (events: readonly ReaderEvent[]) => {
      const contents = Buffer.concat(
        events.flatMap((event) => (event.type === "octets" ? [event.chunk] : [])),
      );
      return [contents.toString("latin1"), whole(events.filter(({ type }) => type !== "octets"))];
    };
    const expected = joined(eventsOf(octets));
    for (let cut = 0; cut <= octets.length; cut++)
      expect(joined(eventsOf(octets, cut)), `cut at ${cut}`).toEqual(expected);
  });

  it.each([
    ["a NUL", "* X a\0b\r\n"],
    ["a list without end", "* X (a (b)\r\n"],
    ["a string without end", '* X "abc\r\n'],
    ["nothing of IMAP", "220 ready\r\n"],
    ["a literal beyond all bounds", "* X {99999999999}\r\n"],
    ["a literal longer than its bound", "* X {900000000}\r\n"],
  ])("with %s is refused", (_what, text) => {
    expect(() =>
      responsesOf(text).map((response) => (response.kind === "data" ? response.data.values : 0)),
    ).toThrow(expect.objectContaining({ code: "protocol" }));
  });

  it("with lists a thousand deep and more is refused, and no stack overflows", () => {
    expect(valuesOf(`* X ${"(".repeat(200)}${")".repeat(200)}\r\n`)).toHaveLength(1);
    expect(() => valuesOf(`* X ${"(".repeat(500_000)}\r\n`)).toThrow(
      expect.objectContaining({ code: "protocol" }),
    );
  });
});

describe("a mailbox's name", () => {
  it.each([
    ["Entwürfe", "Entw&APw-rfe"],
    ["a&b", "a&-b"],
    ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"],
    ["😀", "&2D3eAA-"],
  ])("%s is %s in modified UTF-7", (name, raw) => {
    expect(encodeModifiedUtf7(name)).toBe(raw);
    expect(decodeMailboxName(raw)).toBe(name);
  });

  it.each(["a&b", "&AGE-", "&Jjo!-", "&", "&ABC"])("%s, which is broken, stays as it is", (raw) => {
    expect(decodeMailboxName(raw)).toBe(raw);
  });

  it("in raw UTF-8 is read as that", () => {
    expect(decodeMailboxName(Buffer.from("Entwürfe").toString("latin1"))).toBe("Entwürfe");
  });
});

describe("numbers and dates", () => {
  it("go into sets and out of them", () => {
    expect(sequenceSet([1, 2, 3, 5, 7, 8])).toBe("1:3,5,7:8");
    expect(numbersIn("1:3,5,8:7")).toEqual([1, 2, 3, 5, 7, 8]);
    expect(() => numbersIn("1:4294967295")).toThrow(expect.objectContaining({ code: "protocol" }));
  });

  it("are read with their zone", () => {
    expect(parseDateTime("17-Jul-1996 02:44:25 -0700")).toEqual(new Date("1996-07-17T09:44:25Z"));
    expect(parseDateTime(" 1-Feb-2026 00:00:00 +0000")).toEqual(new Date("2026-02-01T00:00:00Z"));
    expect(parseDateTime("yesterday")).toBeUndefined();
  });
});
