import { expect, it } from "vitest";
import { swaksLines } from "../../src/cli/swaks-view.js";

it("marks the dialogue as swaks does", () => {
  const lines = swaksLines();
  const said = (direction: "client" | "server", text: string) =>
    lines({ connection: 1, at: 0, direction, bytes: Buffer.from(text) });
  expect(lines({ connection: 1, at: 0, direction: "note", text: "connected to 127.0.0.1" })).toEqual([
    "=== Connected to 127.0.0.1.",
  ]);
  expect(said("server", "220-hi\r\n220 there\r\n")).toEqual(["<-  220-hi", "<-  220 there"]);
  expect(said("client", "EHLO x\r\n")).toEqual([" -> EHLO x"]);
  expect(said("server", "550 no\x1b[2J\r\n")[0]).toMatch(/^<\*\* 550 no[^\x1b]*$/);
  expect(lines({ connection: 1, at: 0, direction: "note", text: "TLS 1.3, x" })).toEqual(["=== TLS 1.3, x"]);
  expect(said("client", "EHLO x\r\n")).toEqual([" ~> EHLO x"]);
  expect(said("server", "250 hi\r\n451 later\r\n")).toEqual(["<~  250 hi", "<~* 451 later"]);
});
