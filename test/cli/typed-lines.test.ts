/** Lines at the shell's prompt, when keys come faster than what they stand for is known. */
import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { TypedLines } from "../../src/cli/shell/lines.js";
import { Terminal } from "../../src/cli/terminal.js";

function prompted(): { readonly lines: TypedLines; readonly keys: PassThrough } {
  const keys = new PassThrough();
  const screen = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = new Terminal(
    { stdin: Object.assign(keys, { isTTY: true }), stdout: screen(), stderr: screen() },
    { environment: {} },
  );
  const complete = (line: string, done: (error: null, found: [string[], string]) => void) => {
    setTimeout(() => done(null, [["long.txt"], line.replace(/^.* /, "")]), 20);
  };
  return { lines: new TypedLines(terminal, complete, undefined), keys };
}

describe("keys that come at once", () => {
  it("Tab and Enter: the line is what the Tab made of it", async () => {
    const { lines, keys } = prompted();
    const line = lines.next("> ");
    keys.write("cat lo\t\r");
    expect(await line).toBe("cat long.txt");
  });

  it("several lines: each is had, in its turn", async () => {
    const { lines, keys } = prompted();
    const first = lines.next("> ");
    keys.write("one\rtwo\rthr");
    expect(await first).toBe("one");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await lines.next("> ")).toBe("two");
    const third = lines.next("> ");
    keys.write("ee\r");
    expect(await third).toBe("three");
  });

  it("between two lines they are nobody's but of what runs", async () => {
    const { lines, keys } = prompted();
    const first = lines.next("> ");
    keys.write("one\r");
    await first;
    const taken: string[] = [];
    const take = (chunk: Buffer) => taken.push(chunk.toString());
    keys.on("data", take).resume();
    keys.write("for another");
    await new Promise((resolve) => setTimeout(resolve, 20));
    keys.off("data", take);
    expect(taken).toEqual(["for another"]);
    const second = lines.next("> ");
    keys.write("two\r");
    expect(await second).toBe("two");
  });

  it("their end is the end of the lines", async () => {
    const { lines, keys } = prompted();
    const line = lines.next("> ");
    keys.end();
    expect(await line).toBeUndefined();
  });
});
