/** The body of an answer, from its connection, by what shows its end. */
import { PortholeError } from "../../../src/errors.js";
import type { Connection } from "../../../src/net/connection.js";
import type { Take } from "../../../src/plugin.js";
import { ChunkReader } from "../../../src/wire/http-chunks.js";
import type { Field, Framing } from "../../../src/wire/http-head.js";

/** A body that ends with its connection alive, or with it. */
export interface PouredFraming {
  /** @throws PortholeError `protocol` when the connection ends before the body does */
  pour(take: Take): Promise<void>;
  trailers(): readonly Field[];
}

/** @param early what came with the head: the body's, and what is beyond it */
export function framed(
  connection: Connection,
  framing: Exclude<Framing, { by: "nothing" }>,
  early: Buffer,
): PouredFraming {
  const none = () => [];
  switch (framing.by) {
    case "close":
      return { pour: async (take) => void (await poured(connection, early, take)), trailers: none };
    case "length":
      return {
        pour: async (take) => {
          if ((await poured(connection, early, take, framing.octets)) < framing.octets) throw cut();
        },
        trailers: none,
      };
    case "chunks":
      return chunked(connection, early);
  }
}

/** As Connection.pour, with what is there already ahead of it. */
async function poured(
  connection: Connection,
  early: Buffer,
  take: Take,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  const part = early.subarray(0, most);
  // It shows, when the connection is to serve again, that the server went on.
  if (part.length < early.length) connection.unshift(early.subarray(part.length));
  const taking = part.length > 0 ? take(part) : undefined;
  if (taking !== undefined) await taking;
  return part.length === most ? most : part.length + (await connection.pour(take, most - part.length));
}

/** How the pouring is ended where only what comes tells that it is the last. */
class Enough extends Error {}

function chunked(connection: Connection, early: Buffer): PouredFraming {
  const chunks = new ChunkReader();
  return {
    trailers: () => chunks.trailers,
    async pour(take) {
      const undo: Take = (octets) => {
        const pieces = chunks.pieces(octets);
        const taking = takeAll(pieces, take, (belonging) => {
          if (!chunks.ended) return;
          const beyond = octets.subarray(belonging);
          // Copied: it shows, when the connection is to serve again, that the server went on.
          if (beyond.length > 0) connection.unshift(Buffer.from(beyond));
          throw new Enough();
        });
        return taking;
      };
      try {
        await poured(connection, early, undo);
      } catch (thrown) {
        if (thrown instanceof Enough) return;
        throw thrown;
      }
      throw cut();
    },
  };
}

/** One piece after the other, without a promise where none is needed. */
function takeAll(
  pieces: Generator<Buffer, number, undefined>,
  take: Take,
  done: (octets: number) => void,
): Promise<void> | void {
  for (let next = pieces.next(); ; next = pieces.next()) {
    if (next.done === true) {
      done(next.value);
      return undefined;
    }
    const taking = take(next.value);
    if (taking !== undefined) return taking.then(() => takeAll(pieces, take, done));
  }
}

function cut(): PortholeError {
  return new PortholeError("protocol", "the connection ended before the whole body had come");
}
