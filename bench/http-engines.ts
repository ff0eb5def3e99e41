/**
 * The two HTTP engines side by side, run by hand: `node scripts/build.mjs && npx tsx bench/http-engines.ts`.
 *
 * Whole processes, against the sandbox in a process of its own: a page of 2 KiB, and 256 MiB to /dev/null. Times as
 * ratios to `node -e 0` in the same run, for they swing with the machine.
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { type Command, measure, median } from "./harness.js";

const PORTHOLE = "dist/program/porthole.js";
const NOTHING = "/dev/null";

const BARE: Command = { name: "node -e 0", argv: [process.execPath, "-e", "0"] };

function clientsOf(url: string): Command[] {
  const engines = ["node", "undici"].map((engine): Command => {
    const words = ["get", url, "-o", NOTHING, "--http-engine", engine];
    return { name: `porthole, ${engine}`, argv: [process.execPath, PORTHOLE, ...words] };
  });
  const curl: Command = { name: "curl", argv: ["curl", "-s", "-o", NOTHING, url] };
  return installed("curl") ? [...engines, curl] : engines;
}

function installed(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

async function startSandbox(): Promise<{ base: string; stop: () => void }> {
  const child = spawn(process.execPath, [PORTHOLE, "sandbox", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { name, url }: { name: string; url: string } = JSON.parse(line);
    if (name === "http") return { base: url, stop: () => child.kill() };
  }
  throw new Error("the sandbox serves no http");
}

const { base, stop } = await startSandbox();
try {
  for (const [title, octets, rounds] of [
    ["2 KiB", 2 * 1024, 9],
    ["256 MiB", 256 * 1024 ** 2, 5],
  ] as const) {
    const commands = [BARE, ...clientsOf(`${base}stream?bytes=${octets}`)];
    const seconds = new Map(commands.map((command): [Command, number[]] => [command, []]));
    // Turn by turn, so that a busy moment hits all alike; the first round warms the disk's cache.
    for (let round = 0; round <= rounds; round++) {
      for (const [command, times] of seconds) {
        const measured = await measure(command);
        if (round > 0) times.push(measured.seconds);
      }
    }
    const bare = median(seconds.get(BARE) ?? []);
    process.stdout.write(`${title}\n`);
    for (const [{ name }, times] of seconds) {
      const time = median(times);
      process.stdout.write(
        `  ${name.padEnd(18)}${time.toFixed(3)} s  ${(time / bare).toFixed(2)} x node -e 0\n`,
      );
    }
  }
} finally {
  stop();
}
