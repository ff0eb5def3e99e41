/** The sandbox's Telnet server at its worst, and what becomes of a client. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { Client } from "../../src/client.js";
import { Conversation } from "../../src/net/conversation.js";
import { perform, steps } from "../socket/performed.js";

const MEBIBYTE = 1024 ** 2;

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["telnet"] });
});

afterAll(async () => {
  await sandbox.close();
});

function login(user: string): string[] {
  return ["expect=login:", `send=${user}`, "expect=Password:", "send=sandbox", "expect=harbour$"];
}

/** By program, as `telnet run` does it. */
function run(user: string, timeout: number, ...order: readonly string[]) {
  return perform("telnet", "run", [sandbox.url("telnet")], { timeout, ...steps(...login(user), ...order) });
}

describe("a hostile server", () => {
  it.each(["escapes", "nul", "options", "iac", "linemode"])("is survived: %s", async (name) => {
    const { text } = await run("porthole", 20, `send=hostile ${name}`, "expect=and back", "send=exit");
    expect(text).toContain("and back");
  });

  it("has what it cut at the ends of packets put together again", async () => {
    const { text } = await run("porthole", 20, "send=hostile iac", "expect=and back", "send=exit");
    // The octet 255 is no UTF-8, and stands as it came.
    expect(text).toContain("hostile iac\r\na\xffbcd\r\nand back");
  });

  it("is survived at each prompt, by its own login", async () => {
    const { text } = await run("hostile", 20, "send=echo still here", "expect=/\\nstill here/", "expect=$ ");
    expect(text).toContain("still here");
  });

  it("is survived at its prompts, however many there are", async () => {
    const rounds = Array.from({ length: 8 }, (_, at) => [
      `send=echo round ${at}`,
      `expect=/\\nround ${at}/`,
      "expect=$ ",
    ]);
    const { text } = await run("hostile", 20, ...rounds.flat());
    expect(text).toContain("round 7");
  });

  it.each([
    ["loop", "protocol", "more than 4096 offers"],
    ["subnegotiation", "protocol", "a subnegotiation of option 201 is longer than"],
    ["questions", "protocol", "the server asks for more than it listens to"],
    ["flood", "timeout", "did not come"],
    ["bomb", "timeout", "did not come"],
    ["silence", "timeout", "did not come"],
    ["unfinished", "connect", "closed the connection"],
  ])("is left, in bounded memory: %s", async (name, code, message) => {
    const before = process.memoryUsage().rss;
    const timeout = code === "timeout" ? 1.5 : 20;
    await expect(run("porthole", timeout, `send=hostile ${name}`, "expect=/no such/")).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * MEBIBYTE);
  });

  it("is left when it switches line mode on and off without end, by a person", async () => {
    const client = new Client();
    const session = await client.open(client.target(sandbox.url("telnet")));
    const stream = await session.interact?.({ columns: 80, rows: 24, type: "vt100" });
    if (stream === undefined) throw new Error("nobody to talk to");
    const talk = new Conversation(stream, { timeout: 20_000 });
    for (const [wanted, said] of [
      ["login:", "porthole"],
      ["Password:", "sandbox"],
      ["harbour$", "hostile linemode"],
    ] as const) {
      await talk.expect(wanted);
      await talk.sendLine(said);
    }
    await expect(talk.expect("no such")).rejects.toMatchObject({
      code: "protocol",
      message: expect.stringContaining("changes of LINEMODE"),
    });
    await session[Symbol.asyncDispose]();
  });
});

describe("a slow server", () => {
  it("says an octet at a time, and all is put together", async () => {
    const began = performance.now();
    const { text } = await run("slow", 20, "send=echo one two three four", "expect=/four\\r\\nharbour/");
    expect(text).toContain("one two three four\r\nharbour");
    // 12 octets and more, 10 ms apart.
    expect(performance.now() - began).toBeGreaterThan(120);
  });
});
