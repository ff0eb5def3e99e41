/** Tests that run the program run what is shipped: dist/ is built anew when a source is younger than it. */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const SOURCES = ["src", "protocols", "fixtures", "scripts"];

export default function buildFirst(): void {
  if (builtAt() >= Math.max(...SOURCES.map(youngest))) return;
  const built = spawnSync(process.execPath, [join("scripts", "build.mjs")], { stdio: "inherit" });
  if (built.status !== 0) throw new Error("the build failed; its words stand above");
}

function builtAt(): number {
  try {
    return statSync(join("dist", "program", "meta.json")).mtimeMs;
  } catch {
    return 0;
  }
}

function youngest(folder: string): number {
  return Math.max(
    0,
    ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map(
      (path) => statSync(join(folder, path)).mtimeMs,
    ),
  );
}
