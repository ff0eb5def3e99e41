import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPath, type GopherPath, parsePath, requestOf } from "../../protocols/gopher/url.js";

/** A path's parts as Latin-1, in which every octet is a character. */
function parts(path: string) {
  const { type, selector, search, plus } = parsePath(path);
  return [type, selector.toString("latin1"), search?.toString("latin1"), plus?.toString("latin1")];
}

/** What is sent for a path. */
function sent(path: string): string {
  return requestOf(parsePath(path)).toString("latin1");
}

function failure(act: () => unknown): unknown {
  try {
    return act();
  } catch (thrown) {
    return thrown;
  }
}

describe("the path of a gopher URL (RFC 4266, 2.1)", () => {
  it.each([
    ["", "1", ""],
    ["/", "1", ""],
    ["/1", "1", ""],
    ["/0/about.txt", "0", "/about.txt"],
    ["/00about.txt", "0", "0about.txt"],
    ["/9/a%20b%2Fc", "9", "/a b/c"],
    ["/1/cgi?x=1&y=%3F", "1", "/cgi?x=1&y=?"],
    ["/hURL:http://example.org/", "h", "URL:http://example.org/"],
    ["/%3Csound", "<", "sound"],
    ["/0/caf%C3%A9/%E9", "0", "/caf\xc3\xa9/\xe9"],
  ])("%s is type and selector", (path, type, selector) => {
    expect(parts(path)).toEqual([type, selector, undefined, undefined]);
  });

  it.each([
    ["/7/find%09fog%20horn", "7", "/find", "fog horn", undefined],
    ["/7/find%09", "7", "/find", "", undefined],
    ["/0/a%09%09+", "0", "/a", "", "+"],
    ["/0/a%09%09+text/plain%20En_US", "0", "/a", "", "+text/plain En_US"],
    ["/7/find%09fog%09$", "7", "/find", "fog", "$"],
  ])("%s has a search, and may have a Gopher+ string", (path, ...expected) => {
    expect(parts(path)).toEqual(expected);
  });

  it.each([
    ["/", "\r\n"],
    ["/1/menu", "/menu\r\n"],
    ["/0/caf%C3%A9%E9", "/caf\xc3\xa9\xe9\r\n"],
    ["/7/find%09fog", "/find\tfog\r\n"],
    ["/7/find%09", "/find\t\r\n"],
    ["/0/a%09%09+", "/a\t\t+\r\n"],
    ["/7/find%09fog%09+", "/find\tfog\t+\r\n"],
  ])("%s is sent as one line", (path, line) => {
    expect(sent(path)).toBe(line);
  });

  it.each([
    ["/0/a%0D%0Ab", "line break or a NUL"],
    ["/0/a%0Ab", "line break or a NUL"],
    ["/0/a%00b", "line break or a NUL"],
    ["/0/a\nb", "line break or a NUL"],
    ["/0/a\tb", "holds a tab"],
    ["/0/a%09%09+%091%0D%0A", "line break or a NUL"],
    ["/0/a%09%09+%091", "third %09"],
    ["/%09fog", "no item type"],
    ["/0/100%", "broken percent-encoding"],
  ])("%j is refused", (path, words) => {
    expect(failure(() => parsePath(path))).toMatchObject({
      code: "usage",
      message: expect.stringContaining(words),
    });
  });

  it("is sent up to 4096 octets, the words for a search too", () => {
    expect(sent(`/1${"a".repeat(4096)}`)).toBe(`${"a".repeat(4096)}\r\n`);
    for (const path of [`/1${"a".repeat(4097)}`, `/7a%09${"b".repeat(4097)}`]) {
      expect(failure(() => sent(path))).toMatchObject({
        code: "usage",
        message: "4097 octets of selector or words; 4096 are the most that is sent",
      });
    }
  });

  it("keeps a tab out of the words", () => {
    const asked: GopherPath = { ...parsePath("/7/find"), search: Buffer.from("fog\thorn") };
    expect(failure(() => requestOf(asked))).toMatchObject({ code: "usage" });
  });
});

describe("a path written", () => {
  it.each([
    ["", "/"],
    ["/1", "/"],
    ["/1%09", "/1%09"],
    ["/0/a b", "/0/a%20b"],
    ["/1/cgi?x=1", "/1/cgi%3Fx=1"],
    ["/;movie", "/%3Bmovie"],
    ["/0/%E9%c3%a9", "/0/%E9%C3%A9"],
    ["/7/find%09fog", "/7/find%09fog"],
    ["/0a%09%09+", "/0a%09%09+"],
  ])("%s is %s", (path, written) => {
    expect(formatPath(parsePath(path))).toBe(written);
  });

  it("reads back as the same octets, whatever they are", () => {
    const octets = fc
      .uint8Array({ maxLength: 30 })
      .map((values) => Buffer.from(values.filter((octet) => ![0x00, 0x09, 0x0a, 0x0d].includes(octet))));
    const type = fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code));
    const words = fc.option(octets, { nil: undefined });
    fc.assert(
      fc.property(type, octets, words, words, (type, selector, search, plus) => {
        const path: GopherPath = {
          type,
          selector,
          // A Gopher+ string always has a search before it, if an empty one.
          search: plus === undefined ? search : (search ?? Buffer.alloc(0)),
          plus,
        };
        expect(parsePath(formatPath(path))).toEqual(path);
      }),
    );
  });
});
