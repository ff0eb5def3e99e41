import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { perform, performed } from "./perform.js";
import { hello } from "./talk.js";

const bye = (play: ReturnType<typeof hello>) => play.expect("QUIT").sendLines("221 bye");
const TO = { to: ["b@y.example"] };

describe("smtp probe", () => {
  it("tells each step, asks about sender and recipients, and sends no mail", async () => {
    const play = bye(
      hello("SIZE 1000", "AUTH PLAIN")
        .expect("MAIL FROM:<a@x.example>")
        .sendLines("250 ok")
        .expect("RCPT TO:<b@y.example>")
        .sendLines("250 ok")
        .expect("RCPT TO:<c@y.example>")
        .sendLines("550 5.1.1 no such user"),
    );
    const { records, failure } = await performed(play, "probe", [], {
      from: "a@x.example",
      to: ["b@y.example", "c@y.example"],
    });
    expect(records.map(({ step, ok }) => [step, ok])).toEqual([
      ["connect", true],
      ["banner", true],
      ["ehlo", true],
      ["tls", true],
      ["auth", true],
      ["mail", true],
      ["rcpt", true],
      ["rcpt", false],
    ]);
    expect(records[2]).toMatchObject({ capabilities: ["SIZE 1000", "AUTH PLAIN"], mechanisms: ["PLAIN"] });
    expect(failure).toMatchObject({ code: "partial", exit: 13 });
  });

  it("tells of the certificate that it does not trust, and says nothing more", async () => {
    const play = hello("STARTTLS")
      .expect("STARTTLS")
      .sendLines("220 go on")
      .startTls(await makeTlsMaterial());
    await using server = await scripted(play, { timeout: 5000 });
    const { records, failure } = await perform("probe", [server.url("smtp")]);
    expect(server.lines).toEqual(["EHLO [127.0.0.1]", "STARTTLS"]);
    expect(records.at(-1)).toMatchObject({
      step: "tls",
      ok: false,
      authorized: false,
      subject: expect.stringContaining("CN=Porthole sandbox"),
      names: expect.stringContaining("DNS:localhost"),
      detail: expect.stringMatching(
        /not known here: CN=Porthole sandbox .* by CN=.* days left, for DNS:localhost/,
      ),
    });
    expect(failure).toMatchObject({ code: "tls", exit: 5 });
  });

  it("tells the second EHLO's time apart from that of TLS", async () => {
    const play = bye(
      hello("STARTTLS")
        .expect("STARTTLS")
        .sendLines("220 go on")
        .startTls(await makeTlsMaterial())
        .expect("EHLO [127.0.0.1]")
        .pause(300)
        .sendLines("250 hi"),
    );
    const { records } = await performed(play, "probe", [], {}, { network: { tls: { insecure: true } } });
    expect(records.map(({ step }) => step)).toEqual(["connect", "banner", "ehlo", "tls", "ehlo", "auth"]);
    // A lower bound, not a speed: the server held the answer back for that long.
    expect(Number(records[4]?.["ms"])).toBeGreaterThan(290);
  });

  it.each([
    ["connect", script()],
    ["banner", script().sendLines("220 hi").expect("QUIT").sendLines("221 bye")],
    ["ehlo", bye(hello())],
    ["auth", bye(hello())],
    [
      "mail",
      bye(
        hello()
          .expect(/^MAIL FROM:<porthole-probe@/)
          .sendLines("250 ok"),
      ),
    ],
  ])("stops after %s", async (stage, play) => {
    const { records, failure } = await performed(play, "probe", [], { "stop-after": stage });
    expect(failure).toBeUndefined();
    expect(records.at(-1)).toMatchObject({ step: stage, ok: true });
  });

  it("stops after data without a line of a message", async () => {
    const play = hello()
      .expect(/^MAIL/)
      .sendLines("250 ok")
      .expect("RCPT TO:<b@y.example>")
      .sendLines("250 ok")
      .expect("DATA")
      .sendLines("354 go on");
    const { records, failure } = await performed(play, "probe", [], { ...TO, "stop-after": "data" });
    expect(failure).toBeUndefined();
    expect(records.at(-1)).toMatchObject({ step: "data", ok: true, detail: "354 go on" });
  });

  it("tells the step that fails, by its exit status", async () => {
    const play = bye(hello().expect(/^MAIL/).sendLines("451 4.7.1 later"));
    const { records, failure } = await performed(play, "probe", [], TO);
    expect(records.at(-1)).toMatchObject({ step: "mail", ok: false });
    expect(failure).toMatchObject({ code: "busy", reply: "451 4.7.1 later" });
  });

  it("begins as a proxy does", async () => {
    const play = script()
      .expect("PROXY TCP4 192.0.2.1 198.51.100.2 4000 25")
      .sendLines("220 hi")
      .expect("QUIT")
      .sendLines("221 bye");
    const header = { "proxy-header": "v1 192.0.2.1 4000 198.51.100.2 25", "stop-after": "banner" };
    expect((await performed(play, "probe", [], header)).failure).toBeUndefined();
  });

  it("tells a server that expects no such header from one that ends the session", async () => {
    const play = script()
      .expect("PROXY TCP4 192.0.2.1 198.51.100.2 4000 25")
      .sendLines("220 hi", "500 5.5.2 what?")
      .pause(1000);
    const header = { "proxy-header": "v1 192.0.2.1 4000 198.51.100.2 25" };
    expect((await performed(play, "probe", [], header)).failure).toMatchObject({
      code: "refused",
      message: "the server took the PROXY header for a command",
      reply: "500 5.5.2 what?",
    });
  });

  it("speaks for another client, and greets anew", async () => {
    const play = bye(
      hello("XCLIENT NAME ADDR")
        .expect("XCLIENT ADDR=192.0.2.1 NAME=a+2Bb.example")
        .sendLines("220 again")
        .expect("EHLO [127.0.0.1]")
        .sendLines("250 hi"),
    );
    const { records } = await performed(play, "probe", [], { xclient: "addr=192.0.2.1 NAME=a+b.example" });
    expect(records.map(({ step }) => step)).toContain("xclient");
  });
});

describe("single commands", () => {
  it.each([
    ["vrfy", "VRFY a@x.example", "500 5.5.1 what?"],
    ["vrfy", "VRFY a@x.example", "502 5.5.1 not here"],
    ["expn", "EXPN a@x.example", "502 5.5.1 not here"],
  ])("%s that the server does not take says nothing of the address", async (name, command, reply) => {
    const play = bye(hello().expect(command).sendLines(reply));
    const { failure } = await performed(play, name, ["a@x.example"]);
    expect(failure).toMatchObject({
      code: "refused",
      reply,
      message: `the server does not take ${name.toUpperCase()}`,
    });
  });

  it("VRFY tells, and exits as not there", async () => {
    const play = bye(
      hello().expect("VRFY a@x.example").sendLines("252 perhaps").expect("VRFY b").sendLines("550 no"),
    );
    const { lines, failure } = await performed(play, "vrfy", ["a@x.example", "b"]);
    expect(lines).toEqual(["252 perhaps", "550 no"]);
    expect(failure).toMatchObject({ code: "missing", exit: 8 });
  });

  it.each([
    [
      "expn",
      ["staff"],
      "EXPN staff",
      ["250-<a@x.example>", "250 <b@x.example>"],
      ["<a@x.example>", "<b@x.example>"],
    ],
    ["help", ["DATA"], "HELP DATA", ["214-DATA", "214 sends"], ["DATA", "sends"]],
    ["quote", ["XFOO", "a", "b"], "XFOO a b", ["250-one", "250 two"], ["250-one", "250 two"]],
  ])("%s", async (name, words, command, answer, lines) => {
    const told = await performed(
      bye(
        hello()
          .expect(command)
          .sendLines(...answer),
      ),
      name,
      words,
    );
    expect(told.lines).toEqual(lines);
  });

  it("NOOP tells its time, and ETRN starts a queue where that is offered", async () => {
    const noop = await performed(bye(hello().expect("NOOP").sendLines("250 ok")), "noop");
    expect(noop.records).toEqual([{ reply: "250 ok", ms: expect.any(Number) }]);
    const play = bye(hello("ETRN").expect("ETRN x.example").sendLines("250 queued"));
    expect((await performed(play, "etrn", ["x.example"])).lines).toEqual(["250 queued"]);
    expect((await performed(bye(hello()), "etrn", ["x.example"])).failure).toMatchObject({ code: "refused" });
  });

  it("quotes nothing that would begin another command", async () => {
    expect((await performed(bye(hello()), "quote", ["NOOP\r\nDATA"])).failure).toMatchObject({
      code: "usage",
    });
  });
});

describe("a relay check", () => {
  it("names the ways that are open, and sends no mail", async () => {
    let play = hello();
    for (let at = 0; at < 8; at++) {
      play = play.expect("RSET").sendLines("250 ok").expect(/^MAIL/).sendLines("250 ok").expect(/^RCPT/);
      play = play.sendLines(at === 3 ? "250 ok" : "554 5.7.1 no relay");
    }
    const { records, failure } = await performed(bye(play), "relay", [], { to: ["c@elsewhere.example"] });
    expect(records.filter(({ accepted }) => accepted === true)).toHaveLength(1);
    expect(failure).toMatchObject({ message: expect.stringContaining("percent hack") });
  });
});
