import { describe, expect, it } from "vitest";
import { listedDate, timeVal } from "../../protocols/ftp/listed-date.js";
import { parseFacts, parseListLine } from "../../protocols/ftp/listing.js";

const NOW = new Date("2026-03-10T12:00:00Z");

describe("MLSD", () => {
  it("tells a file with its facts", () => {
    expect(
      parseFacts(
        "type=file;size=257;modify=20240301083015;perm=adfr;unique=9U1;UNIX.mode=0644; harbour plan.txt",
      ),
    ).toEqual({
      name: "harbour plan.txt",
      kind: "file",
      size: 257,
      modified: new Date("2024-03-01T08:30:15Z"),
      meta: { permissions: "adfr", unique: "9U1", mode: "0644" },
    });
  });

  it("knows no case in the names of facts, and no size for folders", () => {
    expect(parseFacts("Type=dir;Size=4096;Modify=20240229120000.250; pub")).toEqual({
      name: "pub",
      kind: "directory",
      modified: new Date("2024-02-29T12:00:00.250Z"),
      meta: {},
    });
  });

  it("leaves all after the first space to the name", () => {
    expect(parseFacts("type=file;  two; spaces ")).toMatchObject({ name: " two; spaces " });
    expect(parseFacts(" bare")).toMatchObject({ name: "bare", kind: "other" });
  });

  it.each([
    ["type=OS.unix=slink:/etc/motd; motd", { kind: "link", meta: { target: "/etc/motd" } }],
    ["type=OS.unix=symlink; motd", { kind: "link", meta: {} }],
    ["type=OS.unix=chr-13/29; tty", { kind: "other" }],
  ])("%s", (line, wanted) => {
    expect(parseFacts(line)).toMatchObject(wanted);
  });

  it("passes over the folder itself and its parent", () => {
    expect(parseFacts("type=cdir;modify=20240301083015; /pub")).toBe("self");
    expect(parseFacts("type=pdir; ..")).toBe("self");
  });

  it("says when a line tells nothing", () => {
    expect(parseFacts("nonsense")).toBe("unreadable");
    expect(parseFacts("type=file;size=-1;modify=yesterday; a")).toEqual({
      name: "a",
      kind: "file",
      meta: {},
    });
  });
});

describe("LIST", () => {
  it.each([
    [
      "-rw-r--r--    1 1000     1000          257 Mar 01  2024 harbour plan.txt",
      { name: "harbour plan.txt", kind: "file", size: 257, modified: new Date("2024-03-01T00:00:00Z") },
    ],
    [
      "drwxr-xr-x    2 ftp      ftp          4096 Mar 09 23:59  lead",
      { name: " lead", kind: "directory", modified: new Date("2026-03-09T23:59:00Z") },
    ],
    [
      "lrwxrwxrwx    1 0        0               9 Dec 24 18:00 link -> a -> b",
      { name: "link", kind: "link", modified: new Date("2025-12-24T18:00:00Z") },
    ],
    ["-rw-r--r-- 1 u g 5 Mar 01 2024 caf\xe9\xa0", { name: "caf\xe9\xa0", kind: "file", size: 5 }],
    ["crw-rw-rw- 1 0 0 1, 3 Mar 01 2024 null", { name: "null", kind: "file" }],
    [
      "03-01-24  08:30PM                  257 tides.csv",
      { name: "tides.csv", kind: "file", size: 257, modified: new Date("2024-03-01T20:30:00Z") },
    ],
    [
      "03-01-2024  12:05AM       <DIR>          charts and plans",
      { name: "charts and plans", kind: "directory", modified: new Date("2024-03-01T00:05:00Z") },
    ],
  ])("%s", (line, wanted) => {
    expect(parseListLine(line, NOW)).toMatchObject(wanted);
  });

  it("keeps what else it says", () => {
    expect(parseListLine("lrwxr-x--x 1 root wheel 9 Mar 01 2024 l -> ../caf\xc3\xa9", NOW)).toMatchObject({
      meta: { mode: "0751", owner: "root", group: "wheel", target: "../café" },
    });
  });

  it.each(["total 12", "", "drwxr-xr-x 2 u g 4096 Mar 01 2024 .", "drwxr-xr-x 2 u g 4096 Mar 01 2024 .."])(
    "passes over %j",
    (line) => {
      expect(parseListLine(line, NOW)).toBe("self");
    },
  );

  it.each(["-rw-r--r-- 1 u g 5 Mar 01 2024 a\rb", "SYS$LOGIN.DIR;1  two blocks"])(
    "cannot read %j",
    (line) => {
      expect(parseListLine(line, NOW)).toBe("unreadable");
    },
  );

  it("gives a date of any form as a Date, where the package leaves it text", () => {
    const listed = parseListLine("-rw-r--r-- 1 u g 5 Mar 01 08:30 a", NOW);
    expect(listed).toMatchObject({ modified: new Date("2026-03-01T08:30:00Z") });
  });
});

describe("a date of LIST", () => {
  it.each([
    // Without a year: the last such day.
    ["Mar 10 11:59", "2026-03-10T12:00:00Z", "2026-03-10T11:59:00Z"],
    ["Dec 31 23:59", "2026-01-01T00:30:00Z", "2025-12-31T23:59:00Z"],
    ["Jan  1 00:10", "2026-12-31T23:50:00Z", "2027-01-01T00:10:00Z"],
    // A day ahead is a time zone, more is a year ago.
    ["Mar 11 11:00", "2026-03-10T12:00:00Z", "2026-03-11T11:00:00Z"],
    ["Mar 12 12:00", "2026-03-10T12:00:00Z", "2025-03-12T12:00:00Z"],
    ["Feb 29 10:00", "2026-03-10T12:00:00Z", "2024-02-29T10:00:00Z"],
    ["Feb 29 10:00", "2028-02-29T12:00:00Z", "2028-02-29T10:00:00Z"],
    ["Feb 29 10:00", "2103-03-10T12:00:00Z", "2096-02-29T10:00:00Z"],
    // With one.
    ["Feb 29 2024", "2026-03-10T12:00:00Z", "2024-02-29T00:00:00Z"],
    ["11 Dec 2023", "2026-03-10T12:00:00Z", "2023-12-11T00:00:00Z"],
    ["11 DEC 14:35", "2026-03-10T12:00:00Z", "2025-12-11T14:35:00Z"],
    ["2023-12-11 14:35", "2026-03-10T12:00:00Z", "2023-12-11T14:35:00Z"],
    ["12-05-96 05:03PM", "2026-03-10T12:00:00Z", "1996-12-05T17:03:00Z"],
    ["12-05-26 12:03AM", "2026-03-10T12:00:00Z", "2026-12-05T00:03:00Z"],
    ["12-05-2026 17:03", "2026-03-10T12:00:00Z", "2026-12-05T17:03:00Z"],
  ])("%s, seen at %s", (text, now, wanted) => {
    expect(listedDate(text, new Date(now))).toEqual(new Date(wanted));
  });

  it.each([
    "Feb 30 10:00",
    "Feb 29 2023",
    "Foo 11 2023",
    "Dec 11 25:00",
    "Dez 11 14:35",
    "13-01-24 01:00AM",
    "",
  ])("is none: %j", (text) => {
    expect(listedDate(text, NOW)).toBeUndefined();
  });
});

describe("a time of RFC 3659", () => {
  it("is UTC, to the millisecond", () => {
    expect(timeVal("20240229235959")).toEqual(new Date("2024-02-29T23:59:59Z"));
    expect(timeVal("20240229235959.5")).toEqual(new Date("2024-02-29T23:59:59.500Z"));
  });

  it.each(["2024022923595", "20230229000000", "20241301000000", "202402292359599", "x"])(
    "is not %j",
    (text) => {
      expect(timeVal(text)).toBeUndefined();
    },
  );
});
