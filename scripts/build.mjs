/**
 * Builds dist/: the library as ES modules, the program as CommonJS, and with `--types` the declarations.
 *
 * Both are bundled with code splitting, for start-up: a command loads the few chunks it needs and no package is
 * looked up at run time. The program is CommonJS because Node's loader for it starts in a third of the time
 * (docs/performance.md).
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { packed } from "./pack.mjs";
import { warm } from "./warm.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
/** Built beside, then put in place: a run that begins meanwhile finds the one or the other. */
const beside = join(root, `.dist-${process.pid}`);
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

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
  // The first look at `performance` has Node load all of perf_hooks: pack.mjs has what takes its place.
  define: { ...SHARED.define, "performance.now": "portholeNow" },
  entryPoints: { porthole: "src/cli/main.ts" },
  outdir: "dist/program",
});

for (const { path, contents } of library.outputFiles) write(path, contents);
const chunks = program.outputFiles.map(({ path, text }) => ({ path, code: text }));
for (const { path, code } of await packed(chunks, program.metafile, asCommonJs)) write(path, code);
write(join(dist, "program", "package.json"), '{ "type": "commonjs" }\n');
write(join(dist, "program", "meta.json"), JSON.stringify(program.metafile));
chmodSync(join(beside, "program", "porthole.js"), 0o755);
const bundled = [library, program].flatMap(({ metafile }) => Object.keys(metafile.inputs));
write(join(dist, "THIRD-PARTY-NOTICES.txt"), notices(bundled));

await warm(beside);
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
