/** What is written about the program, held against the program. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { optionsPage } from "../src/cli/options-page.js";
import { VERBS, WORDS } from "../src/cli/verbs.js";
import { EXIT_STATUS } from "../src/errors.js";

const CLI = readFileSync("docs/cli.md", "utf8");
const README = readFileSync("README.md", "utf8");

describe("the documents", () => {
  it("docs/options.md is what `npm run docs` writes", () => {
    expect(readFileSync("docs/options.md", "utf8")).toBe(optionsPage());
  });

  it("docs/cli.md names every verb that can be used, and those that cannot yet", () => {
    for (const { name } of VERBS) {
      expect(CLI, `the verb ${name}`).toMatch(new RegExp(`\\b${name}\\b`));
    }
    const planned = WORDS.filter(({ load }) => load === undefined).map(({ name }) => name);
    if (planned.length === 0) expect(CLI).not.toContain("in the plan");
    else expect(CLI).toContain(`\`${planned.join(" ")}\` are in the plan`);
  });

  it("docs/cli.md has every exit status", () => {
    for (const status of Object.values(EXIT_STATUS)) expect(CLI).toMatch(new RegExp(`\\b${status}\\b`));
  });

  it("the README names the two commands and links to what is there", () => {
    expect(README).toContain("npm start");
    expect(README).toContain("npm cit");
    const links = [...README.matchAll(/\]\(((?:docs\/)?[\w.-]+\.md)\)/g)].map(([, path]) => path ?? "");
    expect(links.length).toBeGreaterThan(3);
    const there = [...readdirSync("."), ...readdirSync("docs").map((file) => `docs/${file}`)];
    for (const link of links) expect(there).toContain(link);
  });
});
