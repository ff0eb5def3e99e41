import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compose } from "../../src/message/compose.js";
import { MessageHash, signatureOf, signedByEd25519 } from "../../src/message/dkim-ed25519.js";

/** RFC 8463, appendix A: the message, its key, and what it is signed with. */
const RFC8463 = {
  message: [
    "From: Joe SixPack <joe@football.example.com>",
    "To: Suzie Q <suzie@shopping.example.net>",
    "Subject: Is dinner ready?",
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
    "",
    "Hi.",
    "",
    "We lost the game.  Are you hungry yet?",
    "",
    "Joe.",
    "",
  ].join("\r\n"),
  seed: "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
  publicKey: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  field: [
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;",
    " d=football.example.com; i=@football.example.com;",
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :",
    " subject : date : message-id : from : subject : date;",
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
    " b=",
  ].join("\r\n"),
  names: ["from", "to", "subject", "date", "message-id", "from", "subject", "date"],
  bodyHash: "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
  signature: "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
};
/** RFC 8410, 7: what stands before the octets of such a key. */
const PRIVATE = Buffer.from("302e020100300506032b657004220420", "hex");
const rfcKey = createPrivateKey({
  key: Buffer.concat([PRIVATE, Buffer.from(RFC8463.seed, "base64")]),
  format: "der",
  type: "pkcs8",
});

function hashed(message: string, sizes: readonly number[] = [message.length]): MessageHash {
  const hash = new MessageHash();
  const octets = Buffer.from(message, "latin1");
  for (let at = 0, turn = 0; at < octets.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    hash.write(octets.subarray(at, at + size));
    at += size;
  }
  return hash;
}

/** Reckoned anew from the octets, by RFC 6376, 3.4 and 3.7. */
function isRight(raw: string, publicKey: string): boolean {
  const cut = raw.indexOf("\r\n\r\n");
  const fields = raw.slice(0, cut).split(/\r\n(?![ \t])/);
  const [signature = "", ...others] = fields;
  const tag = (name: string) =>
    new RegExp(`[;:\\s]${name}=([^;]*)`).exec(signature)?.[1]?.replace(/\s/g, "") ?? "";
  const body = raw
    .slice(cut + 4)
    .replace(/[ \t]+/g, " ")
    .replaceAll(" \r\n", "\r\n")
    .replace(/(?:\r\n)+$/, "");
  const bodyHash = createHash("sha256")
    .update(body === "" ? "" : `${body}\r\n`, "latin1")
    .digest("base64");
  const relaxed = (field: string) => {
    const colon = field.indexOf(":");
    return `${field.slice(0, colon).toLowerCase()}:${field
      .slice(colon + 1)
      .replaceAll("\r\n", "")
      .replace(/[ \t]+/g, " ")
      .trim()}`;
  };
  const data = [
    ...tag("h")
      .split(":")
      .map((name) => relaxed(others.find((field) => field.toLowerCase().startsWith(`${name}:`)) ?? "")),
    relaxed(signature).replace(/ b=[^;]*$/, " b="),
  ].join("\r\n");
  const hash = createHash("sha256").update(data, "latin1").digest();
  return tag("bh") === bodyHash && verify(null, hash, publicKey, Buffer.from(tag("b"), "base64"));
}

describe("a DKIM signature by Ed25519", () => {
  it("of RFC 8463's message, by its key, is the RFC's", () => {
    const hash = hashed(RFC8463.message);
    expect(signatureOf(hash.fields(), RFC8463.names, RFC8463.field, rfcKey)).toBe(RFC8463.signature);
    expect(hash.bodyHash()).toBe(RFC8463.bodyHash);
    const { x } = createPublicKey(rfcKey).export({ format: "jwk" });
    expect(Buffer.from(x ?? "", "base64url").toString("base64")).toBe(RFC8463.publicKey);
  });

  it.each(["\r\n", "\n", "\r"])("is the same however the message is cut, with %j for a line's end", (end) => {
    const message = RFC8463.message.replaceAll("\r\n", end);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }), (sizes) => {
        const hash = hashed(message, sizes);
        expect(signatureOf(hash.fields(), RFC8463.names, RFC8463.field, rfcKey)).toBe(RFC8463.signature);
        expect(hash.bodyHash()).toBe(RFC8463.bodyHash);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ["", ""],
    ["\r\n\r\n", ""],
    [" \r\n\t\r\n", ""],
    ["a\t b \r\n\r\n\r\nc\r\n \r\n\r\n", "a b\r\n\r\n\r\nc\r\n"],
    ["a\nb\rc\r\n\r", "a\r\nb\r\nc\r\n"],
    ["a\r\n\rb", "a\r\n\r\nb\r\n"],
  ])("counts of the body %j what RFC 6376, 3.4.4 leaves: %j", (body, relaxed) => {
    const hash = hashed(`From: a@x.example\r\n\r\n${body}`);
    expect(hash.bodyHash()).toBe(createHash("sha256").update(relaxed).digest("base64"));
  });

  const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const dkim = { domain: "x.example", selector: "mail", privateKey };
  const attached = (content: string) => ({
    filename: "inner.eml",
    open: () => Readable.from([Buffer.from(content)], { objectMode: false }),
  });

  it.each([
    ["a text", {}],
    ["a text with blanks and empty lines at its end", { text: "Hi  you \n\n\n" }],
    ["beyond ASCII", { subject: "Grüße €", text: "ü\n", html: "<b>ü</b>" }],
    ["an attached message with line ends of its own", { attachments: [attached("Subject: x\n\nhi \n\n")] }],
  ])("holds for %s, and not for another text", async (_what, parts) => {
    const mail = await compose({
      from: "Ann <ann@x.example>",
      to: ["bob@y.example"],
      subject: "Hi",
      text: "It works\n",
      ...parts,
      dkim,
    });
    const raw = await text(mail.raw());
    // As it goes out (RFC 5321, 2.3.8).
    const octets = Buffer.from(raw, "utf8")
      .toString("latin1")
      .replace(/\r\n|\r|\n/g, "\r\n");
    expect(octets).toMatch(/^DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed\/relaxed;\r\n d=x\.example;/);
    expect(isRight(octets, publicKey)).toBe(true);
    expect(isRight(octets.replace("To: bob", "To: rob"), publicKey)).toBe(false);
    expect(isRight(`${octets}.\r\n`, publicKey)).toBe(false);
  });

  it("fails at the end of a message that has changed meanwhile: it is not ended then", async () => {
    let turn = 0;
    const open = () => {
      turn += 1;
      return Readable.from([Buffer.from(`From: a@x.example\r\n\r\nturn ${turn}\r\n`)]);
    };
    const octets: Buffer[] = [];
    const all = (async () => {
      for await (const chunk of signedByEd25519(open, { domain: "x.example", selector: "s", key: rfcKey }))
        octets.push(chunk);
    })();
    await expect(all).rejects.toMatchObject({ code: "local", exit: 12 });
  });
});
