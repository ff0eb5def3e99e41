/** Waiting until a stream that is full can be written to again. */
import type { Writable } from "node:stream";

/** Resolves when there is room, or the stream is gone and nothing need be written any more. */
export function roomIn(stream: Pick<Writable, "on" | "off">): Promise<void> {
  return new Promise((resolve) => {
    // Both are taken off again: a long transfer waits many times.
    const done = () => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
