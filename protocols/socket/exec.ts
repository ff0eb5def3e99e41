/** A command for a peer: what the peer sends is its standard input, what it prints goes to the peer. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { localError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { comingFrom, endSending, pour } from "./pour.js";

/**
 * Starts a command with pipes.
 * @param terminal between them and the command is a terminal, which edits lines, echoes and heeds Ctrl-C as any other: script(1)
 *   of util-linux has one, Node has none
 */
export function startCommand(command: string, terminal: boolean): ChildProcessWithoutNullStreams {
  if (!terminal) return spawn("/bin/sh", ["-c", command], { stdio: "pipe" });
  const script = 'SHELL=/bin/sh exec script -qfec "$1" /dev/null';
  return spawn("/bin/sh", ["-c", script, "sh", command], { stdio: "pipe" });
}

/** @param warn gets what the command says on standard error @throws PortholeError `local` when it cannot be started */
export async function runFor(
  connection: Connection,
  command: string,
  terminal: boolean,
  warn: (text: string) => void,
): Promise<void> {
  const child = startCommand(command, terminal);
  const ended = once(child, "close");
  ended.catch(() => {});
  child.stdin.on("error", () => {
    // It need not read what it is given.
  });
  child.stderr.on("data", (octets: Buffer) => warn(octets.toString("utf8").trimEnd()));
  connection.once("close", () => child.kill());
  pour(comingFrom(connection), child.stdin).then(
    () => child.stdin.end(),
    () => child.stdin.destroy(),
  );
  try {
    await pour(child.stdout, connection);
    const [status]: unknown[] = await ended;
    if (typeof status === "number" && status !== 0) warn(`${command}: ended with status ${status}`);
  } catch (thrown) {
    throw localError(thrown, command);
  }
  await endSending(connection);
}
