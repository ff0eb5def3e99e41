/** A row's mail on its way, and what is known of each of its recipients. */
import { buffer } from "node:stream/consumers";
import { PortholeError } from "../../../src/errors.js";
import { compose } from "../../../src/message/compose.js";
import type { JsonObject, JsonValue } from "../../../src/plugin.js";
import { CrlfWriter } from "../../../src/wire/crlf-writer.js";
import type { Row } from "./rows.js";
import type { Template } from "./template.js";

/**
 * - `accepted`, `refused`: the server's last word.
 * - `unknown`: the message went out, and the answer did not come. It is not sent again by itself.
 * - `later`: refused for now, and given up in this run; the next run tries again.
 * - `wrong`: no mail can be made of the row.
 */
export type State = "accepted" | "refused" | "unknown" | "later" | "wrong";

export interface Outcome {
  readonly line: number;
  readonly recipient: string;
  readonly state: State;
  /** The server's words, or why not. */
  readonly reply: string;
  readonly messageId: string;
  /** Known from an earlier run. */
  readonly before: boolean;
}

export interface Letter {
  readonly line: number;
  /** What it is called in the journal: who gets it, and for the second of the same which of them it is. */
  readonly key: string;
  readonly from: string;
  readonly messageId: string;
  /** Lines ended by CRLF. */
  readonly octets: Buffer;
  /** Recipients of whom nothing final is known. */
  readonly pending: readonly string[];
  /** How often it was refused for now. */
  readonly tries: number;
}

/** @throws PortholeError `usage` when no mail can be made of the row */
export async function letterFor(row: Row, template: Template): Promise<Letter> {
  const mail = await compose(template.fill(row));
  const writer = new CrlfWriter();
  const octets = writer.write(mail.octets ?? (await buffer(mail.raw())));
  return {
    line: row.line,
    key: mail.envelope.to.join(","),
    from: mail.envelope.from,
    messageId: mail.messageId,
    octets: Buffer.concat([octets, writer.end()]),
    pending: mail.envelope.to,
    tries: 0,
  };
}

/** What the journal says of a recipient; `sending`: it went out, and the run ended before its answer. */
export function notedState(
  facts: JsonObject | undefined,
  recipient: string,
): { state: string; reply: string } | undefined {
  const noted = facts?.[recipient];
  if (!isObject(noted)) return undefined;
  const { state, reply } = noted;
  return typeof state === "string" ? { state, reply: typeof reply === "string" ? reply : "" } : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function wrong(row: Row, thrown: unknown): Outcome {
  if (!(thrown instanceof PortholeError) || thrown.code !== "usage") throw thrown;
  return {
    line: row.line,
    recipient: "",
    state: "wrong",
    reply: thrown.message,
    messageId: "",
    before: false,
  };
}
