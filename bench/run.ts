/**
 * `npm run bench [NAME...] [-t TEXT]`: all measurements, or those whose file is named and whose title holds the text.
 * Exit status 1 when a limit is missed.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.js";
import { boundMemory, comparePair, measureThroughput } from "./harness.js";

const BENCHES: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  wire: () => import("./wire.js"),
  "start-up": () => import("./start-up.js"),
  verbs: () => import("./verbs.js"),
  crossing: () => import("./crossing.js"),
  http: () => import("./http.js"),
  ftp: () => import("./ftp.js"),
  pop3: () => import("./pop3.js"),
  imap: () => import("./imap.js"),
  nntp: () => import("./nntp.js"),
  yenc: () => import("./yenc.js"),
  smtp: () => import("./smtp.js"),
  sockets: () => import("./sockets.js"),
  gopher: () => import("./gopher.js"),
  browser: () => import("./browser.js"),
};

/** The sandbox in a process of its own: what it uses is not counted as the client's. */
async function startServers() {
  const child = spawn(process.execPath, ["dist/program/porthole.js", "sandbox", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const urls: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const { name, url }: { name: string; url: string } = JSON.parse(line);
    urls[name] = url;
    // The last of them.
    if (name === "tls") break;
  }
  return { urls, stop: () => child.kill() };
}

const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: { title: { type: "string", short: "t", default: "" } },
});
const isWanted = ({ what }: { readonly what: string }): boolean => what.includes(values.title);
const folder = mkdtempSync(join(tmpdir(), "porthole-bench-"));
const { urls, stop } = await startServers();
let missed = 0;
process.stdout.write(`node ${process.version}, ${cpus().length} cores, kernel ${release()}\n`);
try {
  for (const [name, load] of Object.entries(BENCHES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const { bench } = await load();
    const {
      pairs,
      bounds,
      throughputs = [],
      comparisons = [],
      inspect,
      close,
    } = await bench({ urls, folder });
    try {
      for (const pair of pairs.filter(isWanted)) if (!(await comparePair(pair))) missed += 1;
      for (const one of throughputs.filter(isWanted)) if (!(await measureThroughput(one))) missed += 1;
      for (const compare of values.title === "" ? comparisons : []) if (!compare()) missed += 1;
      for (const bound of bounds.filter(isWanted)) if (!(await boundMemory(bound))) missed += 1;
      if (values.title === "") inspect?.();
    } finally {
      await close?.();
    }
  }
} finally {
  stop();
  rmSync(folder, { recursive: true, force: true });
}
if (missed > 0) process.exitCode = 1;
