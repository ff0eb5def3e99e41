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
    digestOf(pair.from, from, signal, new OctetHash()),
    digestOf(pair.to, to, signal, new OctetHash()),
  ]);
  if (one.status === "rejected") throw one.reason;
  if (other.status === "rejected") throw other.reason;
  return one.value === other.value;
}

export interface MailDigest {
  /** The same for a message wherever it lies: however its lines end, and whether its last one does. */
  readonly whole: string;
  /** Of what follows the header; undefined where nothing does. */
  readonly body: string | undefined;
}

/** @throws what the side throws */
export function mailDigest(door: Door, path: string, signal: AbortSignal): Promise<MailDigest> {
  return digestOf(door, path, signal, new MailHash());
}

function digestOf<T>(
  door: Door,
  path: string,
  signal: AbortSignal,
  hash: { update(octets: Buffer): void; digest(): T },
): Promise<T> {
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
  readonly #whole: Hash = createHash("sha256");
  readonly #body: Hash = createHash("sha256");
  /** A carriage return that may belong to a line end. */
  #return = "";
  /** Line ends that count when something follows them. */
  #ends = 0;
  /** The last character of the header so far; before the first is a line end. Undefined behind it. */
  #header: string | undefined = "\n";

  update(octets: Buffer): void {
    const all = this.#return + octets.toString("latin1");
    this.#return = all.endsWith("\r") ? "\r" : "";
    const text = all.slice(0, all.length - this.#return.length).replaceAll("\r\n", "\n");
    let end = text.length;
    while (end > 0 && text[end - 1] === "\n") end -= 1;
    if (end > 0) {
      for (; this.#ends > 0; this.#ends -= 1) this.#take("\n");
      this.#take(text.slice(0, end));
    }
    this.#ends += text.length - end;
  }

  digest(): MailDigest {
    this.#take(this.#return);
    const body = this.#header === undefined ? this.#body.digest("hex") : undefined;
    return { whole: this.#whole.digest("hex"), body };
  }

  #take(text: string): void {
    this.#whole.update(text, "latin1");
    if (this.#header === undefined) {
      this.#body.update(text, "latin1");
      return;
    }
    const header = this.#header + text;
    const end = header.indexOf("\n\n");
    this.#header = end < 0 ? header.slice(-1) : undefined;
    if (end >= 0) this.#body.update(header.slice(end + 2), "latin1");
  }
}
