import { describe, expect, it } from "vitest";
import { Capabilities } from "../../protocols/nntp/capabilities.js";
import { newsDate } from "../../protocols/nntp/date.js";
import { groupFacts, parseActive, parseCounts, parseDescription } from "../../protocols/nntp/group-facts.js";
import { MboxQuoting, separator } from "../../protocols/nntp/mbox.js";
import { parseOverview, parseOverviewFormat, USUAL_FORMAT } from "../../protocols/nntp/overview.js";
import { parsePath, parseRange } from "../../protocols/nntp/path.js";
import { containing, matchesWildmat } from "../../protocols/nntp/wildmat.js";

const reply = (code: number, text: string) => ({ code, text, lines: [text] });

describe("a path", () => {
  it.each([
    ["", { what: "server" }],
    ["/", { what: "server" }],
    ["/misc.test", { what: "group", group: "misc.test" }],
    ["/misc.test/", { what: "group", group: "misc.test" }],
    ["/alt.c%2B%2B", { what: "group", group: "alt.c++" }],
    ["/caf%C3%A9.test", { what: "group", group: "café.test" }],
    ["/comp.lang.*", { what: "groups", wildmat: "comp.lang.*" }],
    ["/misc.test/12", { what: "article", group: "misc.test", number: 12 }],
    ["/misc.test/4294967296", { what: "article", group: "misc.test", number: 4_294_967_296 }],
    ["/misc.test/12-34", { what: "range", group: "misc.test", range: { low: 12, high: 34 } }],
    ["/misc.test/12-", { what: "range", group: "misc.test", range: { low: 12 } }],
    ["/<a@b.example>", { what: "message", id: "<a@b.example>" }],
    ["/%3Ca%2Fb@c.example%3E", { what: "message", id: "<a/b@c.example>" }],
    ["/a@b.example", { what: "message", id: "<a@b.example>" }],
    ["/misc.test/a@b.example", { what: "message", id: "<a@b.example>" }],
  ])("%s", (path, place) => {
    expect(parsePath(path)).toEqual(place);
  });

  it.each([
    "/a/b/c",
    "/misc.test/abc",
    "/misc%20test",
    "/%09",
    "/<a b@c>",
    "/misc.test/1-2-3",
    "/misc.test%0D%0AQUIT",
    "/misc.test/-5",
  ])("%s names nothing", (path) => {
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("has ranges as typed", () => {
    expect(parseRange("7")).toEqual({ low: 7, high: 7 });
    expect(parseRange("7-9")).toEqual({ low: 7, high: 9 });
    expect(parseRange("7-")).toEqual({ low: 7 });
    expect(() => parseRange("x")).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("groups", () => {
  it("are counted by GROUP", () => {
    expect(groupFacts(reply(211, "1234 3000234 3002322 misc.test"), "misc.test")).toEqual({
      name: "misc.test",
      count: 1234,
      low: 3_000_234,
      high: 3_002_322,
    });
    expect(groupFacts(reply(211, "0 4000 3999"), "misc.test")).toMatchObject({
      name: "misc.test",
      low: 4000,
      high: 3999,
    });
  });

  it("may have numbers beyond 2^31, but none that cannot be told apart", () => {
    expect(groupFacts(reply(211, "1 4294967296 4294967297 x"), "x").high).toBe(4_294_967_297);
    const mad = reply(211, "1 1 99999999999999999999 x");
    expect(() => groupFacts(mad, "x")).toThrow(expect.objectContaining({ code: "protocol" }));
    expect(() => groupFacts(reply(211, "welcome"), "x")).toThrow(
      expect.objectContaining({ code: "protocol" }),
    );
  });

  it("are listed by ACTIVE and COUNTS", () => {
    expect(parseActive("misc.test 0000000020 0000000003 y")).toEqual({
      name: "misc.test",
      low: 3,
      high: 20,
      count: 18,
      status: "y",
      estimated: true,
    });
    expect(parseActive("empty.group 5 6 m")).toMatchObject({ count: 0 });
    expect(parseActive("other.group 1 1 =misc.test")).toMatchObject({ status: "=misc.test" });
    expect(parseCounts("misc.test 20 3 7 y")).toMatchObject({ count: 7, estimated: false });
    expect(parseActive("rubbish")).toBeUndefined();
    expect(parseCounts("misc.test 20 3 y")).toBeUndefined();
  });

  it("are described", () => {
    expect(parseDescription("misc.test\t\tGeneral Usenet testing")).toEqual({
      name: "misc.test",
      description: "General Usenet testing",
    });
    expect(parseDescription("misc.test")).toEqual({ name: "misc.test", description: "" });
    expect(parseDescription("")).toBeUndefined();
  });
});

describe("capabilities", () => {
  it("have labels in any case, and arguments", () => {
    const known = new Capabilities(["VERSION 2", "reader", "LIST ACTIVE Counts", "SASL  plain CRAM-MD5", ""]);
    expect(known.has("READER")).toBe(true);
    expect(known.has("POST")).toBe(false);
    expect(known.offers("LIST", "COUNTS")).toBe(true);
    expect(known.offers("POST", "COUNTS")).toBe(false);
    expect(known.mechanisms).toEqual(["PLAIN", "CRAM-MD5"]);
  });
});

describe("the overview", () => {
  it("has its format from the server", () => {
    const lines = [
      "Subject:",
      "From:",
      "Date:",
      "Message-ID:",
      "References:",
      "Bytes:",
      "Lines:",
      "Xref:FULL",
      "Distribution:full",
    ];
    expect(parseOverviewFormat(lines).slice(5)).toEqual([
      { name: ":bytes", full: false },
      { name: ":lines", full: false },
      { name: "xref", full: true },
      { name: "distribution", full: true },
    ]);
    expect(parseOverviewFormat(["Subject:"])).toBe(USUAL_FORMAT);
  });

  const format = parseOverviewFormat([
    "Subject:",
    "From:",
    "Date:",
    "Message-ID:",
    "References:",
    ":bytes",
    ":lines",
    "Xref:full",
  ]);
  const fieldsOf = (line: string) =>
    Object.fromEntries(parseOverview(Buffer.from(line, "latin1"), format)?.fields ?? []);

  it("has a field after each tab", () => {
    expect(fieldsOf("7\tHi\ta@b\tMon\t<1@b>\t<0@b>\t12\t3\tXref: news.b misc.test:7")).toEqual({
      subject: "Hi",
      from: "a@b",
      date: "Mon",
      "message-id": "<1@b>",
      references: "<0@b>",
      ":bytes": "12",
      ":lines": "3",
      xref: "news.b misc.test:7",
    });
  });

  it("may have too few fields, or too many", () => {
    expect(fieldsOf("7\tHi")).toEqual({ subject: "Hi" });
    expect(fieldsOf("7")).toEqual({});
    expect(fieldsOf("7\t\t\t\t\t\t\t\t\tmore\tand more")).toEqual({});
  });

  it("keeps octets above 127 as they are", () => {
    expect(fieldsOf("7\tGr\xfc\xdfe")["subject"]).toBe("Gr\xfc\xdfe");
  });

  it("is none without a number", () => {
    expect(parseOverview(Buffer.from("x\tHi"), format)).toBeUndefined();
    expect(parseOverview(Buffer.from(""), format)).toBeUndefined();
  });
});

describe("a date of old", () => {
  it.each([
    ["Wed Jun 30 21:49:08 1993", "1993-06-30T21:49:08.000Z"],
    ["Wed Jun 30 21:49:08 +0200 1993", "1993-06-30T19:49:08.000Z"],
    ["Wed Jun 30 21:49 EDT 1993", "1993-06-30T21:49:00.000Z"],
    ["1997-01-02 10:11:12", "1997-01-02T10:11:12.000Z"],
    ["1997-01-02T10:11:12+02:00", "1997-01-02T08:11:12.000Z"],
    ["Jan 02, 1997 10:11:12", "1997-01-02T10:11:12.000Z"],
    ["January 2, 1997", "1997-01-02T00:00:00.000Z"],
    ["2 Jan 97", "1997-01-02T00:00:00.000Z"],
    ["Thu, 2 Jan 2003", "2003-01-02T00:00:00.000Z"],
  ])("%s", (raw, iso) => {
    expect(newsDate(raw)?.toISOString()).toBe(iso);
  });

  it.each(["", "yesterday", "Wed Foo 30 21:49:08 1993", "99 Jan 1997", "2003-13-45"])(
    "%s means none",
    (raw) => {
      expect(newsDate(raw)).toBeUndefined();
    },
  );
});

describe("a wildmat", () => {
  it.each([
    ["*", "misc.test", true],
    ["misc.*", "misc.test", true],
    ["misc.*", "comp.misc.test", false],
    ["*,!misc.*", "misc.test", false],
    ["!misc.*,*", "misc.test", true],
    ["a?c", "abc", true],
    ["a?c", "aéc", true],
    ["a*b*c", "aXXbYYc", true],
    ["a*b*c", "aXXcYYb", false],
    ["", "misc.test", false],
    ["tx.natives*,!tx.natives.recovery", "tx.natives.recovery", false],
  ])("%s for %s: %s", (wildmat, text, matches) => {
    expect(matchesWildmat(wildmat, text)).toBe(matches);
  });

  it("takes no time that explodes", () => {
    expect(matchesWildmat(`${"*a".repeat(30)}b`, "a".repeat(5000))).toBe(false);
  });

  it("is made of plain words", () => {
    expect(containing("light")).toBe("*light*");
    expect(containing("light*")).toBe("light*");
  });
});

describe("an mbox", () => {
  const quote = (text: string, size: number) => {
    const quoting = new MboxQuoting();
    const octets = Buffer.from(text);
    const pieces: Buffer[] = [];
    for (let at = 0; at < octets.length; at += size)
      pieces.push(quoting.write(octets.subarray(at, at + size)));
    return Buffer.concat([...pieces, quoting.end()]).toString();
  };

  it.each([1, 2, 3, 5, 1000])("quotes From lines, and ends lines with LF, in pieces of %i", (size) => {
    const text =
      "Subject: x\r\n\r\nFrom here\r\n>From there\r\n>>From x\r\nFromage\r\n From\r\n>\r\na\rb\r\nFrom";
    const kept = "Subject: x\n\n>From here\n>>From there\n>>>From x\nFromage\n From\n>\na\rb\nFrom\n\n";
    expect(quote(text, size)).toBe(kept);
  });

  it("parts messages by an empty line", () => {
    expect(quote("a\r\n", 10)).toBe("a\n\n");
    expect(quote("a", 10)).toBe("a\n\n");
    expect(separator(new Date("2024-03-04T05:06:07Z")).toString()).toBe("From - Mon Mar  4 05:06:07 2024\n");
  });
});
