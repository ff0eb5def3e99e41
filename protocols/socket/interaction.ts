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

/** Milliseconds of silence after which an answer in datagrams is whole. */
const SETTLED = 1000;

/** What is written at once is a datagram. They have no end: once all is said, a silence is one. */
export function datagramInteraction(channel: DatagramChannel): Interaction {
  let silence: NodeJS.Timeout | undefined;
  const stream = new Duplex({
    read() {
      channel.receive().then(
        (octets) => {
          if (octets !== undefined) silence?.refresh();
          stream.push(octets ?? null);
        },
        (thrown: Error) => stream.destroy(thrown),
      );
    },
    final(done) {
      silence = setTimeout(() => channel.close(), SETTLED);
      done();
    },
    write(octets: Buffer, _encoding, done) {
      channel.send(octets).then(() => done(), done);
    },
    destroy(error, done) {
      clearTimeout(silence);
      channel.close();
      done(error);
    },
  });
  return Object.assign(stream, LINES_ALONE);
}
