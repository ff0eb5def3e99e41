/** A server that was started is there when its port takes a connection. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** @throws Error when it has ended, or is not there in five seconds; with `log`, what it said */
export async function listens(port: number, child: ChildProcess, log?: () => Promise<string>): Promise<void> {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    const socket = connect(port, "127.0.0.1");
    const reached = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (reached) return;
    await wait(50);
  }
  const said = log === undefined ? "" : `: ${await log().catch(() => "no log")}`;
  throw new Error(`${child.spawnfile} does not listen${said}`);
}
