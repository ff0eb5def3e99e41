import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DotWriter, type DotWriterOptions } from "../../src/wire/dot-writer.js";
import { DotReader } from "../../src/wire/dots.js";
import { cutAt, everyCut, linesAndDots, places } from "./pieces.js";

function write(pieces: readonly Buffer[], options: DotWriterOptions = {}): Buffer {
  const writer = new DotWriter(options);
  return Buffer.concat([...pieces.map((piece) => writer.write(piece)), writer.end()]);
}

function expectSent(text: string, sent: string, options: DotWriterOptions = {}): void {
  for (const pieces of everyCut(Buffer.from(text, "latin1"))) {
    expect(write(pieces, options).toString("latin1")).toBe(sent);
  }
}

describe("DotWriter", () => {
  it("doubles dots at the beginning of lines and ends with a lone dot", () => {
    for (const lineEnds of ["as-is", "crlf"] as const) {
      expectSent("Hello\r\n", "Hello\r\n.\r\n", { lineEnds });
      expectSent(".\r\n..\r\na.b\r\n.c\r\n", "..\r\n...\r\na.b\r\n..c\r\n.\r\n", { lineEnds });
      expectSent("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n", { lineEnds });
    }
  });

  it("adds the last CRLF where there is none", () => {
    for (const lineEnds of ["as-is", "crlf"] as const) {
      expectSent("no end", "no end\r\n.\r\n", { lineEnds });
      expectSent("a\r\n.", "a\r\n..\r\n.\r\n", { lineEnds });
    }
    expectSent("ends with CR\r", "ends with CR\r\r\n.\r\n", { lineEnds: "as-is" });
    expectSent("ends with LF\n", "ends with LF\n\r\n.\r\n", { lineEnds: "as-is" });
    expectSent("ends with LF\n", "ends with LF\n.\r\n", { lineEnds: "as-is", bareLf: "accept" });
  });

  it("sends the lone dot alone for an empty text", () => {
    expect(write([]).toString()).toBe(".\r\n");
    expect(write([Buffer.alloc(0)], { lineEnds: "as-is" }).toString()).toBe(".\r\n");
  });

  it("makes CRLF of every CR and LF that stands alone", () => {
    expectSent("a\nb\rc\r\nd\n\re\r\rf", "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf\r\n.\r\n");
    expectSent("ends with CR\r", "ends with CR\r\n.\r\n");
    expectSent("ends with LF\n", "ends with LF\r\n.\r\n");
    expectSent("\n", "\r\n.\r\n");
    expectSent("\r", "\r\n.\r\n");
  });

  it("lets no end be smuggled in by a bare CR or LF around a dot", () => {
    expectSent("mail\n.\nMAIL FROM:<a@b>", "mail\r\n..\r\nMAIL FROM:<a@b>\r\n.\r\n");
    expectSent("mail\r.\rMAIL FROM:<a@b>", "mail\r\n..\r\nMAIL FROM:<a@b>\r\n.\r\n");
    expectSent("mail\n.\r\nMAIL FROM:<a@b>", "mail\r\n..\r\nMAIL FROM:<a@b>\r\n.\r\n");
    expectSent("mail\r\n.\rMAIL FROM:<a@b>", "mail\r\n..\r\nMAIL FROM:<a@b>\r\n.\r\n");
    expectSent("mail\r\r\n.\r\nMAIL FROM:<a@b>", "mail\r\n\r\n..\r\nMAIL FROM:<a@b>\r\n.\r\n");
  });

  it("leaves octets alone when told to, and doubles dots after LF only where LF ends a line", () => {
    expectSent("a\n.b\r.c\r\n.d\r\n", "a\n.b\r.c\r\n..d\r\n.\r\n", { lineEnds: "as-is" });
    expectSent("a\n.b\r.c\r\n.d\r\n", "a\n..b\r.c\r\n..d\r\n.\r\n", { lineEnds: "as-is", bareLf: "accept" });
  });

  it("copies nothing where nothing changes", () => {
    const chunk = Buffer.from("nothing to change here\r\n".repeat(1000));
    for (const lineEnds of ["as-is", "crlf"] as const) {
      const sent = new DotWriter({ lineEnds }).write(chunk);
      expect([sent.buffer === chunk.buffer, sent.length]).toEqual([true, chunk.length]);
    }
  });

  it("does not change the chunk it is given", () => {
    const chunk = Buffer.from(".a\n.b\r");
    new DotWriter().write(chunk);
    expect(chunk.toString()).toBe(".a\n.b\r");
  });

  it("takes a plain Uint8Array", () => {
    const bytes = new TextEncoder().encode("xx.a").subarray(2);
    expect(new DotWriter().write(bytes).toString()).toBe("..a");
  });

  it("is undone by DotReader, octet for octet, for any text that ends with CRLF", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          linesAndDots,
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        ),
        places,
        places,
        fc.constantFrom("accept", "keep"),
        (octets, cuts, cutsOfSent, bareLf) => {
          const text = Buffer.concat([octets, Buffer.from("\r\n")]);
          const sent = Buffer.concat([
            write(cutAt(text, cuts), { lineEnds: "as-is", bareLf }),
            Buffer.from("+OK"),
          ]);
          const reader = new DotReader({ bareLf });
          const body: Buffer[] = [];
          for (const piece of cutAt(sent, cutsOfSent)) {
            reader.feed(piece);
            for (let event = reader.next(); event !== undefined; event = reader.next()) {
              if (event.type === "chunk") body.push(event.bytes);
            }
          }
          expect(Buffer.concat(body)).toEqual(text);
          expect(reader.ended).toBe(true);
          expect(reader.rest().toString()).toBe("+OK");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("sends no bare CR or LF and one end, for any text however it is cut", () => {
    fc.assert(
      fc.property(linesAndDots, places, (octets, cuts) => {
        const sent = write(cutAt(octets, cuts)).toString("latin1");
        expect(sent).toBe(write([octets]).toString("latin1"));
        expect(sent).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
        expect(`\r\n${sent}`.indexOf("\r\n.\r\n")).toBe(sent.length - 3);
      }),
      { numRuns: 500 },
    );
  });
});
