import { describe, expect, it } from "vitest";
import { mailboxPath, messagePath, parsePath } from "../../protocols/imap/path.js";
import { parseSearch } from "../../protocols/imap/search-words.js";

describe("a path (RFC 5092)", () => {
  it.each([
    ["/", { levels: [] }],
    ["/INBOX", { levels: ["INBOX"] }],
    ["/INBOX/", { levels: ["INBOX"] }],
    ["/a%2Fb/c.d", { levels: ["a/b", "c.d"] }],
    ["/Entw%C3%BCrfe", { levels: ["Entwürfe"] }],
    ["/INBOX/;UID=7", { levels: ["INBOX"], uid: 7 }],
    ["/INBOX/;uid=7/;section=1.2", { levels: ["INBOX"], uid: 7, section: "1.2" }],
    ["/INBOX;UIDVALIDITY=17/;UID=7", { levels: ["INBOX"], uidValidity: 17, uid: 7 }],
    [
      "/INBOX/;UID=7;SECTION=TEXT;PARTIAL=0.100",
      { levels: ["INBOX"], uid: 7, section: "TEXT", partial: { offset: 0, length: 100 } },
    ],
    ["/INBOX?SUBJECT%20x", { levels: ["INBOX"], query: "SUBJECT x" }],
  ])("%s", (path, expected) => {
    expect(parsePath(path)).toEqual(expected);
  });

  it.each([
    "/INBOX/;UID=x",
    "/;UID=7",
    "/INBOX/;SECTION=1",
    "/INBOX/;UID=7/;SECTION=1%0D%0Ax",
    "/INBOX/;UID=7/;SECTION=0",
  ])("%s names nothing", (path) => {
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("is made of levels, and read back", () => {
    const levels = ["a/b", "c;d", "ü %?"];
    expect(parsePath(mailboxPath(levels))).toEqual({ levels });
    expect(parsePath(messagePath(levels, 17, 7))).toEqual({ levels, uidValidity: 17, uid: 7 });
  });
});

describe("a search", () => {
  const now = new Date("2026-11-27T12:00:00Z");
  const shown = (text: string) =>
    parseSearch(text, now)
      .words.map((word) =>
        typeof word === "string" ? word : "octets" in word ? `{${word.octets.toString()}}` : "",
      )
      .join(" ");

  it.each([
    [
      'from:support subject:"x y" since:2026-01-01 unseen larger:1M',
      'FROM "support" SUBJECT "x y" SINCE 1-Jan-2026 UNSEEN LARGER 1048576',
    ],
    ["harbour lights", 'TEXT "harbour" TEXT "lights"'],
    ["-from:bob not seen", 'NOT FROM "bob" NOT SEEN'],
    ["from:a or from:b", 'OR FROM "a" FROM "b"'],
    ["since:2d is:starred", "SINCE 25-Nov-2026 FLAGGED"],
    ["id:<a@b>", 'HEADER Message-ID "<a@b>"'],
    ["message-id:<a@b> sentsince:2026-01-01", 'HEADER Message-ID "<a@b>" SENTSINCE 1-Jan-2026'],
    ["flag:seen -flag:$Mine", "SEEN NOT KEYWORD $Mine"],
    ["header:X-Spam=yes keyword:$Junk", 'HEADER "X-Spam" "yes" KEYWORD $Junk'],
    ["subject:Küste", "SUBJECT {Küste}"],
    ["https://x.example", 'TEXT "https://x.example"'],
    ['OR FROM "a b" UNSEEN', 'OR FROM "a b" UNSEEN'],
    ["SUBJECT Küste", "SUBJECT {Küste}"],
    ["", "ALL"],
  ])("%s", (typed, sent) => {
    expect(shown(typed)).toBe(sent);
  });

  it("says that its words are UTF-8, where they are not ASCII", () => {
    expect(parseSearch("subject:Küste").needsCharset).toBe(true);
    expect(parseSearch("subject:coast").needsCharset).toBe(false);
  });

  it("never announces a literal that does not come", () => {
    expect(shown("FROM {12}")).toBe('FROM "{12}"');
    expect(shown("FROM {12+}")).toBe('FROM "{12+}"');
  });

  it.each(["since:tomorrowish", "larger:x", "colour:red", "is:heavy", 'from:"a', "from:a or", "keyword:a(b"])(
    "%s is refused",
    (text) => {
      expect(() => parseSearch(text, now)).toThrow(expect.objectContaining({ code: "usage" }));
    },
  );
});
