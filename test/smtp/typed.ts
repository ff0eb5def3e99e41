/** `porthole send ...`, as typed, with what it printed. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { afterAll, beforeAll } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { run } from "../../src/cli/run.js";

class Kept extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString("latin1");
    done();
  }
}

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** @param home a folder of the test's own */
async function sendTyped(home: string, argv: readonly string[], input = ""): Promise<Outcome> {
  const [stdin, stdout, stderr] = [new PassThrough(), new Kept(), new Kept()];
  stdin.end(input);
  const status = await run({
    argv: ["send", ...argv, "--no-config"],
    environment: { HOME: home, USER: "ann" },
    platform: "linux",
    program: "porthole",
    stdin,
    stdout,
    stderr,
    onSignal: () => {},
  });
  return { status, out: stdout.text, err: stderr.text };
}

export interface Sending {
  /** It takes mail; there once the first test runs. */
  readonly sandbox: Sandbox;
  readonly folder: string;
  readonly porthole: (argv: readonly string[], input?: string) => Promise<Outcome>;
  /** Puts a file into the folder, and gives its path. */
  readonly file: (name: string, octets: string | Buffer) => Promise<string>;
}

/** To be said once in a file of tests. */
export function prepareSending(): Sending {
  let sandbox: Sandbox | undefined;
  let folder = "";
  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["smtp"] });
    folder = await mkdtemp(join(tmpdir(), "porthole-send-"));
  });
  afterAll(async () => {
    await sandbox?.close();
    await rm(folder, { recursive: true });
  });
  return {
    get sandbox() {
      if (sandbox === undefined) throw new Error("the sandbox is there once a test runs");
      return sandbox;
    },
    get folder() {
      return folder;
    },
    porthole: (argv, input) => sendTyped(folder, argv, input),
    file: async (name, octets) => {
      const path = join(folder, name);
      await writeFile(path, octets);
      return path;
    },
  };
}
