import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepareSending } from "./typed.js";

const sending = prepareSending();
const { porthole, file } = sending;

const WHO = ["--from", "a@x.example", "--to", "b@y.example"];

describe("porthole send", () => {
  it("says in one line who took it for how many", async () => {
    const sent = await porthole([
      sending.sandbox.url("smtp"),
      ...WHO,
      "--to",
      "c@y.example",
      "--subject",
      "Hi",
      "--text",
      "It works",
    ]);
    expect(sent).toEqual({
      status: 0,
      out: "accepted by 127.0.0.1: 2 recipients (250 2.6.0 OK: message queued)\n",
      err: "",
    });
    const mail = sending.sandbox.mails.at(-1);
    expect(mail).toMatchObject({ from: "a@x.example", to: ["b@y.example", "c@y.example"], subject: "Hi" });
    expect(mail?.raw.toString()).toMatch(/\r\n\r\nIt works\r\n$/);
  });

  it("sends a test mail from this user when only a recipient is named", async () => {
    expect(await porthole([sending.sandbox.url("smtp"), "--to", "me@here"])).toMatchObject({ status: 0 });
    const mail = sending.sandbox.mails.at(-1);
    expect(mail).toMatchObject({ to: ["me@here"], subject: "Porthole test mail" });
    expect(mail?.from).toMatch(/^ann@./);
  });

  it("exits 13 when some are refused, and names them", async () => {
    const sent = await porthole([sending.sandbox.url("smtp"), ...WHO, "--cc", "refused@y.example"]);
    expect(sent).toEqual({
      status: 13,
      out: "accepted by 127.0.0.1: 1 recipient (250 2.6.0 OK: message queued)\n",
      err: "refused: refused@y.example (550 5.1.1 No such harbour here)\n",
    });
  });

  it("exits as the first refusal says when all are", async () => {
    const sent = await porthole([
      sending.sandbox.url("smtp"),
      "--from",
      "a@x.example",
      "--to",
      "later@y.example",
    ]);
    expect(sent).toEqual({
      status: 10,
      out: "",
      err: expect.stringMatching(/^porthole: smtp: the recipient later@y\.example was refused \(451 /),
    });
  });

  it("tells in JSON", async () => {
    const sent = await porthole([
      sending.sandbox.url("smtp"),
      ...WHO,
      "--bcc",
      "refused@y.example",
      "--json",
    ]);
    expect(sent.status).toBe(13);
    expect(sent.err).toBe("");
    expect(JSON.parse(sent.out)).toEqual({
      event: "sent",
      accepted: ["b@y.example"],
      refused: [{ recipient: "refused@y.example", code: 550, reply: "550 5.1.1 No such harbour here" }],
      reply: "250 2.6.0 OK: message queued",
      messageId: expect.stringMatching(/^<.*@x\.example>$/),
      size: sending.sandbox.mails.at(-1)?.size,
      url: sending.sandbox.url("smtp"),
    });
  });

  it("takes texts from files and standard input, and files as attachments", async () => {
    const [html, data] = [
      await file("page.html", "<b>Hafen</b>"),
      await file("data.bin", Buffer.alloc(5000, 1)),
    ];
    const args = [
      sending.sandbox.url("smtp"),
      ...WHO,
      "--text-file",
      "-",
      "--html-file",
      html,
      "--attach",
      data,
      "--attach",
      html,
    ];
    expect(await porthole([...args, "--header", "X-Lamp:  on"], "Grüße von der Pfeife\n")).toMatchObject({
      status: 0,
    });
    const raw = sending.sandbox.mails.at(-1)?.raw.toString() ?? "";
    expect(raw).toContain("Gr=C3=BC=C3=9Fe von der Pfeife");
    expect(raw).toContain("<b>Hafen</b>");
    expect(raw).toMatch(/filename=data\.bin\r\n/);
    expect(raw).toMatch(/filename=page\.html\r\n/);
    expect(raw).toContain("X-Lamp: on\r\n");
  });

  it("has answers, priority, a picture within its HTML, an invitation, a signature", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 1024,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const [logo, invite, key] = [
      await file("logo.png", Buffer.alloc(100, 7)),
      await file("event.ics", "BEGIN:VCALENDAR\nMETHOD:CANCEL\nEND:VCALENDAR\n"),
      await file("key.pem", privateKey),
    ];
    const sent = await porthole(
      [
        ...[
          sending.sandbox.url("smtp"),
          ...WHO,
          "--html",
          "-",
          "--inline",
          logo,
          "--inline",
          `other=${logo}`,
        ],
        ...["--reply-to", "office@x.example", "--in-reply-to", "<1@y.example>", "--priority", "low"],
        ...["--calendar", invite, "--dkim-key", key, "--dkim-selector", "mail"],
      ],
      '<img src="cid:logo.png"><p>Hafen</p>',
    );
    expect(sent).toMatchObject({ status: 0, err: "" });
    const raw = sending.sandbox.mails.at(-1)?.raw.toString() ?? "";
    expect(raw).toMatch(/^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed; d=x\.example;/);
    for (const part of ["Content-ID: <logo.png>", "Content-ID: <other>", "method=CANCEL", "Importance: Low"])
      expect(raw).toContain(part);
    expect(raw).toMatch(/\r\n\r\nHafen\r\n/);
  });

  it("sends a ready message as it stands, from a file and from standard input", async () => {
    const letter = "From: ann@x.example\nTo: b@y.example\nBcc: c@y.example\nSubject: ready\n\n.\ntext\n";
    const want = "From: ann@x.example\r\nTo: b@y.example\r\nSubject: ready\r\n\r\n.\r\ntext\r\n";
    for (const [name, input] of [
      [await file("letter.eml", letter), ""],
      ["-", letter],
    ] as const) {
      expect(await porthole([sending.sandbox.url("smtp"), "--eml", name], input)).toMatchObject({
        status: 0,
      });
      const mail = sending.sandbox.mails.at(-1);
      expect(mail).toMatchObject({ from: "ann@x.example", to: ["b@y.example", "c@y.example"] });
      expect(mail?.raw.toString()).toBe(want);
    }
    await porthole(
      [sending.sandbox.url("smtp"), "--eml", "-", "--from", "<>", "--to", "d@y.example"],
      letter,
    );
    expect(sending.sandbox.mails.at(-1)).toMatchObject({ from: "", to: ["d@y.example"] });
  });
});

describe("porthole send --dry-run", () => {
  it("shows a ready message as it goes out, lines ended by CRLF", async () => {
    const path = await file("lf.eml", "From: a@x.example\nTo: b@y.example\n\nhi\n.\nend");
    const whole = "From: a@x.example\r\nTo: b@y.example\r\n\r\nhi\r\n.\r\nend\r\n";
    const shown = await porthole([sending.sandbox.url("smtp"), "--eml", path, "--dry-run"]);
    expect(shown.out).toBe(whole);
    const json = await porthole([sending.sandbox.url("smtp"), "--eml", path, "--dry-run", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ message: whole, size: whole.length });
    expect(json.out).not.toContain("messageId");
  });

  it("shows envelope and message, and connects to nobody", async () => {
    const shown = await porthole([
      "smtp://127.0.0.1:9",
      ...WHO,
      "--bcc",
      "c@y.example",
      "--text",
      "x",
      "--dry-run",
    ]);
    expect(shown.status).toBe(0);
    expect(shown.err).toBe("envelope: a@x.example -> b@y.example, c@y.example\n");
    expect(shown.out).toMatch(/^From: a@x\.example\r\nTo: b@y\.example\r\n[\s\S]*\r\n\r\nx\r\n$/);
  });

  it.each(["<>", " <> ", ""])("has nobody to tell with --from '%s', and names who sends", async (nobody) => {
    const shown = await porthole([
      "smtp://127.0.0.1:9",
      "--from",
      nobody,
      "--to",
      "b@y.example",
      "--dry-run",
    ]);
    expect(shown.err).toBe("envelope: <> -> b@y.example\n");
    expect(shown.out).toMatch(/^From: ann@\S+\r\n/);
    await porthole([sending.sandbox.url("smtp"), "--from", nobody, "--to", "nobody-to-tell@y.example"]);
    expect(sending.sandbox.mails.at(-1)).toMatchObject({ from: "", to: ["nobody-to-tell@y.example"] });
  });

  it("shows both in JSON", async () => {
    const shown = await porthole(["smtp://127.0.0.1:9", ...WHO, "--text", "x", "--dry-run", "--json"]);
    const told: unknown = JSON.parse(shown.out);
    expect(told).toMatchObject({
      event: "dry-run",
      envelope: { from: "a@x.example", to: ["b@y.example"] },
      url: "smtp://127.0.0.1:9",
      message: expect.stringMatching(/^From: a@x\.example\r\n[\s\S]*\r\n\r\nx\r\n$/),
    });
  });
});

describe("what is wrong on this side", () => {
  const NOBODY = "smtp://127.0.0.1:9";
  const missing = join(tmpdir(), "porthole-no-such-file");

  it.each([
    ["a missing attachment", ["--attach", missing], 12],
    ["a folder as attachment", ["--attach", tmpdir()], 12],
    ["a missing text", ["--text-file", missing], 12],
    ["a missing message", ["--eml", missing], 12],
    ["a header without a name", ["--header", "no colon"], 2],
    ["a missing picture", ["--html", "x", "--inline", `a=${missing}`], 12],
    ["a picture without HTML to be in", ["--inline", missing], 12],
    ["a missing invitation", ["--calendar", missing], 12],
    ["a missing key", ["--dkim-key", missing, "--dkim-selector", "a"], 12],
    ["a key without a selector", ["--dkim-key", missing], 2],
    ["standard input twice", ["--text", "-", "--html", "-"], 2],
    ["a text twice", ["--text", "a", "--text-file", "-"], 2],
    ["a subject for a ready message", ["--eml", "-", "--subject", "x"], 2],
    ["an address that is none", ["--to", "a@b, c@d"], 2],
  ])("is found before connecting: %s", async (_what, args, status) => {
    const failed = await porthole([NOBODY, ...WHO, ...args]);
    expect(failed).toMatchObject({ status, out: "" });
    expect(failed.err).toMatch(/^porthole: [^\n]+\n$/);
  });

  it("is a mail to nobody", async () => {
    expect(await porthole([NOBODY, "--text", "x"])).toMatchObject({
      status: 2,
      err: expect.stringContaining("--to says who gets it"),
    });
  });
});
