import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LONGEST_HOLD, TextReader } from "../../protocols/gopher/text.js";
import { DotWriter } from "../../src/wire/dot-writer.js";
import { cutAt, everyCut, linesAndDots, places } from "../wire/pieces.js";

function read(pieces: readonly Buffer[]): string {
  const reader = new TextReader();
  const text = pieces.map((piece) => reader.feed(piece).toString("latin1"));
  return text.join("") + reader.end().toString("latin1");
}

/** The text in an answer, which must be the same however it is cut. */
function expectText(answer: string, text: string): void {
  for (const pieces of everyCut(Buffer.from(answer, "latin1"))) expect(read(pieces)).toBe(text);
}

describe("a text with the RFC's end", () => {
  it("loses the lone dot, and a dot of each pair", () => {
    expectText("One\r\n.\r\n", "One\r\n");
    expectText("One\r\n..two\r\n...\r\n..\r\n.\r\n", "One\r\n.two\r\n..\r\n.\r\n");
    expectText("..\r\n.\r\n", ".\r\n");
    expectText(".\r\n", "");
  });

  it("may end its lines with LF, or have nothing after the dot", () => {
    expectText("One\n..two\n.\n", "One\n.two\n");
    expectText("One\r\n.", "One\r\n");
    expectText("One\r\n.\r", "One\r\n");
  });
});

describe("a text that only stops", () => {
  it("stays as it is", () => {
    expectText("One\r\ntwo", "One\r\ntwo");
    expectText("..two\r\n...and so on\r\n", "..two\r\n...and so on\r\n");
    expectText("One.\r\nTwo .\r\n. three", "One.\r\nTwo .\r\n. three");
    expectText("", "");
  });

  it("may hold lone dots, and pairs beside them", () => {
    expectText("One\r\n.\r\nTwo\r\n", "One\r\n.\r\nTwo\r\n");
    expectText("..a\r\n.\r\n..b\r\n", "..a\r\n.\r\n..b\r\n");
    expectText(".\r\n.\r\n\r\n", ".\r\n.\r\n\r\n");
    expectText(".\rx\r\n.\n\r\n", ".\rx\r\n.\n\r\n");
  });
});

describe("a text of a server that doubles no dots and sends a last one", () => {
  it("loses that one, for a single dot says that none is doubled", () => {
    expectText("..a\r\n.profile\r\n..b\r\n.\r\n", "..a\r\n.profile\r\n..b\r\n");
    expectText(".profile\r\n..b\r\n.\r\n", ".profile\r\n..b\r\n");
    expectText("One\r\n.\r\n.\r\n", "One\r\n.\r\n");
  });
});

describe("streaming", () => {
  it("keeps back a line that may be the last dot, and no more", () => {
    const reader = new TextReader();
    expect(reader.feed(Buffer.from("One\r\n.")).toString()).toBe("One\r\n");
    expect(reader.feed(Buffer.from("\r\n")).toString()).toBe("");
    expect(reader.feed(Buffer.from("Two")).toString()).toBe(".\r\nTwo");
    expect(reader.end().toString()).toBe("");
  });

  it("holds all from two dots on until a single one settles it", () => {
    const reader = new TextReader();
    expect(reader.feed(Buffer.from("One\r\n..two\r\nthree\r\n")).toString()).toBe("One\r\n");
    expect(reader.feed(Buffer.from(".four\r\n..five\r\n")).toString()).toBe(
      "..two\r\nthree\r\n.four\r\n..five\r\n",
    );
    expect(reader.end().toString()).toBe("");
  });

  it("holds so much and no more; the dots then stay", () => {
    const reader = new TextReader();
    const line = Buffer.from(`${"x".repeat(1022)}\r\n`);
    expect(reader.feed(Buffer.from("..a\r\n")).length).toBe(0);
    let held = 5;
    let given = 0;
    while (given === 0) {
      given = reader.feed(line).length;
      held += line.length;
    }
    expect(given).toBe(held);
    expect(held).toBeGreaterThan(LONGEST_HOLD);
    expect(held).toBeLessThan(LONGEST_HOLD + 2048);
    expect(reader.feed(Buffer.from("..b\r\n.\r\n")).toString()).toBe("..b\r\n");
    expect(reader.end().length).toBe(0);
  });

  it("passes text without dots on as it is, without copying it", () => {
    const chunk = Buffer.from("Nothing to see.\r\nNothing to undo.\r\n");
    const given = new TextReader().feed(chunk);
    expect([given.buffer, given.byteOffset, given.length]).toEqual([
      chunk.buffer,
      chunk.byteOffset,
      chunk.length,
    ]);
  });
});

describe("any text", () => {
  it("reads the same however it is cut", () => {
    fc.assert(
      fc.property(linesAndDots, places, (octets, cuts) => {
        expect(read(cutAt(octets, cuts))).toBe(read([octets]));
      }),
    );
  });

  it("comes back from a server that keeps to the RFC", () => {
    fc.assert(
      fc.property(linesAndDots, (octets) => {
        const writer = new DotWriter();
        const block = Buffer.concat([writer.write(octets), writer.end()]);
        const lines = octets.toString("latin1").replace(/\r\n|\r|\n/g, "\r\n");
        const text = lines === "" || lines.endsWith("\n") ? lines : `${lines}\r\n`;
        expect(read([block])).toBe(text);
      }),
    );
  });
});
