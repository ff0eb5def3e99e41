/** A connection to a Unix socket. */
import type { Socket } from "node:net";
import { abortReason } from "../errors.js";
import { connectionError } from "./failures.js";
import { LastingSocket } from "./lasting-socket.js";

/** @throws PortholeError `connect` when nothing listens at `path`, or the signal's reason. */
export function connectUnix(path: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new LastingSocket().connect({ path });
    const settle = (act: () => void) => {
      signal.removeEventListener("abort", aborted);
      socket.removeAllListeners("connect").removeAllListeners("error");
      // Until its owner listens, a failure shows as the socket's close.
      socket.on("error", () => {});
      act();
    };
    const aborted = () => {
      socket.destroy();
      settle(() => reject(abortReason(signal)));
    };
    signal.addEventListener("abort", aborted, { once: true });
    socket.once("connect", () => settle(() => resolve(socket)));
    socket.once("error", (error) => {
      settle(() => reject(connectionError(error, { host: path, port: 0 })));
    });
    if (signal.aborted) aborted();
  });
}
