import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "../../src/wire/fifo.js";

describe("Fifo", () => {
  it("is a queue as an array is one", () => {
    const step = fc.oneof(
      fc.nat(9).map((item) => ({ push: item })),
      fc.constantFrom("take", "take", "takeAll"),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new Fifo<number>();
        let items: number[] = [];
        for (const step of steps) {
          if (step === "take") {
            expect(queue.take()).toBe(items.shift());
          } else if (step === "takeAll") {
            expect(queue.takeAll()).toEqual(items);
            items = [];
          } else if (typeof step === "object") {
            queue.push(step.push);
            items.push(step.push);
          }
          expect(queue.length).toBe(items.length);
          expect(queue.first()).toBe(items[0]);
          expect(queue.last()).toBe(items.at(-1));
          expect(queue.all()).toEqual(items);
        }
      }),
    );
  });
});
