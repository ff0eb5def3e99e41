import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { scripted } from "../../fixtures/servers/scripted.js";
import { CsvReader } from "../../protocols/smtp/bulk/csv.js";
import { Template } from "../../protocols/smtp/bulk/template.js";
import { send } from "../../protocols/smtp/library.js";
import { Client } from "../../src/client.js";
import { type Performance, perform } from "./perform.js";
import { hello } from "./talk.js";

let sandbox: Sandbox;
let folder: string;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["smtp"] });
  folder = await mkdtemp(join(tmpdir(), "porthole-bulk-"));
});

afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true });
});

const TEMPLATE =
  "From: Office <office@x.example>\nTo: {{name}} <{{email}}>\nSubject: Berth {{berth}}\n\nDear {{name}}\n";

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function bulk(
  url: string,
  list: string,
  options: Record<string, string | boolean | number> = {},
): Promise<Performance> {
  const template = await file("mail.txt", TEMPLATE);
  const words = [url, list];
  return perform("bulk", words, { template, "back-off": 0, retry: 1, ...options }, { stateFolder: folder });
}

function records(text: string): readonly (readonly string[])[] {
  const reader = new CsvReader();
  return [...reader.feed(text), ...reader.end()].map(({ cells }) => cells);
}

describe("CSV", () => {
  it("is read as RFC 4180 has it, however it is cut", () => {
    const text = '\ufeffa,b\r\n"x, ""y""","1\n2"\n,\n';
    const whole = [
      ["a", "b"],
      ['x, "y"', "1\n2"],
      ["", ""],
    ];
    expect(records(text)).toEqual(whole);
    const reader = new CsvReader();
    const cut = [...Array.from(text).flatMap((one) => [...reader.feed(one)]), ...reader.end()];
    expect(cut.map(({ cells }) => cells)).toEqual(whole);
  });

  it.each(['a"b', '"a"b', '"a', "a\rb"])("is refused where it is none: %j", (text) => {
    expect(() => records(text)).toThrow(/^line 1: /);
  });
});

describe("a template", () => {
  it("makes no recipient and no header of a value", async () => {
    const fields = (name: string) =>
      new Map([
        ["name", name],
        ["email", "b@y.example"],
        ["berth", "1"],
      ]);
    const template = Template.parse(TEMPLATE);
    expect(template.fill({ line: 2, fields: fields('Bee, Ann <x@y.z>" <z@z.z>') }).to).toEqual([
      '"Bee, Ann <x@y.z>\\" <z@z.z>" <b@y.example>',
    ]);
    const list = await file("smuggle.csv", 'name,email,berth\nBob,b@y.example,"1\nBcc: x@y.z"\n');
    const { records: told, failure } = await bulk("smtp://127.0.0.1:9", list, { "dry-run": true });
    // Nothing goes out, and a script that tries its list hears of it.
    expect(failure).toMatchObject({ code: "partial", exit: 13, message: "1 of 1 row would make no mail" });
    expect(told[0]).toMatchObject({ event: "wrong", reply: expect.stringContaining("line break") });
  });

  it("has its values escaped in HTML", () => {
    const template = Template.parse(
      "From: a@x.example\nTo: b@y.example\nContent-Type: text/html\n\n<b>{{n}}</b>",
    );
    expect(template.fill({ line: 2, fields: new Map([["n", "<i>"]]) }).html).toBe("<b>&#60;i&#62;</b>");
  });
});

describe("smtp bulk", () => {
  it("sends each row its mail, tells what became of it, and reports", async () => {
    const list = await file(
      "a.ndjson",
      '{"name":"Ann","email":"ann@y.example","berth":1}\n{"name":"R","email":"refused@y.example","berth":2}\n{"name":"L","email":"later@y.example","berth":3}\n',
    );
    const { records: told, failure } = await bulk(sandbox.url("smtp"), list);
    expect(told.map(({ event }) => event)).toEqual(["accepted", "refused", "later", "done"]);
    expect(told.at(-1)).toMatchObject({ accepted: 1, refused: 1, later: 1, unknown: 0 });
    expect(failure).toMatchObject({ code: "partial", exit: 13 });
    expect(sandbox.mails.at(-1)).toMatchObject({ to: ["ann@y.example"], subject: "Berth 1" });
    // The same again: only who was put off.
    const again = await bulk(sandbox.url("smtp"), list);
    expect(again.records.map(({ event, before }) => [event, before])).toEqual([
      ["later", undefined],
      ["done", 2],
    ]);
  });

  it("takes its list from standard input and from a named pipe, and knows it again by what is in it", async () => {
    const rows =
      '{"name":"Pia","email":"pia@y.example","berth":1}\n{"name":"L","email":"later@y.example","berth":3}\n';
    const template = await file("mail.txt", TEMPLATE);
    const piped = (stdin: string) =>
      perform(
        "bulk",
        [sandbox.url("smtp"), "-"],
        { template, "back-off": 0, retry: 0 },
        { stateFolder: folder },
        stdin,
      );
    expect((await piped(rows)).records.map(({ event }) => event)).toEqual(["accepted", "later", "done"]);
    expect(sandbox.mails.at(-1)).toMatchObject({ to: ["pia@y.example"], subject: "Berth 1" });
    expect((await piped(rows)).records.at(-1)).toMatchObject({ later: 1, before: 1 });
    const other = rows.replace("pia", "kim").slice(0, rows.indexOf("\n"));
    expect((await piped(other)).records.at(-1)).toMatchObject({ accepted: 1, before: 0 });
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [{ records: told }] = await Promise.all([
      bulk(sandbox.url("smtp"), pipe),
      writeFile(pipe, "name,email,berth\nLou,lou@y.example,4\n"),
    ]);
    expect(told.at(-1)).toMatchObject({ accepted: 1 });
    expect(sandbox.mails.at(-1)).toMatchObject({ to: ["lou@y.example"], subject: "Berth 4" });
  });

  it("sends nothing when the list lacks what the template asks for", async () => {
    const list = await file("b.csv", "name,email\nAnn,ann@y.example\n");
    expect((await bulk("smtp://127.0.0.1:9", list)).failure).toMatchObject({ code: "usage" });
  });

  it.each([";", "\t"])("tells of a list with %j where commas should be", async (mark) => {
    const list = await file("s.csv", ["name", "email", "berth"].join(mark).concat("\nAnn\n"));
    expect((await bulk("smtp://127.0.0.1:9", list)).failure).toMatchObject({
      code: "usage",
      hint: expect.stringContaining("with commas between the fields"),
    });
  });

  it("never sends again to whom the answer was lost, unless that is asked for", async () => {
    const list = await file("c.csv", "name,email,berth\nAnn,ann@y.example,1\n");
    const cut = hello("PIPELINING", "CHUNKING")
      .expect("MAIL FROM:<office@x.example>")
      .expect("RCPT TO:<ann@y.example>")
      .expect(/^BDAT \d+ LAST$/)
      .sendLines("250 ok", "250 ok");
    await using server = await scripted([cut], { timeout: 5000 });
    const url = server.url("smtp");
    expect((await bulk(url, list, { retry: 0 })).records[0]).toMatchObject({ event: "unknown" });
    const second = await bulk(url, list);
    expect(second.records.map(({ event }) => event)).toEqual(["unknown", "done"]);
    expect(second.failure).toMatchObject({ exit: 13 });
  });
});

describe("the library's send", () => {
  it("tells accepted, refused, Message-ID and timings", async () => {
    const sent = await send(new Client(), sandbox.url("smtp"), {
      from: "a@x.example",
      to: ["b@y.example", "refused@y.example"],
      text: "Hi",
    });
    expect(sent).toMatchObject({
      accepted: ["b@y.example"],
      refused: [{ recipient: "refused@y.example", code: 550 }],
      messageId: expect.stringMatching(/^<.*@x\.example>$/),
      timings: { open: expect.any(Number), send: expect.any(Number) },
    });
  });
});
