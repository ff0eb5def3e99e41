/**
 * Keeps beside each pack (pack.mjs) what V8 compiled of it while small commands ran against the sandbox: a function
 * that was used is then ready at the start, which is a quarter of what a small command adds to bare Node's time.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

/** For the packs of protocols, of saving and of carrying. */
const LARGE = [
  ["mirror", "pop3", "maildir:FOLDER/pop3"],
  ["mirror", "imap", "maildir:FOLDER/imap"],
  ["mirror", "ftp", "FOLDER/ftp"],
  ["cp", "http", "FOLDER/page"],
  ["get", "http", "-d", "FOLDER/saved", "--jobs", "2"],
  ["ls", "nntp"],
  ["ls", "ftp"],
  ["ls", "pop3"],
  ["ls", "imap"],
  ["send", "smtp", "--to", "keeper@harbour.example"],
  ["check", "telnet"],
  ["check", "tcp"],
];
/** For the usual pack: what large commands use of it would only make it longer to read. A file saved is worth it: it takes no longer. */
const SMALL = [
  ["ls", "gopher"],
  ["get", "gopher"],
  ["get", "http", "-d", "FOLDER/small", "--jobs", "2"],
  ["get", "http"],
];

/** Runs in the program, ahead of it: at its end V8 gives what it has compiled. */
const KEEP = `
// A run that took long changes V8's flags (src/cli/optimizer.ts), and what is compiled under others is not taken.
process.cpuUsage = () => ({ user: 0, system: 0 });
process.on("exit", () => {
  // Of the program: this file is loaded ahead of it.
  for (const [cache, script] of process.mainModule.exports.scripts) {
    require("node:fs").writeFileSync(cache, script.createCachedData());
  }
});`;

/**
 * @param dist - folder of the built library and program
 * @throws Error with what a command said that failed
 */
export async function warm(dist) {
  const { startSandbox } = await import(pathToFileURL(join(dist, "sandbox.js")).href);
  const folder = mkdtempSync(join(tmpdir(), "porthole-warming-"));
  const keep = join(folder, "keep-compiled.cjs");
  writeFileSync(keep, KEEP);
  const sandbox = await startSandbox();
  try {
    const run = async (...words) => {
      const argv = ["--require", keep, join(dist, "program", "porthole.js"), ...words];
      // As on a machine where nothing is set, so that no configuration decides what is compiled.
      const env = { PATH: process.env.PATH, HOME: folder };
      await promisify(execFile)(process.execPath, argv, { env, timeout: 20_000, maxBuffer: 1 << 24 });
    };
    const runAll = async (commands) => {
      for (const [verb, scheme, ...options] of commands) {
        const { url, user, password } = sandbox.urls.find(({ name }) => name === scheme);
        const target = new URL(url);
        if (/^(?:pop3|imap)$/.test(scheme)) Object.assign(target, { username: user, password });
        await run(verb, target.href, ...options.map((word) => word.replace("FOLDER", folder)));
      }
    };
    await run("ls", "-l", `${folder}/`);
    await runAll(LARGE);
    forget(join(dist, "program", "chunks"), "usual");
    await runAll(SMALL);
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What was kept of a pack; empty, its file still says that something is to be kept. */
function forget(chunks, pack) {
  const [cache] = readdirSync(chunks).filter(
    (name) => name.startsWith(`${pack}-`) && name.endsWith(".cache"),
  );
  writeFileSync(join(chunks, cache), "");
}
