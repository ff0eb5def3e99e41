import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, type ClientSettings } from "../../src/client.js";
import { compose, type Mail } from "../../src/message/compose.js";
import { outgoingMail } from "../../src/message/mail.js";
import type { SendReport } from "../../src/plugin.js";
import { perform } from "../smtp/perform.js";
import { failure, send } from "../smtp/talk.js";
import { checked } from "./checked.js";
import { POSTFIX_INSTALLED, type Postfix, SIZE_LIMIT, startPostfix } from "./postfix.js";

const TITLE = POSTFIX_INSTALLED ? "postfix" : "postfix (not installed, or not root)";

describe.skipIf(!POSTFIX_INSTALLED)(TITLE, () => {
  let root: string;
  let postfix: Postfix;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "porthole-postfix-"));
    postfix = await startPostfix(root);
  });

  afterAll(async () => {
    await postfix.stop();
    await rm(root, { recursive: true, force: true });
  });

  it("check: TLS, capabilities, and that it drops what came before the handshake", async () => {
    const trusting = { network: { tls: { caFile: join(root, "ca.pem") } } };
    const well = ["greeting ok", "capabilities ok", "roundtrip ok"];
    for (const place of [postfix.smtp, postfix.submission, postfix.smtps]) {
      const { lines, weaknesses, tls } = await checked(place.replace("127.0.0.1", "localhost"), trusting);
      expect([lines, weaknesses]).toEqual([["resolve ok", "connect ok", "tls ok", ...well], []]);
      expect(tls).toMatchObject({ version: "1.3", authorized: true, name: "localhost" });
    }
    const { lines } = await checked(postfix.smtp, {});
    expect(lines).toEqual(["resolve ok", "connect ok", "tls FAILED"]);
  });

  const HELLO: Mail = {
    from: "ann@x.example",
    to: ["bob@harbour.example"],
    subject: "Hi",
    text: "It works\n",
  };
  const INSECURE: ClientSettings = { network: { tls: { insecure: true } } };

  async function sends(
    url: string,
    mail: Mail,
    settings: ClientSettings = {},
    announced: "size" | "nothing" = "size",
  ): Promise<SendReport> {
    const client = new Client({ ...INSECURE, ...settings });
    const session = await client.open(client.target(url));
    try {
      const { size, ...outgoing } = outgoingMail(await compose(mail));
      return await send(
        session,
        announced === "nothing" || size === undefined ? outgoing : { ...outgoing, size },
      );
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  it("delivers what was sent", async () => {
    const text = "Grüße\n.\n..\nFrom here\n\nend";
    const report = await sends(postfix.smtp, { ...HELLO, text });
    expect(report).toMatchObject({ accepted: ["bob@harbour.example"], refused: [] });
    expect(report.reply).toMatch(/^250 2\.0\.0 Ok: (?:\d+ bytes )?queued as /);
    const [mail = ""] = await postfix.mails("bob", 1);
    expect(mail).toContain("Return-Path: <ann@x.example>\n");
    expect(mail).toContain(`Message-ID: ${report.messageId}\n`);
    expect(mail).toMatch(/\n\nGr=C3=BC=C3=9Fe\n\.\n\.\.\nFrom here\n\nend\n$/);
  });

  it("takes STARTTLS where the user wants it", async () => {
    await sends(
      postfix.smtp,
      { ...HELLO, to: ["carl@harbour.example"] },
      { policy: { starttls: "require" } },
    );
    const [mail = ""] = await postfix.mails("carl", 1);
    expect(mail).toMatch(/with ESMTPS id /);
  });

  it("refuses who is not there, and the others get it", async () => {
    const report = await sends(postfix.smtp, {
      ...HELLO,
      to: ["bob@harbour.example"],
      bcc: ["nobody@harbour.example"],
    });
    expect(report.accepted).toEqual(["bob@harbour.example"]);
    expect(report.refused).toEqual([
      { recipient: "nobody@harbour.example", code: 550, reply: expect.stringContaining("User unknown") },
    ]);
  });

  it("does not relay", async () => {
    const failed = await failure(
      sends(postfix.smtp, { ...HELLO, to: ["c@elsewhere.example", "d@elsewhere.example"] }),
    );
    // Its own way: a relay that is refused may be granted later.
    expect(failed).toMatchObject({
      code: "busy",
      exit: 10,
      reply: expect.stringContaining("Relay access denied"),
    });
  });

  it("is told the size, and a message above its limit is not begun", async () => {
    const large = {
      filename: "a.bin",
      size: SIZE_LIMIT,
      open: () => Readable.from([Buffer.alloc(SIZE_LIMIT)]),
    };
    expect(await failure(sends(postfix.smtp, { ...HELLO, attachments: [large] }))).toMatchObject({
      code: "refused",
      exit: 9,
      message: expect.stringMatching(
        /^the message has 13\d{5} octets, and the server takes at most 1000000$/,
      ),
    });
  });

  it("refuses a message above its limit whose size was not known", async () => {
    const large = { filename: "a.bin", open: () => Readable.from([Buffer.alloc(2 * SIZE_LIMIT)]) };
    expect(await failure(sends(postfix.smtp, { ...HELLO, attachments: [large] }))).toMatchObject({
      code: "refused",
      exit: 9,
      reply: expect.stringMatching(/^552 5\.3\.4 /),
    });
  });

  it("delivers to an address beyond ASCII", async () => {
    await sends(postfix.smtp, { ...HELLO, to: ["jürgen@harbour.example"] });
    const [mail = ""] = await postfix.mails("juergen", 1);
    expect(mail).toContain("To: jürgen@harbour.example\n");
    expect(mail).toMatch(/with (?:UTF8SMTP|ESMTP)/);
  });

  it("takes many mails on one session", async () => {
    const client = new Client(INSECURE);
    const session = await client.open(client.target(postfix.smtp));
    for (let at = 0; at < 20; at++) {
      await send(session, outgoingMail(await compose({ ...HELLO, subject: `mail ${at}` })));
    }
    await session[Symbol.asyncDispose]();
    const mails = await postfix.mails("bob", 22);
    for (let at = 0; at < 20; at++)
      expect(mails.some((mail) => mail.includes(`Subject: mail ${at}\n`))).toBe(true);
  });

  it.each([
    ["by BDAT", {}],
    ["by DATA", { chunking: false }],
  ])("takes a mailing %s, on several connections, and some recipients are refused", async (_how, options) => {
    const list = join(root, "list.csv");
    const template = join(root, "mail.txt");
    const rows = Array.from({ length: 60 }, (_, at) => (at % 20 === 7 ? "nobody" : "carl"));
    await writeFile(list, `box,n\n${rows.map((box, at) => `${box},${at}\n`).join("")}`);
    await writeFile(
      template,
      "From: a@x.example\nTo: {{box}}@harbour.example\nSubject: letter {{n}}\n\n.\nfor {{n}}\n",
    );
    const { records, failure: failed } = await perform(
      "bulk",
      [postfix.smtp, list],
      { template, ...options },
      { ...INSECURE, policy: { jobs: 3 }, stateFolder: join(root, "state") },
    );
    expect(records.at(-1)).toMatchObject({ event: "done", accepted: 57, refused: 3, unknown: 0, later: 0 });
    expect(failed).toMatchObject({ code: "partial" });
  });

  it("is probed after TLS and a login, up to a recipient that it does not relay to", async () => {
    const url = postfix.submission.replace("//", "//ann:open%20sesame@");
    const { records, failure: failed } = await perform(
      "probe",
      [url],
      { to: ["c@elsewhere.example"], "stop-after": "data" },
      INSECURE,
    );
    expect(failed).toBeUndefined();
    expect(records.map(({ step }) => step)).toEqual([
      ...["connect", "banner", "ehlo", "tls", "ehlo", "auth", "mail", "rcpt", "data"],
    ]);
    expect(records.find(({ step }) => step === "auth")).toMatchObject({
      detail: "logged in as ann, by PLAIN",
    });
    const [before, after] = records.filter(({ step }) => step === "ehlo");
    expect([before?.["mechanisms"], after?.["mechanisms"]]).toEqual([[], ["PLAIN"]]);
    const relayed = await perform("probe", [postfix.smtp], { to: ["c@elsewhere.example"] }, INSECURE);
    expect(relayed.failure).toMatchObject({ reply: expect.stringContaining("Relay access denied") });
    const open = await perform("relay", [postfix.smtp], { to: ["c@elsewhere.example"] }, INSECURE);
    expect(open.failure).toBeUndefined();
    expect(open.records.every(({ accepted }) => accepted === false)).toBe(true);
  });

  it("sends DSN, and a large message in chunks", async () => {
    const client = new Client({ ...INSECURE, options: { notify: "never", ret: "hdrs", envid: "x+1" } });
    const session = await client.open(client.target(postfix.smtp));
    const text = `${"a line that is as long as others are\n".repeat(10_000)}.\n`;
    const report = await send(session, outgoingMail(await compose({ ...HELLO, text })));
    await session[Symbol.asyncDispose]();
    expect(report.accepted).toEqual(["bob@harbour.example"]);
    expect(report.reply).toMatch(new RegExp(`Ok: ${report.size} bytes queued`));
  });

  describe("submission", () => {
    const RELAYED = { ...HELLO, to: ["c@elsewhere.example"] };
    const withUser = (url: string, user: string) => url.replace("//", `//${user}@`);

    it("takes mail for everywhere after STARTTLS and a login", async () => {
      const report = await sends(withUser(postfix.submission, "ann:open%20sesame"), RELAYED);
      // Also where the password comes from elsewhere than the URL: in clear no login is offered.
      const credentials = async () => ({ user: "ann", password: "open sesame", kind: "password" }) as const;
      expect((await sends(postfix.submission, RELAYED, { credentials })).accepted).toEqual(report.accepted);
      expect(report.accepted).toEqual(["c@elsewhere.example"]);
    });

    it("takes it under TLS from the start", async () => {
      const report = await sends(withUser(postfix.smtps, "ann:open%20sesame"), RELAYED);
      expect(report.accepted).toEqual(["c@elsewhere.example"]);
    });

    it("refuses a wrong password", async () => {
      expect(await failure(sends(withUser(postfix.submission, "ann:wrong"), RELAYED))).toMatchObject({
        code: "auth",
        exit: 7,
        reply: expect.stringMatching(/^535 5\.7\.8 /),
      });
    });

    it("refuses without a login", async () => {
      expect(await failure(sends(postfix.smtps, RELAYED))).toMatchObject({ code: "refused", exit: 9 });
    });

    it("wants TLS", async () => {
      expect(
        await failure(sends(postfix.submission, RELAYED, { policy: { starttls: "never" } })),
      ).toMatchObject({
        code: "tls",
        exit: 5,
        reply: expect.stringMatching(/^530 5\.7\.0 Must issue a STARTTLS command first/),
      });
    });

    it("is not trusted without its authority", async () => {
      const failed = await failure(sends(postfix.smtps, RELAYED, { network: {} }));
      expect(failed).toMatchObject({ code: "tls", exit: 5 });
    });
  });
});
