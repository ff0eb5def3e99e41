import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandLine } from "../../src/wire/command.js";
import { DotWriter } from "../../src/wire/dot-writer.js";
import type { Exchange, PipelineEvent, SendAhead, Sequel } from "../../src/wire/exchange.js";
import { CommandPipeline, type PipelineOptions } from "../../src/wire/pipeline.js";
import { type Multiline, type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import { type StatusReply, StatusReplyReader } from "../../src/wire/status-replies.js";
import { allToSend, hear, nameOf, play, serverSays } from "./conversation.js";
import { cutAt, everyCut, octetByOctet, places } from "./pieces.js";

function threeDigit(multiline: Multiline, options: Partial<PipelineOptions<Reply>> = {}) {
  return new CommandPipeline<Reply>({ replies: new ThreeDigitReplyReader({ multiline }), ...options });
}

function status(options: Partial<PipelineOptions<StatusReply>> = {}) {
  return new CommandPipeline<StatusReply>({ replies: new StatusReplyReader(), ...options });
}

/** An exchange whose reply with this code has this sequel, all others none. */
function coded(
  command: string,
  sequels: Readonly<Record<number, Sequel>> = {},
  sendAhead: SendAhead = "free",
) {
  return {
    command: commandLine(command),
    sendAhead,
    sequel: (reply: Reply) => sequels[reply.code] ?? "nothing",
  };
}

/** An exchange whose +OK has this sequel. */
function ok(command: string, sequel: Sequel = "nothing"): Exchange<StatusReply> {
  return {
    command: commandLine(command),
    sequel: (reply) => (reply.status === "ok" ? sequel : "nothing"),
  };
}

/** What was left undone, as lines. */
function undone<R>(pipeline: CommandPipeline<R>): string[] {
  return pipeline.end().map(({ exchange, standing }) => `${nameOf(exchange)}: ${standing}`);
}

describe("commands sent ahead", () => {
  const conversation = `
    S: +OK ready
    C: STAT
    C: RETR 1
    C: RETR 2
    C: UIDL
    C: QUIT
    S: +OK 2 320
    S: +OK message follows
    S: Subject: one
    S:
    S: ..a dot
    S: .
    S: -ERR no such message
    S: +OK
    S: 1 abc
    S: ..2 def
    S: .
    S: +OK bye`;
  const events = [
    "greeting: ready",
    "STAT: 2 320",
    "RETR 1, and more to come: message follows",
    "RETR 1 | Subject: one\r\n\r\n.a dot\r\n",
    "RETR 1 whole",
    "RETR 2: no such message",
    "UIDL, and more to come: ",
    "UIDL - 1 abc",
    "UIDL - .2 def",
    "UIDL whole",
    "QUIT: bye",
  ];

  function session(): CommandPipeline<StatusReply> {
    const pipeline = status();
    for (const exchange of [
      ok("STAT"),
      ok("RETR 1", "block"),
      ok("RETR 2", "block"),
      ok("UIDL", "lines"),
      ok("QUIT"),
    ]) {
      pipeline.submit(exchange);
    }
    return pipeline;
  }

  it("get their answers in order", () => {
    const pipeline = session();
    expect(play(pipeline, conversation)).toEqual(events);
    expect(pipeline.end()).toEqual([]);
  });

  it("get the same answers wherever the octets are cut", () => {
    const answers = serverSays(conversation.replace(/^ *C: .*\n/gm, "").replace(/^ *S: \+OK ready\n/m, ""));
    for (const pieces of everyCut(answers)) {
      const pipeline = session();
      expect(hear(pipeline, [Buffer.from("+OK ready\r\n")])).toEqual(events.slice(0, 1));
      allToSend(pipeline);
      expect(hear(pipeline, pieces)).toEqual(events.slice(1));
      expect(pipeline.takeRest()).toHaveLength(0);
    }
  });

  it("go out in as few pieces as may be", () => {
    const pipeline = threeDigit("never", { greeting: false });
    for (let number = 1; number <= 3; number++) pipeline.submit(coded(`STAT ${number}`));
    expect(pipeline.nextBytesToSend()?.toString()).toBe("STAT 1\r\nSTAT 2\r\nSTAT 3\r\n");
    expect(pipeline.nextBytesToSend()).toBeUndefined();
  });

  it("wait for the greeting", () => {
    const pipeline = threeDigit("prefixed");
    pipeline.submit(coded("EHLO me"));
    expect(
      play(
        pipeline,
        `
        S: 220-mail.example.org
        S: 220 no unsolicited mail
        C: EHLO me
        S: 250-mail.example.org
        S: 250 PIPELINING`,
        octetByOctet,
      ),
    ).toEqual(["greeting: mail.example.org\nno unsolicited mail", "EHLO me: mail.example.org\nPIPELINING"]);
  });

  it("are held back beyond the window", () => {
    const pipeline = threeDigit("never", { greeting: false, maxUnanswered: 2 });
    for (let number = 1; number <= 5; number++) pipeline.submit(coded(`STAT ${number}`));
    play(
      pipeline,
      `
      C: STAT 1
      C: STAT 2
      S: 223 1
      C: STAT 3
      S: 223 2
      S: 223 3
      C: STAT 4
      C: STAT 5`,
    );
    expect([pipeline.unanswered, pipeline.unsent]).toEqual([2, 0]);
  });

  it("may number a hundred unless told otherwise, and the window may be changed on the way", () => {
    const pipeline = threeDigit("never", { greeting: false });
    for (let number = 1; number <= 205; number++) pipeline.submit(coded(`STAT ${number}`));
    allToSend(pipeline);
    expect(pipeline.unanswered).toBe(100);
    pipeline.maxUnanswered = 200;
    allToSend(pipeline);
    expect([pipeline.unanswered, pipeline.unsent]).toEqual([200, 5]);
  });

  it("take octets along that need no asking", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    pipeline.submit(coded("MAIL FROM:<a@x>"));
    pipeline.submit(coded("RCPT TO:<b@y>"));
    pipeline.submit({ command: commandLine("BDAT", 6, "LAST"), payload: Buffer.from("body\r\n") });
    pipeline.submit(coded("MAIL FROM:<c@x>"));
    expect(
      play(
        pipeline,
        `
        C: MAIL FROM:<a@x>
        C: RCPT TO:<b@y>
        C: BDAT 6 LAST
        C: body
        C: MAIL FROM:<c@x>
        S: 250 sender
        S: 250 recipient
        S: 250 taken
        S: 250 sender`,
      ),
    ).toEqual([
      "MAIL FROM:<a@x>: sender",
      "RCPT TO:<b@y>: recipient",
      "BDAT 6 LAST: taken",
      "MAIL FROM:<c@x>: sender",
    ]);
  });

  it("can be taken back as long as they have not been sent", () => {
    const pipeline = threeDigit("never", { greeting: false, maxUnanswered: 1 });
    for (const command of ["GROUP a", "ARTICLE 1", "ARTICLE 2"]) pipeline.submit(coded(command));
    expect(allToSend(pipeline)).toBe("GROUP a\r\n");
    const later = pipeline.withdraw();
    expect(later.map(nameOf)).toEqual(["ARTICLE 1", "ARTICLE 2"]);
    pipeline.submit(coded("AUTHINFO USER a", {}, "alone"));
    for (const exchange of later) pipeline.submit(exchange);
    play(
      pipeline,
      `
      S: 480 log in
      C: AUTHINFO USER a
      S: 281 in
      C: ARTICLE 1
      S: 220 1
      C: ARTICLE 2`,
    );
  });

  it("stay quick when very many wait", () => {
    const pipeline = threeDigit("never", { greeting: false });
    for (let number = 0; number < 200_000; number++) pipeline.submit(coded("STAT"));
    const answers = serverSays("S: 223 ok\n".repeat(100));
    let answered = 0;
    while (pipeline.nextBytesToSend() !== undefined) {
      pipeline.feed(answers);
      while (pipeline.nextEvent() !== undefined) answered++;
    }
    expect(answered).toBe(200_000);
  });
});

describe("commands that must not be sent ahead", () => {
  it("go alone, with nothing before them unanswered and nothing behind them", () => {
    const pipeline = threeDigit("never", { greeting: false });
    pipeline.submit(coded("CAPABILITIES", { 101: "lines" }));
    pipeline.submit(coded("MODE READER", {}, "alone"));
    pipeline.submit(coded("GROUP a"));
    pipeline.submit(coded("STAT"));
    play(
      pipeline,
      `
      C: CAPABILITIES
      S: 101 list
      S: VERSION 2
      S: .
      C: MODE READER
      S: 200 reader
      C: GROUP a
      C: STAT
      S: 211 1 1 1 a
      S: 223 1 <a@b>`,
    );
  });

  it("go last of a group, behind others that are unanswered", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    pipeline.submit(coded("RSET"));
    pipeline.submit(coded("NOOP", {}, "last"));
    pipeline.submit(coded("RSET"));
    play(
      pipeline,
      `
      C: RSET
      C: NOOP
      S: 250 reset
      S: 250 nothing
      C: RSET
      S: 250 reset`,
    );
  });
});

describe("data that the server asks for", () => {
  const data = () => coded("DATA", { 354: "data" }, "last");

  it("are handed over in pieces, and the next group goes with their end", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    const commands = ["MAIL FROM:<a@x>", "RCPT TO:<b@y>"];
    for (let mail = 0; mail < 2; mail++) {
      for (const command of commands) pipeline.submit(coded(command));
      pipeline.submit(data());
    }
    const writer = new DotWriter();
    const start = play(
      pipeline,
      `
      C: MAIL FROM:<a@x>
      C: RCPT TO:<b@y>
      C: DATA
      S: 250 sender
      S: 250 recipient
      S: 354 go ahead`,
    );
    expect(start.at(-1)).toBe("DATA wants data: go ahead");
    expect(nameOf(pipeline.awaitingData)).toBe("DATA");
    pipeline.supply(writer.write(Buffer.from("Subject: x\r\n")));
    expect(pipeline.nextBytesToSend()?.toString()).toBe("Subject: x\r\n");
    expect(pipeline.nextBytesToSend()).toBeUndefined();
    pipeline.supply(writer.write(Buffer.from("\r\n.dot")));
    pipeline.supplyLast(writer.end());
    expect(pipeline.awaitingData).toBeUndefined();
    expect(
      play(
        pipeline,
        `
        C:
        C: ..dot
        C: .
        C: MAIL FROM:<a@x>
        C: RCPT TO:<b@y>
        C: DATA
        S: 250 queued
        S: 250 sender
        S: 550 no such recipient
        S: 503 no recipients`,
      ),
    ).toEqual([
      "DATA: queued",
      "MAIL FROM:<a@x>: sender",
      "RCPT TO:<b@y>: no such recipient",
      "DATA: no recipients",
    ]);
  });

  it("are answered for each recipient where LMTP is spoken (RFC 2033, 4.2)", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    let due = 2;
    pipeline.submit({
      command: commandLine("DATA"),
      sendAhead: "last",
      sequel: (reply) => (reply.code === 354 ? "data" : --due === 0 ? "nothing" : "reply"),
    });
    pipeline.submit(coded("MAIL FROM:<c@x>"));
    play(pipeline, "C: DATA\nS: 354 go ahead");
    pipeline.supplyLast(Buffer.from(".\r\n"));
    expect(
      play(
        pipeline,
        `
        C: .
        C: MAIL FROM:<c@x>
        S: 250 delivered to b
        S: 452 c is full
        S: 250 sender`,
        octetByOctet,
      ),
    ).toEqual(["DATA, and more to come: delivered to b", "DATA: c is full", "MAIL FROM:<c@x>: sender"]);
  });

  it("keep a command alone until its answer", () => {
    const pipeline = threeDigit("never", { greeting: false });
    pipeline.submit(coded("POST", { 340: "data" }, "alone"));
    pipeline.submit(coded("DATE"));
    play(pipeline, "C: POST\nS: 340 send it");
    pipeline.supplyLast(Buffer.from("From: a\r\n\r\nb\r\n.\r\n"));
    play(
      pipeline,
      `
      C: From: a
      C:
      C: b
      C: .
      S: 240 posted
      C: DATE
      S: 111 20260101000000`,
    );
  });

  it("hold back commands while they are handed over, also behind a command that is free", () => {
    const pipeline = threeDigit("never", { greeting: false });
    pipeline.submit(coded("IHAVE <a@b>", { 335: "data" }));
    play(pipeline, "C: IHAVE <a@b>\nS: 335 send it");
    pipeline.submit(coded("DATE"));
    expect(allToSend(pipeline)).toBe("");
    pipeline.supply(Buffer.from("half of an article"));
    expect(allToSend(pipeline)).toBe("half of an article");
    pipeline.supplyLast(Buffer.from("\r\n.\r\n"));
    play(pipeline, "C:\nC: .\nC: DATE\nS: 235 taken\nS: 111 20260101000000");
  });

  it("may be a dialogue of several steps, each cut anywhere", () => {
    const conversation = serverSays("S: + Y2hhbGxlbmdl");
    for (const pieces of everyCut(conversation)) {
      const pipeline = status({ greeting: false });
      pipeline.submit({
        command: commandLine("AUTH", "LOGIN"),
        sendAhead: "alone",
        sequel: (reply) => (reply.status === "continue" ? "data" : "nothing"),
      });
      pipeline.submit(ok("STAT"));
      expect(allToSend(pipeline)).toBe("AUTH LOGIN\r\n");
      expect(hear(pipeline, pieces)).toEqual(["AUTH LOGIN wants data: Y2hhbGxlbmdl"]);
      pipeline.supplyLast(commandLine("dXNlcg=="));
      expect(play(pipeline, "C: dXNlcg==\nS: +")).toEqual(["AUTH LOGIN wants data: "]);
      pipeline.supplyLast(commandLine("cGFzcw=="));
      expect(play(pipeline, "C: cGFzcw==\nS: -ERR [AUTH] wrong\nC: STAT\nS: +OK 0 0")).toEqual([
        "AUTH LOGIN: wrong",
        "STAT: 0 0",
      ]);
    }
  });

  it("may be none at all", () => {
    const pipeline = threeDigit("never", { greeting: false });
    pipeline.submit(data());
    play(pipeline, "C: DATA\nS: 354 go ahead");
    pipeline.supplyLast(Buffer.alloc(0));
    expect(pipeline.nextBytesToSend()).toBeUndefined();
    expect(play(pipeline, "S: 554 no message")).toEqual(["DATA: no message"]);
  });

  it("are refused here when the server has not asked", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    pipeline.submit(data());
    const early = expect.objectContaining({
      code: "usage",
      message: "data were handed over which the server has not asked for",
    });
    expect(() => pipeline.supply(Buffer.from("a"))).toThrow(early);
    play(pipeline, "C: DATA");
    expect(() => pipeline.supplyLast(Buffer.from("a"))).toThrow(early);
    play(pipeline, "S: 354 go ahead");
    pipeline.supplyLast(Buffer.from(".\r\n"));
    expect(() => pipeline.supply(Buffer.from("a"))).toThrow(early);
  });

  it("must not be asked for behind a command that others followed", () => {
    const pipeline = threeDigit("never", { greeting: false });
    pipeline.submit(coded("POST", { 340: "data" }));
    pipeline.submit(coded("DATE"));
    allToSend(pipeline);
    pipeline.feed(serverSays("S: 340 send it\nS: 111 20260101000000"));
    const refused = expect.objectContaining({
      code: "protocol",
      message: "the server asks for data behind a command that others were sent after",
    });
    expect(() => pipeline.nextEvent()).toThrow(refused);
    expect(() => pipeline.nextEvent()).toThrow(refused);
  });
});

describe("replies that come in several", () => {
  it("belong to one command (RFC 959, 4.2)", () => {
    const pipeline = threeDigit("bracketed");
    pipeline.submit(coded("RETR a", { 125: "reply", 150: "reply" }, "alone"));
    pipeline.submit(coded("NOOP"));
    expect(
      play(
        pipeline,
        `
        S: 220 ready
        C: RETR a
        S: 150-opening
        S: 226 not yet
        S: 150 the data connection
        S: 226 done
        C: NOOP
        S: 200 ok`,
      ),
    ).toEqual([
      "greeting: ready",
      "RETR a, and more to come: opening\n226 not yet\nthe data connection",
      "RETR a: done",
      "NOOP: ok",
    ]);
  });
});

describe("a stream that changes", () => {
  function upgrading(multiline: Multiline = "prefixed"): CommandPipeline<Reply> {
    const pipeline = threeDigit(multiline, { greeting: false });
    pipeline.submit(coded("STARTTLS", { 220: "switch", 382: "switch", 206: "switch" }, "alone"));
    pipeline.submit(coded("EHLO me"));
    return pipeline;
  }

  it("is neither read nor written until what was left has been taken", () => {
    const pipeline = upgrading();
    expect(play(pipeline, "C: STARTTLS\nS: 220 go ahead")).toEqual(["STARTTLS switches: go ahead"]);
    expect(pipeline.takeRest()).toHaveLength(0);
    expect(play(pipeline, "C: EHLO me\nS: 250 mail.example.org")).toEqual(["EHLO me: mail.example.org"]);
  });

  it("shows answers injected before the handshake, and takes none for real, wherever they are cut", () => {
    for (const pieces of everyCut(serverSays("S: 220 go ahead\nS: 250 injected\nS: 250 again"))) {
      const pipeline = upgrading();
      allToSend(pipeline);
      expect(hear(pipeline, pieces)).toEqual(["STARTTLS switches: go ahead"]);
      expect(allToSend(pipeline)).toBe("");
      expect(pipeline.takeRest().toString()).toBe("250 injected\r\n250 again\r\n");
    }
  });

  it("goes on as it was when the server refuses", () => {
    expect(play(upgrading(), "C: STARTTLS\nS: 454 no TLS now\nC: EHLO me\nS: 250 ok")).toEqual([
      "STARTTLS: no TLS now",
      "EHLO me: ok",
    ]);
  });

  it("hands over the first octets of a deflated one (RFC 8054)", () => {
    const pipeline = upgrading("never");
    allToSend(pipeline);
    pipeline.feed(Buffer.from("206 deflating\r\n\x01\x02\n\x03", "latin1"));
    expect(pipeline.nextEvent()).toMatchObject({ type: "switch" });
    expect(pipeline.nextEvent()).toBeUndefined();
    expect(pipeline.takeRest().toString("latin1")).toBe("\x01\x02\n\x03");
  });
});

describe("what nobody asked for", () => {
  it("is told as such", () => {
    const pipeline = threeDigit("never");
    expect(play(pipeline, "S: 200 ready\nS: 400 going down")).toEqual([
      "greeting: ready",
      "unsolicited, during nobody: going down",
    ]);
  });

  it("is never the answer to a command that has not been sent", () => {
    const pipeline = threeDigit("prefixed");
    pipeline.submit(coded("MAIL FROM:<a@x>"));
    expect(play(pipeline, "S: 220 ready\nC: MAIL FROM:<a@x>")).toEqual(["greeting: ready"]);
    pipeline.submit(coded("RCPT TO:<b@y>"));
    expect(hear(pipeline, [serverSays("S: 250 sender\nS: 250 too early")])).toEqual([
      "MAIL FROM:<a@x>: sender",
      "unsolicited, during nobody: too early",
    ]);
    expect(undone(pipeline)).toEqual(["RCPT TO:<b@y>: unsent"]);
  });

  it("is told while data are handed over, and the exchange stays open", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    pipeline.submit(coded("DATA", { 354: "data" }, "last"));
    play(pipeline, "C: DATA\nS: 354 go ahead");
    pipeline.supply(Buffer.from("Subject: x\r\n"));
    allToSend(pipeline);
    expect(hear(pipeline, [serverSays("S: 421 shutting down")])).toEqual([
      "unsolicited, during DATA: shutting down",
    ]);
    expect(undone(pipeline)).toEqual(["DATA: data-unsent"]);
  });

  it("is an error when it is no reply at all", () => {
    const pipeline = threeDigit("prefixed");
    pipeline.feed(serverSays("S: HTTP/1.1 400 Bad Request"));
    const garbage = expect.objectContaining({ code: "protocol", reply: "HTTP/1.1 400 Bad Request" });
    expect(() => pipeline.nextEvent()).toThrow(garbage);
    expect(() => pipeline.nextEvent()).toThrow(garbage);
  });
});

describe("a connection that ends", () => {
  const sent = ["RETR 1", "RETR 2", "RETR 3"];

  function retrieving(): CommandPipeline<StatusReply> {
    const pipeline = status({ greeting: false, maxUnanswered: 3 });
    for (const command of [...sent, "RETR 4"]) pipeline.submit(ok(command, "block"));
    allToSend(pipeline);
    return pipeline;
  }

  it("leaves undone what was not answered whole, wherever it is cut", () => {
    const answers = serverSays("S: -ERR gone\nS: +OK\nS: text\nS: .\nS: +OK\nS: text\nS: .");
    const [first, second] = ["-ERR gone\r\n".length, "-ERR gone\r\n+OK\r\ntext\r\n.\r\n".length];
    for (let cut = 0; cut <= answers.length; cut++) {
      const pipeline = retrieving();
      hear(pipeline, [answers.subarray(0, cut)]);
      const answered = [first, second, answers.length].filter((end) => cut >= end).length;
      const cutWithin = ![0, first, second, answers.length].includes(cut);
      const open = sent.slice(answered).map((command, index) => {
        return `${command}: ${index === 0 && cutWithin ? "half-answered" : "unanswered"}`;
      });
      expect(undone(pipeline)).toEqual([...open, "RETR 4: unsent"]);
    }
  });

  it("leaves half an answer of several lines, or of several replies", () => {
    const smtp = threeDigit("prefixed", { greeting: false });
    smtp.submit(coded("EHLO me"));
    play(smtp, "C: EHLO me\nS: 250-mail.example.org");
    expect(undone(smtp)).toEqual(["EHLO me: half-answered"]);
    const ftp = threeDigit("bracketed", { greeting: false });
    ftp.submit(coded("RETR a", { 150: "reply" }));
    play(ftp, "C: RETR a\nS: 150 opening");
    expect(undone(ftp)).toEqual(["RETR a: half-answered"]);
  });

  it("tells data whose answer was lost from data that never went out", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    pipeline.submit(coded("DATA", { 354: "data" }, "last"));
    play(pipeline, "C: DATA");
    expect(undone(pipeline)).toEqual(["DATA: unanswered"]);
    play(pipeline, "S: 354 go ahead");
    expect(undone(pipeline)).toEqual(["DATA: data-unsent"]);
    pipeline.supplyLast(Buffer.from(".\r\n"));
    expect(allToSend(pipeline)).toBe(".\r\n");
    expect(undone(pipeline)).toEqual(["DATA: data-unanswered"]);
    play(pipeline, "S: 250 queued");
    expect(undone(pipeline)).toEqual([]);
  });

  it("tells data that were handed over from data that were sent", () => {
    const pipeline = threeDigit("prefixed", { greeting: false });
    pipeline.submit(coded("DATA", { 354: "data" }, "last"));
    play(pipeline, "C: DATA\nS: 354 go ahead");
    pipeline.supplyLast(Buffer.from(".\r\n"));
    expect(undone(pipeline)).toEqual(["DATA: data-unsent"]);
  });

  it("leaves everything unsent when it ends at the greeting", () => {
    const pipeline = threeDigit("prefixed");
    pipeline.submit(coded("EHLO me"));
    hear(pipeline, [Buffer.from("220-mail")]);
    expect(undone(pipeline)).toEqual(["EHLO me: unsent"]);
  });
});

describe("line ends within blocks", () => {
  function article(options: Partial<PipelineOptions<Reply>>): CommandPipeline<Reply> {
    const pipeline = threeDigit("never", { greeting: false, ...options });
    pipeline.submit(coded("ARTICLE 1", { 220: "block" }));
    allToSend(pipeline);
    return pipeline;
  }
  const withCrlf = Buffer.from("220 1\r\na\n.\n250 forged\n\r\n.\r\n");
  const withLf = Buffer.from("220 1\na\n..b\n.\n");

  it("are those of the reply before them", () => {
    expect(hear(article({}), [withCrlf])).toEqual([
      "ARTICLE 1, and more to come: 1",
      "ARTICLE 1 | a\n.\n250 forged\n\r\n",
      "ARTICLE 1 whole",
    ]);
    for (const pieces of everyCut(withLf)) {
      expect(hear(article({}), pieces)).toEqual([
        "ARTICLE 1, and more to come: 1",
        "ARTICLE 1 | a\n.b\n",
        "ARTICLE 1 whole",
      ]);
    }
  });

  it("are what the caller says", () => {
    expect(hear(article({ bareLf: "keep" }), [withLf])).not.toContain("ARTICLE 1 whole");
    const mixed = Buffer.from("220 1\r\na\n.\n");
    expect(hear(article({ bareLf: "accept" }), [mixed])).toContain("ARTICLE 1 whole");
    expect(hear(article({}), [mixed])).not.toContain("ARTICLE 1 whole");
  });

  it("bound the lines of a listing", () => {
    const pipeline = threeDigit("never", { greeting: false, maxLineLength: 10 });
    pipeline.submit(coded("OVER", { 224: "lines" }));
    allToSend(pipeline);
    pipeline.feed(serverSays("S: 224 list\nS: 1 short\nS: 2 much too long"));
    expect(pipeline.nextEvent()).toMatchObject({ type: "reply" });
    expect(pipeline.nextEvent()).toMatchObject({ type: "line", line: Buffer.from("1 short") });
    expect(() => pipeline.nextEvent()).toThrow("bound of 10 octets");
  });
});

describe("CommandPipeline", () => {
  it("gives the caller's own exchange back", () => {
    interface Numbered extends Exchange<Reply> {
      readonly number: number;
    }
    const pipeline = new CommandPipeline<Reply, Numbered>({
      replies: new ThreeDigitReplyReader({ multiline: "never" }),
      greeting: false,
    });
    for (const number of [7, 8]) pipeline.submit({ command: commandLine("STAT", number), number });
    allToSend(pipeline);
    const numbers: (number | undefined)[] = [];
    hear(pipeline, [serverSays("S: 223 7\nS: 223 8")], (event: PipelineEvent<Reply, Numbered>) => {
      if (event.type === "reply") numbers.push(event.exchange.number);
    });
    expect(numbers).toEqual([7, 8]);
  });

  it("lets its caller read into one buffer again and again", () => {
    const pipeline = threeDigit("never", { greeting: false });
    pipeline.submit(coded("ARTICLE 1", { 220: "block" }));
    pipeline.submit(coded("OVER", { 224: "lines" }));
    allToSend(pipeline);
    const buffer = Buffer.alloc(5);
    const answers = serverSays("S: 220 1 <a@b>\nS: ..text\nS: .\nS: 224 list\nS: 1 subject\nS: .");
    const events: string[] = [];
    for (let at = 0; at < answers.length; at += buffer.length) {
      const length = answers.copy(buffer, 0, at);
      events.push(...hear(pipeline, [buffer.subarray(0, length)]));
    }
    expect(events.filter((event) => !event.includes("|"))).toEqual([
      "ARTICLE 1, and more to come: 1 <a@b>",
      "ARTICLE 1 whole",
      "OVER, and more to come: list",
      "OVER - 1 subject",
      "OVER whole",
    ]);
  });

  it("tells the same however the octets are cut", () => {
    const answer = fc.constantFrom(
      "223 stat",
      "220 article\r\nSubject: a\r\n\r\n..b\r\n.c\r\n.",
      "220 empty\r\n.",
      "224 list\r\n1\ta\r\n..2\tb\r\n.",
      "224 none\r\n.",
      "430 no such article",
      "150 wait\r\n223 here",
    );
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 12 }), places, (answers, cuts) => {
        const octets = Buffer.from(answers.map((text) => `${text}\r\n`).join(""));
        const events = [[octets], cutAt(octets, cuts)].map((pieces) => {
          const pipeline = threeDigit("never", { greeting: false });
          answers.forEach((_, number) => {
            pipeline.submit(coded(`ARTICLE ${number}`, { 220: "block", 224: "lines", 150: "reply" }));
          });
          allToSend(pipeline);
          const heard = hear(pipeline, pieces);
          expect(pipeline.end()).toEqual([]);
          return heard;
        });
        expect(events[1]).toEqual(events[0]);
      }),
    );
  });
});
