/** `porthole get --part` and `--attachments`: what is in a message, for any protocol that has messages. */
import { parse } from "node:path";
import { PortholeError } from "../errors.js";
import { attachmentsOf, partOf } from "../message/attachments.js";
import type { Document, Session, Target } from "../plugin.js";
import type { Desk } from "./command.js";
import { type Destination, refuseContainer, saveOne, show } from "./fetch.js";
import { visit } from "./visit.js";

/** @returns a line for standard output about what was saved, with --json */
export function fetchPart(
  desk: Desk,
  target: Target,
  section: string,
  destination: Destination,
): Promise<string | undefined> {
  return visit(desk, target, async (session) => {
    const part = await partOf(await messageAt(session, target), section);
    if (destination.kind !== "output") return saveOne(desk, part, destination);
    await show(desk, part);
    return undefined;
  });
}

/**
 * Saves all attachments into a folder, each under its own name; a name that comes twice gets a number.
 * @returns lines for standard output about what was saved, with --json
 */
export function fetchAttachments(desk: Desk, target: Target, folder: string): Promise<string | undefined> {
  return visit(desk, target, async (session) => {
    const names = new Set<string>();
    let told = "";
    for await (const attachment of attachmentsOf(await messageAt(session, target))) {
      const filename = freeName(attachment.filename ?? "attachment", names);
      told += (await saveOne(desk, { ...attachment, filename }, { kind: "folder", path: folder })) ?? "";
    }
    if (names.size === 0) throw new PortholeError("missing", "the message has no attachments");
    return told === "" ? undefined : told;
  });
}

async function messageAt(session: Session, target: Target): Promise<Document> {
  if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
  refuseContainer(session, target);
  return session.read(target.path);
}

function freeName(wanted: string, names: Set<string>): string {
  const { name, ext } = parse(wanted);
  let free = wanted;
  for (let count = 2; names.has(free.toLowerCase()); count++) free = `${name}-${count}${ext}`;
  names.add(free.toLowerCase());
  return free;
}
