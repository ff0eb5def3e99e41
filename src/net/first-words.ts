/** What the other side says unasked, for those who only want to know whether it says something. */
import type { Connection } from "./connection.js";

/** Octets that are kept of it. */
const MOST = 1024;

/**
 * The first octets that come within so many milliseconds, or none. The connection is not read any further.
 * @throws what the connection fails with meanwhile
 */
export function firstWords(connection: Connection, within: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void) => {
      clearTimeout(timer);
      connection.off("data", onData).off("end", onEnd).off("error", onError).pause();
      act();
    };
    const onData = (octets: Buffer) => done(() => resolve(octets.subarray(0, MOST)));
    const onEnd = () => done(() => resolve(Buffer.alloc(0)));
    const onError = (error: Error) => done(() => reject(error));
    const timer = setTimeout(onEnd, within);
    connection.on("data", onData).on("end", onEnd).on("error", onError);
  });
}
