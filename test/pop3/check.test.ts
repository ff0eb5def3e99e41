import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { conversation } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { CheckStep, Session } from "../../src/plugin.js";
import { BYE, hello, plays } from "./talk.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["pop3"] });
});

afterAll(async () => {
  await sandbox.close();
});

async function steps(session: Session): Promise<CheckStep[]> {
  const taken: CheckStep[] = [];
  for await (const step of session.check?.() ?? []) taken.push(step);
  return taken;
}

const KEEPER: ClientSettings = {
  credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
};

describe("a check", () => {
  it("goes from the greeting to a round trip, under TLS in place", async () => {
    const client = new Client({
      ...KEEPER,
      policy: { starttls: "require" },
      network: { tls: { caFile: sandbox.caFile } },
    });
    const url = sandbox.url("pop3").replace("127.0.0.1", "localhost");
    const taken = await client.use(client.target(url), steps);
    expect(taken.map(({ step, ok }) => [step, ok])).toEqual([
      ["greeting", true],
      ["capabilities", true],
      ["login", true],
      ["roundtrip", true],
    ]);
    expect(taken[0]?.detail).toContain("+OK Porthole sandbox");
    expect(taken[2]?.detail).toBe("as porthole, by PLAIN");
    // The sandbox offers logins in clear, and forgets what was put in ahead of TLS.
    expect(taken[1]?.weaknesses?.map(({ what }) => what)).toEqual([
      "a login that shows the password is offered in clear (USER PLAIN LOGIN)",
    ]);
  });

  it("needs no login, and names what is weak", async () => {
    const play = hello("USER")
      .and(conversation("C: CAPA\nS: +OK\nS: USER\nS: .\nC: NOOP\nS: -ERR log in first"))
      .and(BYE);
    await plays(
      play,
      async (session) => {
        const taken = await steps(session);
        expect(taken.map(({ step }) => step)).toEqual(["greeting", "capabilities", "roundtrip"]);
        expect(taken[1]?.weaknesses?.map(({ grade }) => grade)).toEqual(["critical", "warning"]);
      },
      {},
    );
  });

  it("judges a server that says nothing of TLS after the login by what it said before", async () => {
    const play = hello("USER", "STLS")
      .and(conversation("C: USER ann\nS: +OK\nC: PASS open sesame\nS: +OK\nC: CAPA\nS: +OK\nS: UIDL\nS: ."))
      .and(conversation("C: CAPA\nS: +OK\nS: UIDL\nS: .\nC: NOOP\nS: +OK"))
      .and(BYE);
    await plays(play, async (session) => {
      const taken = await steps(session);
      expect(taken[1]?.weaknesses?.map(({ what }) => what)).toEqual([
        "a login that shows the password is offered in clear (USER)",
      ]);
      expect(taken[2]).toMatchObject({ step: "login", detail: "as ann, by USER" });
    });
  });
});
