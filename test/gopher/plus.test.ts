/** Gopher+: replies by their length, attributes, views, forms. */
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { answersBlock, formOf, parseBlocks, parseQuestion, parseView } from "../../protocols/gopher/plus.js";
import { Client } from "../../src/client.js";
import { MANIFESTS } from "../../src/registry.js";
import { performed } from "./performed.js";

async function got(play: Script, path: string): Promise<{ text: string; total?: number | undefined }> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client();
  return await client.use(client.target(server.url("gopher", path)), async (session) => {
    const document = await session.read?.(path);
    if (document === undefined) throw new Error("nothing was read");
    return { text: await text(document.body), total: document.total };
  });
}

describe("a reply", () => {
  const ask = script().expect("/a\t\t+");

  it.each([
    ["of a length ends there", ask.send("+5\r\nHello and more"), "Hello", 5],
    ["of length 0 is empty", ask.send("+0\r\n"), "", 0],
    ["ended by a dot", ask.send("+-1\r\n..one\r\n.\r\n"), ".one\r\n", undefined],
    ["ended by the close", ask.send("+-2\r\n.\r\nall of it\r\n.\r\n"), ".\r\nall of it\r\n.\r\n", undefined],
    ["with a bare LF", ask.send("+2\nok"), "ok", 2],
    ["of a server without Gopher+", ask.send("just text\r\n"), "just text\r\n", undefined],
    ["that is cut in its head", ask.sendCut("+11\r\nHello world", "everywhere"), "Hello world", 11],
  ])("%s", async (_what, play, wanted, total) => {
    expect(await got(play, "/9/a%09%09+")).toEqual({ text: wanted, total });
  });

  it("shorter than announced is an error", async () => {
    await expect(got(ask.send("+10\r\nshort"), "/9/a%09%09+")).rejects.toMatchObject({
      code: "protocol",
      message: "the server closed 5 octets before the end that it announced",
    });
  });

  it.each([
    ["1", "missing"],
    ["2", "busy"],
    ["3", "refused"],
  ])("of error %s is %s, with the server's words", async (number, code) => {
    const play = ask.send(`--${number}\r\nWords for people <a@b>\r\n.\r\n`.replace("--", "-"));
    await expect(got(play, "/0/a%09%09+")).rejects.toMatchObject({ code, reply: "Words for people <a@b>" });
  });
});

describe("attributes", () => {
  const BLOCKS = [
    "+INFO: 0A text\t/a\t127.0.0.1\t70\t+",
    "+ADMIN:",
    " Admin: The Keeper <keeper@harbour.example>",
    " Mod-Date: Mon Mar 4 2024 <20240304180000>",
    "+VIEWS",
    " text/plain: <1k>",
    " text/plain De_DE: <2k>",
    " application/postscript En_US: <9k>",
    "+ABSTRACT:",
    " Two lines",
    " of it.",
    "+ASK:",
    " Ask: Your name?\tNobody",
    " Choose: Which?\tred\tgreen",
  ];

  it("are asked for with !, and told block by block", async () => {
    const play = script()
      .expect("/a\t!")
      .send(`+-1\r\n${BLOCKS.join("\r\n")}\r\n.\r\n`);
    await using server = await scripted(play, { timeout: 5000 });
    const records = await performed("attributes", [server.url("gopher", "/0/a")]);
    expect(records.map(({ data }) => data["block"])).toEqual(["INFO", "ADMIN", "VIEWS", "ABSTRACT", "ASK"]);
    expect(records[2]?.data["views"]).toEqual([
      { type: "text/plain", size: "1k" },
      { type: "text/plain", language: "De_DE", size: "2k" },
      { type: "application/postscript", language: "En_US", size: "9k" },
    ]);
    expect(records[3]?.text).toBe("+ABSTRACT\n  Two lines\n  of it.");
    await server.done;
  });

  it("of all items of a menu with $", async () => {
    await using server = await scripted(script().expect("\t$").send("+-1\r\n+INFO 1x\r\n.\r\n"), {
      timeout: 5000,
    });
    const records = await performed("attributes", [server.url("gopher", "/")], { all: true });
    expect(records).toHaveLength(1);
  });

  it("of a server without Gopher+ are refused in words", async () => {
    await using server = await scripted(script().expect("/a\t!").send("0x\t/x\th\t70\r\n.\r\n"));
    await expect(performed("attributes", [server.url("gopher", "/0/a")])).rejects.toMatchObject({
      code: "refused",
      message: "the server does not answer as Gopher+ has it",
    });
  });

  it("have an end", async () => {
    await using server = await scripted(
      script()
        .expect("/a\t!")
        .send("+-2\r\n")
        .flood(8 * 1024 ** 2, "+X\r\n"),
    );
    await expect(performed("attributes", [server.url("gopher", "/0/a")])).rejects.toMatchObject({
      code: "protocol",
    });
  });

  it("may end their lines with CR alone", () => {
    expect(parseBlocks(Buffer.from("+ADMIN\r Admin: me\r+VIEWS:\r text/plain\r"))).toEqual([
      { name: "ADMIN", rest: "", lines: ["Admin: me"] },
      { name: "VIEWS", rest: "", lines: ["text/plain"] },
    ]);
  });
});

describe("a form", () => {
  it("is sent with an answer for each question, or what it proposes", async () => {
    const form = script()
      .expect("/form\t!")
      .send("+-1\r\n+ASK:\r\n Note: Tell us\r\n Ask: Your name?\r\n Ask: More?\tnothing\r\n.\r\n");
    const sent = conversation(`
      C: /form	+	1
      C: +-1
      C: Ada
      C: nothing
      C: .
      S: +-1
      S: Thank you, Ada
      S: .
    `);
    await using server = await scripted([form, sent], { timeout: 5000 });
    const [answer] = await performed("ask", [server.url("gopher", "/0/form")], { answer: ["Ada"] });
    expect(answer?.text).toBe("Thank you, Ada\r\n");
    await server.done;
  });

  // As the client of Minnesota's university, gopher 3.0, was seen to send it.
  it("counts the lines where several are asked for, and has 1 and 0 for what is selected", async () => {
    const form = script()
      .expect("/form\t!")
      .send(
        "+-2\r\n+ASK:\r\n Ask: Name?\tme\r\n AskL: Story?\r\n AskL: Tail?\r\n Select: Urgent?:1\r\n Select: Paid?\r\n Choose: Col?\tred\tblue\r\n",
      );
    const sent = conversation(`
      C: /form	+	1
      C: +-1
      C: me
      C: 3
      C: first \\line
      C:
      C: ..dot line
      C: 0
      C: 1
      C: 1
      C: red
      C: .
      S: +-1
      S: Thank you
      S: .
    `);
    await using server = await scripted([form, sent], { timeout: 5000 });
    const answer = ["me", String.raw`first \\line\n\n.dot line`, "", "1", "yes"];
    const [answered] = await performed("ask", [server.url("gopher", "/0/form")], { answer });
    expect(answered?.text).toBe("Thank you\r\n");
    await server.done;
  });

  // Gopher+, 2.8: "There can only be one file sent, and it will be the remainder of the dataBlock".
  it("sends a file behind all other answers, and no second one", async () => {
    const form = script()
      .expect("/form\t!")
      .send("+-2\r\n+ASK:\r\n ChooseF: Which file?\r\n Ask: Name?\tme\r\n");
    const sent = conversation(`
      C: /form	+	1
      C: +-1
      C: Ada
      C: one
      C: ..two
      C: .
      S: +-1
      S: Thank you
      S: .
    `);
    await using server = await scripted([form, sent], { timeout: 5000 });
    const answer = [String.raw`one\n.two`, "Ada"];
    const [answered] = await performed("ask", [server.url("gopher", "/0/form")], { answer });
    expect(answered?.text).toBe("Thank you\r\n");
    await server.done;
    const twice = ["ChooseF: One?", "ChooseF: Two?"].flatMap((line) => parseQuestion(line) ?? []);
    expect(() => answersBlock(formOf(twice), ["a", "b"])).toThrow("more than one file");
  });

  it("has its notes with the questions that they come before", () => {
    const lines = ["Note: Tell us", "Note: (all of it)", "Ask: Your name?", "AskP: A secret", "Note: Thanks"];
    expect(formOf(lines.flatMap((line) => parseQuestion(line) ?? []))).toEqual([
      {
        kind: "ask",
        question: "Your name?",
        proposed: "",
        choices: [],
        hidden: false,
        note: "Tell us (all of it)",
      },
      { kind: "askp", question: "A secret", proposed: "", choices: [], hidden: true },
    ]);
  });

  it("names the question that nobody answers", async () => {
    await using server = await scripted(
      script().expect("/form\t!").send("+-1\r\n+ASK:\r\n Ask: Your name?\r\n.\r\n"),
      { timeout: 5000 },
    );
    await expect(performed("ask", [server.url("gopher", "/0/form")])).rejects.toMatchObject({
      code: "usage",
      message: "the form asks: Your name?",
    });
  });

  it("sends no line break out of an answer of one line, nor answers to what was not asked", () => {
    const [ask, several] = formOf(
      ["Ask: One?", "AskL: Several?"].flatMap((line) => parseQuestion(line) ?? []),
    );
    if (ask === undefined || several === undefined) throw new Error("no form");
    expect(() => answersBlock([ask], ["a\r\nb"])).toThrow("an answer cannot hold a line break");
    expect(() => answersBlock([several], ["a\rb"])).toThrow("an answer cannot hold a line break");
    expect(() => answersBlock([ask], [])).toThrow("0 answers to 1 questions");
    expect(answersBlock([ask], [".dot"]).toString()).toBe("+-1\r\n..dot\r\n.\r\n");
    expect(answersBlock([several], ["a\r\nb"]).toString()).toBe("+-1\r\n2\r\na\r\nb\r\n.\r\n");
  });
});

describe("lines", () => {
  it("of views and questions that are none are passed over", () => {
    expect(parseView("")).toBeUndefined();
    expect(parseQuestion("Shout: what?")).toBeUndefined();
    expect(parseQuestion("Select: Fast?\t1")).toEqual({ kind: "select", question: "Fast?", choices: ["1"] });
  });
});

it("the manifest has each command that the plugin has", async () => {
  const manifest = MANIFESTS.find(({ name }) => name === "gopher");
  const plugin = await manifest?.load?.();
  expect(Object.keys(plugin?.commands ?? {})).toEqual(manifest?.commands.map(({ name }) => name));
});
