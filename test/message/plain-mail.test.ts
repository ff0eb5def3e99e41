import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { compose, type Mail } from "../../src/message/compose.js";
import { plainMail } from "../../src/message/plain-mail.js";

const BASE: Mail = { from: "a@x.example", to: ["b@y.example"], text: "hello\n" };

/** Without what differs between two mails that are otherwise the same. */
async function textOf(mail: Mail): Promise<string> {
  const text = (await buffer((await compose(mail)).raw())).toString("latin1");
  return text
    .replace(/^X-Long-Way: x\r\n/m, "")
    .replace(/[0-9a-f-]{36}@/, "@")
    .replace(/^Date: .*/m, "Date:");
}

const MAILS: readonly (readonly [string, Partial<Mail>])[] = [
  [
    "a name, several people, answers",
    {
      from: "Ann Bee <a@x.example>",
      to: ["b@y.example", "C 3 <c.d@z.example>"],
      cc: ["d@d.example"],
      replyTo: ["r@r.example"],
    },
  ],
  ["a subject", { subject: "Hi  there: you (all), 100%" }],
  ["nobody who is seen", { to: [], bcc: ["b@y.example"] }],
  ["nothing to say", { text: undefined as never }],
  ["no end", { text: "one\ntwo" }],
  ["empty lines", { text: "\n\none\n.\n\n" }],
  ["lines of 76", { text: `${"x".repeat(76)}\n` }],
  ["lines of 77", { text: `${"x".repeat(77)}\n` }],
  ["a blank at the end of a line", { text: "one \n-- \ntwo\t\n" }],
  ["no text", { text: "" }],
  ["a form feed", { text: "one\ftwo\n" }],
  ["umlauts", { text: "Grüße\n", subject: "Häfen" }],
  ["a quoted name", { from: '"Bee, Ann" <a@x.example>' }],
  ["a name beyond ASCII", { from: "Jörg <a@x.example>" }],
  ["capitals in a domain", { to: ["b@Y.example"] }],
  ["an odd address", { to: ["b..c@y.example", "o'neill@y.example"] }],
  ["a long subject", { subject: "word ".repeat(30).trim() }],
  ["a subject like an encoded word", { subject: "=?utf-8?Q?x?=" }],
  ["blanks around the subject", { subject: " Hi " }],
  ["an empty subject", { subject: "" }],
  ["many people", { to: Array.from({ length: 20 }, (_, at) => `person${at}@y.example`) }],
  ["no domain", { to: ["root"] }],
];

describe("a plain mail", () => {
  it.each(MAILS)("%s: as nodemailer writes it", async (_, facts) => {
    const mail = { ...BASE, ...facts };
    // A field of one's own sends it the long way.
    expect(await textOf(mail)).toBe(await textOf({ ...mail, headers: [{ name: "X-Long-Way", value: "x" }] }));
  });

  const parts = {
    from: { name: "", address: "a@x.example" },
    to: [{ name: "", address: "b@y.example" }],
    cc: [],
    replyTo: [],
    subject: "Hi",
    text: "hello\r\n",
    messageId: "<1@x.example>",
    date: new Date("2026-11-27T08:00:00Z"),
  };

  it("is one text in ASCII", () => {
    expect(plainMail(parts)?.toString()).toBe(
      "From: a@x.example\r\nTo: b@y.example\r\nSubject: Hi\r\nMessage-ID: <1@x.example>\r\nDate: Fri, 27 Nov 2026 08:00:00 +0000\r\nContent-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n",
    );
    expect(plainMail({ ...parts, text: "h\u00e4\r\n" })).toBeUndefined();
    expect(plainMail({ ...parts, subject: "a\r\nBcc: c@z.example" })).toBeUndefined();
    expect(plainMail({ ...parts, to: [{ name: "a\r\nBcc", address: "b@y.example" }] })).toBeUndefined();
  });
});
