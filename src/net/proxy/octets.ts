/** Reads a proxy's answer from a socket, octet-exact: what follows it belongs to the tunnel and is put back. */
import type { Socket } from "node:net";
import { abortReason, PortholeError } from "../../errors.js";
import { connectionError } from "../failures.js";
import type { ProxyServer } from "./choose.js";

/** No proxy's greeting needs more. */
const MOST_OCTETS = 64 * 1024;

/**
 * Reads until `measure` tells how long the answer is (-1: cannot be told yet).
 * @throws PortholeError `connect` when the proxy closes, `protocol` when the answer is longer than any should be
 */
export function readAnswer(
  socket: Socket,
  proxy: ProxyServer,
  signal: AbortSignal,
  measure: (octets: Buffer) => number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    let settled = false;
    const settle = (act: () => void) => {
      if (settled) return;
      settled = true;
      socket.off("data", arrived);
      socket.off("end", ended);
      socket.off("close", ended);
      socket.off("error", failed);
      signal.removeEventListener("abort", aborted);
      socket.pause();
      act();
    };
    const arrived = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const length = measure(held);
      if (length >= 0 && held.length >= length) {
        settle(() => {
          if (held.length > length) socket.unshift(held.subarray(length));
          resolve(held.subarray(0, length));
        });
      } else if (held.length > MOST_OCTETS) {
        settle(() => reject(new PortholeError("protocol", `the proxy ${proxy.shown} answers without end`)));
      }
    };
    const ended = () =>
      settle(() =>
        reject(
          new PortholeError("connect", `the proxy ${proxy.shown} closed the connection`, {
            hint: "does it speak this kind of proxy protocol on this port?",
          }),
        ),
      );
    const failed = (error: Error) => settle(() => reject(connectionError(error, proxy)));
    const aborted = () => settle(() => reject(abortReason(signal)));
    socket.on("data", arrived);
    socket.on("end", ended);
    socket.on("close", ended);
    socket.on("error", failed);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    // What happened before somebody listened is not told again.
    else if (socket.destroyed || socket.readableEnded) ended();
    else socket.resume();
  });
}
