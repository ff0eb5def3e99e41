import { describe, expect, it } from "vitest";
import { compose, type Draft } from "../../protocols/nntp/draft.js";
import { flowed } from "../../protocols/nntp/flowed.js";

const NOW = new Date("2024-03-04T18:05:00Z");
const DRAFT: Draft = {
  from: "Ann <ann@x.example>",
  subject: "Hello",
  groups: ["misc.test"],
  text: "Hello there\n",
  headers: [{ name: "Message-ID", value: "<1@x.example>" }],
};

function composed(change: Partial<Draft> = {}): string {
  return compose({ ...DRAFT, ...change }, NOW).octets.toString();
}

describe("an article", () => {
  it("has the header that RFC 5536 wants", () => {
    expect(composed()).toBe(
      [
        "From: Ann <ann@x.example>",
        "Newsgroups: misc.test",
        "Subject: Hello",
        "Date: Mon, 04 Mar 2024 18:05:00 +0000",
        "Message-ID: <1@x.example>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii; format=flowed",
        "Content-Transfer-Encoding: 7bit",
        "",
        "Hello there",
        "",
      ].join("\r\n"),
    );
  });

  it("has a Message-ID of the sender's domain when none is given", () => {
    const { messageId, octets } = compose({ ...DRAFT, headers: [] }, NOW);
    expect(messageId).toMatch(/^<[0-9a-f-]{36}@x\.example>$/);
    expect(octets.toString()).toContain(`\r\nMessage-ID: ${messageId}\r\n`);
  });

  it("is UTF-8 where it must be", () => {
    const text = composed({ from: "Ann Ö <ann@x.example>", subject: "Grüße", text: "Malmö\n" });
    expect(text).toContain("From: =?UTF-8?B?QW5uIMOW?= <ann@x.example>\r\n");
    expect(text).toContain("Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n");
    expect(text).toContain(
      "charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: 8bit\r\n\r\nMalmö\r\n",
    );
  });

  it("cuts a long subject into encoded words between characters", () => {
    const subject = "ü".repeat(60);
    const [, folded = ""] = /\r\nSubject: (.*?)\r\nDate/s.exec(composed({ subject })) ?? [];
    const words = folded.split("\r\n ");
    expect(words.length).toBeGreaterThan(1);
    const decoded = words.map((word) => {
      expect(word.length).toBeLessThanOrEqual(75);
      return Buffer.from(/^=\?UTF-8\?B\?(.*)\?=$/.exec(word)?.[1] ?? "", "base64").toString();
    });
    expect(decoded.join("")).toBe(subject);
  });

  it("goes to several groups, and says where answers go", () => {
    const text = composed({ groups: ["misc.test,alt.test", "misc.test"], followupTo: "alt.test" });
    expect(text).toContain("Newsgroups: misc.test,alt.test\r\n");
    expect(text).toContain("Followup-To: alt.test\r\n");
    expect(composed({ followupTo: "Poster" })).toContain("Followup-To: poster\r\n");
  });

  it("names what it answers, the oldest and the newest when there are many", () => {
    expect(composed({ references: ["<a@x>", "<b@x>"] })).toContain("References: <a@x>\r\n <b@x>\r\n");
    const many = Array.from({ length: 400 }, (_, at) => `<${at}@x>`);
    const [, folded = ""] = /\r\nReferences: (.*?)\r\n(?! )/s.exec(composed({ references: many })) ?? [];
    const kept = folded.split("\r\n ");
    expect(kept.length).toBe(21);
    expect([kept[0], kept[1], kept.at(-1)]).toEqual(["<0@x>", "<380@x>", "<399@x>"]);
  });

  it("can replace another", () => {
    expect(composed({ supersedes: "<0@x.example>" })).toContain("Supersedes: <0@x.example>\r\n");
  });

  it("sends a line of a thousand letters so that it arrives", () => {
    const word = "x".repeat(1200);
    const [header = "", body = ""] = composed({ text: `${word}\n` }).split("\r\n\r\n");
    expect(header).toContain("Content-Transfer-Encoding: base64");
    expect(Buffer.from(body, "base64").toString()).toBe(`${word}\r\n`);
  });

  it.each([
    ["a line break in the subject", { subject: "x\r\nControl: cancel <a@b>" }],
    ["no subject", { subject: " " }],
    ["no group", { groups: [] }],
    ["a group that is none", { groups: ["misc test"] }],
    ["a group with a line break", { groups: ["misc.test\r\nX: y"] }],
    ["a sender without address", { from: "ann" }],
    ["two senders", { from: "a@x.example, b@x.example" }],
    ["a broken Message-ID", { headers: [{ name: "Message-ID", value: "1" }] }],
    ["a header that is no header", { headers: [{ name: "X Y", value: "1" }] }],
    ["a header with a line break", { headers: [{ name: "X-Y", value: "1\nZ: 2" }] }],
    ["a header that has an option", { headers: [{ name: "Newsgroups", value: "alt.test" }] }],
    ["references that are none", { references: ["x"] }],
  ] satisfies [string, Partial<Draft>][])("refuses %s", (_what, change) => {
    expect(() => compose({ ...DRAFT, ...change }, NOW)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("format=flowed", () => {
  it("cuts behind blanks, and leaves words whole", () => {
    const line = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
    const lines = flowed(`${line}\n`).split("\r\n");
    expect(lines).toEqual([
      "one two three four five six seven eight nine ten eleven twelve thirteen ",
      "fourteen",
      "",
    ]);
    expect(flowed("x".repeat(100))).toBe(`${"x".repeat(100)}\r\n`);
  });

  it("stuffs lines that would be taken for something else", () => {
    expect(flowed(" indented\nFrom me\n> quoted\n")).toBe("  indented\r\n From me\r\n> quoted\r\n");
  });

  it("lets no line flow that did not, but for the signature's mark", () => {
    expect(flowed("trailing  \nnext\n-- \nAnn")).toBe("trailing\r\nnext\r\n-- \r\nAnn\r\n");
  });

  it("ends lines by CRLF, however they came", () => {
    expect(flowed("a\r\nb\rc\n\n")).toBe("a\r\nb\r\nc\r\n\r\n");
  });
});
