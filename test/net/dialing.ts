/** What the tests of src/net share: an endpoint for a server, what came, what failed, what is left open. */

import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { Dialer } from "../../src/net/dialer.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type { NetworkSettings } from "../../src/net/settings.js";
import { Transcript } from "../../src/net/transcript.js";

/** A signal that nobody fires. */
export const NEVER = new AbortController().signal;

export function endpointOf(server: { host: string; port: number }, more: Partial<Endpoint> = {}): Endpoint {
  return { host: server.host, port: server.port, scheme: "tcp", ...more };
}

export function dial(
  endpoint: Endpoint,
  settings: Partial<NetworkSettings> = {},
  signal: AbortSignal = NEVER,
): Promise<Connection> {
  return new Dialer(settings).dial(endpoint, signal);
}

/** A dialer and the text of all that its transcript emits, `C: `, `S: ` or `N: ` before each piece. */
export function watchedDialer(settings: Partial<NetworkSettings> = {}): { dialer: Dialer; seen: string[] } {
  const transcript = new Transcript();
  const seen: string[] = [];
  const marks = { client: "C", server: "S", note: "N" } as const;
  transcript.subscribe((event) => {
    seen.push(`${marks[event.direction]}: ${event.text ?? event.bytes?.toString("latin1") ?? ""}`);
  });
  return { dialer: new Dialer(settings, transcript), seen };
}

/** All that comes until the other side ends. */
export async function textOf(connection: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of connection) text += String(chunk);
  return text;
}

/** The PortholeError that `act` ends in. */
export async function failureOf(act: Promise<unknown>): Promise<PortholeError> {
  try {
    await act;
  } catch (thrown) {
    if (thrown instanceof PortholeError) return thrown;
    throw thrown;
  }
  throw new Error("nothing failed");
}

/** The PortholeError that the connection is destroyed with. */
export function endOf(connection: Connection): Promise<Error> {
  return new Promise((resolve) => {
    connection.once("close", () => resolve(connection.errored ?? new Error("closed without error")));
  });
}

/** Until `true`, or an error after two seconds. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const until = performance.now() + 2000;
  while (!holds()) {
    if (performance.now() > until) throw new Error(`did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const NETWORK_RESOURCES = [
  "TCPSocketWrap",
  "TCPConnectWrap",
  "TLSWrap",
  "PipeWrap",
  "UDPWrap",
  "GetAddrInfoReqWrap",
];

/** How many sockets, look-ups and timers hold the process. */
function heldResources(): number {
  const held = process.getActiveResourcesInfo();
  return held.filter((kind) => NETWORK_RESOURCES.includes(kind) || kind === "Timeout").length;
}

/** Runs `act` and waits until as much is open as before. @throws Error naming what is open, when it stays */
export async function leavesNothing(act: () => Promise<void>): Promise<void> {
  const before = heldResources();
  await act();
  await eventually(
    () => heldResources() <= before,
    `only ${before} resources of ${process.getActiveResourcesInfo().join(", ")}`,
  );
}
