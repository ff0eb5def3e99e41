/** `porthole send ...`, as typed, with what it printed. */
import { PassThrough, Writable } from "node:stream";
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
export async function sendTyped(home: string, argv: readonly string[], input = ""): Promise<Outcome> {
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
