/**
 * Builds dist/: the bundles with code splitting, and with `--types` the declarations beside them.
 * Bundling is for start-up: a command loads the few chunks it needs, and no package is resolved at run time.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const withTypes = process.argv.includes("--types");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(join(root, "dist"), { recursive: true, force: true });
const result = await build({
  absWorkingDir: root,
  entryPoints: {
    porthole: "src/cli/main.ts",
    index: "src/index.ts",
    sandbox: "fixtures/servers/sandbox.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  minifySyntax: true,
  minifyWhitespace: true,
  chunkNames: "chunks/[name]-[hash]",
  metafile: true,
  legalComments: "none",
  define: { PORTHOLE_VERSION: JSON.stringify(version) },
  // string-width builds an Intl.Segmenter when it loads, half of yargs's start-up, only to align help.
  alias: { "string-width": "./src/text/width-for-yargs.ts" },
  // CommonJS packages inside call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as portholeRequire } from "node:module"; const require = portholeRequire(import.meta.url);',
  },
  logLevel: "warning",
});
writeFileSync(join(root, "dist", "meta.json"), JSON.stringify(result.metafile));
chmodSync(join(root, "dist", "porthole.js"), 0o755);
writeFileSync(join(root, "dist", "THIRD-PARTY-NOTICES.txt"), notices(Object.keys(result.metafile.inputs)));

if (withTypes) {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const declared = spawnSync(process.execPath, [tsc, "--project", "tsconfig.types.json"], {
    cwd: root,
    stdio: "inherit",
  });
  if (declared.status !== 0) process.exit(1);
}

/** The licences of the packages that were bundled ask that their text travels along. */
function notices(inputs) {
  const packages = new Set(
    inputs
      .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
      .filter((name) => name !== undefined),
  );
  return [...packages]
    .sort()
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
