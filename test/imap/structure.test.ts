import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { parse, structureOf } from "../../fixtures/servers/imap-parts.js";
import { ResponseReader } from "../../protocols/imap/response-reader.js";
import { partsOf } from "../../protocols/imap/structure.js";
import type { Value } from "../../protocols/imap/values.js";
import { partsOf as partsOfMessage } from "../../src/message/parts.js";
import { all } from "./talk.js";

function structureIn(structure: string): Value | undefined {
  const reader = new ResponseReader();
  reader.feed(Buffer.from(`* X ${structure}\r\n`, "latin1"));
  const event = reader.next();
  if (event?.type !== "response" || event.response.kind !== "data") throw new Error("that is no structure");
  return event.response.data.values[0];
}

function nested(depth: number): Buffer {
  const lines: string[] = ["Subject: deep"];
  for (let at = 0; at < depth; at++)
    lines.push(`Content-Type: multipart/mixed; boundary="b${at}"`, "", `--b${at}`);
  lines.push("Content-Type: text/plain", "", "the bottom");
  for (let at = depth - 1; at >= 0; at--) lines.push(`--b${at}--`);
  return Buffer.from(`${lines.join("\r\n")}\r\n`);
}

const WITHIN = Buffer.from(
  [
    "Content-Type: multipart/mixed; boundary=o",
    "",
    "--o",
    "Content-Type: message/rfc822",
    "",
    "Subject: one part",
    "",
    "text",
    "--o",
    "Content-Type: message/rfc822",
    "",
    "Content-Type: multipart/alternative; boundary=i",
    "",
    "--i",
    "Content-Type: text/plain",
    "",
    "plain",
    "--i",
    "Content-Type: text/html",
    "",
    "<p>html",
    "--i--",
    "--o--",
    "",
  ].join("\r\n"),
);

describe("BODYSTRUCTURE", () => {
  it.each([
    ...sampleMails().map(({ uid, raw }) => [uid, raw] as const),
    ["messages within a message", WITHIN] as const,
    ["a hundred multiparts, one in the other", nested(100)] as const,
  ])("numbers and names the parts of %s as reading the message does", async (_name, raw) => {
    const told = await partsOf(structureIn(structureOf(parse(raw))));
    const read = await all(partsOfMessage(Readable.from([raw], { objectMode: false })));
    expect(
      told.map(({ section, type, filename, attached }) => ({ section, type, filename, attached })),
    ).toEqual(read.map(({ section, type, filename, attached }) => ({ section, type, filename, attached })));
  });

  it("proposes no file name that leaves the folder", async () => {
    const named = (parameters: string) =>
      `("application" "x" (${parameters}) NIL NIL "base64" 4 NIL ("attachment" (${parameters})) NIL NIL)`;
    for (const parameters of [
      '"filename" "../../.bashrc"',
      '"filename*" "utf-8\'\'..%2F..%2F.bashrc"',
      '"filename*0" "../.." "filename*1" "/.bashrc"',
    ]) {
      const [part] = await partsOf(structureIn(named(parameters)));
      expect(part?.filename).toBe("_bashrc");
    }
  });

  it.each(["NIL", "()", "(NIL NIL)", '(("text" "plain") "mixed")', '("text")', "((((NIL))))"])(
    "that says too little is no failure: %s",
    async (structure) => {
      expect((await partsOf(structureIn(structure))).length).toBeLessThan(2);
    },
  );
});
