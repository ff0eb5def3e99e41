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
    ...admission(invocation, outlet),
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

/** Events of refused peers that may wait for a slow reader; more are on standard error alone. */
const MOST_EVENTS = 100;

/** `--allow` and `--deny`; who is refused is told. */
export function admission(invocation: Invocation, outlet: Outlet<Output>) {
  const { options } = invocation;
  const items = (flag: string) => {
    const given = options[flag];
    return Array.isArray(given) ? given.map(String) : [];
  };
  const access = { allow: items("allow"), deny: items("deny") };
  if (access.allow.length === 0 && access.deny.length === 0) return {};
  let waiting = 0;
  const onRefused = ({ address, port }: { address: string; port: number }) => {
    const host = address.includes(":") ? `[${address}]` : address;
    invocation.warn(`refused ${port === 0 ? address : `${host}:${port}`}`);
    if (options["json"] !== true || waiting >= MOST_EVENTS) return;
    waiting += 1;
    const facts = port === 0 ? { address } : { address, port };
    void outlet.put(new Shown(options).event("refused", "", facts)).then(() => {
      waiting -= 1;
    });
  };
  return { access, onRefused };
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
