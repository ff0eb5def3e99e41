import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PortholeError } from "../../src/errors.js";
import { LineReader, type LineReaderOptions } from "../../src/wire/lines.js";
import { cutAt, everyCut, linesAndDots, octetByOctet, places } from "./pieces.js";

/** What a reader makes of the pieces: its lines, what is left, and the error it ended with. */
function read(pieces: readonly Buffer[], options: LineReaderOptions = {}) {
  const reader = new LineReader(options);
  const lines: string[] = [];
  try {
    for (const piece of pieces) {
      reader.feed(piece);
      for (let line = reader.next(); line !== undefined; line = reader.next())
        lines.push(line.toString("latin1"));
    }
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    return { lines, error: `${thrown.code}: ${thrown.message}`, reply: thrown.reply };
  }
  return { lines, left: reader.end()?.toString("latin1") };
}

describe("LineReader", () => {
  it("gives lines without their ends, whatever the cuts", () => {
    for (const pieces of everyCut(Buffer.from("220 ready\r\n\r\nbare\nnew\r\r\nunfinished"))) {
      expect(read(pieces)).toEqual({ lines: ["220 ready", "", "bare", "new\r"], left: "unfinished" });
    }
  });

  it("keeps a bare LF within the line where CRLF alone ends one, whatever the cuts", () => {
    for (const pieces of everyCut(Buffer.from("one\ntwo\r\n\n\r\n\r\nleft\n"))) {
      expect(read(pieces, { bareLf: "keep" })).toEqual({ lines: ["one\ntwo", "\n", ""], left: "left\n" });
    }
  });

  it("leaves octets as they are", () => {
    const reader = new LineReader();
    reader.feed(Buffer.from([0xff, 0x00, 0xc3, 0x0d, 0x0a]));
    expect(reader.next()).toEqual(Buffer.from([0xff, 0x00, 0xc3]));
  });

  it("takes a plain Uint8Array", () => {
    const reader = new LineReader();
    reader.feed(new TextEncoder().encode("xx250 ok\r\n").subarray(2));
    expect(reader.next()?.toString()).toBe("250 ok");
  });

  it("says how the last line ended, whatever the cuts", () => {
    for (const pieces of everyCut(Buffer.from("a\r\nb\n\n\r\n"))) {
      const reader = new LineReader();
      const ends: string[] = [];
      for (const piece of pieces) {
        reader.feed(piece);
        while (reader.next() !== undefined) ends.push(reader.lastEnd);
      }
      expect(ends).toEqual(["crlf", "lf", "lf", "crlf"]);
    }
  });

  it("gives lines that were fed while others waited", () => {
    const reader = new LineReader();
    for (const piece of octetByOctet(Buffer.from("one\r\ntwo\r\nthr"))) reader.feed(piece);
    expect(reader.next()?.toString()).toBe("one");
    reader.feed(Buffer.from("ee\r\n"));
    expect(reader.next()?.toString()).toBe("two");
    expect(reader.next()?.toString()).toBe("three");
    expect(reader.next()).toBeUndefined();
  });

  it("keeps the order of what is fed while lines are taken", () => {
    const reader = new LineReader();
    reader.feed(Buffer.from("one\r\n"));
    reader.feed(Buffer.from("two\r\n"));
    expect(reader.next()?.toString()).toBe("one");
    reader.feed(Buffer.from("three\r\n"));
    expect([reader.next(), reader.next(), reader.next()].map(String)).toEqual(["two", "three", "undefined"]);
  });

  it("hands out what follows the last line, for a form of its own", () => {
    for (const pieces of everyCut(Buffer.from("220 go ahead\r\n\x16\x03\x01 injected"))) {
      const reader = new LineReader();
      const lines: string[] = [];
      for (const piece of pieces) {
        reader.feed(piece);
        const line = lines.length === 0 ? reader.next() : undefined;
        if (line !== undefined) lines.push(line.toString());
      }
      expect(lines).toEqual(["220 go ahead"]);
      expect(reader.buffered).toBe(12);
      expect(reader.rest().toString()).toBe("\x16\x03\x01 injected");
      expect(reader.buffered).toBe(0);
      reader.feed(Buffer.from("250 ok\r\n"));
      expect(reader.next()?.toString()).toBe("250 ok");
    }
  });

  it("has nothing left when the last line had its end", () => {
    const reader = new LineReader();
    reader.feed(Buffer.from("221 bye\r\n"));
    reader.next();
    expect(reader.rest()).toHaveLength(0);
    expect(reader.end()).toBeUndefined();
  });

  it("takes a line as long as the bound and refuses one octet more, whatever the cuts", () => {
    for (const pieces of everyCut(Buffer.from("12345\r\n12345\n1234\r\r\n"))) {
      expect(read(pieces, { maxLength: 5 })).toEqual({
        lines: ["12345", "12345", "1234\r"],
        left: undefined,
      });
    }
    for (const long of ["123456\r\n", "123456", "123456\n", "12345\rx\r\n", "12345\r\r\n"]) {
      for (const pieces of everyCut(Buffer.from(`ok\r\n${long}`))) {
        expect(read(pieces, { maxLength: 5 })).toMatchObject({
          lines: ["ok"],
          error: "protocol: a line is longer than the bound of 5 octets",
        });
      }
    }
  });

  it("names the beginning of the line that was too long", () => {
    expect(read([Buffer.from("HTTP/1.1 400 Bad Request")], { maxLength: 8 }).reply).toBe("HTTP/1.1");
    const long = read([Buffer.from("y".repeat(5000))], { maxLength: 1000 });
    expect(long.reply).toBe(`${"y".repeat(200)}...`);
  });

  it("stays refused after a line that was too long", () => {
    const reader = new LineReader({ maxLength: 3 });
    reader.feed(Buffer.from("12345\r\nok\r\n"));
    expect(() => reader.next()).toThrow("bound of 3 octets");
    expect(() => reader.next()).toThrow("bound of 3 octets");
  });

  it("refuses a line without end while it comes, not after", () => {
    const reader = new LineReader({ maxLength: 10_000 });
    const piece = Buffer.from("z".repeat(1000));
    let fed = 0;
    expect(() => {
      for (; fed < 1000; fed++) {
        reader.feed(piece);
        reader.next();
      }
    }).toThrow("bound of 10000 octets");
    expect(fed).toBe(10);
  });

  it("lets its caller read into one buffer again and again", () => {
    const reader = new LineReader();
    const buffer = Buffer.alloc(7);
    const text = Buffer.from("first line\r\nsecond, longer line\r\nthird\r\n");
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += buffer.length) {
      const length = text.copy(buffer, 0, at);
      reader.feed(buffer.subarray(0, length));
      for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line.toString());
    }
    expect(lines).toEqual(["first line", "second, longer line", "third"]);
  });

  it("keeps apart the lines it gave out", () => {
    const reader = new LineReader();
    const lines: Buffer[] = [];
    for (const piece of octetByOctet(Buffer.from("aaaa\r\nbbbb\r\ncc\r\n"))) {
      reader.feed(piece);
      const line = reader.next();
      if (line !== undefined) lines.push(line);
    }
    expect(lines.map(String)).toEqual(["aaaa", "bbbb", "cc"]);
  });

  it("copies a line in many pieces a few times over, not once a piece", () => {
    const octet = Buffer.from("q");
    const feedAll = (count: number): number => {
      const reader = new LineReader({ maxLength: count });
      const start = performance.now();
      for (let fed = 0; fed < count; fed++) {
        reader.feed(octet);
        reader.next();
      }
      const took = performance.now() - start;
      reader.feed(Buffer.from("\r\n"));
      expect(reader.next()).toHaveLength(count);
      return took;
    };
    feedAll(50_000);
    // Copied anew for each piece, the larger one would be 500 GB of copying.
    expect(feedAll(1_000_000)).toBeLessThan(10_000);
  });

  it("gives the same lines however the octets are cut", () => {
    fc.assert(
      fc.property(
        linesAndDots,
        places,
        fc.constantFrom("accept", "keep"),
        fc.nat(12),
        (octets, cuts, bareLf, max) => {
          const options = { bareLf, maxLength: max } as const;
          expect(read(cutAt(octets, cuts), options)).toEqual(read([octets], options));
        },
      ),
    );
  });

  it("loses no octet: lines and ends together are what was fed", () => {
    fc.assert(
      fc.property(linesAndDots, places, fc.constantFrom("accept", "keep"), (octets, cuts, bareLf) => {
        const reader = new LineReader({ bareLf });
        const seen: Buffer[] = [];
        for (const piece of cutAt(octets, cuts)) {
          reader.feed(piece);
          for (let line = reader.next(); line !== undefined; line = reader.next()) {
            seen.push(line, Buffer.from(reader.lastEnd === "crlf" ? "\r\n" : "\n"));
          }
        }
        expect(Buffer.concat([...seen, reader.rest()])).toEqual(octets);
      }),
    );
  });
});
