/** Whether two places hold the same octets. */
import { createHash } from "node:crypto";
import { abortReason, PortholeError } from "../errors.js";
import type { Door, Pair } from "./doors.js";

/** Both are read at once, and neither is kept. @throws what either side throws */
export async function sameContent(
  pair: Pair,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [one, other] = await Promise.allSettled([
    digestOf(pair.from, from, signal),
    digestOf(pair.to, to, signal),
  ]);
  if (one.status === "rejected") throw one.reason;
  if (other.status === "rejected") throw other.reason;
  return one.value === other.value;
}

function digestOf(door: Door, path: string, signal: AbortSignal): Promise<string> {
  return door.use(async (session) => {
    if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read");
    const { body } = await session.read(path);
    const leave = () => {
      body.destroy(abortReason(signal));
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      const hash = createHash("sha256");
      for await (const chunk of body) hash.update(chunk);
      return hash.digest("hex");
    } finally {
      signal.removeEventListener("abort", leave);
    }
  });
}
