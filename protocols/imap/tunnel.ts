/** A command in place of a port: what it prints is what the server says (`ssh host doveadm exec imap`). */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context } from "../../src/plugin.js";

/** What messages call the other side. */
const COMMAND = "the command";

/**
 * The command's standard input and output as a connection. They meet in a Unix socket that only this account can
 * reach, so that limits, transcript and patience hold as on any other.
 * @throws PortholeError `local` when the command cannot be started
 */
export async function dialCommand(command: string, scheme: string, context: Context): Promise<Connection> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-tunnel-"));
  const socketPath = join(folder, randomBytes(4).toString("hex"));
  try {
    const listener = await context.listen({ host: "", port: 0, socketPath });
    const [mine, theirs] = await Promise.all([
      context.dial({ host: COMMAND, port: 0, socketPath, scheme }),
      firstOf(listener),
    ]);
    listener.close();
    run(command, theirs, context);
    return mine;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstOf(listener: AsyncIterable<Connection>): Promise<Connection> {
  for await (const connection of listener) {
    connection.patient = true;
    return connection;
  }
  throw new PortholeError("local", "the command's connection was not made");
}

function run(command: string, connection: Connection, context: Context): void {
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"] });
  child.on("error", (error) => connection.destroy(error));
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (octets: Buffer) => {
    for (const line of octets.toString("utf8").trimEnd().split("\n")) context.warn(line);
  });
  let isOver = false;
  child.on("exit", (status) => {
    if (!isOver && status !== null && status !== 0) context.warn(`${COMMAND} ended with status ${status}`);
  });
  connection.pipe(child.stdin);
  child.stdout.pipe(connection);
  connection.once("close", () => {
    isOver = true;
    child.stdin.end();
    child.kill();
  });
}
