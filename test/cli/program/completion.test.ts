/** The completion scripts, in the shells that are installed. */
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { User } from "./program.js";

let user: User;
beforeAll(async () => {
  user = await User.create();
  for (const shell of ["bash", "zsh", "fish"]) {
    const { status, stdout, stderr } = await user.run(["completion", shell]);
    expect([status, stderr]).toEqual([0, ""]);
    await writeFile(user.path(shell), stdout);
  }
});
afterAll(async () => {
  await user[Symbol.asyncDispose]();
});

/** What bash offers when TAB is pressed after these words, which it has cut at = and : as it does. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const quoted = ["porthole", ...words].map((word) => `'${word}'`).join(" ");
  const { status, stdout, stderr } = await user.shell(
    `source ./bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _porthole porthole; printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("bash", () => {
  it("can read its script", () => {
    execFileSync("bash", ["-n", user.path("bash")]);
  });

  it("knows the function by the command's name", async () => {
    const { stdout } = await user.shell("source ./bash; complete -p porthole");
    expect(stdout).toBe("complete -o default -F _porthole porthole\n");
  });

  it.each([
    [["sm"], ["smtp", "smtp://", "smtps://"]],
    [["sta"], ["stat"]],
    [["mkd"], ["mkdir"]],
    [["goph"], ["gopher", "gopher://", "gophers://"]],
    [
      ["ls", "ftp"],
      ["ftp://", "ftps://"],
    ],
    [
      ["ls", "--lim"],
      ["--limit", "--limit-rate"],
    ],
    [["ls", "--att"], []],
    [["send", "--att"], ["--attach"]],
    [
      ["get", "--res"],
      ["--resolve", "--resume"],
    ],
    [
      ["ftp://x", "--res"],
      ["--resolve", "--resume"],
    ],
    [
      ["ls", "--color", "a"],
      ["auto", "always"],
    ],
    [["ls", "--color", "=", "n"], ["never"]],
    [
      ["ls", "--starttls", "="],
      ["auto", "require", "never"],
    ],
    [["ftp", "q"], ["quote"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["get", "-o", "a"], []],
    [["put", ""], []],
    [["ls", "ftp", ":"], []],
    [["ls", "ftp", ":", "//h"], []],
    [["xyz"], []],
  ])("after %j offers %j", async (words, wanted) => {
    const got = await offered(...words);
    expect(got.sort()).toEqual([...wanted].sort());
  });
});

describe("zsh", () => {
  it.runIf(installed("zsh"))("can read its script, where zsh is installed", () => {
    execFileSync("zsh", ["-n", user.path("zsh")]);
  });
});

describe("fish", () => {
  it.runIf(installed("fish"))("can read its script, where fish is installed", () => {
    execFileSync("fish", ["--no-execute", user.path("fish")]);
  });
});

function installed(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
