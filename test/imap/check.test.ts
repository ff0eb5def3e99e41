import { afterAll, beforeAll, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { startImap } from "../../fixtures/servers/imap.js";
import { conversation, scripted } from "../../fixtures/servers/scripted.js";
import type { SandboxServer } from "../../fixtures/servers/server.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { CheckStep } from "../../src/plugin.js";
import { all } from "./talk.js";

let tls: TlsMaterial;
let server: SandboxServer;

beforeAll(async () => {
  tls = await makeTlsMaterial();
  server = await startImap({ tls, onArrival: () => undefined });
});

afterAll(async () => {
  await server.close();
});

async function steps(url: string, settings: ClientSettings = {}): Promise<CheckStep[]> {
  const client = new Client({ network: { tls: { insecure: true } }, ...settings });
  return client.use(client.target(url), (session) => all(session.check?.() ?? none()));
}

async function* none(): AsyncGenerator<CheckStep> {}

const urlOf = (scheme: string) => server.urls.find(({ name }) => name === scheme)?.url ?? "";

it("tells greeting, capabilities, login and round trip", async () => {
  const told = await steps(urlOf("imap"), {
    credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
  });
  expect(told.map(({ step, ok }) => [step, ok])).toEqual([
    ["greeting", true],
    ["capabilities", true],
    ["login", true],
    ["roundtrip", true],
  ]);
  expect(told[2]).toMatchObject({ detail: "as porthole, by SCRAM-SHA-256" });
  expect(told[1]?.weaknesses).toMatchObject([
    { grade: "critical", what: expect.stringContaining("in clear") },
  ]);
});

it("finds nothing wrong with a server that is under TLS from the start", async () => {
  const told = await steps(urlOf("imaps"));
  expect(told[1]?.weaknesses).toEqual([]);
});

it("finds out whether commands sent in clear are obeyed after STARTTLS, and that ours does not", async () => {
  const told = await steps(urlOf("imap"), { policy: { starttls: "require" } });
  expect(told[1]?.weaknesses?.map(({ what }) => what).join()).not.toContain("CVE-2011-0411");
});

it("finds a server that obeys them", async () => {
  const hello = conversation(
    "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\nC: A1 STARTTLS\nS: A1 OK go",
  );
  const first = hello
    .startTls(tls)
    .and(
      conversation(
        "C: A2 CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: A2 OK\nC: A3 CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: A3 OK",
      ),
    )
    .and(conversation("C: A4 NOOP\nS: A4 OK"));
  const second = conversation("S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready")
    .expect("A1 STARTTLS")
    .expect("X1 NOOP")
    .sendLines("A1 OK go")
    .startTls(tls)
    .sendLines("X1 OK done");
  await using playing = await scripted([first, second], { timeout: 5000 });
  const told = await steps(playing.url("imap"), { policy: { starttls: "require" } });
  expect(told[1]?.weaknesses?.map(({ what }) => what).join()).toContain("CVE-2011-0411");
});
