import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isHarmful, SafeText, safeLine, safeText } from "../../src/text/safe.js";

describe("a line from a server", () => {
  it.each([
    ["a terminal title", "\x1b]0;owned\x07", "\\x1b]0;owned\\x07"],
    ["colours", "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"],
    ["the one-octet CSI", "\u009b2J", "\\x9b2J"],
    ["DEL, BEL and NUL", "\x7f\x07\0", "\\x7f\\x07\\x00"],
    ["line breaks", "real\r\nS: 250 faked", "real\\x0d\\x0aS: 250 faked"],
    ["a tab", "a\tb", "a\\x09b"],
    ["a direction override", "invoice\u202efdp.exe", "invoice\\u202efdp.exe"],
    ["isolates and marks", "\u2066a\u2069\u200e\u061c", "\\u2066a\\u2069\\u200e\\u061c"],
    ["zero width space and byte order mark", "pay\u200bpal\ufeff", "pay\\u200bpal\\ufeff"],
    ["a joiner between Latin letters", "goo\u200dgle", "goo\\u200dgle"],
    ["half a surrogate pair", "x\ud83d", "x\\ud83d"],
    ["tags", "a\u{e0041}", "a\\u{e0041}"],
    ["Unicode's own line breaks", "a\u2028b\u2029", "a\\u2028b\\u2029"],
    ["a filler drawn as nothing", "a\u3164", "a\\u3164"],
  ])("shows %s", (_what, hostile, shown) => {
    expect(safeLine(hostile)).toBe(shown);
    expect(isHarmful(hostile)).toBe(true);
  });

  it.each(["plain", "Grüße", "日本語", "👨‍👩‍👧 ❤️‍🔥", "می‌خواهم", "क्‍ष", "C:\\x1b", ""])(
    "leaves %j",
    (innocent) => {
      expect(safeLine(innocent)).toBe(innocent);
    },
  );
});

describe("a document from a server", () => {
  it("keeps tabs and line feeds, and turns CRLF into LF", () => {
    expect(safeText("a\tb\r\nc\n")).toBe("a\tb\nc\n");
  });

  it("shows a lone carriage return, which would overwrite the line", () => {
    expect(safeText("rm -rf\recho")).toBe("rm -rf\\x0decho");
  });
});

describe("a stream of text", () => {
  it("comes out the same however it is cut", async () => {
    const pieces = fc.array(
      fc.constantFrom("a", "\r", "\n", "\x1b", "👨", "\u200d", "\ud83d", "\udc68", "é"),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces.map((parts) => parts.join(""))), async (chunks) => {
        const stream = Readable.from(chunks).pipe(new SafeText());
        expect(await text(stream)).toBe(safeText(chunks.join("")));
      }),
      { numRuns: 200 },
    );
  });
});
