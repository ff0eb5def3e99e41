/** A socket as a person talks to it: line by line, whatever comes shown as it comes. */
import { Duplex } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { DatagramChannel } from "../../src/net/datagram.js";
import type { Interaction } from "../../src/plugin.js";

/** A socket knows nothing of keys and screens. */
const LINES_ALONE = {
  keys: false,
  draws: false,
  signals: {},
  resize: () => {},
  signal(name: string): string {
    throw new PortholeError("usage", `a socket has no signal '${name}'`);
  },
};

export function interactionOf(connection: Connection): Interaction {
  return Object.assign(connection, LINES_ALONE);
}

/** What is written at once is a datagram. */
export function datagramInteraction(channel: DatagramChannel): Interaction {
  const stream = new Duplex({
    read() {
      channel.receive().then(
        (octets) => stream.push(octets ?? null),
        (thrown: Error) => stream.destroy(thrown),
      );
    },
    write(octets: Buffer, _encoding, done) {
      channel.send(octets).then(() => done(), done);
    },
    destroy(error, done) {
      channel.close();
      done(error);
    },
  });
  return Object.assign(stream, LINES_ALONE);
}
