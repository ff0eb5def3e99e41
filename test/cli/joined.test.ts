/** Lines of a listing on their way out: together when they come together, at once when nothing follows. */
import { describe, expect, it } from "vitest";
import { joined } from "../../src/cli/joined.js";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

async function all(pieces: AsyncIterable<string>): Promise<string[]> {
  const got: string[] = [];
  for await (const piece of joined(pieces)) got.push(piece);
  return got;
}

describe("pieces of text", () => {
  it("of one turn are one", async () => {
    const pieces = async function* () {
      yield "a\n";
      yield "b\n";
      await nextTurn();
      yield "c\n";
      await nextTurn();
    };
    expect(await all(pieces())).toEqual(["a\nb\n", "c\n"]);
  });

  it("do not wait for what is yet to come", async () => {
    let send: (line: string) => void = () => undefined;
    const pieces = async function* () {
      yield "at once\n";
      yield await new Promise<string>((resolve) => {
        send = resolve;
      });
    };
    const got = joined(pieces());
    expect(await got.next()).toEqual({ done: false, value: "at once\n" });
    send("later\n");
    expect(await got.next()).toEqual({ done: false, value: "later\n" });
    expect(await got.next()).toEqual({ done: true, value: undefined });
  });

  it("grow to no more than a bound, and none is lost", async () => {
    const line = `${"x".repeat(99)}\n`;
    const pieces = async function* () {
      for (let count = 0; count < 1000; count += 1) yield line;
    };
    const got = await all(pieces());
    expect(got.join("")).toBe(line.repeat(1000));
    expect(Math.max(...got.map(({ length }) => length))).toBeLessThan(16_384 + line.length);
    expect(got.length).toBeLessThan(10);
  });

  it("are given before the failure that followed them", async () => {
    const pieces = async function* () {
      yield "a\n";
      yield "b\n";
      throw new Error("cut");
    };
    const got = joined(pieces());
    expect(await got.next()).toEqual({ done: false, value: "a\nb\n" });
    await expect(got.next()).rejects.toThrow("cut");
  });

  it("left early are left at their source too", async () => {
    let left = false;
    const pieces = async function* () {
      try {
        for (;;) {
          yield "a\n";
          await nextTurn();
        }
      } finally {
        left = true;
      }
    };
    for await (const _piece of joined(pieces())) break;
    expect(left).toBe(true);
  });
});
