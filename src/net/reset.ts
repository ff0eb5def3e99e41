/** Ends a connection by RST: whoever reads the other end of it knows that what came is not all. */
import type { Socket } from "node:net";

/**
 * At once, with what is still to be sent. Node's own `resetAndDestroy` ends the stream first: the FIN overtakes the RST,
 * and waits for all that was written.
 */
export function reset(socket: Socket): void {
  if (socket.readyState !== "open") socket.destroy();
  else if ("resetAndClosing" in socket) {
    // What `resetAndDestroy` sets, too, before it ends the stream: closing looks at it (nodejs/node, lib/net.js).
    socket.resetAndClosing = true;
    socket.destroy();
  } else socket.resetAndDestroy();
}
