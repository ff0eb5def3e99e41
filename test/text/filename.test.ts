import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { remoteFileName, safeFileName } from "../../src/text/filename.js";

describe("a proposed file name", () => {
  it.each([
    ["report.pdf", "report.pdf"],
    ["Grüße 日本.txt", "Grüße 日本.txt"],
    ["../../etc/passwd", "___.._etc_passwd"],
    ["..\\..\\autoexec.bat", "___.._autoexec.bat"],
    ["/etc/passwd", "_etc_passwd"],
    ["..", "download"],
    [".", "download"],
    ["", "download"],
    ["///", "download"],
    [".bashrc", "_bashrc"],
    ["a\0b\r\nc\x1b[2J", "a_b__c_[2J"],
    ["invoice\u202efdp.exe", "invoice_fdp.exe"],
    ['C:\\x?*<>|"', "C__x______"],
    ["con", "_con"],
    ["NUL.txt", "_NUL.txt"],
    ["com¹.log", "_com¹.log"],
    ["console.log", "console.log"],
    ["  name. . ", "name"],
  ])("%j becomes %j", (proposed, safe) => {
    expect(safeFileName(proposed)).toBe(safe);
  });

  it("may start with a dot in a mirror, but is never the folder itself", () => {
    expect(safeFileName(".htaccess", { allowHidden: true })).toBe(".htaccess");
    expect(safeFileName("..", { allowHidden: true, fallback: "unnamed" })).toBe("unnamed");
  });

  it("is cut to 255 octets before its extension, never inside a character", () => {
    expect(safeFileName(`${"a".repeat(300)}.tar.gz`)).toBe(`${"a".repeat(248)}.tar.gz`);
    expect(safeFileName("日".repeat(100))).toBe("日".repeat(85));
  });

  it("is one safe segment whatever comes in, and cleaning it again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.boolean(), (proposed, allowHidden) => {
        const name = safeFileName(proposed, { allowHidden });
        expect(name).toMatch(/^[^/\\\0-\x1f]+$/);
        expect(name).not.toMatch(/^\.{1,2}$/);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(safeFileName(name, { allowHidden })).toBe(name);
      }),
    );
  });
});

describe("the name for -O", () => {
  it.each([
    ["https://example.org/a/b%20c.txt?x=1#y", "b c.txt"],
    ["https://example.org/folder/", "folder"],
    ["https://example.org", "download"],
    ["https://example.org/?q=/x", "download"],
    ["ftp://example.org/x.bin;type=i", "x.bin"],
    ["https://example.org/%2e%2e%2fevil", "___evil"],
    ["https://example.org/50%25%zz", "50%25%zz"],
    ["file:/tmp/x", "x"],
  ])("of %s is %j", (url, name) => {
    expect(remoteFileName(url)).toBe(name);
  });

  it("is the last segment of what the server proposed", () => {
    expect(remoteFileName("https://example.org/get?id=7", "../up/report.pdf")).toBe("report.pdf");
    expect(remoteFileName("https://example.org/plan.txt", "")).toBe("plan.txt");
  });
});
