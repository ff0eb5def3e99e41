import { describe, expect, it } from "vitest";
import { hexDump, transcriptLines } from "../../src/cli/transcript-view.js";

describe("the dialogue", () => {
  it("has a line for each line, with its time and who said it", () => {
    const bytes = Buffer.from("220-hi\x1b[2J\r\n220 ready\r\n");
    expect(transcriptLines({ connection: 1, at: 12.4, direction: "server", bytes }, 1)).toEqual([
      "  0.012 S: 220-hi\\x1b[2J",
      "  0.012 S: 220 ready",
    ]);
  });

  it("names second connections and their purpose", () => {
    const event = {
      connection: 2,
      at: 1500,
      direction: "client",
      bytes: Buffer.from("x\n"),
      purpose: "data",
    } as const;
    expect(transcriptLines(event, 1)).toEqual(["  1.500 2 [data] C: x"]);
    const note = { connection: 1, at: 0, direction: "note", text: "TLS 1.3\n" } as const;
    expect(transcriptLines(note, 1)).toEqual(["  0.000 *: TLS 1.3\\x0a"]);
  });

  it("counts octets that are no text, and dumps them with -vv", () => {
    const event = { connection: 1, at: 0, direction: "server", bytes: Buffer.from("\0\x01AB") } as const;
    expect(transcriptLines(event, 1)).toEqual(["  0.000 S: [4 octets]"]);
    expect(transcriptLines(event, 2)).toEqual([
      "  0.000 S: [4 octets]",
      `  0.000 S: 00000000  00 01 41 42${" ".repeat(39)}|..AB|`,
    ]);
  });

  it("cuts very long lines", () => {
    const event = {
      connection: 1,
      at: 0,
      direction: "server",
      bytes: Buffer.from("x".repeat(1500)),
    } as const;
    expect(transcriptLines(event, 1)).toEqual([`  0.000 S: ${"x".repeat(1000)}… [500 more]`]);
  });

  it("dumps sixteen octets a line", () => {
    expect(hexDump(Buffer.from("0123456789abcdef!"))).toEqual([
      "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|",
      `00000010  21${" ".repeat(48)}|!|`,
    ]);
  });
});
