import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { startSmtp } from "../../fixtures/servers/smtp.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { compose, type Mail } from "../../src/message/compose.js";
import { outgoingMail } from "../../src/message/mail.js";
import type { Options, SendReport } from "../../src/plugin.js";
import { failure, mail, send } from "./talk.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["smtp"] });
});

afterAll(async () => {
  await sandbox.close();
});

async function sendsAs(
  scheme: string,
  mail: Mail,
  settings: ClientSettings = {},
  user = "",
): Promise<SendReport> {
  const client = new Client({ network: { tls: { caFile: sandbox.caFile } }, ...settings });
  const session = await client.open(client.target(sandbox.url(scheme).replace("//", `//${user}`)));
  try {
    return await send(session, outgoingMail(await compose(mail)));
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

const HELLO: Mail = {
  from: "Ann <a@x.example>",
  to: ["b@y.example"],
  subject: "Häfen",
  text: "Grüße\n.\nend",
};

/** It takes both. */
const WAYS = [
  ["by BDAT", {}],
  ["by DATA", { chunking: false }],
] as const;

describe.each(WAYS)("the sandbox's server, %s", (_, way) => {
  /** @param asked options of the protocol */
  const sends = (
    scheme: string,
    what: Mail,
    settings: Omit<ClientSettings, "options"> = {},
    user = "",
    asked: Options = {},
  ) => sendsAs(scheme, what, { ...settings, options: { ...asked, ...way } }, user);

  it.each([
    ["in clear", "smtp", {}],
    ["after STARTTLS", "smtp", { policy: { starttls: "require" } } as const],
    ["under TLS", "smtps", {}],
  ])("takes a mail %s", async (_how, scheme, settings) => {
    const report = await sends(scheme, HELLO, settings);
    expect(report).toMatchObject({
      accepted: ["b@y.example"],
      refused: [],
      reply: "250 2.6.0 OK: message queued",
    });
    const arrived = sandbox.mails.at(-1);
    expect(arrived).toMatchObject({ from: "a@x.example", to: ["b@y.example"], subject: "Häfen" });
    expect(arrived?.raw.toString()).toMatch(/\r\n\r\nGr=C3=BC=C3=9Fe\r\n\.\r\nend\r\n$/);
  });

  it("takes what a notice of delivery is asked for with (DSN)", async () => {
    const options = { notify: "success,failure", ret: "hdrs", envid: "mail-1", orcpt: "bee@y.example" };
    expect(await sends("smtp", HELLO, {}, "", options)).toMatchObject({ accepted: ["b@y.example"] });
  });

  it("takes a login after TLS", async () => {
    const report = await sends(
      "smtp",
      HELLO,
      { policy: { starttls: "auto" }, network: { tls: { caFile: sandbox.caFile } } },
      "porthole:sandbox@",
    );
    expect(report.accepted).toEqual(["b@y.example"]);
    expect(await failure(sends("smtps", HELLO, {}, "porthole:wrong@"))).toMatchObject({
      code: "auth",
      exit: 7,
    });
  });

  it("is not trusted without its authority", async () => {
    expect(await failure(sends("smtp", HELLO, { policy: { starttls: "auto" }, network: {} }))).toMatchObject({
      code: "tls",
      exit: 5,
    });
  });

  it("refuses some recipients, and the others get it", async () => {
    const report = await sends("smtp", {
      ...HELLO,
      to: ["b@y.example", "refused@y.example"],
      cc: ["later@y.example"],
    });
    expect(report.accepted).toEqual(["b@y.example"]);
    expect(report.refused.map(({ recipient, code }) => [recipient, code])).toEqual([
      ["refused@y.example", 550],
      ["later@y.example", 451],
    ]);
    expect(sandbox.mails.at(-1)?.to).toEqual(["b@y.example"]);
  });

  it("refuses a sender", async () => {
    expect(await failure(sends("smtp", { ...HELLO, from: "blocked@x.example" }))).toMatchObject({
      code: "refused",
      exit: 9,
      message: "the sender blocked@x.example was refused",
    });
  });

  it("gets blind copies that nobody sees", async () => {
    await sends("smtp", { ...HELLO, bcc: ["secret@z.example"] });
    const arrived = sandbox.mails.at(-1);
    expect(arrived?.to).toEqual(["b@y.example", "secret@z.example"]);
    expect(arrived?.raw.toString()).not.toMatch(/secret|bcc/i);
  });

  it("is told the size beforehand, and gets just that", async () => {
    const report = await sends("smtp", {
      ...HELLO,
      attachments: [
        { filename: "a.bin", size: 100_000, open: () => Readable.from([Buffer.alloc(100_000, "x")]) },
      ],
    });
    expect(sandbox.mails.at(-1)?.size).toBe(report.size);
  });

  it("refuses a message above its limit while it comes, told beforehand or not, and takes the next", async () => {
    const small = await startSmtp({
      tls: await makeTlsMaterial(),
      size: 300_000,
      onArrival: () => undefined,
    });
    await using _small = { [Symbol.asyncDispose]: () => small.close() };
    const client = new Client({ options: way });
    const session = await client.open(client.target(small.urls[0]?.url ?? ""));
    await using _closed = session;
    const large = Buffer.from(`Subject: x\r\n\r\n${"a line of it\r\n".repeat(50_000)}`);
    expect(await failure(send(session, mail(large, { size: large.length })))).toMatchObject({ exit: 9 });
    expect(await failure(send(session, mail(large)))).toMatchObject({
      exit: 9,
      reply: expect.stringMatching(/^552 /),
    });
    expect((await send(session, mail())).accepted).toEqual(["b@y.example"]);
    expect(small.mails.map(({ subject }) => subject)).toEqual(["x"]);
  });

  it("takes an address beyond ASCII", async () => {
    await sends("smtp", { ...HELLO, to: ["jürgen@y.example"] });
    expect(sandbox.mails.at(-1)?.to).toEqual(["jürgen@y.example"]);
  });
});
