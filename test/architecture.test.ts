/** The floor plan of ARCHITECTURE.md, held by reading every import of every source. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

interface Source {
  /** From the project's root: `src/net/dialer.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

interface Import {
  /** A path from the root for our own modules, the specifier as written for all else. */
  readonly from: string;
  readonly typeOnly: boolean;
}

function sourcesIn(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .map((path) => {
      const full = join(folder, path);
      const text = readFileSync(full, "utf8");
      return { path: full, text, imports: importsOf(text, full) };
    });
}

function importsOf(text: string, path: string): Import[] {
  const found: Import[] = [];
  for (const [, type, from = ""] of text.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']/gms,
  )) {
    found.push({ from: rooted(from, path), typeOnly: type !== undefined });
  }
  for (const [, from = ""] of text.matchAll(/\bimport\(\s*["']([^"']+)["']/g)) {
    found.push({ from: rooted(from, path), typeOnly: false });
  }
  return found;
}

function rooted(from: string, path: string): string {
  return from.startsWith(".") ? normalize(join(dirname(path), from)).replace(/\.js$/, ".ts") : from;
}

const SOURCES = [...sourcesIn("src"), ...sourcesIn("protocols"), ...sourcesIn("fixtures")];

/** Imports of the sources under `room` that are neither in it nor allowed, as `importer -> imported`. */
function strangers(room: string, allowed: readonly RegExp[]): string[] {
  return SOURCES.filter(({ path }) => path.startsWith(room)).flatMap(({ path, imports }) =>
    imports
      .filter(({ from }) => !from.startsWith(room) && !allowed.some((rule) => rule.test(from)))
      .map(({ from }) => `${path} -> ${from}`),
  );
}

const ERRORS = /^src\/errors\.ts$/;
/** Doing again what failed for now. */
/** Heeding a signal, which knows nothing of the house. */
const ABORT = /^src\/abort\.ts$/;
const REPEAT = /^src\/repeat\.ts$/;
const URL_MODULE = /^src\/url\.ts$/;
const PLUGIN = /^src\/plugin\.ts$/;
const TEXT = /^src\/text\//;
const FILES = /^src\/files\//;
const MESSAGE = /^src\/message\//;
const NET = /^src\/net\//;
const WIRE = /^src\/wire\//;
/** What is said to prove a login; where the secret comes from is not a protocol's affair. */
const SASL = /^src\/auth\/sasl\.ts$/;
/** How a job's progress outlives it: `smtp bulk` is a job. */
const JOURNAL = /^src\/verbs\/journal\.ts$/;
/** Node's own, without what touches sockets. */
const NODE = /^node:(?!net$|tls$|dgram$|dns(?:\/promises)?$|http2?$|https$|process$|console$|repl$)/;
const PACKAGE = /^(?![.]|node:|src\/|protocols\/|fixtures\/|yargs)[@a-z]/;

describe("who imports whom", () => {
  it("reads what it judges", () => {
    expect(SOURCES.length).toBeGreaterThan(100);
    const dialer = SOURCES.find(({ path }) => path === "src/net/dialer.ts");
    expect(dialer?.imports.map(({ from }) => from)).toContain("node:net");
    expect(dialer?.imports.map(({ from }) => from)).toContain("src/net/tls.ts");
  });

  it("wire knows bytes alone: no sockets, no files", () => {
    expect(strangers("src/wire/", [ERRORS, /^node:(?:buffer|zlib|string_decoder)$/])).toEqual([]);
  });

  it("net knows wire, errors and signals", () => {
    expect(strangers("src/net/", [ERRORS, ABORT, URL_MODULE, WIRE, /^node:/])).toEqual([]);
  });

  it("text, files and message know errors", () => {
    expect(strangers("src/text/", [ERRORS, NODE, PACKAGE])).toEqual([]);
    expect(strangers("src/files/", [ERRORS, NODE])).toEqual([]);
    expect(strangers("src/message/", [ERRORS, TEXT, FILES, PLUGIN, NODE, PACKAGE])).toEqual([]);
  });

  it("auth and verbs know the contract, and no protocol", () => {
    expect(strangers("src/auth/", [ERRORS, PLUGIN, TEXT, NODE])).toEqual([]);
    const allowed = [ERRORS, ABORT, REPEAT, PLUGIN, TEXT, FILES, MESSAGE, URL_MODULE, NODE];
    expect(strangers("src/verbs/", allowed)).toEqual([]);
  });

  it("the browser knows the contract and the verbs, and neither a protocol nor a terminal", () => {
    const allowed = [ERRORS, PLUGIN, TEXT, FILES, MESSAGE, URL_MODULE, /^src\/verbs\//, NODE];
    expect(strangers("src/browser/", allowed)).toEqual([]);
  });

  it("the contract knows nothing but types", () => {
    const plugin = SOURCES.find(({ path }) => path === "src/plugin.ts");
    expect(plugin?.imports.filter(({ typeOnly }) => !typeOnly)).toEqual([]);
  });

  const rooms = readdirSync("protocols");
  it.each(rooms)("protocols/%s knows the platform's contract and no neighbour", (room) => {
    const allowed = [
      PLUGIN,
      ERRORS,
      ABORT,
      REPEAT,
      URL_MODULE,
      NET,
      WIRE,
      MESSAGE,
      TEXT,
      FILES,
      SASL,
      JOURNAL,
      PACKAGE,
    ];
    // node:http is the engine that HTTP stands on; the dialer gives it its connections.
    const node = room === "http" ? /^node:(?!net$|tls$|dgram$|dns$)/ : NODE;
    expect(strangers(`protocols/${room}/`, [...allowed, node])).toEqual([]);
  });

  it.each(rooms)("protocols/%s/manifest.ts is data", (room) => {
    const manifest = SOURCES.find(({ path }) => path === `protocols/${room}/manifest.ts`);
    const loaded = manifest?.imports.filter(({ typeOnly }) => !typeOnly).map(({ from }) => from);
    expect(loaded?.filter((from) => from !== `protocols/${room}/index.ts`)).toEqual([]);
  });

  it("the registry knows manifests", () => {
    const registry = SOURCES.find(({ path }) => path === "src/registry.ts");
    const others = registry?.imports.filter(
      ({ from }) => !/^protocols\/\w+\/manifest\.ts$|^src\/plugin\.ts$/.test(from),
    );
    expect(others).toEqual([]);
  });

  it("nobody but the registry knows a protocol", () => {
    const knowing = SOURCES.filter(
      ({ path }) => !path.startsWith("protocols/") && path !== "src/registry.ts",
    ).flatMap(({ path, imports }) =>
      imports.filter(({ from }) => from.startsWith("protocols/")).map(({ from }) => `${path} -> ${from}`),
    );
    expect(knowing).toEqual([]);
  });

  it("only cli is above the rest", () => {
    const reachingUp = SOURCES.filter(({ path }) => !path.startsWith("src/cli/")).flatMap(
      ({ path, imports }) =>
        imports.filter(({ from }) => from.startsWith("src/cli/")).map(({ from }) => `${path} -> ${from}`),
    );
    expect(reachingUp).toEqual([]);
  });
});

describe("who touches what", () => {
  it("only net touches sockets and names", () => {
    const touching = SOURCES.filter(({ path }) => !/^(?:src\/net|fixtures)\//.test(path)).flatMap(
      ({ path, imports }) =>
        imports
          .filter(({ from }) => /^node:(?:net|tls|dgram|dns)(?:\/|$)/.test(from))
          .map(({ from }) => `${path} -> ${from}`),
    );
    expect(touching).toEqual([]);
  });

  it("only cli touches the process, the console and yargs", () => {
    const touching = SOURCES.filter(({ path }) => !path.startsWith("src/cli/"))
      .filter(({ text, imports }) => {
        const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
        return (
          /(?<![.\w"'`])(?:process|console)\s*[.[(]/.test(code) ||
          imports.some(({ from }) => /^(?:yargs|node:process|node:console)/.test(from))
        );
      })
      .map(({ path }) => path);
    expect(touching).toEqual([]);
  });
});

describe("packages", () => {
  // In the bundle a package in CommonJS has its names within `default` alone: Node finds them in it, the bundler does not.
  it("in CommonJS are loaded later by their default", () => {
    const named = SOURCES.flatMap(({ path, text }) =>
      [...text.matchAll(/const \{([^}]+)\} = await import\("([@a-z][^"]*)"\)/g)]
        .filter(([, names = ""]) => !/^\s*default\b/.test(names))
        .map(([, , name = ""]) => ({ path, name })),
    ).filter(({ name }) => !name.startsWith("node:"));
    expect(named.map(({ name }) => name)).toContain("linkedom");
    const wrong = named.filter(({ name }) => !isModule(fileURLToPath(import.meta.resolve(name))));
    expect(wrong).toEqual([]);
  });
});

function isModule(file: string): boolean {
  if (file.endsWith(".mjs")) return true;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, "package.json"))) continue;
    const { type }: { type?: string } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return type === "module";
  }
  return false;
}
