/** What start-up loads, read off the bundle: time is measured in bench/, this holds the reason for it. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const PROGRAM = "dist/program/porthole.js";

interface Meta {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly imports: readonly { readonly path: string; readonly kind: string }[];
        readonly inputs: Readonly<Record<string, unknown>>;
      }
    >
  >;
}

/** A table of wide characters, for listings. */
const SMALL_PACKAGES = ["get-east-asian-width"];

const META: Meta = JSON.parse(readFileSync("dist/program/meta.json", "utf8"));

/** The sources that a set of output files holds. */
function sourcesOf(outputs: Iterable<string>): Set<string> {
  return new Set([...outputs].flatMap((path) => Object.keys(META.outputs[path]?.inputs ?? {})));
}

/** An output file and all it imports at once; what it imports later is not loaded yet. */
function withStaticImports(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: next, kind } of META.outputs[path]?.imports ?? []) {
    if (kind === "import-statement") withStaticImports(next, seen);
  }
  return seen;
}

/**
 * Runs in the program, ahead of it: at the end it tells which files were loaded, which chunks of the packs
 * (scripts/pack.mjs) were run, and whether V8 took what it had compiled before (scripts/warm.mjs).
 */
const TELL_LOADED = `
process.on("exit", () => {
  const first = require.cache[${JSON.stringify(resolve(PROGRAM))}];
  const packed = [...(first?.exports.loaded.keys() ?? [])]
    .map((name) => "chunks/" + name);
  const files = Object.keys(require.cache).map((path) => path.split("/dist/program/")[1] ?? path);
  const compiled = [...(first?.exports.scripts ?? [])].map(([file, script]) => [
    file.split("/chunks/")[1], script.cachedDataRejected === false,
  ]);
  process.stderr.write("LOADED " + JSON.stringify({ names: [...files, ...packed], compiled }));
});`;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-start-up-"));
  await writeFile(join(folder, "tell-loaded.cjs"), TELL_LOADED);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Told {
  readonly names: readonly string[];
  /** Files of compiled code, and whether V8 took them. */
  readonly compiled: readonly (readonly [string, boolean])[];
}

async function toldBy(args: readonly string[]): Promise<Told> {
  const { stderr } = await run(
    process.execPath,
    ["--require", join(folder, "tell-loaded.cjs"), PROGRAM, ...args],
    { env: { ...process.env, XDG_CONFIG_HOME: "/nonexistent" } },
  ).catch((failed: { stderr: string }) => failed);
  return JSON.parse(stderr.slice(stderr.lastIndexOf("LOADED ") + "LOADED ".length));
}

/** The outputs of the build that a run of the program loaded. */
async function loadedBy(args: readonly string[]): Promise<Set<string>> {
  const { names } = await toldBy(args);
  return new Set(names.map((name) => `dist/program/${name}`));
}

function packagesIn(sources: Iterable<string>): string[] {
  const names = [...sources].map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

describe("what start-up loads", () => {
  it("--version: two small modules and nothing else", () => {
    const sources = sourcesOf(withStaticImports(PROGRAM));
    expect([...sources].sort()).toEqual(["src/cli/main.ts", "src/cli/version.ts"]);
  });

  it("--version prints it without loading a chunk more", async () => {
    const loaded = sourcesOf(await loadedBy(["--version"]));
    expect([...loaded].sort()).toEqual(["src/cli/main.ts", "src/cli/version.ts"]);
  });

  it("--help: yargs and the manifests, and no protocol's code", async () => {
    const loaded = sourcesOf(await loadedBy(["--help"]));
    expect(loaded).toContain("src/cli/help.ts");
    expect(
      [...loaded].filter((path) => path.startsWith("protocols/") && !path.endsWith("/manifest.ts")),
    ).toEqual([]);
    expect([...loaded].filter((path) => path.startsWith("src/net/"))).toEqual([]);
    expect(packagesIn(loaded)).toContain("yargs");
    // Replaced in the bundle: its Intl.Segmenter was half of yargs's start-up.
    expect(packagesIn(loaded)).not.toContain("string-width");
    for (const heavy of ["undici", "basic-ftp", "nodemailer", "html-to-text", "iconv-lite", "smol-toml"]) {
      expect(packagesIn(loaded)).not.toContain(heavy);
    }
  });

  it("a refused command line: neither yargs nor a protocol", async () => {
    const loaded = sourcesOf(await loadedBy(["ls", "smtp://127.0.0.1"]));
    expect(loaded).toContain("src/cli/run.ts");
    expect(
      [...loaded].filter((path) => path.startsWith("protocols/") && !path.endsWith("/manifest.ts")),
    ).toEqual([]);
    expect(packagesIn(loaded)).toEqual(SMALL_PACKAGES);
  });

  it("what was compiled when the program was built, for what nearly all commands need and for the protocol", async () => {
    const { compiled } = await toldBy(["ls", tmpdir()]);
    expect(compiled.map(([file]) => file.split("-")[0])).toEqual(["usual", "local"]);
    expect(compiled.filter(([, taken]) => !taken)).toEqual([]);
  });

  it("one get: the engine that needs no node:http, one small package, no TLS, no credentials, no rendering", async () => {
    const server = createServer((_request, response) => response.end("small"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : 0;
      const loaded = sourcesOf(await loadedBy(["get", `http://127.0.0.1:${port}/`]));
      expect(loaded).toContain("protocols/http/engines/direct.ts");
      expect(loaded).not.toContain("protocols/http/engines/node.ts");
      expect(packagesIn(loaded)).toEqual(SMALL_PACKAGES);
      expect(loaded).not.toContain("src/auth/sources.ts");
      expect([...loaded].filter((path) => path.startsWith("src/wire/")).sort()).toEqual([
        "src/wire/http-chunks.ts",
        "src/wire/http-head.ts",
        "src/wire/lines.ts",
        "src/wire/octets.ts",
        "src/wire/unread.ts",
        "src/wire/words.ts",
      ]);
      expect([...loaded].filter((path) => /undici|proxy\/socks|sandbox|src\/config-file/.test(path))).toEqual(
        [],
      );
    } finally {
      server.close();
    }
  });
});
