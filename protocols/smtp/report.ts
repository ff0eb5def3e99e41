/** What became of a mail. */
import { type ErrorCode, messageOf, PortholeError } from "../../src/errors.js";
import type { SendReport } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { isPositive, refusal, wordsOf } from "./refusal.js";

/** What the server said about one recipient. */
export interface Verdict {
  readonly recipient: string;
  readonly reply: Reply;
}

export interface Verdicts {
  /** Accepted at RCPT. */
  readonly taken: readonly Verdict[];
  /** Refused at RCPT. */
  readonly refused: readonly Verdict[];
  /** To the message itself: one in all, or with `each` one for each recipient taken (RFC 2033, 4.2). */
  readonly answers: readonly Verdict[];
  readonly each: boolean;
}

/** @throws PortholeError when nobody gets it */
export function reportOf(verdicts: Verdicts, size: number, messageId: string): SendReport {
  const { taken, refused, answers, each } = verdicts;
  const good = answers.find(({ reply }) => isPositive(reply));
  if (good === undefined) {
    const [first] = answers;
    if (first === undefined) throw new PortholeError("protocol", "the server did not answer the message");
    throw refusal(first.reply, "the server refused the message", "content");
  }
  const late = answers.filter(({ reply }) => !isPositive(reply));
  const accepted = each ? answers.filter(({ reply }) => isPositive(reply)) : taken;
  return {
    accepted: accepted.map(({ recipient }) => recipient),
    refused: [...refused, ...late].map(({ recipient, reply }) => ({
      recipient,
      reply: wordsOf(reply),
      code: reply.code,
    })),
    reply: wordsOf(good.reply),
    ...(messageId === "" ? {} : { messageId }),
    size,
  };
}

/** The whole message went out, and what the server made of it did not come back. */
export function unknownFate(
  thrown: unknown,
  messageId: string,
  taken: readonly Verdict[],
  answers: readonly Verdict[],
): PortholeError {
  const open = taken.slice(answers.length === 0 ? 0 : answers.length).map(({ recipient }) => recipient);
  const done = answers.filter(({ reply }) => isPositive(reply)).map(({ recipient }) => recipient);
  const sure = done.length === 0 ? "" : `; accepted for ${done.join(", ")}`;
  const which = messageId === "" ? "the message" : `the message ${messageId}`;
  return new PortholeError(
    codeOf(thrown),
    `the answer to the message did not come (${messageOf(thrown)}): it is not known whether it was accepted for ${open.join(", ")}${sure}`,
    { hint: `it was not sent again; look for ${which} at the other end before you do`, cause: thrown },
  );
}

function codeOf(thrown: unknown): ErrorCode {
  const own = thrown instanceof PortholeError ? thrown.code : undefined;
  return own === "timeout" || own === "aborted" ? own : "protocol";
}
