/** APPEND (RFC 9051, 6.3.12): a message into a mailbox, with its flags and its date. */
import { PortholeError } from "../../src/errors.js";
import { parseHeader } from "../../src/message/headers.js";
import type { Entry, Source } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { messageEntry } from "./entry.js";
import { type MailPath, mailboxPath } from "./path.js";
import type { Peer } from "./peer.js";
import { mustBeOk, refusal } from "./refusal.js";
import type { Status } from "./response.js";
import { Spool } from "./spool.js";
import { numberOf } from "./values.js";
import { dateTime, quoted } from "./words.js";

/** RFC 9051, 9: a keyword is an atom; `\Recent` is the server's. */
const FLAG = /^\\?[^\s(){%*"\\\]\x00-\x1f\x7f-\uffff]+$/;

export async function append(account: Account, path: MailPath, source: Source): Promise<Entry> {
  if ((source.offset ?? 0) > 0) {
    throw new PortholeError("usage", "a message is not continued", { hint: "write it from the start" });
  }
  await using spool = await Spool.of(source.body);
  await spool.settle();
  const peer = await account.peer();
  if (spool.binary && !peer.capabilities.has("BINARY") && !peer.capabilities.has("IMAP4REV2")) {
    throw new PortholeError("refused", "the message holds NULs, which this server does not take");
  }
  const flags = settable(source.flags ?? []);
  const send = async (levels: readonly string[]) => {
    const raw = await account.rawName(peer, levels);
    const status = await peer.dialogue
      .say({
        words: [
          "APPEND",
          peer.mailboxWord(raw),
          ...(flags.length === 0 ? [] : [`(${flags.join(" ")})`]),
          ...(source.modified === undefined ? [] : [dateTime(source.modified)]),
          { size: spool.size, pieces: spool.octets(), binary: spool.binary },
        ],
        alone: true,
      })
      .status();
    return { levels, raw, status };
  };
  let done = await send(path.levels);
  // `put a.eml imap://host/INBOX/`: the file's name is no mailbox.
  const above = path.levels.slice(0, -1);
  if (done.status.condition === "NO" && above.length > 0 && /\.eml$/i.test(path.levels.at(-1) ?? "")) {
    if (refusal(done.status, "").code === "missing") done = await send(above);
  }
  mustBeOk(done.status, `the message cannot be put into ${done.levels.join("/")}`, "refused");
  const placed = await placeOf(peer, done.raw, done.status, spool.head);
  const place = { levels: done.levels, uidValidity: placed?.uidValidity };
  if (placed === undefined) {
    const url = account.target.href(mailboxPath(done.levels));
    return { url, name: done.levels.join("/"), kind: "mailbox", size: spool.size, meta: {} };
  }
  return messageEntry(account.target, place, {
    uid: placed.uid,
    number: undefined,
    flags,
    size: spool.size,
    received: source.modified,
    modSeq: undefined,
    envelope: undefined,
    labels: undefined,
  });
}

export function settable(flags: readonly string[]): string[] {
  return flags.filter((flag) => FLAG.test(flag) && !/^\\(?:recent|\*)$/i.test(flag));
}

/** APPENDUID (RFC 4315); where the server has none, the newest message with the same Message-ID. */
async function placeOf(
  peer: Peer,
  raw: string,
  { code, codeText }: Status,
  head: Buffer,
): Promise<{ uid: number; uidValidity: number | undefined } | undefined> {
  if (code === "APPENDUID") {
    const [validity, uid] = codeText.split(" ").map((word) => numberOf(word));
    if (uid !== undefined && validity !== undefined) return { uid, uidValidity: validity };
  }
  const id = /<[\x21-\x7e]{1,900}>/.exec(parseHeader(head).raw("message-id") ?? "")?.[0];
  if (id === undefined || peer.selected?.raw !== raw) return undefined;
  const { searchUids } = await import("./searching.js");
  const uids = await searchUids(peer, ["HEADER", "Message-ID", quoted(id)]);
  const uid = uids.at(-1);
  return uid === undefined ? undefined : { uid, uidValidity: peer.selected.uidValidity };
}
