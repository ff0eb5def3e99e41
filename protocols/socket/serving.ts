/** Waiting for peers, and what is told of it: shared by the commands that serve. */
import { hostname } from "node:os";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Listener } from "../../src/net/listener.js";
import type { Outlet } from "../../src/net/outlet.js";
import type { Invocation, Output } from "../../src/plugin.js";
import { listenPlace } from "./address.js";
import { addressesOf } from "./connect.js";
import { isPatient, type Opened } from "./opened.js";
import { Shown } from "./shown.js";

/** Listens, and tells where. @throws PortholeError `connect` when the place is taken */
export async function listenAt(
  invocation: Invocation,
  place: Opened,
  outlet: Outlet<Output>,
): Promise<Listener> {
  const { options } = invocation;
  const most = options["max-conns"];
  const listener = await place.context.listen({
    ...listenPlace(place.target),
    patient: isPatient(invocation),
    onLost: (words) => invocation.warn(words),
    ...(typeof most === "number" ? { mostConnections: most } : {}),
  });
  const { address, port, socketPath, fingerprint } = listener.place;
  if (options["json"] === true) {
    const at = socketPath === undefined ? { address, port, hostname: hostname() } : { path: socketPath };
    await outlet.put(
      new Shown(options).event("listening", "", { ...at, ...(fingerprint ? { fingerprint } : {}) }),
    );
  } else {
    invocation.warn(
      `listening on ${listener.shown}${fingerprint ? `, certificate SHA-256 ${fingerprint}` : ""}`,
    );
  }
  return listener;
}

/** Tells who came. */
export async function tellArrival(
  invocation: Invocation,
  connection: Connection,
  outlet: Outlet<Output>,
  shown: Shown,
): Promise<void> {
  if (invocation.options["json"] === true)
    await outlet.put(shown.event("connection", "", addressesOf(connection)));
  else invocation.warn(`Got connection from ${shownPeer(connection)}`);
}

/** A peer as messages name it. */
export function shownPeer({ facts: { address, port } }: Connection): string {
  if (address === undefined) return "a Unix socket";
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** @throws PortholeError `usage` for a number that lets nobody in */
export function checkMostPeers({ options }: Pick<Invocation, "options">): void {
  const most = options["max-conns"];
  if (typeof most !== "number" || (Number.isInteger(most) && most > 0)) return;
  throw new PortholeError("usage", `--max-conns ${most} lets nobody in`, { hint: "1 or more" });
}
