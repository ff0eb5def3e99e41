/** What a mail may have besides text and attachments: pictures within it, invitations, threads, signatures. */
import { createHash, createVerify, generateKeyPairSync } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { compose, type Mail } from "../../src/message/compose.js";

const ANN: Mail = { from: "Ann <ann@x.example>", to: ["bob@y.example"] };

async function sent(change: Partial<Mail>): Promise<string> {
  const mail = await compose({ ...ANN, ...change });
  const octets = await text(mail.raw());
  if (mail.size !== undefined) expect(mail.size).toBe(Buffer.byteLength(octets));
  return octets;
}

function picture(cid: string) {
  const octets = Buffer.from("\x89PNG\r\n\x1a\n");
  return { filename: "logo.png", cid, size: octets.length, open: () => Readable.from([octets]) };
}

describe("answers", () => {
  it("go where Reply-To says, and name what they answer in both fields", async () => {
    const raw = await sent({
      text: "x",
      replyTo: ["Office <office@x.example>", "b@x.example"],
      inReplyTo: "<0@y.example>",
    });
    expect(raw).toContain("Reply-To: Office <office@x.example>, b@x.example\r\n");
    expect(raw).toContain("In-Reply-To: <0@y.example>\r\n");
    expect(raw).toContain("References: <0@y.example>\r\n");
  });

  it.each([
    ["a Message-ID that is none", { inReplyTo: "0@y.example" }],
    ["a Message-ID with a line break", { inReplyTo: "<0@y.example>\r\nBcc: <x@y.z>" }],
    ["a group for answers", { replyTo: ["friends: x@y.z;"] }],
    ["a line break in the address for answers", { replyTo: ["a@b\r\nBcc: x@y.z"] }],
  ])("are refused with %s", async (_what, change) => {
    await expect(compose({ ...ANN, ...change })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("a priority", () => {
  it("is said in all the ways that mail programs read", async () => {
    const raw = await sent({ text: "x", priority: "high" });
    expect(raw.match(/^(?:X-Priority|X-MSMail-Priority|Importance): .*$/gm)).toEqual([
      "X-Priority: 1 (Highest)",
      "X-MSMail-Priority: High",
      "Importance: High",
    ]);
    expect(await sent({ text: "x", priority: "normal" })).not.toContain("Importance");
  });
});

describe("HTML", () => {
  it("has a text made from it beside it", async () => {
    const read = await PostalMime.parse(
      await sent({ html: '<h2>Häfen</h2><p>See <a href="https://x.example/">here</a></p>' }),
    );
    expect(read.html).toContain("<h2>Häfen</h2>");
    expect(read.text).toMatch(/^Häfen\s+See here\s?\[1\]\s+\[1\] https:\/\/x\.example\//);
  });

  it("stays alone beside an empty text", async () => {
    expect(await sent({ html: "<b>x</b>", text: "" })).not.toContain("multipart/alternative");
  });

  it("shows pictures that travel with it", async () => {
    const raw = await sent({ html: '<img src="cid:logo">', attachments: [picture("logo")] });
    expect(raw).toContain("Content-Type: multipart/related");
    expect(raw).toContain("Content-ID: <logo>");
    expect(raw).toMatch(/Content-Disposition: inline; filename=logo\.png/);
  });

  it.each(["a b", "a>b", "a\r\nb", ""])("has no picture that is called %j", async (cid) => {
    await expect(compose({ ...ANN, html: "x", attachments: [picture(cid)] })).rejects.toMatchObject({
      code: "usage",
    });
  });
});

describe("an invitation", () => {
  it("is shown by its method and attached", async () => {
    const calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n";
    const raw = await sent({ text: "come", calendar });
    expect(raw).toMatch(/Content-Type: text\/calendar; charset=utf-8; method=REQUEST/);
    expect(raw).toMatch(/filename=invite\.ics/);
    // RFC 5545, 3.1: its lines end with CRLF.
    const octets = Buffer.from(calendar.replaceAll("\n", "\r\n"));
    expect(raw.replaceAll("\r\n", "")).toContain(octets.toString("base64"));
  });
});

describe("a DKIM signature", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 1024,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const dkim = { domain: "x.example", selector: "mail", privateKey };

  it("is one of the message, by RFC 6376's own way of checking", async () => {
    const mail = await compose({ ...ANN, subject: "Hi", text: "It works\n\n\n", dkim });
    expect(mail.size).toBeUndefined();
    const raw = await text(mail.raw());
    const [head, body] = [raw.slice(0, raw.indexOf("\r\n\r\n")), raw.slice(raw.indexOf("\r\n\r\n") + 4)];
    const fields = head.split(/\r\n(?![ \t])/);
    const signature = fields.find((field) => /^DKIM-Signature:/i.test(field)) ?? "";
    const tag = (name: string) =>
      new RegExp(`[;\\s:]${name}=([^;]*)`).exec(signature)?.[1]?.replace(/\s/g, "") ?? "";
    expect([tag("d"), tag("s"), tag("c")]).toEqual(["x.example", "mail", "relaxed/relaxed"]);
    const relaxed = `${body
      .replace(/[ \t]+/g, " ")
      .replace(/ \r\n/g, "\r\n")
      .replace(/(?:\r\n)+$/, "")}\r\n`;
    expect(tag("bh")).toBe(createHash("sha256").update(relaxed).digest("base64"));
    const line = (field: string) => {
      const colon = field.indexOf(":");
      const value = field
        .slice(colon + 1)
        .replace(/\r\n/g, "")
        .replace(/[ \t]+/g, " ")
        .trim();
      return `${field.slice(0, colon).toLowerCase()}:${value}`;
    };
    const signedFields = tag("h")
      .split(":")
      .map((name) => fields.find((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`)))
      .filter((field) => field !== undefined);
    const unsigned = line(signature).replace(/( b=)[^;]*$/, "$1");
    const data = `${signedFields.map(line).join("\r\n")}\r\n${unsigned}`;
    expect(createVerify("RSA-SHA256").update(data).verify(publicKey, tag("b"), "base64")).toBe(true);
  });

  it.each([
    ["a key that is none", { privateKey: "no key" }],
    [
      "a key of another kind",
      {
        privateKey: generateKeyPairSync("ec", {
          namedCurve: "prime256v1",
          privateKeyEncoding: { type: "pkcs8", format: "pem" },
          publicKeyEncoding: { type: "spki", format: "pem" },
        }).privateKey,
      },
    ],
    ["a domain that adds a tag", { domain: "x.example; l=0" }],
    ["a selector with a line break", { selector: "a\r\nb" }],
  ])("is not made with %s, and nothing goes out unsigned", async (_what, change) => {
    await expect(compose({ ...ANN, text: "x", dkim: { ...dkim, ...change } })).rejects.toMatchObject({
      code: "usage",
    });
  });
});
