#!/usr/bin/env node
/** The program `porthole`. What is asked most often and needs least is answered before anything is loaded. */
import { readVersion } from "./version.js";

async function start(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) >= 22) {
    // Newer Nodes keep what they compiled; asking an older one would only cost the loading of node:module.
    const { default: nodeModule } = await import("node:module");
    if ("enableCompileCache" in nodeModule && typeof nodeModule.enableCompileCache === "function") {
      nodeModule.enableCompileCache();
    }
  }
  const { run } = await import("./run.js");
  const status = await run({
    argv: process.argv.slice(2),
    environment: process.env,
    platform: process.platform,
    program: process.argv[1] ?? "porthole",
    // Opened when it is asked for: most commands never do.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    onSignal: (name, act) => process.on(name, act),
  });
  // Packages may keep timers and idle connections; the work is done and said.
  process.exit(status);
}

const [first] = process.argv.slice(2);
if (process.argv.length === 3 && (first === "--version" || first === "-V")) {
  process.stdout.write(`porthole ${readVersion()}\n`);
} else {
  void start();
}
