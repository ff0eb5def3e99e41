/** Work that waits for what cannot come any more: Node ends a process with nothing left to do, as if all were done. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROGRAM } from "./program.js";

const PLUGIN = `exports.manifest = {
  name: "waiting", title: "Waiting", summary: "never there", schemes: { waiting: { port: 9, tls: "never" } },
  verbs: ["get"], options: [], commands: [], load: () => new Promise(() => {}),
};
`;

let folder = "";
beforeAll(async () => {
  // A plugin is looked for beside the program.
  folder = await mkdtemp(join(tmpdir(), "porthole-stranded-"));
  await cp(dirname(PROGRAM), join(folder, "program"), { recursive: true });
  const plugin = join(folder, "node_modules", "porthole-plugin-waiting");
  await mkdir(plugin, { recursive: true });
  await writeFile(join(plugin, "package.json"), '{ "name": "porthole-plugin-waiting", "main": "index.js" }');
  await writeFile(join(plugin, "index.js"), PLUGIN);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  [[], /^porthole: .*stopped with the work undone\n$/],
  [["--json"], /^\{"error":\{"code":"other","exit":1,.*stopped with the work undone.*\}\n$/],
])("is an error, never exit 0 with nothing done: %j", async (flags, told) => {
  const args = [
    join(folder, "program", "porthole.js"),
    "get",
    "waiting://127.0.0.1/x",
    "--no-config",
    ...flags,
  ];
  const ended = await new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], HOME: folder, PORTHOLE_PLUGINS: "porthole-plugin-waiting" };
    const child = execFile(process.execPath, args, { env }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr });
    });
    child.stdin?.end();
  });
  expect(ended).toEqual({ status: 1, stdout: "", stderr: expect.stringMatching(told) });
});
