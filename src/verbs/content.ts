/** Whether two places hold the same octets. */
import { createHash, type Hash } from "node:crypto";
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

/** The same for a message wherever it lies: however its lines end, and whether its last one does. @throws what the side throws */
export function mailDigest(door: Door, path: string, signal: AbortSignal): Promise<string> {
  return digestOf(door, path, signal, new MailHash());
}

function digestOf(
  door: Door,
  path: string,
  signal: AbortSignal,
  hash: Pick<MailHash, "update" | "digest"> = new OctetHash(),
): Promise<string> {
  return door.use(async (session) => {
    if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read");
    const { body } = await session.read(path);
    const leave = () => {
      body.destroy(abortReason(signal));
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      for await (const chunk of body) hash.update(chunk);
      return hash.digest();
    } finally {
      signal.removeEventListener("abort", leave);
    }
  });
}

class OctetHash {
  readonly #hash: Hash = createHash("sha256");

  update(octets: Buffer): void {
    this.#hash.update(octets);
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

/** Lines end by LF here, and the ends of the last lines do not count. */
class MailHash {
  readonly #hash: Hash = createHash("sha256");
  /** A carriage return that may belong to a line end. */
  #return = "";
  /** Line ends that count when something follows them. */
  #ends = 0;

  update(octets: Buffer): void {
    const all = this.#return + octets.toString("latin1");
    this.#return = all.endsWith("\r") ? "\r" : "";
    const text = all.slice(0, all.length - this.#return.length).replaceAll("\r\n", "\n");
    let end = text.length;
    while (end > 0 && text[end - 1] === "\n") end -= 1;
    if (end > 0) {
      for (; this.#ends > 0; this.#ends -= 1) this.#hash.update("\n");
      this.#hash.update(text.slice(0, end), "latin1");
    }
    this.#ends += text.length - end;
  }

  digest(): string {
    return this.#hash.update(this.#return).digest("hex");
  }
}
