/** What inetd does: a process for each connection, on a free port of loopback. */
import type { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerOpts, type Socket } from "node:net";

export interface Inetd {
  readonly port: number;
  close(): Promise<void>;
}

/** @param serve starts the process for a connection */
export async function startInetd(
  options: ServerOpts,
  serve: (socket: Socket) => ReturnType<typeof spawn>,
): Promise<Inetd> {
  const children = new Set<ChildProcess>();
  const server = createServer(options, (socket) => {
    const child = serve(socket);
    children.add(child);
    child.once("close", () => children.delete(child));
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return {
    port: address.port,
    async close() {
      server.close();
      const ends = [...children].map((child) => once(child, "close"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ends);
    },
  };
}
