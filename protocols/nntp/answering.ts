/** What an answer takes over from the article that it answers (RFC 5537, 3.4.3). */
import { PortholeError } from "../../src/errors.js";
import { type Header, parseHeader } from "../../src/message/headers.js";
import { messageIdIn, messageIdsIn } from "./entry.js";
import type { FieldText } from "./field-text.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

/** Octets of a header that are looked at. */
const MOST_HEADER = 256 * 1024;

export interface Answered {
  readonly subject: string;
  readonly groups: readonly string[];
  readonly references: readonly string[];
  readonly from: string;
}

/** @throws PortholeError `missing` when the server has not the article, `usage` when its author wants answers by mail */
export async function answering(peer: Peer, id: string, text: FieldText): Promise<Answered> {
  const header = await headerOf(peer, id);
  const followup = (header.raw("followup-to") ?? "").trim();
  if (followup.toLowerCase() === "poster") {
    throw new PortholeError("usage", "the author asks for answers by mail (Followup-To: poster)", {
      hint: `the address is ${(await text(header.raw("reply-to") ?? header.raw("from") ?? "")) || "not given"}`,
    });
  }
  const subject = (await text(header.raw("subject") ?? "")).trim();
  const groups = Buffer.from(
    followup === "" ? (header.raw("newsgroups") ?? "") : followup,
    "latin1",
  ).toString("utf8");
  return {
    // RFC 5536, 3.1.5: one `Re: ` however long the thread.
    subject: /^re:/i.test(subject) ? subject.replace(/^(?:re:\s*)+/i, "Re: ") : `Re: ${subject}`,
    groups: groups
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
    references: [...messageIdsIn(header.raw("references")), messageIdIn(header.raw("message-id")) ?? id],
    from: await text(header.raw("from") ?? ""),
  };
}

/** The header of an article by its Message-ID. */
export async function headerOf(peer: Peer, id: string): Promise<Header> {
  const { reply, answer } = await peer.open(["HEAD", id]);
  if (reply.code !== 221) throw refusal(reply, `the article ${id} cannot be found`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.block()) {
    const octets = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    if (size < MOST_HEADER) chunks.push(octets);
    size += octets.length;
  }
  return parseHeader(Buffer.concat(chunks));
}
