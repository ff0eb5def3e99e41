/** Mailboxes and messages of a Maildir as entries. */
import { parseHeader } from "../../src/message/headers.js";
import type { Entry, Target } from "../../src/plugin.js";
import { levelsOf, readableName } from "./mailbox-name.js";
import { type MaildirFolder, noMessage, type StoredName } from "./maildir-folder.js";
import { sizeIn } from "./maildir-name.js";
import { bare, isPlusFolder } from "./maildir-place.js";
import { HEADER_OCTETS, messageEntry } from "./message-entry.js";
import { MESSAGE_TYPE } from "./message-store.js";
import { hrefOf, type LocalPath, nameOf, textOf } from "./path.js";

/** Octets of a message that hold most headers. */
const FIRST_LOOK = 8 * 1024;

/** A mailbox; nothing is asked about what is in it. */
export function mailboxEntry(target: Target, place: LocalPath, prefix: string): Entry {
  const name = isPlusFolder(place) ? readableName(textOf(place.name)) : nameOf(place);
  return {
    url: hrefOf(target, bare(place), true),
    name: `${prefix}${name}`,
    kind: "mailbox",
    // Maildir++ is flat: where a folder stands in the tree, its name tells.
    meta: isPlusFolder(place) ? { levels: levelsOf(textOf(place.name)) } : {},
  };
}

/** By the name it has now, with what its header tells. @throws PortholeError `missing` */
export async function entryOf(
  target: Target,
  folder: MaildirFolder,
  unique: string,
  prefix: string,
): Promise<Entry> {
  const { handle, name } = await folder.open(unique);
  try {
    const facts = await handle.stat();
    // A folder that something left among the messages is none of them.
    if (facts.isDirectory()) throw noMessage(unique);
    const room = Math.min(facts.size, FIRST_LOOK);
    let head = await handle.read(Buffer.allocUnsafe(room), 0, room, 0);
    if (
      head.bytesRead === FIRST_LOOK &&
      !/\r?\n\r?\n/.test(head.buffer.toString("latin1", 0, head.bytesRead))
    )
      head = await handle.read(Buffer.allocUnsafe(HEADER_OCTETS), 0, HEADER_OCTETS, 0);
    return await messageAt(
      target,
      folder.place,
      name,
      folder.flagsOf(name),
      head.buffer.subarray(0, head.bytesRead),
      facts,
      prefix,
    );
  } finally {
    await handle.close();
  }
}

/** What the file's name tells. */
export function briefEntry(
  target: Target,
  place: LocalPath,
  { unique, sub }: StoredName,
  flags: readonly string[],
  prefix: string,
): Entry {
  const size = sizeIn(unique);
  const name = textOf(Buffer.from(unique, "latin1"));
  return {
    url: hrefOf(target, { ...bare(place), uid: unique }),
    name: `${prefix}${name}`,
    kind: "message",
    ...(size === undefined ? {} : { size }),
    type: MESSAGE_TYPE,
    meta: { uid: name, flags: [...flags], ...(sub === "new" ? { recent: true } : {}) },
  };
}

/** @param head its beginning, the header in it as far as that goes */
export function messageAt(
  target: Target,
  place: LocalPath,
  name: StoredName,
  flags: readonly string[],
  head: Uint8Array,
  facts: { readonly size: number; readonly mtime: Date },
  prefix: string,
): Promise<Entry> {
  return messageEntry({
    url: hrefOf(target, { ...bare(place), uid: name.unique }),
    header: parseHeader(head),
    size: facts.size,
    arrived: facts.mtime,
    flags,
    meta: {
      uid: textOf(Buffer.from(name.unique, "latin1")),
      ...(name.sub === "new" ? { recent: true } : {}),
    },
    prefix,
  });
}
