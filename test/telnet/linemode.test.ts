import { describe, expect, it } from "vitest";
import { type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { LineMode } from "../../protocols/telnet/linemode.js";
import { Client } from "../../src/client.js";
import type { Interaction } from "../../src/plugin.js";
import { TelnetReader } from "../../src/wire/telnet.js";

const [IAC, SB, SE, WILL, WONT, DO, DONT] = [255, 250, 240, 251, 252, 253, 254] as const;
const LINEMODE = 34;
const [MODE, FORWARDMASK, SLC] = [1, 2, 3] as const;
const [EDIT, TRAPSIG, ACK] = [1, 2, 4] as const;
const [VALUE, DEFAULT, SLC_ACK] = [2, 3, 128] as const;

const SEAT = { columns: 80, rows: 24, type: "vt100" };
/** The keys that there are here, as they are told when the option is agreed on. */
const OUR_KEYS = [3, 2, 3, 7, 2, 28, 8, 2, 4, 9, 2, 26, 10, 2, 127, 11, 2, 21, 12, 2, 23];

const sub = (...octets: readonly number[]) => [IAC, SB, LINEMODE, ...octets, IAC, SE];
const octets = (...parts: readonly (readonly number[])[]) => Buffer.from(parts.flat());

/** What a server asks for, and what is to be answered. */
const ASKED = octets(
  [IAC, DO, LINEMODE],
  sub(MODE, EDIT | TRAPSIG),
  // The same again, and an answer: both hold already.
  sub(MODE, EDIT | TRAPSIG),
  sub(MODE, EDIT | TRAPSIG | ACK),
  // Ctrl-X interrupts; a function that there is none of here; an answer; what holds already.
  sub(SLC, 3, VALUE, 24, 14, VALUE, 22, 8, VALUE | SLC_ACK, 5, 9, VALUE, 26),
  sub(DO, FORWARDMASK, 1, IAC, IAC, 3),
  sub(DONT, FORWARDMASK),
  // Tabs as spaces, and control characters shown as they are: left out of the answer.
  sub(MODE, TRAPSIG | 8 | 16),
);
const ANSWERED = octets(
  [IAC, WILL, LINEMODE],
  sub(SLC, ...OUR_KEYS),
  sub(MODE, EDIT | TRAPSIG | ACK),
  sub(SLC, 3, VALUE | SLC_ACK, 24, 14, 0, 0),
  sub(WONT, FORWARDMASK),
  sub(MODE, TRAPSIG | ACK),
);

/** A person's session with a server that plays a script. */
async function seated(server: ScriptedServer): Promise<{ stream: Interaction; leave: () => Promise<void> }> {
  const client = new Client();
  const session = await client.open(client.target(server.url("telnet")));
  const stream = await session.interact?.(SEAT);
  if (stream === undefined) throw new Error("nobody to talk to");
  return {
    stream,
    leave: async () => {
      stream.destroy();
      await session[Symbol.asyncDispose]();
    },
  };
}

/** Until the server closes. */
async function listen(stream: Interaction): Promise<void> {
  stream.resume();
  await new Promise((resolve) => stream.once("close", resolve).once("end", resolve));
}

describe("LINEMODE (RFC 1184)", () => {
  it("is agreed to, answered once, and whole wherever it is cut", async () => {
    for (let cut = 1; cut < ASKED.length; cut++) {
      const reader = new TelnetReader();
      const mode = new LineMode();
      const answers: Buffer[] = [];
      for (const piece of [ASKED.subarray(0, cut), ASKED.subarray(cut)]) {
        reader.feed(piece);
        for (let event = reader.next(); event !== undefined; event = reader.next()) {
          if (event.type === "offer") answers.push(octets([IAC, WILL, LINEMODE]), mode.begin());
          if (event.type === "subnegotiation") answers.push(mode.answer(event.octets));
        }
      }
      expect(Buffer.concat(answers).toString("hex"), `cut at ${cut}`).toBe(ANSWERED.toString("hex"));
    }
  });

  it("is agreed to over a connection that gives an octet at a time", async () => {
    await using server = await scripted(script().sendCut(ASKED, "everywhere").expect(ANSWERED).drop());
    const { stream, leave } = await seated(server);
    await listen(stream);
    await server.done;
    await leave();
  });

  it("is refused where no person has the keyboard", async () => {
    await using server = await scripted(
      script()
        .send(octets([IAC, DO, LINEMODE]))
        .expect(octets([IAC, WONT, LINEMODE]))
        .drop(),
    );
    const client = new Client();
    const session = await client.open(client.target(server.url("telnet")));
    const document = await session.read?.("");
    document?.body.resume();
    await server.done;
    document?.body.destroy();
    await session[Symbol.asyncDispose]();
  });

  it("has keys mean what the server says", async () => {
    await using server = await scripted(
      script()
        .send(octets([IAC, DO, LINEMODE], sub(MODE, EDIT | TRAPSIG), sub(SLC, 3, VALUE | 64, 24)))
        .expect(
          octets(
            [IAC, WILL, LINEMODE],
            sub(SLC, ...OUR_KEYS),
            sub(MODE, EDIT | TRAPSIG | ACK),
            sub(SLC, 3, VALUE | 64 | SLC_ACK, 24),
          ),
        )
        .send("Password: ")
        // With SLC_FLUSHIN an interrupt is followed by the data mark of a Synch.
        .expect(octets([IAC, 244, IAC, 242], [IAC, 236], [...Buffer.from("secret\r\n")]))
        .send(octets(sub(MODE, 0)))
        .expect(octets(sub(MODE, ACK)))
        .drop(),
    );
    const { stream, leave } = await seated(server);
    await new Promise((resolve) => stream.once("data", resolve));
    expect(stream.keys).toBe(false);
    expect(stream.lineKeys).toMatchObject({ edits: true, echo: false, erase: "\x7f", end: "\x04" });
    expect(stream.lineKeys?.signals).toEqual(
      new Map([
        ["\x18", "ip"],
        ["\x1c", "abort"],
        ["\x1a", "susp"],
      ]),
    );
    stream.signal("ip");
    stream.signal("eof");
    stream.write("secret\n");
    await new Promise((resolve) => stream.once("mode", resolve));
    expect(stream.keys).toBe(true);
    expect(stream.lineKeys).toBeUndefined();
    stream.resume();
    await server.done;
    await leave();
  });

  it("tells its keys when it is asked for them, and takes back what was changed", () => {
    const mode = new LineMode();
    const answer = (...asked: readonly number[]) => mode.answer(Buffer.from(asked));
    expect(answer(SLC, 3, DEFAULT, 0)).toEqual(octets(sub(SLC, 3, VALUE, 3)));
    expect(answer(SLC, 10, VALUE, 8)).toEqual(octets(sub(SLC, 10, VALUE | SLC_ACK, 8)));
    expect(mode.keys(true)).toMatchObject({ erase: "\b", edits: false, echo: true, signals: new Map() });
    expect(answer(SLC, 0, VALUE, 0)).toEqual(
      octets(sub(SLC, ...OUR_KEYS.map((octet, at) => (OUR_KEYS[at - 2] === 10 && at % 3 === 2 ? 8 : octet)))),
    );
    expect(answer(SLC, 0, DEFAULT, 0)).toEqual(octets(sub(SLC, ...OUR_KEYS)));
    expect(answer(SLC, 11, 0, 0)).toEqual(octets(sub(SLC, 11, SLC_ACK, 0)));
    expect(mode.keys(true)).toMatchObject({ eraseLine: "" });
    // What is none of it, or cut off, is not answered.
    for (const asked of [
      [],
      [MODE],
      [SLC],
      [SLC, 3],
      [SLC, 3, VALUE],
      [99, 1, 2],
      [DO],
      [WILL, FORWARDMASK],
    ]) {
      expect(answer(...asked)).toEqual(Buffer.alloc(0));
    }
  });

  it("ends a server that changes it without end", () => {
    const mode = new LineMode();
    const toggle = () => {
      for (let round = 0; round < 2000; round++) mode.answer(Buffer.from([MODE, round % 2]));
    };
    expect(toggle).toThrow(expect.objectContaining({ code: "protocol" }));
  });
});
