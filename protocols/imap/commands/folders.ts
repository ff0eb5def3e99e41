/** Mailboxes: folders, status, create, rename, delete, subscribe, unsubscribe, namespace, quota, acl, metadata. */
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, JsonObject, Output } from "../../../src/plugin.js";
import * as changing from "../changing.js";
import { countsJson, mailboxEntry } from "../entry.js";
import { findMailbox, isSelectable, listMailboxes, type Mailbox, noMailbox, statusOf } from "../mailboxes.js";
import { decodeMailboxName } from "../modified-utf7.js";
import { mailboxPath } from "../path.js";
import type { Peer } from "../peer.js";
import { mustBeOk } from "../refusal.js";
import type { Data } from "../response.js";
import { inOrder } from "../session.js";
import { listOf, numberOf, textOf, type Value } from "../values.js";
import { astring, plainWord, type Word } from "../words.js";
import { mailboxNamed, mustHaveMailbox, openFirst, record } from "./accounts.js";

/** The tree, with counts, uses and subscriptions. */
export async function* folders(invocation: Invocation): AsyncGenerator<Output> {
  const { account, path, target } = await openFirst(invocation, "folders URL", 0);
  const peer = await account.peer();
  const delimiter = await account.delimiter(peer);
  const depth = path.levels.length;
  const raw = depth === 0 ? undefined : await account.rawName(peer, path.levels);
  const top = raw === undefined ? undefined : await findMailbox(account, peer, raw);
  const onlySubscribed = invocation.options["subscribed"] === true;
  const prefix = raw === undefined ? "" : raw + (delimiter ?? "/");
  const found: Mailbox[] = await listMailboxes(account, peer, { prefix, deep: true, counts: true });
  if (raw !== undefined && top === undefined && found.length === 0) throw noMailbox(path.levels);
  if (raw !== undefined && top !== undefined && found.every((one) => one.levels.length > depth)) {
    const counts = isSelectable(top) ? await statusOf(peer, raw) : undefined;
    found.push({ ...top, levels: path.levels, counts });
  }
  for (const mailbox of inOrder(found)) {
    if (onlySubscribed && mailbox.subscribed !== true) continue;
    const { levels, counts, specialUse, subscribed } = mailbox;
    const entry = mailboxEntry(target, mailbox, true);
    const numbers = isSelectable(mailbox)
      ? `${String(counts?.messages ?? "?").padStart(7)} ${String(counts?.unseen ?? "?").padStart(6)}`
      : "".padStart(14);
    const marks = [specialUse, subscribed === true ? "subscribed" : undefined].filter(Boolean).join(" ");
    yield record(
      `${numbers}  ${"  ".repeat(Math.max(0, levels.length - Math.max(1, depth)))}${levels.at(-1)}${marks === "" ? "" : `  (${marks})`}`,
      {
        name: entry.name,
        url: entry.url,
        ...entry.meta,
        selectable: isSelectable(mailbox),
      },
    );
  }
}

/** STATUS. */
export async function* status(invocation: Invocation): AsyncGenerator<Output> {
  const { account, path } = await openFirst(invocation, "status URL", 0);
  mustHaveMailbox(path, "status URL");
  const peer = await account.peer();
  const counts = await statusOf(peer, await account.rawName(peer, path.levels));
  const words = [
    `${counts.messages ?? 0} messages`,
    `${counts.unseen ?? 0} unseen`,
    ...(counts.size === undefined ? [] : [`${counts.size} octets`]),
    `next UID ${counts.uidNext ?? "?"}`,
    `UIDVALIDITY ${counts.uidValidity ?? "?"}`,
  ];
  yield record(words.join(", "), { mailbox: path.levels.join("/"), ...countsJson(counts) });
}

export async function* create(invocation: Invocation): AsyncGenerator<Output> {
  const { account, path, target } = await openFirst(invocation, "create URL", 0);
  mustHaveMailbox(path, "create URL");
  await changing.create(account, path);
  yield done("created", target.href(mailboxPath(path.levels)));
}

export async function* rename(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "rename URL MAILBOX";
  const { account, path, target, rest } = await openFirst(invocation, usage, 1);
  mustHaveMailbox(path, usage);
  const goal = mailboxNamed(rest[0], usage);
  await changing.rename(account, path, goal);
  yield done("renamed", target.href(mailboxPath(goal.levels)));
}

/** DELETE of one mailbox; what lies beneath it stays. */
export async function* remove(invocation: Invocation): AsyncGenerator<Output> {
  const { account, path, target } = await openFirst(invocation, "delete URL", 0);
  mustHaveMailbox(path, "delete URL");
  const peer = await account.peer();
  await changing.unselect(peer);
  const answer = await peer.dialogue.ask(
    "DELETE",
    peer.mailboxWord(await account.rawName(peer, path.levels)),
  );
  mustBeOk(answer, `the mailbox ${path.levels.join("/")} cannot be removed`);
  yield done("deleted", target.href(mailboxPath(path.levels)));
}

export function subscribe(invocation: Invocation): AsyncGenerator<Output> {
  return subscription(invocation, "SUBSCRIBE");
}

export function unsubscribe(invocation: Invocation): AsyncGenerator<Output> {
  return subscription(invocation, "UNSUBSCRIBE");
}

async function* subscription(
  invocation: Invocation,
  command: "SUBSCRIBE" | "UNSUBSCRIBE",
): AsyncGenerator<Output> {
  const usage = `${command.toLowerCase()} URL`;
  const { account, path, target } = await openFirst(invocation, usage, 0);
  mustHaveMailbox(path, usage);
  const peer = await account.peer();
  const answer = await peer.dialogue.ask(command, peer.mailboxWord(await account.rawName(peer, path.levels)));
  mustBeOk(answer, "the subscription cannot be changed");
  yield done(`${command.toLowerCase()}d`, target.href(mailboxPath(path.levels)));
}

function done(event: string, url: string): Output {
  return record(`${event} ${url}`, { event, url });
}

/** Asks, and gives the data of these names; a server without the extension is told apart. */
async function asked(
  peer: Peer,
  capability: string | undefined,
  words: readonly Word[],
  names: readonly string[],
): Promise<Data[]> {
  const { capabilities } = peer;
  const offers = (name: string) =>
    capabilities.has(name) || capabilities.all.some((one) => one.startsWith(name));
  if (capability !== undefined && !offers(capability)) {
    throw new PortholeError("refused", `the server has no ${capability}`, {
      hint: "`porthole imap capability` shows what it has",
    });
  }
  const answer = peer.dialogue.say({ words, takes: ({ name }) => names.includes(name) });
  const told: Data[] = [];
  for await (const data of answer.data()) if (told.length < 10_000) told.push(data);
  mustBeOk(await answer.status(), "the server refused");
  return told;
}

/** NAMESPACE (RFC 2342). */
export async function* namespace(invocation: Invocation): AsyncGenerator<Output> {
  const { account } = await openFirst(invocation, "namespace URL", 0);
  const told = await asked(await account.peer(), "NAMESPACE", ["NAMESPACE"], ["NAMESPACE"]);
  const kinds = ["personal", "other users", "shared"];
  for (const { values } of told) {
    for (const [at, kind] of kinds.entries()) {
      for (const space of listOf(values[at])) {
        const [prefix, delimiter] = listOf(space);
        const name = decodeMailboxName(textOf(prefix) ?? "");
        const parts = textOf(delimiter) ?? null;
        yield record(`${kind}: "${name}"${parts === null ? "" : `, parted by ${parts}`}`, {
          kind,
          prefix: name,
          delimiter: parts,
        });
      }
    }
  }
}

/** GETQUOTAROOT, or SETQUOTA (RFC 9208) where resources and limits are named: `STORAGE=100000`. */
export async function* quota(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "quota URL [RESOURCE=LIMIT]...";
  const { account, path, rest } = await openFirst(invocation, usage, 100);
  const peer = await account.peer();
  const raw = path.levels.length === 0 ? "INBOX" : await account.rawName(peer, path.levels);
  const told = await asked(peer, "QUOTA", ["GETQUOTAROOT", peer.mailboxWord(raw)], ["QUOTA", "QUOTAROOT"]);
  let quotas = told.filter(({ name }) => name === "QUOTA");
  if (rest.length > 0) {
    const limits = rest.map((word) => {
      const [, resource, limit] = /^([A-Za-z][A-Za-z-]*)=(\d{1,18})$/.exec(word) ?? [];
      if (resource === undefined) throw new PortholeError("usage", `'${word}' is no limit`, { hint: usage });
      return `${resource.toUpperCase()} ${limit}`;
    });
    const root = textOf(quotas[0]?.values[0]) ?? "";
    quotas = await asked(peer, undefined, ["SETQUOTA", astring(root), `(${limits.join(" ")})`], ["QUOTA"]);
  }
  for (const { values } of quotas) {
    const root = decodeMailboxName(textOf(values[0]) ?? "");
    const list = listOf(values[1]);
    for (let at = 0; at + 2 < list.length; at += 3) {
      const [resource, used, limit] = [
        textOf(list[at]) ?? "",
        numberOf(list[at + 1]),
        numberOf(list[at + 2]),
      ];
      const unit = resource.toUpperCase() === "STORAGE" ? " KiB" : "";
      yield record(`${root || "(the account)"}: ${resource} ${used ?? "?"} of ${limit ?? "?"}${unit}`, {
        root,
        resource,
        ...(used === undefined ? {} : { used }),
        ...(limit === undefined ? {} : { limit }),
      });
    }
  }
}

/** GETACL and MYRIGHTS; with a user and rights SETACL, with a user and `none` DELETEACL (RFC 4314). */
export async function* acl(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "acl URL [USER RIGHTS|none]";
  const { account, path, rest } = await openFirst(invocation, usage, 2);
  mustHaveMailbox(path, usage);
  const peer = await account.peer();
  const mailbox = peer.mailboxWord(await account.rawName(peer, path.levels));
  const [user, rights] = rest;
  if (user !== undefined) {
    if (rights === undefined) throw new PortholeError("usage", "which rights?", { hint: usage });
    const words: Word[] =
      rights === "none"
        ? ["DELETEACL", mailbox, astring(user)]
        : ["SETACL", mailbox, astring(user), astring(rights)];
    await asked(peer, "ACL", words, []);
  }
  const mine = await asked(peer, "ACL", ["MYRIGHTS", mailbox], ["MYRIGHTS"]);
  for (const { values } of mine) {
    yield record(`mine: ${textOf(values[1]) ?? ""}`, { mine: true, rights: textOf(values[1]) ?? "" });
  }
  for (const { values } of await asked(peer, "ACL", ["GETACL", mailbox], ["ACL"])) {
    for (let at = 1; at + 1 < values.length; at += 2) {
      const [who, what] = [textOf(values[at]) ?? "", textOf(values[at + 1]) ?? ""];
      yield record(`${who}: ${what}`, { user: who, rights: what });
    }
  }
}

/** GETMETADATA and SETMETADATA (RFC 5464); GETANNOTATION and SETANNOTATION where the server has the draft alone. */
export async function* metadata(invocation: Invocation): AsyncGenerator<Output> {
  const usage = "metadata URL ENTRY [VALUE]";
  const { account, path, rest } = await openFirst(invocation, usage, 2);
  const [entry, value] = rest;
  if (entry === undefined) throw new PortholeError("usage", "which entry?", { hint: usage });
  const peer = await account.peer();
  const raw = path.levels.length === 0 ? "" : await account.rawName(peer, path.levels);
  const mailbox = peer.mailboxWord(raw);
  const old = !peer.capabilities.all.some((one) => one.startsWith("METADATA"));
  if (old && peer.capabilities.has("ANNOTATEMORE")) {
    const attribute = astring("value.shared");
    if (value !== undefined) {
      const set: Word[] = ["SETANNOTATION", mailbox, astring(entry), "(", attribute, astring(value), ")"];
      await asked(peer, undefined, set, []);
    }
    const told = await asked(
      peer,
      undefined,
      ["GETANNOTATION", mailbox, astring(entry), attribute],
      ["ANNOTATION"],
    );
    for (const { values } of told) yield metadataRecord(textOf(values[1]) ?? entry, listOf(values[2])[1]);
    return;
  }
  if (value !== undefined) {
    const set: Word[] = [
      "SETMETADATA",
      mailbox,
      "(",
      astring(entry),
      value === "" ? "NIL" : astring(value),
      ")",
    ];
    await asked(peer, "METADATA", set, []);
  }
  const told = await asked(peer, "METADATA", ["GETMETADATA", mailbox, astring(entry)], ["METADATA"]);
  for (const { values } of told) {
    const list = listOf(values[1]);
    for (let at = 0; at + 1 < list.length; at += 2) {
      yield metadataRecord(textOf(list[at]) ?? entry, list[at + 1]);
    }
  }
}

function metadataRecord(entry: string, value: Value | undefined): Output {
  const text = textOf(value);
  const data: JsonObject = {
    entry,
    value: text === undefined ? null : Buffer.from(text, "latin1").toString("utf8"),
  };
  return record(
    `${entry} ${text === undefined ? "(nothing)" : Buffer.from(text, "latin1").toString("utf8")}`,
    data,
  );
}

/** For `enable` and its like: a word that is an atom. */
export function atomOf(word: string): string {
  if (!/^[A-Za-z0-9.=+_-]+$/.test(plainWord(word))) throw new PortholeError("usage", `'${word}' is no name`);
  return word;
}
