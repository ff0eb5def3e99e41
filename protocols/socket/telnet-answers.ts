/**
 * A raw socket to a server that speaks Telnet (RFC 854), as `nc -t` and `ncat -t` have it: every option is refused, and
 * commands are taken out of what comes. What is sent goes out as it is, so that commands can be sent by hand.
 */
import { Duplex } from "node:stream";
import type { Connection } from "../../src/net/connection.js";
import { TelnetReader, telnetOffer } from "../../src/wire/telnet.js";
import { comingFrom, writeTo } from "./pour.js";

/** The connection without Telnet's commands; it ends and fails with it, and is destroyed with it. */
export function answeringTelnet(connection: Connection): Duplex {
  const reader = new TelnetReader();
  const pieces = plainPieces(connection, reader);
  return new Duplex({
    read() {
      pieces.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (thrown: Error) => this.destroy(thrown),
      );
    },
    write(octets: Buffer, _encoding, done) {
      writeTo(connection, octets).then(() => done(), done);
    },
    final(done) {
      connection.end();
      done();
    },
    destroy(error, done) {
      connection.destroy();
      done(error);
    },
  });
}

/** Data, each piece after the offers before it are answered: who sends offers and reads no answers is read no further. */
async function* plainPieces(connection: Connection, reader: TelnetReader): AsyncGenerator<Buffer, undefined> {
  for await (const piece of comingFrom(connection)) {
    reader.feed(piece);
    const data: Buffer[] = [];
    const answers: Buffer[] = [];
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === "data") data.push(event.octets);
      // WONT and DONT change nothing that was ever on (RFC 854): to answer them could go on for ever.
      else if (event.type === "offer" && event.verb === "will")
        answers.push(telnetOffer("dont", event.option));
      else if (event.type === "offer" && event.verb === "do") answers.push(telnetOffer("wont", event.option));
    }
    if (answers.length > 0) await writeTo(connection, Buffer.concat(answers));
    if (data.length > 0) yield Buffer.concat(data);
  }
  return undefined;
}
