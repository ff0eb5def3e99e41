/**
 * Builds dist/: the library as ES modules, the program as CommonJS, and with `--types` the declarations.
 *
 * Both are bundled with code splitting, for start-up: a command loads the few chunks it needs and no package is
 * looked up at run time. The program is CommonJS because Node's loader for it starts in a third of the time
 * (docs/performance.md).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { build, transform } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
/** Built beside, then put in place: a run that begins meanwhile finds the one or the other. */
const beside = join(root, `.dist-${process.pid}`);
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The file that holds the chunks which a small command loads. */
const PACK = "usual.js";
/** What a small command loads one after the other; what these import comes with them. */
const USUAL = [
  "src/cli/run.ts",
  "src/cli/perform.ts",
  "src/cli/commands/everyday.ts",
  "protocols/http/index.ts",
  "protocols/http/engines/direct.ts",
];

const SHARED = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  chunkNames: "chunks/[name]-[hash]",
  metafile: true,
  legalComments: "none",
  define: { PORTHOLE_VERSION: JSON.stringify(version) },
  // string-width builds an Intl.Segmenter when it loads, half of yargs's start-up, only to align help.
  alias: { "string-width": "./src/text/width-for-yargs.ts" },
  logLevel: "warning",
  write: false,
};

const library = await build({
  ...SHARED,
  entryPoints: {
    index: "src/index.ts",
    http: "protocols/http/library.ts",
    smtp: "protocols/smtp/library.ts",
    sandbox: "fixtures/servers/sandbox.ts",
  },
  outdir: "dist",
  minifySyntax: true,
  minifyWhitespace: true,
  // CommonJS packages inside call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as portholeRequire } from "node:module"; const require = portholeRequire(import.meta.url);',
  },
});
const program = await build({
  ...SHARED,
  entryPoints: { porthole: "src/cli/main.ts" },
  outdir: "dist/program",
});

for (const { path, contents } of library.outputFiles) write(path, contents);
const chunks = await Promise.all(
  program.outputFiles.map(async ({ path, text }) => ({ path, code: await asCommonJs(text) })),
);
const usual = usualChunks(program.metafile);
for (const { path, code } of chunks) write(path, usual.has(basename(path)) ? fromPack(basename(path)) : code);
writePack(packOf(chunks.filter(({ path }) => usual.has(basename(path)))));
write(join(dist, "program", "package.json"), '{ "type": "commonjs" }\n');
write(join(dist, "program", "meta.json"), JSON.stringify(program.metafile));
chmodSync(join(beside, "program", "porthole.js"), 0o755);
const bundled = [library, program].flatMap(({ metafile }) => Object.keys(metafile.inputs));
write(join(dist, "THIRD-PARTY-NOTICES.txt"), notices(bundled));

rmSync(dist, { recursive: true, force: true });
renameSync(beside, dist);

if (process.argv.includes("--types")) {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const declared = spawnSync(process.execPath, [tsc, "--project", "tsconfig.types.json"], {
    cwd: root,
    stdio: "inherit",
  });
  if (declared.status !== 0) process.exit(1);
}

function write(path, contents) {
  const file = join(beside, relative(dist, path));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}

/** One chunk of the program: static imports become require(), later ones a require() when their time comes. */
async function asCommonJs(code) {
  const knowsItsFile = code.includes("import.meta.url");
  const { code: converted } = await transform(code, {
    format: "cjs",
    platform: "node",
    target: "node20.19",
    minify: true,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "portholeFile" },
    banner: knowsItsFile ? 'const portholeFile = require("node:url").pathToFileURL(__filename).href;' : "",
  });
  return converted;
}

/** The names of the chunks that USUAL and its static imports stand in. */
function usualChunks({ outputs }) {
  const names = new Set();
  const visit = (path) => {
    // What is not among the outputs is Node's own.
    if (names.has(basename(path)) || outputs[path] === undefined) return;
    names.add(basename(path));
    for (const { path: next, kind } of outputs[path].imports) if (kind === "import-statement") visit(next);
  };
  for (const entry of USUAL) {
    const [path] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry) ?? [];
    if (path === undefined) throw new Error(`${entry} has no chunk of its own`);
    visit(path);
  }
  // What the program's first file needs stays a file: --version loads no pack.
  for (const { path, kind } of outputs["dist/program/porthole.js"].imports) {
    if (kind === "import-statement") names.delete(basename(path));
  }
  return names;
}

/**
 * Chunks in one file, each run when it is first asked for, as if it were a file of its own: to find, read and
 * wrap fifty small files takes Node as long as all that a small command does. The parentheses around each
 * function have V8 compile it at once instead of twice.
 */
function packOf(chunks) {
  const definitions = chunks.map(({ path, code }) => {
    const body = code.replace(/^#!.*\n/, "");
    return `${JSON.stringify(basename(path))}: (function (module, exports, require) {${body}})`;
  });
  return `"use strict";
const definitions = {
${definitions.join(",\n")}
};
const loaded = new Map();
function load(name) {
  let module = loaded.get(name);
  if (module === undefined) {
    module = { exports: {} };
    loaded.set(name, module);
    definitions[name](module, module.exports, (wanted) =>
      wanted.startsWith("./") && wanted.slice(2) in definitions ? load(wanted.slice(2)) : require(wanted),
    );
  }
  return module.exports;
}
module.exports = { load, loaded };
`;
}

/**
 * The pack, what V8 made of it, and the small file that puts the two together. Compiling is a tenth of a small
 * command's time; V8 refuses what another version of it made, and then compiles as always. V8 tells sources
 * apart by their length alone, so the file that both are read from is named after the content.
 */
function writePack(source) {
  const name = `usual-${createHash("sha256").update(source).digest("hex").slice(0, 12)}`;
  const folder = join(dist, "program", "chunks");
  const wrapped = `(function (exports, require, module) {${source}})`;
  write(join(folder, `${name}.code`), wrapped);
  write(join(folder, `${name}.cache`), new Script(wrapped, { filename: `${name}.code` }).createCachedData());
  write(
    join(folder, PACK),
    `"use strict";
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");
const file = __dirname + "/${name}";
let cachedData;
try {
  cachedData = readFileSync(file + ".cache");
} catch {}
const script = new Script(readFileSync(file + ".code", "utf8"), { filename: file + ".code", cachedData });
script.runInThisContext()(exports, require, module);
`,
  );
}

/** Stands where a packed chunk would, for those that are files. */
function fromPack(name) {
  return `module.exports = require("./${PACK}").load(${JSON.stringify(name)});\n`;
}

/** The licences of the packages that were bundled ask that their text travels along. */
function notices(inputs) {
  const packages = new Set(
    inputs
      .map((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
      .filter((name) => name !== undefined),
  );
  return [...packages]
    .sort((a, b) => a.localeCompare(b))
    .map((name) => {
      const folder = join(root, "node_modules", name);
      const facts = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      return `${name} ${facts.version} (${facts.license})\n\n${licenceText(folder)}\n`;
    })
    .join(`\n${"-".repeat(78)}\n\n`);
}

function licenceText(folder) {
  for (const file of [
    "LICENSE",
    "LICENSE.md",
    "LICENSE.txt",
    "license",
    "LICENCE",
    "COPYING",
    "MIT-LICENSE.txt",
  ]) {
    try {
      return readFileSync(join(folder, file), "utf8").trim();
    } catch {
      // The next spelling may be the one.
    }
  }
  return "No licence file in the package; see its package.json.";
}
