/** Octets of a connection one piece after the other: an iterator of Node's brings with it all that streams may be. */
import { PortholeError } from "../errors.js";
import type { Connection } from "./connection.js";

const EVENTS = ["readable", "end", "error", "close"] as const;

/** What comes next; undefined at the end, or when the connection has failed (`errored`). */
export async function nextOctets(connection: Connection): Promise<Buffer | undefined> {
  const ready: Buffer | null = connection.read();
  return ready ?? waited(connection);
}

function waited(connection: Connection): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const look = () => {
      const octets: Buffer | null = connection.read();
      if (octets === null && !connection.readableEnded && !connection.destroyed) return;
      for (const event of EVENTS) connection.off(event, look);
      resolve(octets ?? undefined);
    };
    for (const event of EVENTS) connection.on(event, look);
    look();
  });
}

/** All up to the end. @throws what the connection failed with; PortholeError `connect` when it is closed before its end */
export async function* octetsOf(connection: Connection): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    const octets = await nextOctets(connection);
    if (octets !== undefined) yield octets;
    else if (connection.readableEnded) return;
    else throw connection.errored ?? new PortholeError("connect", "the connection is closed");
  }
}
