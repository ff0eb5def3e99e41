import { describe, expect, it } from "vitest";
import { conversation, type Script } from "../../fixtures/servers/scripted.js";
import { plugin } from "../../protocols/pop3/index.js";
import type { ClientSettings } from "../../src/client.js";
import { runs as runsOf } from "../talk.js";
import { ANN, BYE, failure, hello, OLD_WELCOME, welcome } from "./talk.js";

/** Runs `porthole pop3 NAME URL WORDS...` against a server that plays a script to its end. */
function runs(
  play: Script,
  name: string,
  path: string,
  words: readonly string[] = [],
  settings: ClientSettings = ANN,
): Promise<unknown[]> {
  return runsOf(plugin, "pop3", play, [name, path, ...words], { settings });
}

describe("pop3 stat", () => {
  it("counts messages and octets", async () => {
    const play = OLD_WELCOME.and(conversation("C: STAT\nS: +OK 2 320")).and(BYE);
    expect(await runs(play, "stat", "/")).toEqual([["2 messages, 320 octets", { messages: 2, octets: 320 }]]);
  });
});

describe("pop3 uidl", () => {
  const LISTS = conversation(
    "C: LIST\nS: +OK\nS: 1 100\nS: 2 200\nS: .\nC: UIDL\nS: +OK\nS: 1 abc\nS: 2 def\nS: .",
  );

  it("lists all, in the server's order", async () => {
    expect(await runs(OLD_WELCOME.and(LISTS).and(BYE), "uidl", "/")).toEqual([
      ["1 abc", { number: 1, uid: "abc", size: 100 }],
      ["2 def", { number: 2, uid: "def", size: 200 }],
    ]);
  });

  it("tells one", async () => {
    expect(await runs(OLD_WELCOME.and(LISTS).and(BYE), "uidl", "/2")).toEqual([
      ["2 def", { number: 2, uid: "def", size: 200 }],
    ]);
  });
});

describe("pop3 top", () => {
  it("gives the header, and lines when asked for", async () => {
    const find = conversation("C: LIST 1\nS: +OK 1 100\nC: UIDL 1\nS: +OK 1 abc");
    const play = OLD_WELCOME.and(find).and(
      conversation("C: TOP 1 2\nS: +OK\nS: Subject: x\nS:\nS: one\nS: ..two\nS: ."),
    );
    expect(await runs(play.and(BYE), "top", "/1", ["2"])).toEqual([
      ["message/rfc822", "Subject: x\r\n\r\none\r\n.two\r\n"],
    ]);
  });

  it("wants a message, and a number", async () => {
    expect(await failure(runs(OLD_WELCOME.and(BYE), "top", "/"))).toMatchObject({ code: "usage" });
    expect(await failure(runs(OLD_WELCOME.and(BYE), "top", "/1", ["-1"]))).toMatchObject({ code: "usage" });
    expect(await failure(runs(OLD_WELCOME.and(BYE), "top", "/1", ["1", "2"]))).toMatchObject({
      code: "usage",
    });
  });
});

describe("pop3 capa", () => {
  it("needs no login, and understands what is in lower case or odd", async () => {
    const play = hello("top", "EXPIRENEVER", "SASL PLAIN  CRAM-MD5", "LOGIN-DELAY 60 USER").and(BYE);
    expect(await runs(play, "capa", "/", [], {})).toEqual([
      ["TOP", { name: "TOP", arguments: [] }],
      ["EXPIRENEVER", { name: "EXPIRENEVER", arguments: [] }],
      ["SASL PLAIN CRAM-MD5", { name: "SASL", arguments: ["PLAIN", "CRAM-MD5"] }],
      ["LOGIN-DELAY 60 USER", { name: "LOGIN-DELAY", arguments: ["60", "USER"] }],
    ]);
  });

  it("says so of a server without it", async () => {
    const play = conversation("S: +OK\nC: CAPA\nS: -ERR what?").and(BYE);
    expect(await failure(runs(play, "capa", "/", [], {}))).toMatchObject({ code: "refused" });
  });
});

describe("pop3 lang", () => {
  it("shows the languages that the server speaks, in their own words", async () => {
    const play = OLD_WELCOME.and(conversation("C: LANG"))
      .sendLines("+OK languages", "en English", "fr Français", "xx", ".")
      .and(BYE);
    expect(await runs(play, "lang", "/")).toEqual([
      ["en\tEnglish", { tag: "en", name: "English" }],
      ["fr\tFrançais", { tag: "fr", name: "Français" }],
      ["xx", { tag: "xx", name: "" }],
    ]);
  });

  it("has the server speak one", async () => {
    const play = OLD_WELCOME.and(conversation("C: LANG fr\nS: +OK fr La langue a été changée")).and(BYE);
    expect(await runs(play, "lang", "/", ["fr"])).toEqual([
      ["fr La langue a été changée", { tag: "fr", reply: "fr La langue a été changée" }],
    ]);
  });

  it("says what to do when the server does not speak it, and sends nothing that is none", async () => {
    const play = OLD_WELCOME.and(conversation("C: LANG xx\nS: -ERR quoi ?")).and(BYE);
    expect(await failure(runs(play, "lang", "/", ["xx"]))).toMatchObject({
      code: "refused",
      reply: "-ERR quoi ?",
      hint: expect.stringContaining("pop3 lang"),
    });
    expect(await failure(runs(OLD_WELCOME.and(BYE), "lang", "/", ["x y"]))).toMatchObject({ code: "usage" });
  });

  it("--lang is said before the login, so that its refusal can be read", async () => {
    const play = hello("USER", "LANG").and(
      conversation(
        "C: LANG de\nS: +OK de gern\nC: USER ann\nS: +OK\nC: PASS open sesame\nS: -ERR Falsches Passwort, täglich neu",
      ),
    );
    const settings = { ...ANN, options: { lang: "de" } };
    expect(await failure(runs(play.and(BYE), "stat", "/", [], settings))).toMatchObject({
      code: "auth",
      reply: "-ERR Falsches Passwort, täglich neu",
    });
  });
});

describe("pop3 quote", () => {
  it.each([
    ["NOOP", ["NOOP"]],
    ["RSET", ["RSET"]],
    ["LAST", ["LAST"]],
    ["LIST 1", ["LIST", "1"]],
    ["LANG de", ["LANG", "de"]],
  ])("sends %s as it is", async (line, words) => {
    const play = welcome()
      .and(conversation(`C: ${line}\nS: +OK 1 120`))
      .and(BYE);
    expect(await runs(play, "quote", "/", words)).toEqual([["+OK 1 120", { reply: "+OK 1 120" }]]);
  });

  it("shows the lines that follow, where the command has them", async () => {
    const play = welcome().and(conversation("C: lang\nS: +OK\nS: en English\nS: ..\nS: .")).and(BYE);
    expect(await runs(play, "quote", "/", ["lang"])).toEqual([
      ["+OK", { reply: "+OK" }],
      ["en English", { line: "en English" }],
      [".", { line: "." }],
    ]);
  });

  it("waits for the end of what it marked, and says when it did not come", async () => {
    const play = welcome().and(conversation("C: DELE 1\nS: +OK\nC: QUIT\nS: -ERR kept"));
    expect(await failure(runs(play, "quote", "/", ["DELE", "1"]))).toMatchObject({
      code: "refused",
      reply: "-ERR kept",
    });
  });

  it("tells a refusal as an error", async () => {
    const play = welcome().and(conversation("C: XTND x\nS: -ERR what?")).and(BYE);
    expect(await failure(runs(play, "quote", "/", ["XTND", "x"]))).toMatchObject({
      code: "refused",
      reply: "-ERR what?",
    });
  });

  it.each([["STLS"], ["AUTH", "PLAIN"], ["NOOP\r\nDELE 1"], [" "]])("does not send %s", async (...words) => {
    expect(await failure(runs(welcome().and(BYE), "quote", "/", words))).toMatchObject({
      code: "usage",
      exit: 2,
    });
  });
});
