/** Octets of a connection one piece after the other: an iterator of Node's brings with it all that streams may be. */
import { PortholeError } from "../errors.js";
import type { Connection } from "./connection.js";

/** All up to the end. @throws what the connection failed with; PortholeError `connect` when it is closed before its end */
export async function* octetsOf(connection: Connection): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    const octets = await connection.next();
    if (octets !== undefined) yield octets;
    else if (connection.ended && connection.errored === null) return;
    else throw connection.errored ?? new PortholeError("connect", "the connection is closed");
  }
}
