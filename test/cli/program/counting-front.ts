/** A way to a server that counts the connections that come by it. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Front extends AsyncDisposable {
  /** The server's URL, by this way, with user and password where they are given. */
  url(login?: string): string;
  /** Connections so far. */
  readonly connections: number;
}

/** @param behind a URL with host and port */
export async function countingFront(behind: string): Promise<Front> {
  const { hostname, port } = new URL(behind);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    connections += 1;
    const far = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.once("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on("error", () => undefined);
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return {
    url(login) {
      const url = behind.replace(`${hostname}:${port}`, `${hostname}:${address.port}`);
      return login === undefined ? url : url.replace("//", `//${login}@`);
    },
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
