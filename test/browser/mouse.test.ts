/** The mouse: links where they stand in a line, tabs, the wheel, and what keys held with it mean. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KeyReader } from "../../src/browser/keys.js";
import { Browsing } from "./browsing.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-mouse-"));
  const page = (words: string) => `<html><body><p>${words}</p></body></html>`;
  await writeFile(
    join(folder, "start.html"),
    page('See <a href="one.html">the first</a>, or <a href="two.html">the second</a>, then rest.'),
  );
  await writeFile(join(folder, "one.html"), page("Page one"));
  await writeFile(join(folder, "two.html"), page("Page two"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function begun(file = "start.html"): Promise<Browsing> {
  return Browsing.open({ url: join(folder, file), columns: 70 });
}

/** Presses the mouse as xterm tells it, where the words begin on the screen. */
function press(at: Browsing, words: string, button = 0): void {
  const rows = at.screen.text.split("\n");
  const row = rows.findIndex((text) => text.includes(words));
  const column = rows[row]?.indexOf(words) ?? -1;
  expect(row, words).toBeGreaterThanOrEqual(0);
  for (const input of new KeyReader().feed(`\x1b[<${button};${column + 1};${row + 1}M`)) {
    if (input.kind !== "report") at.browser.input(input);
  }
}

describe("a press", () => {
  it("opens the link that it points at, of several in a line", async () => {
    await using at = await begun();
    await at.sees("the second[2]");
    press(at, "[2]");
    await at.sees("Page two");
    at.press("Left");
    await at.sees("the second[2]");
    press(at, "first[1]");
    await at.sees("Page one");
  });

  it("opens nothing beside links", async () => {
    await using at = await begun();
    await at.sees("the second[2]");
    press(at, "then rest");
    press(at, "start.html");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(at.screen.text).toContain("the second[2]");
  });

  it("anywhere in a line of a list opens its link", async () => {
    await using at = await begun("");
    await at.sees("two.html");
    press(at, "   3  ");
    await at.sees("Page two");
  });
});

describe("tabs", () => {
  it("open by Ctrl and a press, come to the front by a press, and close by the middle button", async () => {
    await using at = await begun();
    await at.sees("the second[2]");
    press(at, "[1]", 16);
    await at.sees("Page one");
    expect(at.screen.row(1)).toMatch(/^ 1 start\.html {2}2 /);
    press(at, "1 start.html");
    await at.sees("the second[2]");
    press(at, "2 ", 1);
    await at.sees("the second[2]");
    expect(at.screen.row(1)).not.toContain(" 2 ");
  });
});

describe("further buttons", () => {
  it("go back and forward", async () => {
    await using at = await begun();
    await at.sees("the second[2]");
    press(at, "[1]");
    await at.sees("Page one");
    press(at, "Page", 128);
    await at.sees("the second[2]");
    press(at, "See", 129);
    await at.sees("Page one");
  });
});
