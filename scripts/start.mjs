/** `npm start` on a fresh clone: the set-up, then the tour. Nothing is done twice. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Porthole needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

function youngest(path) {
  if (!existsSync(path)) return 0;
  const facts = statSync(path);
  if (!facts.isDirectory()) return facts.mtimeMs;
  return Math.max(
    0,
    ...readdirSync(path, { recursive: true }).map((file) => statSync(join(path, String(file))).mtimeMs),
  );
}

function step(words, command, args) {
  console.log(words);
  // Its chatter goes to standard error: standard output is the tour's.
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(`porthole: '${command} ${args.join(" ")}' failed with status ${status}`);
    process.exit(1);
  }
}

if (youngest(join(root, "package-lock.json")) > youngest(join(root, "node_modules", ".package-lock.json"))) {
  step("Installing what the build needs ...", "npm", ["ci"]);
}
const sources = ["src", "protocols", "fixtures", "scripts", "package.json"].map((path) =>
  youngest(join(root, path)),
);
if (Math.max(...sources) > youngest(join(root, "dist", "program", "meta.json"))) {
  step("Building ...", process.execPath, [join("scripts", "build.mjs")]);
}
const args = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [join(root, "dist", "program", "porthole.js"), ...(args.length > 0 ? args : ["tour"])],
  {
    stdio: "inherit",
  },
);
process.exit(status ?? 1);
