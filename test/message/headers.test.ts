import { describe, expect, it } from "vitest";
import { decodeWords, isPlain } from "../../src/message/encoded-words.js";
import { LONGEST_HEADER, parseDate, parseHeader, summaryOf } from "../../src/message/headers.js";
import { parameterText, parseParameterized, partFileName } from "../../src/message/parameters.js";

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");

describe("a header", () => {
  it("is unfolded, field by field, up to the empty line", () => {
    const header = parseHeader(
      "Subject: one\r\n two\r\n\tthree\r\nX-Empty:\r\nTo: a@b\r\n\r\nCc: of the body\r\n",
    );
    expect(header.fields).toEqual([
      { name: "Subject", raw: "one two\tthree" },
      { name: "X-Empty", raw: "" },
      { name: "To", raw: "a@b" },
    ]);
    expect(header.raw("TO")).toBe("a@b");
    expect(header.raw("Cc")).toBeUndefined();
  });

  it("may end its lines with LF alone, begin with a From_ line, and hold lines that are none", () => {
    const header = parseHeader(
      Buffer.from("From a@b Thu Jan  1 00:00:00 1970\nno field\nSubject : x\nFrom: y\n\n"),
    );
    expect(header.fields).toEqual([
      { name: "Subject", raw: "x" },
      { name: "From", raw: "y" },
    ]);
  });

  it("of 10 MB is read as far as its bound", () => {
    const octets = Buffer.from(
      `Subject: first\r\nX-Long: ${"x".repeat(10 * 1024 * 1024)}\r\nTo: last\r\n\r\n`,
    );
    const header = parseHeader(octets);
    expect(header.raw("subject")).toBe("first");
    expect(header.raw("x-long")?.length).toBeLessThan(LONGEST_HEADER);
    expect(header.raw("to")).toBeUndefined();
  });
});

describe("encoded words (RFC 2047)", () => {
  it.each([
    ["=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=", "Grüße aus Köln"],
    ["=?utf-8?B?44GT44KT44Gr44Gh44Gv?=", "こんにちは"],
    ["=?ISO-8859-1?Q?a?= b =?ISO-8859-2?Q?=F3?=", "a b ó"],
    ["=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?= <a@b>", "こんにちは <a@b>"],
    // Section 6.2: blanks between two of them only separate.
    ["=?us-ascii?Q?a?=   =?us-ascii?Q?b?=", "ab"],
    ["(=?ISO-8859-1?Q?a_b?=)", "(a b)"],
    // One character cut over two words.
    ["=?utf-8?B?w6Q=?= =?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "ä€"],
    ["=?iso-8859-1*de?Q?=FC?=", "ü"],
    ["=?utf-8?Q?with blanks in it?=", "with blanks in it"],
    ["=?nonsense?Q?=C3=A9?=", "é"],
    ["=?utf-8?X?abc?=", "=?utf-8?X?abc?="],
    ["=?utf-8?Q?unfinished", "=?utf-8?Q?unfinished"],
    ["=?utf-8?Q?line=0Abreak=0D?=", "line break "],
  ])("%s", async (raw, text) => {
    expect(await decodeWords(raw)).toBe(text);
  });

  it("guesses octets above 127 that nothing announces", async () => {
    expect(await decodeWords(latin1("Grüße"))).toBe("Grüße");
    expect(await decodeWords("Gr\xfc\xdfe")).toBe("Grüße");
  });

  it("leaves what needs no decoding alone", () => {
    expect([isPlain("plain text"), isPlain("a =?b"), isPlain("\xe4")]).toEqual([true, false, false]);
  });

  it("takes time in proportion to a hostile field", async () => {
    const begun = performance.now();
    await decodeWords("=?utf-8?Q?".repeat(20_000));
    await decodeWords(`=?${"=?a?q?".repeat(20_000)}`);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

describe("dates (RFC 5322, 3.3 and 4.3)", () => {
  it.each([
    ["Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06.000Z"],
    ["21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06.000Z"],
    ["Thu, 1 Jan 2026 00:00 EST (winter)", "2026-01-01T05:00:00.000Z"],
    ["Mon, 31 Dec 2012 23:59:60 +0530", "2012-12-31T18:29:59.000Z"],
    ["1 Feb 49 00:00:00 +0000", "2049-02-01T00:00:00.000Z"],
  ])("%s", (raw, iso) => {
    expect(parseDate(raw)?.toISOString()).toBe(iso);
  });

  it.each(["", "yesterday", "32", "1 Foo 2020 00:00:00 +0000"])("'%s' is none", (raw) => {
    expect(parseDate(raw)).toBeUndefined();
  });
});

it("a summary says what a list shows, and nothing that the header does not", async () => {
  const header = parseHeader(
    "Subject: =?utf-8?q?H=C3=A9?=\nFrom: =?utf-8?q?=C3=84nn?= <a@b>\nMessage-ID: <1@x> (c)\nDate: 1 Jan 2026 00:00:00 +0100\n\n",
  );
  expect(await summaryOf(header)).toEqual({
    subject: "Hé",
    from: "Änn <a@b>",
    date: new Date("2025-12-31T23:00:00Z"),
    messageId: "<1@x>",
  });
  expect(await summaryOf(parseHeader(""))).toEqual({});
});

describe("parameters (RFC 2045, 5.1; RFC 2231)", () => {
  const named = async (raw: string, name: string) =>
    parameterText(parseParameterized(raw).parameters.get(name));

  it.each([
    ['text/plain; charset="utf-8"; format=flowed', "charset", "utf-8"],
    ["text/plain; (a comment) charset=us-ascii (another)", "charset", "us-ascii"],
    ['multipart/mixed; boundary="a;b\\"c"', "boundary", 'a;b"c'],
    ["multipart/mixed; boundary=a b", "boundary", "a b"],
    ["attachment; filename*=utf-8''na%C3%AFve%20plan.txt", "filename", "naïve plan.txt"],
    ["attachment; filename*0*=iso-8859-1'en'%E4; filename*1=b; filename*2*=%FC", "filename", "äbü"],
    ['attachment; filename*1="b.txt"; filename*0="a"', "filename", "ab.txt"],
    ["attachment; filename=\"plain.txt\"; filename*=utf-8''%E2%82%AC.txt", "filename", "€.txt"],
    ['attachment; filename="=?utf-8?B?w6QudHh0?="', "filename", "ä.txt"],
    ['attachment; filename="unfinished', "filename", "unfinished"],
  ])("%s", async (raw, name, value) => {
    expect(await named(raw, name)).toBe(value);
  });

  it("names a part by its disposition, else by its type", async () => {
    const both =
      'Content-Type: image/png; name="type.png"\nContent-Disposition: inline; filename=own.png\n\n';
    expect(await partFileName(parseHeader(both))).toBe("own.png");
    expect(await partFileName(parseHeader('Content-Type: image/png; name="type.png"\n\n'))).toBe("type.png");
    expect(await partFileName(parseHeader("Subject: x\n\n"))).toBeUndefined();
  });
});
