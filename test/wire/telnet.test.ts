import { describe, expect, it } from "vitest";
import {
  TELNET,
  type TelnetEvent,
  TelnetReader,
  TelnetWriter,
  telnetOffer,
  telnetSubnegotiation,
} from "../../src/wire/telnet.js";

const { IAC, SB, SE, WILL, WONT, DO, DONT, NOP, GA, DM } = TELNET;

/** Events as short words; data that was cut is joined again. */
function eventsOf(pieces: readonly Uint8Array[], reader = new TelnetReader()): string[] {
  const words: string[] = [];
  let data = "";
  const flush = () => {
    if (data !== "") words.push(`data ${JSON.stringify(data)}`);
    data = "";
  };
  for (const piece of pieces) {
    reader.feed(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === "data") data += event.octets.toString("latin1");
      else {
        flush();
        words.push(shown(event));
      }
    }
  }
  flush();
  return words;
}

function shown(event: Exclude<TelnetEvent, { type: "data" }>): string {
  if (event.type === "command") return `command ${event.command}`;
  if (event.type === "offer") return `${event.verb} ${event.option}`;
  return `sub ${event.option} ${event.octets.toString("hex")}`;
}

function octets(...parts: readonly (string | number)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from([part]))),
  );
}

const SESSION = octets(
  "Hello\r\n",
  ...[IAC, WILL, 1, IAC, WONT, 5, IAC, DO, 24, IAC, DONT, 36],
  "a\r\0b",
  ...[IAC, SB, 24, 1, IAC, SE],
  "c",
  ...[IAC, IAC],
  "d",
  ...[IAC, NOP, IAC, GA],
  ...[IAC, SB, 39, 65, IAC, IAC, 66, IAC, SE],
  ...[IAC, DM],
  "\r",
  ...[IAC, NOP],
  "\0end\r\n",
);
const EVENTS = [
  'data "Hello\\r\\n"',
  "will 1",
  "wont 5",
  "do 24",
  "dont 36",
  'data "a\\rb"',
  "sub 24 01",
  'data "cÿd"',
  "command 241",
  "command 249",
  "sub 39 41ff42",
  "command 242",
  'data "\\r"',
  "command 241",
  'data "end\\r\\n"',
];

describe("what comes over Telnet", () => {
  it("is data, commands, offers and subnegotiations (RFC 854, RFC 855)", () => {
    expect(eventsOf([SESSION])).toEqual(EVENTS);
  });

  it("is the same wherever packets cut it", () => {
    for (let at = 1; at < SESSION.length; at++) {
      expect(eventsOf([SESSION.subarray(0, at), SESSION.subarray(at)]), `cut at ${at}`).toEqual(EVENTS);
    }
    expect(eventsOf(Array.from(SESSION, (octet) => Buffer.from([octet])))).toEqual(EVENTS);
  });

  it("keeps NULs that pad nothing, and all of them when it is binary (RFC 856)", () => {
    expect(eventsOf([octets("a\0\r\0\0b")])).toEqual(['data "a\\u0000\\r\\u0000b"']);
    const binary = new TelnetReader();
    binary.binary = true;
    expect(eventsOf([octets("a\r\0b", IAC, IAC)], binary)).toEqual(['data "a\\r\\u0000bÿ"']);
  });

  it("waits for the rest of what is cut by its end", () => {
    const reader = new TelnetReader();
    expect(eventsOf([octets("a", IAC)], reader)).toEqual(['data "a"']);
    expect(eventsOf([octets(IAC, "b")], reader)).toEqual(['data "ÿb"']);
  });

  it("drops a subnegotiation whose end was forgotten, and heeds what follows", () => {
    expect(eventsOf([octets(IAC, SB, 24, "abc", IAC, WILL, 1, "x")])).toEqual(["will 1", 'data "x"']);
  });

  it("refuses a subnegotiation without end", () => {
    const reader = new TelnetReader({ mostSubnegotiated: 100 });
    reader.feed(octets(IAC, SB, 201, "x".repeat(101)));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: "protocol" }));
  });

  it("loses no data to a Synch whose urgent octet is not seen: the mark, or the IAC before it", () => {
    for (let cut = 0; cut < 4; cut++) {
      const octets = Buffer.from([0x61, IAC, 0x68, 0x69]);
      expect(eventsOf([octets.subarray(0, cut), octets.subarray(cut)]), `cut at ${cut}`).toEqual([
        'data "ahi"',
      ]);
    }
    const reader = new TelnetReader();
    const pieces = () => [Buffer.from("a"), Buffer.from([DM, 0x62]), Buffer.from([DM, 0x63])];
    expect(eventsOf(pieces(), reader)).toEqual(['data "a\u00f2b\u00f2c"']);
    reader.markMayCome = true;
    expect(eventsOf([Buffer.from([DM, 0x90, 0x80, 0x80])], reader)).toEqual([
      'data "\u00f2\u0090\u0080\u0080"',
    ]);
    expect(eventsOf(pieces(), reader)).toEqual(['data "ab\u00f2c"']);
  });

  it("gives back what stands after an event that changes how to read on", () => {
    const reader = new TelnetReader();
    reader.feed(octets("a", IAC, SB, 86, IAC, SE, "compressed"));
    expect([reader.next()?.type, reader.next()?.type]).toEqual(["data", "subnegotiation"]);
    expect(reader.takeRest().toString()).toBe("compressed");
    expect(reader.next()).toBeUndefined();
  });
});

describe("what goes out over Telnet", () => {
  /** Pieces as written, and what they become together. */
  const lines: [pieces: string[], sent: string][] = [
    [["plain"], "plain"],
    [["a\nb\n"], "a\r\nb\r\n"],
    [["a\r\nb"], "a\r\nb"],
    [["\r"], "\r\0"],
    [["a\rb"], "a\r\0b"],
    [["a\r", "\nb"], "a\r\0b"],
    [["a\r", "b\n"], "a\r\0b\r\n"],
    [["\n\n"], "\r\n\r\n"],
    [["\xff\n\xff\xff"], "\xff\xff\r\n\xff\xff\xff\xff"],
  ];

  it.each(lines)("ends lines by CR LF, and a CR alone by NUL: %j", (pieces, sent) => {
    const writer = new TelnetWriter();
    const out = Buffer.concat(pieces.map((piece) => writer.data(Buffer.from(piece, "latin1"))));
    expect(out.toString("latin1")).toBe(sent);
  });

  it("changes nothing but IAC when it is binary", () => {
    const writer = new TelnetWriter();
    writer.binary = true;
    expect(writer.data(Buffer.from("a\n\r\xff", "latin1")).toString("latin1")).toBe("a\n\r\xff\xff");
  });

  it("reads back the same, whatever the octets", () => {
    const all = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7 + (at >> 5)) & 0xff));
    const writer = new TelnetWriter();
    const reader = new TelnetReader();
    writer.binary = true;
    reader.binary = true;
    reader.feed(writer.data(all));
    const back: Buffer[] = [];
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === "data") back.push(event.octets);
    }
    expect(Buffer.concat(back).equals(all)).toBe(true);
  });

  it("doubles IAC within a subnegotiation", () => {
    expect([...telnetSubnegotiation(31, Buffer.from([0, 255, 0, 24]))]).toEqual([
      ...[IAC, SB, 31, 0, IAC, IAC, 0, 24, IAC, SE],
    ]);
    expect([...telnetOffer("dont", 36)]).toEqual([IAC, DONT, 36]);
  });
});
