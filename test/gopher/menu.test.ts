import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LongLines } from "../../protocols/gopher/line-ends.js";
import { type MenuItem, MenuReader, parseMenuLine } from "../../protocols/gopher/menu.js";
import { cutAt, everyCut, places } from "../wire/pieces.js";

/** An item as one line to compare: type, display, selector, host, port. */
function told(item: MenuItem): string {
  return [item.type, item.display, item.selector.toString("latin1"), item.host, item.port ?? "-"].join("|");
}

function read(pieces: readonly Buffer[]): { items: string[]; ended: boolean } {
  const reader = new MenuReader();
  const items: string[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let item = reader.next(); item !== undefined; item = reader.next()) items.push(told(item));
  }
  for (const item of reader.end()) items.push(told(item));
  return { items, ended: reader.ended };
}

/** The items of a menu, which must be the same however it is cut. */
function expectItems(menu: string, items: string[], ended = false): void {
  for (const pieces of everyCut(Buffer.from(menu, "latin1"))) expect(read(pieces)).toEqual({ items, ended });
}

describe("a menu line", () => {
  it.each([
    ["0About\t/about.txt\texample.org\t70", "0|About|/about.txt|example.org|70"],
    ["1Floodgap\t\tgopher.floodgap.com\t70", "1|Floodgap||gopher.floodgap.com|70"],
    ["9Data\t/d\texample.org\t7070\t+", "9|Data|/d|example.org|7070"],
    ["1No port\t/a\texample.org", "1|No port|/a|example.org|-"],
    ["1No host\t/a", "1|No host|/a||-"],
    ["1Port 0\t/a\texample.org\t0", "1|Port 0|/a|example.org|-"],
    ["1Port too large\t/a\texample.org\t70000", "1|Port too large|/a|example.org|-"],
    ["1Port in words\t/a\texample.org\tseventy", "1|Port in words|/a|example.org|-"],
    ["1Port with spaces\t/a\texample.org \t 70 ", "1|Port with spaces|/a|example.org|70"],
    ["iWelcome\tfake\t(NULL)\t0", "i|Welcome|fake|(NULL)|-"],
    ["i\t\tnull.host\t1", "i|||null.host|1"],
    ["iWelcome", "i|Welcome|||-"],
    ["Welcome to this server", "i|Welcome to this server|||-"],
    ["3 ships came in", "i|3 ships came in|||-"],
    ["", "i||||-"],
    ["\t/a\texample.org\t70", "i||||-"],
    [" Indented\t/a\texample.org\t70", "i| Indented|||-"],
    ["3'/x' is not here\t\terror.host\t1", "3|'/x' is not here||error.host|1"],
    ["hSite\tURL:http://example.org/\texample.org\t70", "h|Site|URL:http://example.org/|example.org|70"],
    ["?Odd type\t/a\texample.org\t70", "?|Odd type|/a|example.org|70"],
  ])("%j", (line, expected) => {
    expect(told(parseMenuLine(Buffer.from(line)))).toBe(expected);
  });

  it("is UTF-8 if it is that, otherwise Latin-1; its selector stays octets", () => {
    expect(parseMenuLine(Buffer.from("0Café\t/café\texample.org\t70")).display).toBe("Café");
    const latin1 = parseMenuLine(Buffer.from("0Caf\xe9\t/caf\xe9\texample.org\t70", "latin1"));
    expect([latin1.display, latin1.selector]).toEqual(["Café", Buffer.from("/caf\xe9", "latin1")]);
  });

  it("may have tabs in its words: then the port tells where they end", () => {
    expect(told(parseMenuLine(Buffer.from("0One\ttwo\t/a\texample.org\t70")))).toBe(
      told(parseMenuLine(Buffer.from("0One     two\t/a\texample.org\t70"))),
    );
    expect(parseMenuLine(Buffer.from("i\t|\t|\tfake\t(NULL)\t0")).display).toBe("        |       |");
    expect(parseMenuLine(Buffer.from("0One\ttwo\t/a\texample.org\t70\t+"))).toMatchObject({
      display: "One     two",
      host: "example.org",
      port: 70,
      plus: true,
    });
    // Where there is a port in its place nothing is moved, whatever comes after it.
    expect(parseMenuLine(Buffer.from("0A\t/a\texample.org\t70\t+\t71"))).toMatchObject({
      display: "A",
      port: 70,
    });
  });

  it("says whether the server speaks Gopher+ for it", () => {
    expect(parseMenuLine(Buffer.from("0A\t/a\texample.org\t70\t+")).plus).toBe(true);
    expect(parseMenuLine(Buffer.from("0A\t/a\texample.org\t70")).plus).toBe(false);
  });
});

describe("a menu", () => {
  it("ends with a lone dot, whatever follows it", () => {
    expectItems(
      "0A\t/a\th\t70\r\n1B\t/b\th\t70\r\n.\r\n0C\t/c\th\t70\r\nGoodbye",
      ["0|A|/a|h|70", "1|B|/b|h|70"],
      true,
    );
    expectItems(".\r\n", [], true);
    expectItems("0A\t/a\th\t70\r\n.", ["0|A|/a|h|70"], true);
  });

  it("may end without a dot, or within a line", () => {
    expectItems("0A\t/a\th\t70\r\n", ["0|A|/a|h|70"]);
    expectItems("0A\t/a\th\t70\r\n1B\t/b", ["0|A|/a|h|70", "1|B|/b||-"]);
    expectItems("", []);
  });

  it("takes a dot in a line for text", () => {
    expectItems("i.\t\tnull.host\t1\r\n. \r\n..\r\n", ["i|.||null.host|1", "i|. |||-", "i|..|||-"]);
  });

  it("has lines that end with LF, with CR, or with CR CR LF", () => {
    const items = ["i|One|||-", "0|A|/a|h|70", "i|Two|||-"];
    for (const end of ["\r\n", "\n", "\r", "\r\r\n"]) {
      expectItems(["iOne", "0A\t/a\th\t70", "iTwo", ".", ""].join(end), items, true);
      expectItems(["iOne", "0A\t/a\th\t70", "iTwo"].join(end), items);
    }
  });

  it("keeps blank lines", () => {
    expectItems("iOne\r\n\r\niTwo\r\n", ["i|One|||-", "i||||-", "i|Two|||-"]);
    expectItems("iOne\n\niTwo\n", ["i|One|||-", "i||||-", "i|Two|||-"]);
  });

  it("opens a second place for an item as what the item is", () => {
    const reader = new MenuReader();
    reader.feed(
      Buffer.from("0A\t/a\th\t70\r\n+A again\t/a\tmirror\t70\r\niA note\r\n+A third time\t/a\tfar\t70\r\n"),
    );
    const types: string[] = [];
    for (let item = reader.next(); item !== undefined; item = reader.next())
      types.push(item.type + item.opensAs);
    expect(types).toEqual(["00", "+0", "ii", "+0"]);
  });

  it("gives an item as soon as its line is there", () => {
    const reader = new MenuReader();
    reader.feed(Buffer.from("0A\t/a\th\t70\r"));
    expect(reader.next()).toBeUndefined();
    reader.feed(Buffer.from("\n0B"));
    expect(reader.next()?.display).toBe("A");
    expect(reader.next()).toBeUndefined();
  });

  it("has lines of 64 KiB at most", () => {
    const fits = new MenuReader();
    fits.feed(Buffer.from(`${"a".repeat(65_536)}\r\n`));
    expect(fits.next()?.display.length).toBe(65_536);
  });

  it("goes on behind a line that is longer, with a note in its place, however it is cut", () => {
    const note = "(a line longer than 65536 octets is left out here)";
    const menu = Buffer.from(
      `0A\t/a\th\t70\r\n0${"x".repeat(300_000)}\t/x\th\t70\r\n0B\t/b\th\t70\r\n${"y".repeat(65_537)}\n0C\t/c\th\t70\r\n${"z".repeat(70_000)}`,
    );
    for (const size of [1000, 65_536, 65_537, 100_000, menu.length]) {
      const reader = new MenuReader();
      const seen: string[] = [];
      for (let at = 0; at < menu.length; at += size) {
        reader.feed(menu.subarray(at, at + size));
        for (let item = reader.next(); item !== undefined; item = reader.next()) seen.push(item.display);
      }
      for (const item of reader.end()) seen.push(item.display);
      expect(seen, `in pieces of ${size}`).toEqual(["A", note, "B", note, "C", note]);
    }
  });

  it("holds no more of such a line than the bound", () => {
    const lines = new LongLines(100);
    let kept = 0;
    for (let at = 0; at < 1000; at++) kept += lines.feed(Buffer.alloc(64, "a")).length;
    expect(kept).toBe(101);
    expect(lines.feed(Buffer.from("aa\nb\n")).toString()).toBe("\nb\n");
  });

  it("reads the same however it is cut", () => {
    const line = fc.constantFrom(
      "0A\t/a\th\t70",
      "iText",
      "",
      ".",
      "..",
      "\t\t",
      "h\xe9\t/\xe9",
      "\r",
      "\n",
      "\r\n",
    );
    const menu = fc.array(line, { maxLength: 20 }).map((lines) => Buffer.from(lines.join("\r\n"), "latin1"));
    fc.assert(
      fc.property(menu, places, (octets, cuts) => {
        expect(read(cutAt(octets, cuts))).toEqual(read([octets]));
      }),
    );
  });
});
