import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { showDocument } from "../../src/cli/documents.js";
import type { Document } from "../../src/plugin.js";
import { collected } from "./collected.js";

const screen = { columns: 40, rows: 1000 };

function documentOf(type: string, octets: Buffer | string, charset?: string): Document {
  const body = Readable.from([...Buffer.from(octets)].map((octet) => Buffer.from([octet])));
  const entry = { url: "https://example.org/dir/page", name: "page", kind: "page", meta: {} } as const;
  return { entry, type, offset: 0, body, ...(charset === undefined ? {} : { charset }) };
}

async function onScreen(type: string, octets: Buffer | string, charset?: string): Promise<string> {
  const { terminal, stdout } = collected(screen);
  await showDocument(documentOf(type, octets, charset), terminal);
  return stdout.text;
}

describe("a document", () => {
  it("goes into a pipe octet for octet", async () => {
    const octets = Buffer.from("\x1b[2J\r\n\0\xff<p>", "latin1");
    const { terminal, stdout } = collected();
    await showDocument(documentOf("text/html", octets), terminal);
    expect(stdout.octets.equals(octets)).toBe(true);
  });

  it("of text is decoded and made safe on a terminal, one octet at a time", async () => {
    expect(await onScreen("text/plain", "Grüße\r\n\x1b]0;x\x07日本")).toBe("Grüße\n\\x1b]0;x\\x07日本\n");
    expect(await onScreen("text/plain", Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]), "iso-8859-1")).toBe(
      "Grüße\n",
    );
    expect(await onScreen("text/plain", Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]))).toBe("Grüße\n");
    expect(await onScreen("text/plain", Buffer.from([0xe1]), "cp437")).toBe("ß\n");
  });

  it("of JSON is laid out, and shown as it is when it is none", async () => {
    expect(await onScreen("application/json", '{"a":[1,"\u202e"]}')).toBe(
      '{\n  "a": [\n    1,\n    "\\u202e"\n  ]\n}\n',
    );
    expect(await onScreen("application/problem+json", "{oops")).toBe("{oops\n");
  });

  it("of HTML is a page with numbered links", async () => {
    const html = '<title>T</title><h1>Top</h1><p>See <a href="../x">here</a>.</p><script>alert(1)</script>';
    expect(await onScreen("text/html", html)).toBe("TOP\n\nSee here[1].\n\n[1] https://example.org/x\n");
  });

  it("that is no text is refused on a terminal, with a way out", async () => {
    const { terminal, stdout } = collected(screen);
    const document = documentOf("application/octet-stream", "\0");
    await expect(showDocument(document, terminal)).rejects.toMatchObject({
      code: "usage",
      hint: "save it with -o FILE or -O, or send it into a pipe",
    });
    expect([document.body.destroyed, stdout.text]).toEqual([true, ""]);
  });

  it("larger than --max-size stops there", async () => {
    const { terminal, stdout } = collected();
    await expect(
      showDocument(documentOf("text/plain", "12345"), terminal, { maxSize: 3 }),
    ).rejects.toMatchObject({
      exit: 11,
    });
    expect(stdout.text).toBe("123");
  });

  it("stops when the user does", async () => {
    const { terminal } = collected();
    const abort = new AbortController();
    const body = new Readable({ read: () => undefined });
    const shown = showDocument({ ...documentOf("text/plain", ""), body }, terminal, { signal: abort.signal });
    abort.abort();
    await expect(shown).rejects.toMatchObject({ exit: 130 });
    expect(body.destroyed).toBe(true);
  });
});
