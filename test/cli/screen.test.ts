import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Screen } from "./on-a-screen.js";

const source = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;

/** Programs that ask and show as the command line does. */
const ASK = `
import { askPerson } from "${source("cli/prompt.ts")}";
const [, , hidden, wait] = process.argv;
const signal = wait === "wait" ? AbortSignal.timeout(500) : new AbortController().signal;
try {
  const answer = await askPerson("Password: ", { hidden: hidden === "hidden", signal });
  console.log("answer", JSON.stringify(answer));
} catch (error) {
  console.log("failed", error.exit);
}
`;
const PAGE = `
import { showPaged } from "${source("cli/pager.ts")}";
import { Terminal } from "${source("cli/terminal.ts")}";
const { stdin, stdout, stderr, env } = process;
let made = 0;
async function* lines() {
  for (; made < Number(process.argv[2]); made++) yield "line " + made + "\\n";
  if (process.argv[3] === "stuck") await forever;
}
let leave;
const forever = new Promise((_, reject) => {
  leave = () => reject(new Error("left"));
});
forever.catch(() => {});
const open = setInterval(() => {}, 1000);
await showPaged(lines(), new Terminal({ stdin, stdout, stderr }, { environment: env }), leave);
clearInterval(open);
console.log("made all:", made === Number(process.argv[2]));
`;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-programs-"));
  await writeFile(join(folder, "ask.mts"), ASK);
  await writeFile(join(folder, "page.mts"), PAGE);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs it, then says whether the terminal echoes again. */
function started(program: string, environment: Record<string, string> = {}): Promise<Screen> {
  const command = `node --import tsx ${join(folder, program)}; stty -a | grep -o '[-]*echo '`;
  return Screen.open(command, { LESS: "", ...environment });
}

describe("a question on the terminal", () => {
  it("hides a password, takes corrections, and gives the terminal back", async () => {
    await using screen = await started("ask.mts hidden");
    await screen.shows("Password:");
    await screen.type("wrong", "C-u", "secrex", "BSpace", "t", "Enter");
    const text = await screen.shows(/\necho\b/);
    expect(text).toContain('answer "secret"');
    expect(text).toMatch(/^Password: *\n/m);
  });

  it("shows the answer to a plain question", async () => {
    await using screen = await started("ask.mts plain");
    await screen.shows("Password:");
    await screen.type("yes", "Enter");
    expect(await screen.shows("answer")).toContain('Password: yes\nanswer "yes"');
  });

  it.each([
    ["Ctrl-C as exit 130", "hidden", ["secr", "C-c"], "failed 130"],
    ["Ctrl-D without an answer", "hidden", ["C-d"], "answer undefined"],
    ["the signal as it says", "hidden wait", ["secr"], "failed 6"],
  ])("is left with %s, the terminal as it was", async (_how, words, keys, outcome) => {
    await using screen = await started(`ask.mts ${words}`);
    await screen.shows("Password:");
    await screen.type(...keys);
    expect(await screen.shows(/\necho\b/)).toContain(outcome);
  });

  it("is not asked where there is no terminal", async () => {
    await using screen = await Screen.open(
      `setsid node --import tsx ${join(folder, "ask.mts")} hidden | cat`,
    );
    expect(await screen.shows("answer")).toContain("answer undefined");
  });
});

describe("long text", () => {
  it("goes through less, and quitting it early ends the source quietly", async () => {
    await using screen = await started("page.mts 1000000");
    const page = await screen.shows("line 8");
    expect(page).not.toContain("made all");
    await screen.type("q");
    const after = await screen.shows("made all");
    expect(after).toContain("made all: false");
    expect(after).not.toContain("Error");
  });

  it("goes through the user's own pager", async () => {
    await using screen = await started("page.mts 100", { PAGER: "tail -n 2 | tr a-z A-Z" });
    expect(await screen.shows("made all")).toContain("LINE 98\nLINE 99\nmade all: true");
  });

  it("is shown all the same when the pager is not there", async () => {
    await using screen = await started("page.mts 100", { PAGER: "no-such-pager-here" });
    expect(await screen.shows("made all")).toContain("line 98\nline 99\nmade all: true");
  });

  it("that waits for more is left at once when the pager is quit", async () => {
    await using screen = await started("page.mts 100 stuck");
    await screen.shows("line 8");
    await screen.type("q");
    expect(await screen.shows("made all", 5000)).not.toContain("Error");
  });

  it("that fits the screen is shown without a pager", async () => {
    await using screen = await started("page.mts 3", { PAGER: "echo paged; cat" });
    expect(await screen.shows("made all")).toContain("line 0\nline 1\nline 2\nmade all: true");
  });
});
