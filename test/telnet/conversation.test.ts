import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { Conversation } from "../../src/net/conversation.js";
import type { Interaction } from "../../src/plugin.js";
import { TELNET_OPTION } from "../../src/wire/telnet.js";

/** A far side that says what is written to it. */
function talkTo(...pieces: readonly string[]): { talk: Conversation; far: PassThrough } {
  const far = new PassThrough();
  for (const piece of pieces) far.write(piece);
  return { talk: new Conversation(far, { timeout: 1000 }), far };
}

async function interaction(url: string): Promise<{ stream: Interaction; close: () => Promise<void> }> {
  const client = new Client();
  const session = await client.open(client.target(url));
  const stream = await session.interact?.();
  if (stream === undefined) throw new Error("nobody to talk to");
  return {
    stream,
    close: async () => {
      stream.destroy();
      await session[Symbol.asyncDispose]();
    },
  };
}

describe("a conversation by program", () => {
  it("finds the pattern that begins first, and gives what stands before it", async () => {
    const { talk } = talkTo("one two ", "three four");
    const found = await talk.expect(["three", /t(w)o/, "four"]);
    expect(found).toMatchObject({ index: 1, before: "one ", text: "two", groups: ["w"] });
    expect(await talk.readUntil("three")).toBe(" three");
    expect(await talk.readAvailable()).toBe(" four");
    expect(await talk.readAvailable()).toBe("");
  });

  it("quotes what came last without the NULs that stand in it", async () => {
    const { talk } = talkTo(`ready\0?${"\0".repeat(5000)}`);
    await expect(talk.expect("login:", { timeout: 50 })).rejects.toMatchObject({
      code: "timeout",
      reply: "ready?",
    });
  });

  it("finds a pattern cut anywhere, characters of several octets too", async () => {
    const octets = Buffer.from("the café: ready");
    for (let at = 1; at < octets.length; at++) {
      const far = new PassThrough();
      const talk = new Conversation(far, { timeout: 1000 });
      far.write(octets.subarray(0, at));
      const found = talk.expect("café:");
      await sleep(0);
      far.write(octets.subarray(at));
      expect((await found).before, `cut at ${at}`).toBe("the ");
    }
  });

  it("finds a pattern far behind much else, and keeps what stands before it", async () => {
    const { talk, far } = talkTo();
    const found = talk.expect(/end\d/);
    for (let piece = 0; piece < 100; piece++) far.write(`${"x".repeat(9999)}\n`);
    far.write("end7");
    const { before, text } = await found;
    expect([before.length, text]).toEqual([1_000_000, "end7"]);
  });

  it("keeps what came, when the time is over", async () => {
    const { talk } = talkTo("half of it");
    await expect(talk.expect("whole", { timeout: 50 })).rejects.toMatchObject({
      code: "timeout",
      message: "'whole' did not come within 0.05 s",
      reply: "half of it",
    });
    expect(await talk.readUntil("it")).toBe("half of it");
  });

  it("reads some, and all", async () => {
    const { talk, far } = talkTo("some");
    expect(await talk.readSome()).toBe("some");
    await expect(talk.readSome({ timeout: 20 })).rejects.toMatchObject({ code: "timeout" });
    far.end("the rest");
    expect(await talk.readAll()).toBe("the rest");
    expect(await talk.readSome()).toBe("");
    await expect(talk.expect("more")).rejects.toMatchObject({ code: "connect" });
  });

  it("tells what failed", async () => {
    const { talk, far } = talkTo();
    const waiting = talk.expect("never");
    far.destroy(new Error("the line is cut"));
    await expect(waiting).rejects.toThrow("the line is cut");
    await expect(talk.send("hello")).rejects.toThrow("the line is cut");
  });
});

describe("a Telnet session in a program", () => {
  it("gives what a command printed between two prompts", async () => {
    const sandbox: Sandbox = await startSandbox({ only: ["telnet"] });
    const { stream, close } = await interaction(sandbox.url("telnet"));
    const talk = new Conversation(stream, { timeout: 5000 });
    await talk.expect("login: ");
    await talk.sendLine("porthole");
    await talk.expect("Password: ");
    await talk.sendLine("sandbox");
    await talk.expect("harbour$ ");
    expect(await talk.runCommand("echo one two", "harbour$ ")).toEqual({
      output: "one two\r\n",
      prompt: "harbour$ ",
    });
    // The end of the prompt is enough to know it by.
    expect((await talk.runCommand("echo three", "$ ")).output).toBe("three\r\n");
    expect((await talk.runCommand("echo four", /\$ $/)).output).toBe("four\r\n");
    stream.resize(101, 31);
    expect((await talk.runCommand("size", "harbour$ ")).output).toBe("101 31\r\n");
    expect(stream.signal("ayt")).toBe("sent ayt");
    expect(stream.signals).toHaveProperty("brk");
    expect(stream.signal("brk")).toBe("sent brk");
    await talk.expect("[Yes]");
    expect(stream.keys).toBe(true);
    expect(stream.signal("status")).toContain("ECHO (theirs)");
    expect(stream.signal("line")).toBe("mode line");
    expect(stream.keys).toBe(false);
    expect(() => stream.signal("semaphore")).toThrow(expect.objectContaining({ code: "usage" }));
    await close();
    await sandbox.close();
  });

  it("tells of options and of what is said within them", async () => {
    await using server = await scripted(
      script()
        .send(Buffer.from([255, 251, 201]))
        .expect(Buffer.from([255, 253, 201]))
        .send(Buffer.from([255, 250, 201, ...Buffer.from("Room.Info {}"), 255, 240, 255, 249]))
        .drop(),
    );
    const { stream, close } = await interaction(server.url("telnet"));
    const told: unknown[] = [];
    stream.on("option", (change: unknown) => told.push(change));
    stream.on("subnegotiation", (option: number, octets: Buffer) => told.push([option, octets.toString()]));
    stream.on("prompt", () => told.push("prompt"));
    await new Conversation(stream).readAll({ timeout: 5000 });
    expect(told).toEqual([
      { side: "them", option: TELNET_OPTION.GMCP, on: true },
      [TELNET_OPTION.GMCP, "Room.Info {}"],
      "prompt",
    ]);
    await close();
  });

  it("ends a server that asks and never listens", async () => {
    const questions = Buffer.concat([
      Buffer.from([255, 253, 24]),
      ...Array.from({ length: 200_000 }, () => Buffer.from([255, 250, 24, 1, 255, 240])),
    ]);
    await using server = await scripted(script().repeat(40, script().send(questions)).pause(5000));
    const { stream, close } = await interaction(server.url("telnet"));
    await expect(new Conversation(stream).expect("x", { timeout: 15_000 })).rejects.toMatchObject({
      code: "protocol",
      message: "the server asks for more than it listens to",
    });
    await close();
  });
});
