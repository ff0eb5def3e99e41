#!/usr/bin/env node
/** The program `porthole`. What is asked most often and needs least is answered before anything is loaded. */
import { readVersion } from "./version.js";

async function begin(): Promise<void> {
  // The list of processes shows this instead of the arguments, which may hold a password.
  process.title = "porthole";
  if (Number.parseInt(process.versions.node, 10) >= 22) {
    // Newer Nodes keep what they compiled; asking an older one would only cost the loading of node:module.
    const { default: nodeModule } = await import("node:module");
    if ("enableCompileCache" in nodeModule && typeof nodeModule.enableCompileCache === "function") {
      nodeModule.enableCompileCache();
    }
  }
  const { start } = await import("./start.js");
  await start();
}

const [first] = process.argv.slice(2);
if (process.argv.length === 3 && (first === "--version" || first === "-V")) {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exitCode = error.code === "EPIPE" ? 0 : 12;
  });
  process.stdout.write(`porthole ${readVersion()}\n`);
} else {
  void begin();
}
