import { describe, expect, it } from "vitest";
import { isPlainName, parsePath, pathBelow, pathOf, shownPath } from "../../protocols/ftp/path.js";

describe("the path of an ftp: URL", () => {
  it.each([
    ["", false, "", true],
    ["/", false, "", true],
    ["//", true, "", true],
    ["/%2F", true, "", true],
    ["/dir/file", false, "dir/file", false],
    ["/dir/", false, "dir", true],
    ["//etc/motd", true, "etc/motd", false],
    ["/%2Fetc/motd", true, "etc/motd", false],
    ["/%2fetc", true, "etc", false],
    ["/a//b", false, "a/b", false],
    ["/a%2Fb", false, "a/b", false],
    ["/what?yes", false, "what?yes", false],
    ["/dir;type=d", false, "dir", true],
    ["/semi%3Btype=a", false, "semi;type=a", false],
    ["/h%C3%A4fen", false, "h\xc3\xa4fen", false],
    ["/häfen", false, "h\xc3\xa4fen", false],
    ["/caf%E9", false, "caf\xe9", false],
    ["/../up", false, "../up", false],
  ])("%s", (path, absolute, octets, folder) => {
    expect(parsePath(path)).toMatchObject({ absolute, octets, folder, text: false });
  });

  it("takes the type off, in both cases", () => {
    expect(parsePath("/a.txt;type=a")).toMatchObject({ octets: "a.txt", text: true, url: "/a.txt" });
    expect(parsePath("/a.txt;TYPE=I")).toMatchObject({ octets: "a.txt", text: false });
  });

  it.each([
    ["/a;type=x", "';type=x' is none of ;type=a, ;type=i and ;type=d"],
    ["/a%0D%0ADELE%20b", "holds a line break"],
    ["/a%00", "holds a line break or a NUL"],
    ["/100%", "broken percent-encoding"],
  ])("refuses %s", (path, message) => {
    expect(() => parsePath(path)).toThrow(message);
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it.each([
    ["/pub", "a b", false, "/pub/a%20b"],
    ["/pub/", "sub", true, "/pub/sub/"],
    ["", "x", false, "/x"],
    ["/", "x", false, "/x"],
    ["//", "x", false, "//x"],
    ["//pub", "x", false, "//pub/x"],
    ["/%2F", "x", false, "/%2Fx"],
    ["/%2Fpub", "x", false, "/%2Fpub/x"],
    ["/pub", "semi;type=a", false, "/pub/semi%3Btype=a"],
    ["/pub", "caf\xe9", false, "/pub/caf%E9"],
    ["/pub", "100% #1?", false, "/pub/100%25%20%231%3F"],
  ])("below %s, %s is %s", (folder, name, isFolder, path) => {
    const below = pathBelow(parsePath(folder), name, isFolder);
    expect(below).toBe(path);
    expect(parsePath(below).last).toBe(name);
    expect(parsePath(below).absolute).toBe(parsePath(folder).absolute);
  });

  it("ends in a slash for a folder alone", () => {
    expect(pathOf(parsePath("/a"), true)).toBe("/a/");
    expect(pathOf(parsePath("/a//"), false)).toBe("/a");
    expect(pathOf(parsePath("//"), true)).toBe("//");
    expect(pathOf(parsePath(""), true)).toBe("/");
  });

  it("is shown as a person would say it", () => {
    expect(shownPath(parsePath("//etc/h%C3%A4fen"))).toBe("/etc/häfen");
    expect(shownPath(parsePath("/"))).toBe("the login's folder");
  });
});

describe("a name from a listing", () => {
  it.each(["a", "..a", " ", "a b", "\\", "-rf"])("may be %j", (name) => {
    expect(isPlainName(name)).toBe(true);
  });
  it.each(["", ".", "..", "../a", "/etc/passwd", "a/b", "a\rb", "a\nb", "a\0b"])("is not %j", (name) => {
    expect(isPlainName(name)).toBe(false);
  });
});
