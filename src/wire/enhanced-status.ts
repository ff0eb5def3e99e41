/** Enhanced mail system status codes (RFC 3463) in the text of an SMTP or LMTP reply (RFC 2034, 4). */
import type { Reply } from "./replies.js";

export interface EnhancedStatus {
  /** 2 success, 4 persistent transient failure, 5 permanent failure. */
  readonly class: 2 | 4 | 5;
  /** What it is about: 1 the address, 2 the mailbox, 3 the system, 4 the network, 5 the protocol, 6 content, 7 policy. */
  readonly subject: number;
  readonly detail: number;
  /** As it is written: `5.1.1`. */
  readonly code: string;
  /** The reply's lines without the code, joined by LF. */
  readonly text: string;
}

const CODE = /^([245])\.([0-9]{1,3})\.([0-9]{1,3})(?:[ \t]+|$)/;
const CLASSES = { "2": 2, "4": 4, "5": 5 } as const;

/**
 * The enhanced status code at the beginning of a reply's text, or undefined. One whose class is not the
 * reply code's first digit is text that looks like a code (RFC 2034, 4 forbids it).
 */
export function enhancedStatus(reply: Reply): EnhancedStatus | undefined {
  const [whole, first, subject, detail] = CODE.exec(reply.lines[0] ?? "") ?? [];
  if (first !== "2" && first !== "4" && first !== "5") return undefined;
  if (whole === undefined || Math.floor(reply.code / 100) !== CLASSES[first]) return undefined;
  const code = whole.trimEnd();
  const lines = reply.lines.map((line) =>
    CODE.exec(line)?.[0].trimEnd() === code ? line.replace(CODE, "") : line,
  );
  return {
    class: CLASSES[first],
    subject: Number(subject),
    detail: Number(detail),
    code,
    text: lines.join("\n"),
  };
}
