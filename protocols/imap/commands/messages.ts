/** Messages: flag, unflag, copy, move, expunge, sort, thread, export. */
import { Readable } from "node:stream";
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, JsonValue, Output } from "../../../src/plugin.js";
import { settable } from "../appending.js";
import * as changing from "../changing.js";
import { messageEntry } from "../entry.js";
import { mustHaveLabels } from "../gmail.js";
import { byUid } from "../messages.js";
import { mailboxPath, messagePath } from "../path.js";
import { readMany } from "../reading-many.js";
import { mustBeOk } from "../refusal.js";
import { parseSearch } from "../search-words.js";
import { searchUids } from "../searching.js";
import { threads } from "../threads.js";
import { numberOf } from "../values.js";
import { mailboxNamed, mustHaveMailbox, openFirst, record, uidsOf } from "./accounts.js";

const SYSTEM: Readonly<Record<string, string>> = {
  seen: "\\Seen",
  read: "\\Seen",
  answered: "\\Answered",
  flagged: "\\Flagged",
  starred: "\\Flagged",
  deleted: "\\Deleted",
  draft: "\\Draft",
};

export function flag(invocation: Invocation): AsyncGenerator<Output> {
  return changeFlags(invocation, "+FLAGS");
}

export function unflag(invocation: Invocation): AsyncGenerator<Output> {
  return changeFlags(invocation, "-FLAGS");
}

/** STORE: flags as people call them (`seen`), as IMAP does (`\Seen`), keywords (`$Forwarded`); `label:x` at Gmail. */
async function* changeFlags(invocation: Invocation, change: "+FLAGS" | "-FLAGS"): AsyncGenerator<Output> {
  const usage = `${change === "+FLAGS" ? "flag" : "unflag"} URL FLAG...`;
  const { account, path, rest } = await openFirst(invocation, usage, 100);
  mustHaveMailbox(path, usage);
  const labels = rest.filter((word) => word.startsWith("label:")).map((word) => word.slice(6));
  const words = rest
    .filter((word) => !word.startsWith("label:"))
    .map((word) => (Object.hasOwn(SYSTEM, word.toLowerCase()) ? (SYSTEM[word.toLowerCase()] ?? word) : word));
  const flags = settable(words);
  if (flags.length !== words.length || flags.length + labels.length === 0) {
    throw new PortholeError("usage", "which flags?", {
      hint: `${usage}: seen, flagged, answered, or a keyword`,
    });
  }
  const { peer } = await account.select(path, "write");
  if (labels.length > 0) mustHaveLabels(peer);
  const uids = await uidsOf(peer, path, usage);
  if (uids.length === 0) throw nothing();
  if (flags.length > 0) await changing.store(peer, uids, change, flags);
  await changing.storeLabels(peer, uids, change === "+FLAGS" ? "+" : "-", labels);
  for await (const message of byUid(peer, uids)) {
    const place = { levels: path.levels, uidValidity: peer.selected?.uidValidity };
    yield { kind: "entry", entry: messageEntry(account.target, place, message) };
  }
}

export function copy(invocation: Invocation): AsyncGenerator<Output> {
  return carry(invocation, "copy");
}

export function move(invocation: Invocation): AsyncGenerator<Output> {
  return carry(invocation, "move");
}

async function* carry(invocation: Invocation, what: "copy" | "move"): AsyncGenerator<Output> {
  const usage = `${what} URL MAILBOX`;
  const { account, path, rest, target } = await openFirst(invocation, usage, 1);
  mustHaveMailbox(path, usage);
  const goal = mailboxNamed(rest[0], usage);
  const { peer } = await account.select(path, what === "move" ? "write" : "read");
  const uids = await uidsOf(peer, path, usage);
  if (uids.length === 0) throw nothing();
  const raw = await account.rawName(peer, goal.levels);
  const carried = what === "copy" ? changing.copy : changing.move;
  const done = await carried(peer, uids, raw);
  for (const uid of uids) {
    const there = done.uids.get(uid);
    const url = target.href(
      there === undefined ? mailboxPath(goal.levels) : messagePath(goal.levels, done.uidValidity, there),
    );
    const event = what === "copy" ? "copied" : "moved";
    yield record(`${event} ${uid} to ${url}`, { event, uid, url });
  }
}

/** EXPUNGE of a mailbox: all that is marked as deleted; of a message: that one. */
export async function* expunge(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "expunge URL";
  const { account, path } = await openFirst(invocation, usage, 0);
  mustHaveMailbox(path, usage);
  const { peer } = await account.select(path, "write");
  const marked = await searchUids(peer, ["DELETED"]);
  const named = path.uid === undefined && path.query === undefined ? marked : await uidsOf(peer, path, usage);
  const meant = named.filter((uid) => marked.includes(uid));
  if (path.uid !== undefined && meant.length === 0) {
    throw new PortholeError("missing", "the message is not marked as deleted", {
      hint: "rm removes it; `porthole imap flag URL deleted` marks it",
    });
  }
  await changing.expunge(peer, meant);
  for (const uid of meant) yield record(`removed ${uid}`, { event: "removed", uid });
}

function nothing(): PortholeError {
  return new PortholeError("missing", "there is no such message", { hint: "`ls` shows what there is" });
}

const SORTABLE = "arrival, cc, date, from, size, subject, to; size:desc for the other way round";
/** Messages whose headers are asked for at once. */
const PORTION = 500;

/** SORT (RFC 5256) by the server; the keys as people write them: `date`, `-size`, `subject`. */
export async function* sort(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "sort URL KEY[,KEY]... [SEARCH]...";
  const { account, path, rest } = await openFirst(invocation, usage, 1000);
  mustHaveMailbox(path, usage);
  const [keys, ...words] = rest;
  if (keys === undefined)
    throw new PortholeError("usage", "sorted by what?", { hint: `${usage}: ${SORTABLE}` });
  const names = keys.split(",").map((key) => {
    // A leading `-` would be an option: `size:desc` needs no `--` before it.
    const reversed = /^-|:desc$/i.test(key);
    const name = key.replace(/^-|:(?:desc|asc)$/gi, "").toUpperCase();
    if (!/^(?:ARRIVAL|CC|DATE|FROM|SIZE|SUBJECT|TO|DISPLAYFROM|DISPLAYTO)$/.test(name)) {
      throw new PortholeError("usage", `'${key}' is nothing to sort by`, {
        hint: SORTABLE,
      });
    }
    return reversed ? `REVERSE ${name}` : name;
  });
  const { peer, selected } = await account.select(path, "read");
  mustHave(peer.capabilities.all, "SORT");
  const search = parseSearch(words.join(" "));
  const answer = peer.dialogue.say({
    words: ["UID SORT", `(${names.join(" ")})`, "UTF-8", ...search.words],
    takes: ({ name }) => name === "SORT",
  });
  const uids: number[] = [];
  for await (const { values } of answer.data()) {
    for (const value of values) uids.push(numberOf(value) ?? 0);
  }
  mustBeOk(await answer.status(), "the server does not sort");
  const place = { levels: path.levels, uidValidity: selected.uidValidity };
  // In portions, each put back into its order.
  for (let at = 0; at < uids.length; at += PORTION) {
    const some = uids.slice(at, at + PORTION);
    const found = new Map<number, Output>();
    for await (const message of byUid(peer, some)) {
      found.set(message.uid, { kind: "entry", entry: messageEntry(account.target, place, message) });
    }
    for (const uid of some) {
      const output = found.get(uid);
      if (output !== undefined) yield output;
    }
  }
}

/** Each thread as a record, its answers within it: THREAD (RFC 5256), or what the messages' headers tell. */
export async function* thread(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "thread URL [SEARCH]...";
  const { account, path, rest } = await openFirst(invocation, usage, 1000);
  mustHaveMailbox(path, usage);
  const { peer, selected } = await account.select(path, "read");
  const search = rest.length === 0 ? undefined : parseSearch(rest.join(" "));
  for await (const members of threads(peer, selected, { search, limit: Number.POSITIVE_INFINITY })) {
    const lines = members.map(
      ({ message, depth }) => `${"  ".repeat(depth)}${message.uid} ${message.envelope?.subject ?? ""}`,
    );
    yield record(lines.join("\n"), {
      subject: members[0]?.message.envelope?.subject ?? "",
      messages: members.map(
        ({ message: { uid }, depth }): JsonValue => ({
          uid,
          depth,
          url: account.target.href(messagePath(path.levels, selected.uidValidity, uid)),
        }),
      ),
    });
  }
}

function mustHave(capabilities: readonly string[], name: string): void {
  if (capabilities.some((one) => one === name || one.startsWith(`${name}=`))) return;
  throw new PortholeError("refused", `the server has no ${name}`, {
    hint: "`porthole imap capability` shows what it has",
  });
}

/** All messages of a mailbox, or those of its search, as one mbox (RFC 4155; quoted as mboxrd). */
export async function* exportMbox(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "export URL";
  const { account, path, target } = await openFirst(invocation, usage, 0);
  mustHaveMailbox(path, usage);
  const { peer, selected } = await account.select(path, "read");
  const whole = path.uid === undefined && path.query === undefined;
  const uids = whole ? await searchUids(peer, ["ALL"]) : await uidsOf(peer, path, usage);
  const paths = async function* () {
    for (const uid of uids) yield messagePath(path.levels, selected.uidValidity, uid);
  };
  const octets = async function* () {
    for await (const result of readMany(account, paths())) {
      if ("error" in result) {
        if (result.error.code === "missing") continue;
        throw result.error;
      }
      const { entry, body } = result.document;
      yield Buffer.from(`From MAILER-DAEMON ${asctime(entry.modified ?? new Date(0))}\n`);
      yield* quotedLines(body);
      yield Buffer.from("\n");
    }
  };
  const url = target.href(mailboxPath(path.levels));
  yield {
    kind: "document",
    document: {
      entry: {
        url,
        name: `${path.levels.at(-1) ?? "mailbox"}.mbox`,
        kind: "file",
        type: "application/mbox",
        meta: {},
      },
      type: "application/mbox",
      offset: 0,
      filename: `${path.levels.at(-1) ?? "mailbox"}.mbox`,
      body: Readable.from(octets(), { objectMode: false }),
    },
  };
}

/** Lines ended by LF; `From ` at their beginning, quoted already or not, gets one `>` more. */
async function* quotedLines(body: Readable): AsyncGenerator<Buffer> {
  let held = "";
  for await (const chunk of body) {
    const text = held + (Buffer.isBuffer(chunk) ? chunk.toString("latin1") : String(chunk));
    const cut = text.lastIndexOf("\n") + 1;
    held = text.slice(cut);
    if (cut > 0) yield Buffer.from(unixLines(text.slice(0, cut)), "latin1");
  }
  if (held !== "") yield Buffer.from(`${unixLines(held)}\n`, "latin1");
}

function unixLines(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(/^(>*From )/gm, ">$1");
}

/** `Mon Nov  2 08:00:00 2026`, in UTC. */
function asctime(date: Date): string {
  const [weekday = "", day = "", month = "", year = "", time = ""] = date
    .toUTCString()
    .replace(",", "")
    .split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}
