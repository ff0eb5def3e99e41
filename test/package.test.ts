/** What `npm pack` makes, installed in an empty folder: the program runs, the library imports, the types are there. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const ROOT = resolve(".");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-package-"));
  // Declarations go to a folder of their own: other tests run what stands in dist/ at this moment.
  await run(process.execPath, [
    join(ROOT, "node_modules/typescript/bin/tsc"),
    "--project",
    "tsconfig.types.json",
    "--outDir",
    join(ROOT, "dist", "types"),
  ]);
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]);
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await run("npm", ["install", "--offline", "--silent", "--no-audit", `./${stdout.trim()}`], { cwd: folder });
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the package, installed", () => {
  it("is one package", async () => {
    const installed = (await readdir(join(folder, "node_modules"))).filter((name) => !name.startsWith("."));
    expect(installed).toEqual(["porthole"]);
  });

  it("runs as npx porthole", async () => {
    const { stdout } = await run("npx", ["--no-install", "porthole", "protocols"], { cwd: folder });
    const rows = stdout.split("\n").map((line) => line.split(/\s+/, 1)[0]);
    expect(rows.slice(1, 11)).toEqual([
      "http",
      "nntp",
      "ftp",
      "smtp",
      "pop3",
      "imap",
      "telnet",
      "gopher",
      "socket",
      "local",
    ]);
  });

  it("imports as a library, with its sandbox", async () => {
    await writeFile(
      join(folder, "use.js"),
      `import { connect, PortholeError } from "porthole";
       import { startSandbox } from "porthole/sandbox";
       const sandbox = await startSandbox({ only: ["gopher"] });
       const session = await connect(sandbox.url("gopher"));
       let entries = 0;
       for await (const entry of session.list("/")) if (entry.kind !== "note") entries += 1;
       const missing = await session.stat("/0/nowhere").catch((error) => error);
       await session[Symbol.asyncDispose]();
       await sandbox.close();
       console.log(entries > 3, missing instanceof PortholeError, missing.exit);`,
    );
    const { stdout } = await run(process.execPath, ["use.js"], { cwd: folder });
    expect(stdout).toBe("true true 8\n");
  });

  it("brings types that hold what it is used for", async () => {
    await writeFile(
      join(folder, "types.ts"),
      `import { type Entry, PortholeError, connect } from "porthole";
       import { startSandbox } from "porthole/sandbox";
       export async function names(): Promise<string[]> {
         const sandbox = await startSandbox();
         const session = await connect(sandbox.url("ftp"));
         const found: Entry[] = [];
         for await (const entry of session.list?.("/") ?? []) found.push(entry);
         // @ts-expect-error a name is a text
         found[0]?.name.toFixed();
         if (found.length === 0) throw new PortholeError("missing", "nothing");
         return found.map(({ name }) => name);
       }`,
    );
    const flags =
      "--noEmit --strict --module nodenext --target es2023 --lib es2023,esnext.disposable --types node";
    const { stdout } = await run(
      process.execPath,
      [
        join(ROOT, "node_modules/typescript/bin/tsc"),
        ...flags.split(" "),
        "--typeRoots",
        join(ROOT, "node_modules/@types"),
        "types.ts",
      ],
      { cwd: folder },
    );
    expect(stdout).toBe("");
  });
});
