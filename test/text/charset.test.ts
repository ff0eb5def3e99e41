import { describe, expect, it } from "vitest";
import { decodeBody, decoderFor, sniffCharset } from "../../src/text/charset.js";

/** Decoded whole, and octet by octet: both must agree. */
async function decoded(octets: readonly number[], charset?: string): Promise<string> {
  const run = async (pieces: Uint8Array[]) => {
    let text = "";
    for await (const piece of decodeBody(given(pieces), charset)) text += piece;
    return text;
  };
  const whole = await run([Uint8Array.from(octets)]);
  expect(await run(octets.map((octet) => Uint8Array.of(octet)))).toBe(whole);
  return whole;
}

async function* given(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces;
}

describe("decoding", () => {
  it.each([
    ["utf-8", [0xe6, 0x97, 0xa5], "日"],
    ["UTF-8", [0x61, 0xff], "a\ufffd"],
    ["iso-8859-1", [0x80, 0xe9], "\u0080é"],
    ["windows-1252", [0x80, 0xe9], "€é"],
    ["koi8-r", [0xd4, 0xc5, 0xd3, 0xd4], "тест"],
    ["shift_jis", [0x93, 0xfa], "日"],
    ["iso-2022-jp", [0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42], "日"],
    ["cp437", [0x80, 0xe1], "Çß"],
    ["x-unheard-of", [0xc3, 0xa9, 0x21], "é!"],
    ["x-unheard-of", [0xe9, 0x21], "é!"],
    ["hex", [0x41], "A"],
    [undefined, [0x41, 0xe2, 0x82, 0xac], "A€"],
    [undefined, [0x41, 0xe9, 0x20, 0x62, 0x63], "Aé bc"],
  ])("of %s %j is %j", async (charset, octets, text) => {
    expect(await decoded(octets, charset)).toBe(text);
  });

  it("says what it decodes", async () => {
    expect((await decoderFor("latin1")).charset).toBe("iso-8859-1");
    expect((await decoderFor("CP850")).charset).toBe("cp850");
    expect((await decoderFor("sjis")).charset).toBe("shift_jis");
  });
});

describe("the charset of a page", () => {
  it.each([
    [Buffer.from("\ufeff<p>"), "iso-8859-1", "utf-8"],
    [Buffer.from([0xff, 0xfe, 0x3c, 0x00]), undefined, "utf-16le"],
    [Buffer.from("<meta charset='koi8-r'>"), "UTF-8", "utf-8"],
    [Buffer.from("<meta charset=koi8-r>"), undefined, "koi8-r"],
    [Buffer.from('<META http-equiv=Content-Type content="text/html; charset=big5">'), undefined, "big5"],
    [Buffer.from('<?xml version="1.0" encoding="euc-jp"?>'), undefined, "euc-jp"],
    [Buffer.from("<meta charset=utf-16>"), undefined, "utf-8"],
    [Buffer.from("<p>"), "ISO-8859-1", "windows-1252"],
    [Buffer.from(`${" ".repeat(1024)}<meta charset=koi8-r>`), undefined, undefined],
  ])("that begins %j, with %s in its header, is %s", (head, header, charset) => {
    expect(sniffCharset(head, header)).toBe(charset);
  });
});
