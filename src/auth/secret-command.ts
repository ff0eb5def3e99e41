/** Commands that print a secret: password managers, token helpers, the system keyring. */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { abortReason, messageOf, PortholeError } from "../errors.js";
import { safeLine } from "../text/safe.js";

export interface SecretCommandOptions {
  /** The option at fault, for messages: `--password-command`. */
  readonly what: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Milliseconds; a minute when absent, for a person may have to unlock something. */
  readonly timeout?: number;
}

const MINUTE = 60_000;
/** Octets of output: a secret is shorter. */
const LONGEST = 64 * 1024;

/**
 * Runs a command line through the shell. Its first line of output, without line end, is the secret. It may ask
 * its own questions on the terminal.
 * @throws PortholeError `auth` when it fails or prints nothing, `timeout`, or the signal's reason
 */
export function secretFromShell(command: string, options: SecretCommandOptions): Promise<string> {
  return run(command, [], true, options);
}

/** The same for a program with its arguments, without a shell. */
export function secretFromProgram(
  program: string,
  words: readonly string[],
  options: SecretCommandOptions,
): Promise<string> {
  return run(program, words, false, options);
}

async function run(
  program: string,
  words: readonly string[],
  shell: boolean,
  options: SecretCommandOptions,
): Promise<string> {
  const deadline = AbortSignal.timeout(options.timeout ?? MINUTE);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  const child = spawn(program, words, {
    shell,
    env: { ...options.environment },
    stdio: ["inherit", "pipe", "pipe"],
    signal,
  });
  // A grandchild may hold the pipes open; what is wanted from them ends with the signal.
  const leave = (): void => {
    child.stdout.destroy();
    child.stderr.destroy();
  };
  signal.addEventListener("abort", leave, { once: true });
  try {
    const ended = new Promise<number | string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signalName) => resolve(status ?? signalName ?? "no status"));
    });
    const [status, output, complaint] = await Promise.all([ended, start(child.stdout), start(child.stderr)]);
    if (options.signal?.aborted === true) throw abortReason(options.signal);
    if (deadline.aborted) throw late(options);
    if (status !== 0) throw refused(`${options.what} ended with status ${status}`, firstLine(complaint));
    const secret = firstLine(output);
    if (secret === "") throw refused(`${options.what} printed nothing`, firstLine(complaint));
    return secret;
  } catch (thrown) {
    if (thrown instanceof PortholeError) throw thrown;
    if (options.signal?.aborted === true) throw abortReason(options.signal);
    if (deadline.aborted) throw late(options);
    throw refused(`${options.what} cannot be run: ${messageOf(thrown)}`, "");
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function late(options: SecretCommandOptions): PortholeError {
  const seconds = Math.round((options.timeout ?? MINUTE) / 1000);
  return new PortholeError("timeout", `${options.what} took longer than ${seconds} seconds`);
}

function refused(message: string, complaint: string): PortholeError {
  const words = complaint === "" ? message : `${message}: ${safeLine(complaint)}`;
  return new PortholeError("auth", words, { hint: "run the command by hand to see what it says" });
}

/** The start of what comes; the rest is read and dropped, so that the command can end. */
async function start(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    if (length < LONGEST) chunks.push(chunk);
    length += chunk.length;
  });
  await new Promise((resolve) => {
    stream.once("close", resolve);
    stream.on("error", resolve);
  });
  return Buffer.concat(chunks).toString("utf8", 0, LONGEST);
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)?.[0] ?? "";
}
