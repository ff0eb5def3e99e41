/** What a listing of a mailbox told, kept among the user's files, so that the next one asks for the changes alone. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { systemCode } from "../../src/errors.js";
import type { JsonObject, JsonValue } from "../../src/plugin.js";
import type { Message } from "./entry.js";
import type { Envelope } from "./envelope.js";

/** A mailbox as it was when its changes were counted so far (RFC 7162, 3.1). */
export interface Remembered {
  readonly uidValidity: number;
  readonly highestModSeq: bigint;
  /** By UID. */
  readonly messages: Map<number, Message>;
}

const VERSION = 1;
/** Messages of a mailbox that is remembered; a larger one is listed anew each time. */
export const MOST_REMEMBERED = 500_000;
/** Characters that are put together before they are written. */
const WRITE_AT_ONCE = 256 * 1024;
const HEADER_WORDS = ["subject", "from", "to", "cc", "messageId"] as const;

export class ListingMemory {
  readonly #path: string;

  /** @param whose what tells the account and the mailbox from all others */
  constructor(stateFolder: string, whose: readonly string[]) {
    const digest = createHash("sha256").update(JSON.stringify(whose)).digest("hex").slice(0, 32);
    this.#path = join(stateFolder, "imap", `${digest}.jsonl`);
  }

  /** Undefined when nothing is remembered, or nothing that can be read: a file that is torn or of another version. */
  async load(): Promise<Remembered | undefined> {
    try {
      return await this.#read();
    } catch (thrown) {
      if (systemCode(thrown) === undefined && !(thrown instanceof SyntaxError)) throw thrown;
      return undefined;
    }
  }

  /** Whole or not at all. @throws what the file system says */
  async save({ uidValidity, highestModSeq, messages }: Remembered): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const part = `${this.#path}.${randomUUID()}`;
    const file = await open(part, "wx", 0o600);
    try {
      let lines = `${JSON.stringify({ version: VERSION, uidValidity, highestModSeq: String(highestModSeq), messages: messages.size })}\n`;
      for (const message of messages.values()) {
        lines += `${JSON.stringify(kept(message))}\n`;
        if (lines.length < WRITE_AT_ONCE) continue;
        await file.appendFile(lines);
        lines = "";
      }
      await file.appendFile(lines);
      await file.close();
      await rename(part, this.#path);
    } catch (thrown) {
      await file.close().catch(() => undefined);
      await rm(part, { force: true });
      throw thrown;
    }
  }

  async #read(): Promise<Remembered | undefined> {
    const lines = createInterface({ input: createReadStream(this.#path, "utf8"), crlfDelay: Infinity });
    let head: Head | undefined;
    const messages = new Map<number, Message>();
    try {
      for await (const line of lines) {
        const value: unknown = JSON.parse(line);
        if (!isObject(value)) return undefined;
        if (head === undefined) {
          head = headOf(value);
          if (head === undefined) return undefined;
          continue;
        }
        const message = messageFrom(value);
        if (message === undefined || messages.size >= MOST_REMEMBERED) return undefined;
        messages.set(message.uid, message);
      }
    } finally {
      lines.close();
    }
    if (head === undefined || messages.size !== head.messages) return undefined;
    return { uidValidity: head.uidValidity, highestModSeq: head.highestModSeq, messages };
  }
}

interface Head {
  readonly uidValidity: number;
  readonly highestModSeq: bigint;
  readonly messages: number;
}

function headOf({ version, uidValidity, highestModSeq, messages }: JsonObject): Head | undefined {
  if (version !== VERSION || typeof uidValidity !== "number" || typeof messages !== "number")
    return undefined;
  const modSeq = modSeqOf(highestModSeq);
  return modSeq === undefined ? undefined : { uidValidity, highestModSeq: modSeq, messages };
}

/** RFC 7162, 7: a number of 63 bits, more than JavaScript counts exactly. */
export function modSeqOf(value: JsonValue | undefined): bigint | undefined {
  return typeof value === "string" && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
}

/** The message's number is the session's own, and not kept. */
function kept({ uid, flags, size, received, modSeq, envelope, labels }: Message): JsonObject {
  const { date, ...words } = envelope ?? {};
  return {
    uid,
    ...(flags === undefined ? {} : { flags }),
    ...(size === undefined ? {} : { size }),
    ...(received === undefined ? {} : { received: received.getTime() }),
    ...(modSeq === undefined ? {} : { modSeq }),
    ...(labels === undefined ? {} : { labels }),
    ...(envelope === undefined ? {} : { envelope: { ...words } }),
    ...(date === undefined ? {} : { date: date.getTime() }),
  };
}

function messageFrom(value: JsonObject): Message | undefined {
  const { uid, size, received, modSeq, flags, labels, envelope, date } = value;
  if (typeof uid !== "number") return undefined;
  return {
    uid,
    number: undefined,
    flags: wordsIn(flags),
    size: typeof size === "number" ? size : undefined,
    received: typeof received === "number" ? new Date(received) : undefined,
    modSeq: typeof modSeq === "string" ? modSeq : undefined,
    envelope: isObject(envelope) ? envelopeFrom(envelope, date) : undefined,
    labels: wordsIn(labels),
  };
}

function envelopeFrom(value: JsonObject, date: JsonValue | undefined): Envelope {
  const words = HEADER_WORDS.flatMap((name) => {
    const word = value[name];
    return typeof word === "string" ? [[name, word] as const] : [];
  });
  return {
    ...Object.fromEntries(words),
    ...(typeof date === "number" ? { date: new Date(date) } : {}),
  };
}

function wordsIn(value: JsonValue | undefined): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
