import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { conversation, type Script, scripted } from "../../fixtures/servers/scripted.js";
import { plugin } from "../../protocols/ftp/index.js";
import { Client } from "../../src/client.js";
import type { JsonObject, Session } from "../../src/plugin.js";
import { failureOf, GOODBYE } from "./opened.js";

const LOGIN = conversation(`
  S: 220 ready
  C: USER anonymous
  S: 230 come in
  C: FEAT
  S: 211-Features:
  S:  MDTM
  S:  MLST type*;size*;modify*;
  S:  AUTH TLS
  S: 211 End
`);

interface Shown {
  readonly text: string;
  readonly data: JsonObject;
}

/** What `porthole ftp NAME URL WORDS...` gives, against a server that plays `play`. */
async function run(name: string, words: readonly string[], play: Script): Promise<Shown[]> {
  await using server = await scripted(play);
  const client = new Client();
  const sessions: Session[] = [];
  const command = plugin.commands[name];
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const shown: Shown[] = [];
  try {
    const outputs = command({
      words: [server.url("ftp", "/"), ...words],
      options: {},
      signal: client.signal,
      stdin: Readable.from([]),
      stdinIsTerminal: false,
      warn: () => undefined,
      async open(url) {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
    });
    for await (const output of outputs) {
      if (output.kind !== "record") throw new Error(`${output.kind} is no record`);
      shown.push({ text: output.text, data: output.data });
    }
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  await server.done;
  return shown;
}

describe("ftp features", () => {
  it("gives what FEAT lists", async () => {
    expect(await run("features", [], LOGIN.and(GOODBYE))).toEqual([
      { text: "MDTM", data: { name: "MDTM" } },
      { text: "MLST type*;size*;modify*;", data: { name: "MLST", parameters: "type*;size*;modify*;" } },
      { text: "AUTH TLS", data: { name: "AUTH", parameters: "TLS" } },
    ]);
  });
});

describe("ftp quote", () => {
  it("sends the words as they are, and gives the whole answer", async () => {
    const play = LOGIN.and(conversation("C: SITE häfen now\nS: 200-Done:\nS:  häfen\nS: 200 ok")).and(
      GOODBYE,
    );
    expect(await run("quote", ["SITE", "häfen", "now"], play)).toEqual([
      { text: "200-Done:\n häfen\n200 ok", data: { code: 200, reply: "200-Done:\n häfen\n200 ok" } },
    ]);
  });

  it("fails with the server's refusal", async () => {
    const play = LOGIN.and(conversation("C: SITE x\nS: 504 not that")).and(GOODBYE);
    expect(await failureOf(run("quote", ["SITE x"], play))).toMatchObject({
      code: "refused",
      reply: "504 not that",
    });
  });

  it.each([[["NOOP\r\nDELE x"]], [[]], [[" "]]])("sends nothing of %j", async (words) => {
    const play = LOGIN.and(GOODBYE);
    expect(await failureOf(run("quote", words, play))).toMatchObject({ code: "usage" });
  });
});

describe("ftp quote of what would end the dialogue", () => {
  it.each([
    ["CCC", "--ccc"],
    ["auth TLS", "--starttls require"],
  ])("%s is refused with what to do instead", async (command, instead) => {
    expect(await failureOf(run("quote", [command], LOGIN.and(GOODBYE)))).toMatchObject({
      code: "usage",
      hint: expect.stringContaining(instead),
    });
  });
});
