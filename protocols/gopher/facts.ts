/** Small texts that a server may have: caps.txt, robots.txt. */
import { buffer } from "node:stream/consumers";
import { PortholeError } from "../../src/errors.js";
import type { Session } from "../../src/plugin.js";

/** Octets of a caps.txt or robots.txt. */
const LONGEST_FACTS = 64 * 1024;

/** A small text; empty when there is none. */
export async function factsAt(session: Session, path: string): Promise<string> {
  try {
    const document = await session.read?.(path);
    if (document === undefined) return "";
    let octets = 0;
    document.body.on("data", (chunk: Buffer) => {
      octets += chunk.length;
      if (octets > LONGEST_FACTS) document.body.destroy(new PortholeError("protocol", "a text without end"));
    });
    return (await buffer(document.body)).toString("utf8");
  } catch (thrown) {
    if (thrown instanceof PortholeError && ["missing", "connect", "protocol"].includes(thrown.code))
      return "";
    throw thrown;
  }
}
