/** SCRAM in -PLUS (RFC 5802, 6; RFC 9266): the login is tied to the TLS connection, in every protocol that has SASL. */
import { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { scramSha256 } from "../../fixtures/servers/scram.js";
import {
  conversation,
  type Script,
  type ScriptConnection,
  type ScriptedOptions,
  scripted,
} from "../../fixtures/servers/scripted.js";
import { sharedMechanisms } from "../../src/auth/sasl.js";
import { Client } from "../../src/client.js";

const ACCOUNT = { user: "ann", password: "open sesame" };
const NOTHING = Buffer.alloc(0);
const PLUS = "SCRAM-SHA-256-PLUS";

/** How a protocol frames what SASL says. */
interface Frame {
  readonly scheme: string;
  readonly greeting: (mechanisms: string) => string;
  readonly command: RegExp;
  readonly ask: (challenge: string) => string;
  readonly admitted: string;
  readonly refused: string;
  readonly farewell: string;
}

const FRAMES: readonly Frame[] = [
  {
    scheme: "smtps",
    greeting: (mechanisms) => `S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-hi\nS: 250 AUTH ${mechanisms}`,
    command: /^AUTH (\S+) (\S+)/,
    ask: (challenge) => `334 ${challenge}`,
    admitted: "235 welcome",
    refused: "535 no",
    farewell: "C: QUIT\nS: 221 bye",
  },
  {
    scheme: "pop3s",
    greeting: (mechanisms) => `S: +OK hi\nC: CAPA\nS: +OK\nS: SASL ${mechanisms}\nS: .`,
    command: /^AUTH (\S+) (\S+)/,
    ask: (challenge) => `+ ${challenge}`,
    admitted: "+OK welcome",
    refused: "-ERR no",
    farewell: "C~ ^(?:CAPA|QUIT)\nS: +OK\nS: .",
  },
  {
    scheme: "imaps",
    greeting: (mechanisms) =>
      `S: * OK [CAPABILITY IMAP4rev1 SASL-IR LOGINDISABLED ${mechanisms.replaceAll(/(\S+)/g, "AUTH=$1")}] hi`,
    command: /^\S+ AUTHENTICATE (\S+) (\S+)/,
    ask: (challenge) => `+ ${challenge}`,
    admitted: "TAG OK [CAPABILITY IMAP4rev1] welcome",
    refused: "TAG NO no",
    farewell: "",
  },
  {
    scheme: "nntps",
    greeting: (mechanisms) =>
      `S: 200 hi\nC: CAPABILITIES\nS: 101 list\nS: VERSION 2\nS: READER\nS: AUTHINFO SASL\nS: SASL ${mechanisms}\nS: .`,
    command: /^AUTHINFO SASL (\S+) (\S+)/,
    ask: (challenge) => `383 ${challenge}`,
    admitted: "281 welcome",
    refused: "481 no",
    farewell: "",
  },
];

/** What the client named, and whether it was let in. */
interface Outcome {
  mechanism?: string;
  begun?: string;
  admitted?: boolean;
}

/** The server's part of a login. `elsewhere`: the other end of the client's TLS is not this server's. */
function login(frame: Frame, offersPlus: boolean, outcome: Outcome, elsewhere = false): Script {
  return conversation("").step({
    title: "a login by SCRAM",
    async run(connection) {
      const said = await lineOf(connection);
      const [, mechanism = "", initial = ""] = frame.command.exec(said) ?? [];
      outcome.mechanism = mechanism;
      outcome.begun = Buffer.from(initial, "base64").toString("utf8").split(",,", 1).join("");
      const channel = mechanism === PLUS ? (elsewhere ? Buffer.alloc(32) : channelOf(connection)) : undefined;
      const scram = scramSha256(ACCOUNT, channel, offersPlus);
      const tag = said.split(" ", 1)[0] ?? "";
      const tell = (line: string) => connection.write(Buffer.from(`${line.replace("TAG", tag)}\r\n`));
      for (let response = initial; ; response = await lineOf(connection)) {
        const taken = scram.take(Buffer.from(response === "=" ? "" : response, "base64"));
        if (typeof taken === "boolean") {
          outcome.admitted = taken;
          await tell(taken ? frame.admitted : frame.refused);
          return;
        }
        await tell(frame.ask(taken.toString("base64")));
      }
    },
  });
}

async function lineOf(connection: ScriptConnection): Promise<string> {
  return ((await connection.readLine()) ?? NOTHING).toString("utf8").trimEnd();
}

function channelOf({ stream }: ScriptConnection): Buffer {
  if (!(stream instanceof TLSSocket)) throw new Error("there is no TLS");
  return stream.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", NOTHING);
}

/** @returns the error of opening, or undefined */
async function logsIn(
  frame: Frame,
  play: Script,
  wanted?: string,
  options: Partial<ScriptedOptions> = {},
): Promise<unknown> {
  await using server = await scripted(play, { tls: await makeTlsMaterial(), timeout: 5000, ...options });
  const policy = { authMechanism: wanted };
  const network = { tls: { insecure: true } };
  const client = new Client({
    policy,
    network,
    credentials: async () => ({ ...ACCOUNT, kind: "password" }),
  });
  try {
    const session = await client.open(client.target(server.url(frame.scheme).replace("//", "//ann@")));
    await session[Symbol.asyncDispose]();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

describe.each(FRAMES)("$scheme", (frame) => {
  const greeting = (mechanisms: string) => conversation(frame.greeting(mechanisms));

  it("ties the login to the connection where the server offers it", async () => {
    const outcome: Outcome = {};
    const play = greeting(`SCRAM-SHA-256 ${PLUS}`).and(login(frame, true, outcome));
    expect(await logsIn(frame, play.and(conversation(frame.farewell)))).not.toMatchObject({ code: "auth" });
    expect(outcome).toEqual({ mechanism: PLUS, begun: "p=tls-exporter", admitted: true });
  });

  it("is not let in through somebody in between", async () => {
    const outcome: Outcome = {};
    const play = greeting(PLUS).and(login(frame, true, outcome, true));
    expect(await logsIn(frame, play.and(conversation(frame.farewell)))).toMatchObject({ code: "auth" });
    expect(outcome).toEqual({ mechanism: PLUS, begun: "p=tls-exporter", admitted: false });
  });

  it("shows that it was not offered, so that a server sees who took it out (RFC 5802, 6)", async () => {
    const outcome: Outcome = {};
    const play = greeting("SCRAM-SHA-256").and(login(frame, true, outcome));
    expect(await logsIn(frame, play.and(conversation(frame.farewell)))).toMatchObject({ code: "auth" });
    expect(outcome).toEqual({ mechanism: "SCRAM-SHA-256", begun: "y", admitted: false });
  });

  it("says nothing of it when the user names the plain one", async () => {
    const outcome: Outcome = {};
    const play = greeting(`SCRAM-SHA-256 ${PLUS}`).and(login(frame, true, outcome));
    await logsIn(frame, play.and(conversation(frame.farewell)), "SCRAM-SHA-256");
    expect(outcome).toEqual({ mechanism: "SCRAM-SHA-256", begun: "n", admitted: true });
  });
});

describe("before TLS 1.3", () => {
  it("is not used: nothing tells whether the key is the connection's alone (RFC 9266, 4.2)", async () => {
    const [frame] = FRAMES;
    if (frame === undefined) throw new Error("no frame");
    const play = conversation(`${frame.greeting(PLUS)}\n${frame.farewell}`);
    const failed = await logsIn(frame, play, PLUS, { tlsOptions: { maxVersion: "TLSv1.2" } });
    expect(failed).toMatchObject({
      code: "auth",
      message: `the login by ${PLUS} wants a connection under TLS 1.3`,
    });
  });

  it("is no mechanism of a connection without a channel", () => {
    const names = (ground: Parameters<typeof sharedMechanisms>[1]) =>
      sharedMechanisms([PLUS, "SCRAM-SHA-256"], ground, undefined).map(({ name }) => name);
    expect(names({ secure: false })).toEqual(["SCRAM-SHA-256"]);
    expect(names({ secure: true })).toEqual(["SCRAM-SHA-256"]);
    expect(names({ secure: true, channelBinding: Buffer.from("x") })).toEqual([PLUS, "SCRAM-SHA-256"]);
  });
});
