import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DotLines, DotReader } from "../../src/wire/dots.js";
import type { BareLf } from "../../src/wire/lines.js";
import { cutAt, everyCut, linesAndDots, places } from "./pieces.js";

/** The body, whether its end came, and what followed it, all as Latin-1. */
function read(pieces: readonly Buffer[], bareLf?: BareLf) {
  const reader = new DotReader(bareLf === undefined ? {} : { bareLf });
  const body: Buffer[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === "chunk") body.push(event.bytes);
    }
  }
  return {
    body: Buffer.concat(body).toString("latin1"),
    ended: reader.ended,
    rest: reader.ended ? reader.rest().toString("latin1") : "",
  };
}

/** The same, line by line. */
function readLines(pieces: readonly Buffer[], bareLf?: BareLf) {
  const reader = new DotLines(bareLf === undefined ? {} : { bareLf });
  const lines: string[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === "line") lines.push(event.line.toString("latin1"));
    }
  }
  return { lines, ended: reader.ended, rest: reader.ended ? reader.rest().toString("latin1") : "" };
}

function expectBody(
  sent: string,
  expected: { body: string; ended: boolean; rest: string },
  bareLf?: BareLf,
): void {
  for (const pieces of everyCut(Buffer.from(sent, "latin1"))) expect(read(pieces, bareLf)).toEqual(expected);
}

describe("DotReader", () => {
  it("gives the text up to the lone dot, its last line end included, and what follows", () => {
    expectBody("Hello\r\nworld\r\n.\r\n+OK next\r\n", {
      body: "Hello\r\nworld\r\n",
      ended: true,
      rest: "+OK next\r\n",
    });
  });

  it("gives nothing for an empty block", () => {
    expectBody(".\r\n", { body: "", ended: true, rest: "" });
    expectBody(".\r\n.\r\n", { body: "", ended: true, rest: ".\r\n" });
  });

  it("takes the dot off the beginning of a line, and only there", () => {
    expectBody("..\r\n...\r\n.a\r\nb.\r\n..c..\r\n.\r\n", {
      body: ".\r\n..\r\na\r\nb.\r\n.c..\r\n",
      ended: true,
      rest: "",
    });
  });

  it("ends only at a whole line: CR or LF alone around the dot is text", () => {
    for (const text of [
      "a\n.\n",
      "a\n.\r\n",
      "a\r.\r\n",
      "a\r\n.\n",
      "a\r\n.\r",
      "a\r\n.\r\r\n",
      "a.\r\n",
      "a\r\n.\rb",
    ]) {
      expect(read([Buffer.from(text)])).toMatchObject({ ended: false });
    }
    expectBody("a\r\n.\nb\r\n.\r\r\n.\r\n", { body: "a\r\n\nb\r\n\r\r\n", ended: true, rest: "" });
    expectBody("a\r\n.\n.\r\nb\r\n.\r\n", { body: "a\r\n\n.\r\nb\r\n", ended: true, rest: "" });
    expectBody("mail\n.\n+OK forged\n.\r\n\r\n.\r\n", {
      body: "mail\n.\n+OK forged\n.\r\n\r\n",
      ended: true,
      rest: "",
    });
  });

  it("does not end at a packet of a dot and CRLF within a line", () => {
    const pieces = ["The sentence ends here", ".\r\n", "The message does not.\r\n", ".\r\n"].map((text) =>
      Buffer.from(text),
    );
    expect(read(pieces)).toEqual({
      body: "The sentence ends here.\r\nThe message does not.\r\n",
      ended: true,
      rest: "",
    });
  });

  it("keeps every octet", () => {
    const octets = Buffer.from([...Array(256).keys()].filter((octet) => octet !== 0x0a));
    const sent = Buffer.concat([octets, Buffer.from("\r\n.\r\n")]);
    for (const pieces of everyCut(sent)) {
      expect(read(pieces).body).toBe(`${octets.toString("latin1")}\r\n`);
    }
  });

  it("takes LF for a line end when told to", () => {
    expectBody("a\n..b\r\n.c\n.\nnext", { body: "a\n.b\r\nc\n", ended: true, rest: "next" }, "accept");
    expectBody("a\n.\r\nnext", { body: "a\n", ended: true, rest: "next" }, "accept");
    expectBody("a\r\n.\nnext", { body: "a\r\n", ended: true, rest: "next" }, "accept");
  });

  it("gives out what has come without waiting for the line's end", () => {
    const reader = new DotReader();
    reader.feed(Buffer.from("half a li"));
    expect(reader.next()).toEqual({ type: "chunk", bytes: Buffer.from("half a li") });
    expect(reader.next()).toBeUndefined();
    reader.feed(Buffer.from("ne\r\n."));
    expect(reader.next()).toEqual({ type: "chunk", bytes: Buffer.from("ne\r\n") });
    expect(reader.next()).toBeUndefined();
    reader.feed(Buffer.from("\r\n"));
    expect(reader.next()).toEqual({ type: "end" });
    expect(reader.next()).toBeUndefined();
  });

  it("does not copy text without dots", () => {
    const chunk = Buffer.from("no dots in here\r\n".repeat(1000));
    const reader = new DotReader();
    reader.feed(chunk);
    const event = reader.next();
    expect(event?.type === "chunk" && event.bytes.buffer === chunk.buffer && event.bytes.length).toBe(
      chunk.length,
    );
  });

  it("keeps for rest() what is fed after the end", () => {
    const reader = new DotReader();
    reader.feed(Buffer.from(".\r\n+OK"));
    expect(reader.next()).toEqual({ type: "end" });
    reader.feed(Buffer.from(" bye\r\n"));
    expect(reader.next()).toBeUndefined();
    expect(reader.rest().toString()).toBe("+OK bye\r\n");
    expect(reader.rest()).toHaveLength(0);
  });

  it("tells a connection lost within the block from an end", () => {
    for (const sent of ["", "text\r\n", "text\r\n.", "text\r\n.\r"]) {
      const reader = new DotReader();
      reader.feed(Buffer.from(sent));
      while (reader.next() !== undefined);
      expect(() => reader.end()).toThrow(
        expect.objectContaining({
          code: "protocol",
          message: "the connection was closed before the lone dot that ends the text",
        }),
      );
    }
    const reader = new DotReader();
    reader.feed(Buffer.from("text\r\n.\r\n"));
    while (reader.next() !== undefined);
    expect(() => reader.end()).not.toThrow();
  });

  it("gives the same text however the octets are cut", () => {
    fc.assert(
      fc.property(linesAndDots, places, fc.constantFrom("accept", "keep"), (octets, cuts, bareLf) => {
        const sent = Buffer.concat([octets, Buffer.from("\r\n.\r\ntrailing")]);
        const whole = read([sent], bareLf);
        expect(whole.ended).toBe(true);
        expect(read(cutAt(sent, cuts), bareLf)).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});

describe("DotLines", () => {
  it("gives each line unstuffed, without its end, and then the end", () => {
    const listing = "1 abc\r\n..2 starts with a dot\r\n\r\n...\r\n.\r\n+OK";
    for (const pieces of everyCut(Buffer.from(listing))) {
      expect(readLines(pieces)).toEqual({
        lines: ["1 abc", ".2 starts with a dot", "", ".."],
        ended: true,
        rest: "+OK",
      });
    }
  });

  it("reads an empty listing", () => {
    expect(readLines([Buffer.from(".\r\n")])).toEqual({ lines: [], ended: true, rest: "" });
  });

  it("keeps a bare LF in the line unless told to end there", () => {
    for (const pieces of everyCut(Buffer.from("a\n.\nb\r\n.\r\n"))) {
      expect(readLines(pieces)).toEqual({ lines: ["a\n.\nb"], ended: true, rest: "" });
      expect(readLines(pieces, "accept")).toEqual({ lines: ["a"], ended: true, rest: "b\r\n.\r\n" });
    }
  });

  it("bounds a line", () => {
    const reader = new DotLines({ maxLength: 8 });
    reader.feed(Buffer.from("1 2 3\r\n1 2 3 4 5 6"));
    expect(reader.next()).toEqual({ type: "line", line: Buffer.from("1 2 3") });
    expect(() => reader.next()).toThrow(
      expect.objectContaining({ code: "protocol", message: "a line is longer than the bound of 8 octets" }),
    );
  });

  it("tells a connection lost within the listing from an end", () => {
    const reader = new DotLines();
    reader.feed(Buffer.from("1 abc\r\n."));
    while (reader.next() !== undefined);
    expect(() => reader.end()).toThrow("before the lone dot");
    reader.feed(Buffer.from("\r\n"));
    expect(reader.next()).toEqual({ type: "end" });
    expect(() => reader.end()).not.toThrow();
  });

  it("says the same as DotReader, however the octets are cut", () => {
    fc.assert(
      fc.property(linesAndDots, places, (octets, cuts) => {
        const sent = Buffer.concat([octets, Buffer.from("\r\n.\r\ntrailing")]);
        const { lines, ...outcome } = readLines(cutAt(sent, cuts));
        const body = lines.map((line) => `${line}\r\n`).join("");
        expect({ body, ...outcome }).toEqual(read([sent]));
      }),
      { numRuns: 500 },
    );
  });
});
