import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { attachmentsOf, partOf } from "../../src/message/attachments.js";
import type { Document } from "../../src/plugin.js";

const CHART = Buffer.from(Array.from({ length: 5000 }, (_, at) => at % 256));

const MAIL = [
  "From: a@x.example",
  "Subject: papers",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="outer"',
  "",
  "--outer",
  'Content-Type: multipart/alternative; boundary="inner"',
  "",
  "--inner",
  "Content-Type: text/plain; charset=iso-8859-1",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "Gr=FC=DFe",
  "--inner",
  "Content-Type: text/html",
  "",
  "<p>Hello</p>",
  "--inner--",
  "--outer",
  "Content-Type: image/png; name=chart.png",
  "Content-Transfer-Encoding: base64",
  "",
  ...(CHART.toString("base64").match(/.{1,76}/g) ?? []),
  "--outer",
  'Content-Type: text/plain; name="notes.txt"',
  'Content-Disposition: attachment; filename="../../.bashrc"',
  "",
  "alias ls=rm",
  "--outer--",
  "",
].join("\r\n");

function message(text = MAIL, type = "message/rfc822", piece = 700): Document {
  const octets = Buffer.from(text, "latin1");
  const pieces = function* () {
    for (let at = 0; at < octets.length; at += piece) yield octets.subarray(at, at + piece);
  };
  return {
    entry: { url: "imap://host/INBOX/;UID=1", name: "papers", kind: "message", meta: {} },
    type,
    offset: 0,
    body: Readable.from(pieces(), { objectMode: false }),
  };
}

describe("the attachments of a message", () => {
  it.each([1, 7, 700, 100_000])(
    "come one after the other, decoded, cut at every %i octets",
    async (piece) => {
      const found: [string | undefined, string, string][] = [];
      for await (const { filename, type, body, entry } of attachmentsOf(
        message(MAIL, "message/rfc822", piece),
      )) {
        found.push([
          filename,
          type,
          `${JSON.stringify(entry.meta["section"])} ${(await buffer(body)).toString("base64")}`,
        ]);
      }
      expect(found).toEqual([
        ["chart.png", "image/png", `"2" ${CHART.toString("base64")}`],
        ["_bashrc", "text/plain", `"3" ${Buffer.from("alias ls=rm").toString("base64")}`],
      ]);
    },
  );

  it("may be passed over unread, and left", async () => {
    const names: (string | undefined)[] = [];
    for await (const { filename } of attachmentsOf(message())) names.push(filename);
    expect(names).toEqual(["chart.png", "_bashrc"]);
    const left = message();
    for await (const { body } of attachmentsOf(left)) {
      body.destroy();
      break;
    }
    expect(left.body.destroyed).toBe(true);
  });

  it("are not looked for in what is no message", async () => {
    const page = message("<p>no</p>", "text/html");
    await expect(attachmentsOf(page).next()).rejects.toMatchObject({ code: "usage" });
    expect(page.body.destroyed).toBe(true);
  });
});

describe("one part of a message", () => {
  it("is a document of its own", async () => {
    const part = await partOf(message(), "1.1");
    expect(part).toMatchObject({ type: "text/plain", charset: "iso-8859-1" });
    expect((await buffer(part.body)).toString("latin1")).toBe("Grüße");
  });

  it("may be left, and may not be there", async () => {
    const whole = message();
    const part = await partOf(whole, "2");
    part.body.destroy();
    await new Promise((resolve) => part.body.once("close", resolve));
    await expect(partOf(message(), "9")).rejects.toMatchObject({ code: "missing" });
  });
});
