/** A port that neither takes nor refuses a connection: its queue is full and nobody accepts. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

// The thread that listens stops for good, so that nothing takes connections out of the kernel's queue.
const LISTENER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen({ ...workerData, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 10);
  });
`;

export interface SilentPort extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** @param port 0 for any free one */
export async function silentPort(host = "127.0.0.1", port = 0): Promise<SilentPort> {
  const worker = new Worker(LISTENER, { eval: true, workerData: { host, port } });
  const listening: unknown[] = await once(worker, "message");
  const taken = Number(listening[0]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const fillers: Socket[] = [];
  for (let silent = false; !silent; ) {
    const filler = connect({ host, port: taken });
    filler.on("error", () => undefined);
    fillers.push(filler);
    silent = !(await connectsWithin(filler, 200));
  }
  return {
    host,
    port: taken,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}

function connectsWithin(socket: Socket, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
