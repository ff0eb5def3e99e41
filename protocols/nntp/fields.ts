/** One field of many articles: HDR (RFC 3977, 8.5), and XHDR (RFC 2980, 2.6) where the server has no other. */
import type { Reply } from "../../src/wire/replies.js";
import { articleNumber } from "./group-facts.js";
import type { Opened, Peer } from "./peer.js";
import { isAbsent, refusal } from "./refusal.js";

export interface FieldValue {
  /** 0 when the article was asked for by its Message-ID. */
  readonly number: number;
  /** One character for each octet; empty when the article has no such field. */
  readonly raw: string;
}

/**
 * @param field a header's name, or metadata: `:bytes`, `:lines`
 * @param which a range or a Message-ID
 * @throws PortholeError when the server does not give it
 */
export async function* hdrValues(
  peer: Peer,
  group: string | undefined,
  field: string,
  which: string,
): AsyncGenerator<FieldValue, void, undefined> {
  const command = peer.hdrCommand;
  // RFC 2980 knows the metadata as headers.
  const name = command === "XHDR" ? field.replace(/^:/, "") : field;
  const opened =
    group === undefined
      ? await peer.open([command, name, which])
      : await peer.openIn(group, [command, name, which]);
  const { reply, answer } = opened;
  if (reply.code !== 225 && reply.code !== 221) {
    if (isAbsent(reply) && group !== undefined) return;
    throw refusal(reply, `the field ${field} cannot be listed`);
  }
  for await (const line of answer.lines()) {
    const [, digits, value = ""] = /^(\d+|<[^ ]*>) ?(.*)$/s.exec(line.toString("latin1")) ?? [];
    if (digits === undefined) continue;
    const number = digits.startsWith("<") ? 0 : articleNumber(digits);
    // RFC 2980, 2.6: what servers write for nothing.
    yield { number, raw: command === "XHDR" && value === "(none)" ? "" : value };
  }
}

/** The lines of an answer, one by one; or the reply, when it was another than `code`. */
export async function fetchLines(
  { reply, answer }: Opened,
  code: number,
  take: (line: Buffer) => void,
): Promise<Reply | undefined> {
  if (reply.code !== code) return reply;
  for await (const line of answer.lines()) take(line);
  return undefined;
}
